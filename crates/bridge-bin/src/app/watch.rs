//! Says when to look at the files again: after events in their folders, and every few seconds, since
//! not every mount gives events.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{debug, warn};

/// How often the files are looked at without an event.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Watches folders rather than files: a file that is replaced is another one, and would no longer be
/// watched.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    followed: BTreeSet<PathBuf>,
    happened: Arc<Notify>,
    ticks: Interval,
}

impl Watch {
    /// Must be called inside a tokio runtime.
    pub(super) fn new() -> Self {
        let happened = Arc::new(Notify::new());
        let tell = Arc::clone(&happened);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Reading the files is an event as well.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            tell.notify_one();
        });
        let watcher = watcher.map_err(|error| {
            warn!(%error, "the files' folders can't be watched; they are looked at every {} seconds", LOOK_EVERY.as_secs());
        });
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            watcher: watcher.ok(),
            followed: BTreeSet::new(),
            happened,
            ticks,
        }
    }

    /// Watches these folders, and no others.
    pub(super) fn follow(&mut self, folders: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for gone in self.followed.difference(&folders) {
            // It may have been removed, and is no longer watched then.
            watcher.unwatch(gone).ok();
        }
        self.followed.retain(|folder| folders.contains(folder));
        for folder in folders {
            if self.followed.contains(&folder) {
                continue;
            }
            // One that is missing or can't be watched is looked at all the same, and tried again.
            match watcher.watch(existing(&folder), RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.followed.insert(folder)),
                Err(error) => {
                    debug!(folder = %folder.display(), %error, "this folder can't be watched");
                }
            }
        }
    }

    /// Resolves when the files may have changed. May be dropped.
    pub(super) async fn perhaps_changed(&mut self) {
        tokio::select! {
            () = self.happened.notified() => {}
            _ = self.ticks.tick() => {}
        }
    }
}

/// The parent of a bare file name is the working directory.
fn existing(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}
