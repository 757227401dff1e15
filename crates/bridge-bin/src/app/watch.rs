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

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for an event, without the help of the ticks.
    async fn hears(watch: &Watch) -> bool {
        let patience = Duration::from_secs(60);
        let heard = tokio::time::timeout(patience, watch.happened.notified());
        heard.await.is_ok()
    }

    #[tokio::test]
    async fn a_file_that_is_replaced_is_an_event_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rules.json");
        let mut watch = Watch::new();
        // One that is not there does not keep the others from being watched.
        let missing = dir.path().join("missing");
        watch.follow([missing, dir.path().to_owned()].into());
        for _ in 0..2 {
            std::fs::write(dir.path().join("new"), "{}").unwrap();
            std::fs::rename(dir.path().join("new"), &file).unwrap();
            assert!(hears(&watch).await);
        }
    }

    #[tokio::test]
    async fn other_folders_are_watched_in_the_place_of_earlier_ones() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut watch = Watch::new();
        watch.follow([first.path().to_owned()].into());
        watch.follow([second.path().to_owned()].into());
        assert_eq!(watch.followed, [second.path().to_owned()].into());
        std::fs::write(second.path().join("x"), "").unwrap();
        assert!(hears(&watch).await);
    }
}
