//! Reads the files again and applies them: when asked, on a signal, and when they have changed. One
//! reload at a time.

mod answer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::config::{FilesDigest, Loaded};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::site::Site;
use super::watch::Watch;
use crate::files::{Origin, Reading, Seen};
use crate::logging;

pub(crate) use answer::{Cause, Parked, Reloaded};

/// Orders that may wait; one more is dropped, since those before it will do.
const ORDERS: usize = 16;

/// How long files must have stayed the same before they are read: whoever writes them may not have
/// finished.
const SETTLE: Duration = Duration::from_millis(250);

/// How often that is waited for before they are read all the same.
const MOST_SETTLING: usize = 20;

/// Orders reloads. Clones order the same.
#[derive(Debug, Clone)]
pub(crate) struct Reloads(mpsc::Sender<Order>);

#[derive(Debug)]
struct Order {
    cause: Cause,
    answer: Option<oneshot::Sender<Reloaded>>,
}

impl Reloads {
    /// Orders a reload and waits for what comes of it; `None` if the bridge is stopping.
    pub(crate) async fn ask(&self, cause: Cause) -> Option<Reloaded> {
        let (answer, wait) = oneshot::channel();
        let order = Order {
            cause,
            answer: Some(answer),
        };
        self.0.send(order).await.ok()?;
        wait.await.ok()
    }

    /// Orders a reload; what comes of it is logged.
    pub(super) fn order(&self, cause: Cause) {
        let answer = None;
        // A full line is as good as one more order.
        self.0.try_send(Order { cause, answer }).ok();
    }
}

/// The task behind [`Reloads`].
pub(super) struct Reloader {
    site: Arc<Mutex<Site>>,
    origin: Arc<Origin>,
    /// Of the files that are in force.
    applied: FilesDigest,
    /// What was read last, good or bad.
    seen: Seen,
    watch: Option<Watch>,
}

impl Reloader {
    /// Starts it; it ends when `stopping` turns true, after the reload that is under way.
    pub(super) fn spawn(
        site: Arc<Mutex<Site>>,
        origin: Origin,
        stopping: watch::Receiver<bool>,
    ) -> (Reloads, JoinHandle<()>) {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let watch = origin.is_watched.then(Watch::new);
        let reloader = Self {
            site,
            applied: origin.digest,
            seen: origin.seen.clone(),
            origin: Arc::new(origin),
            watch,
        };
        let task = tokio::spawn(reloader.run(inbox, stopping));
        (Reloads(orders), task)
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Order>, mut stopping: watch::Receiver<bool>) {
        self.follow();
        loop {
            let order = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return,
                order = inbox.recv() => match order {
                    Some(order) => Some(order),
                    None => return,
                },
                () = perhaps_changed(&mut self.watch) => None,
            };
            let Some(Order { cause, answer }) = order else {
                let settled = tokio::select! {
                    biased;
                    _ = stopping.wait_for(|stopping| *stopping) => return,
                    settled = self.settled() => settled,
                };
                if let Some(reading) = settled {
                    self.apply(Cause::Files, reading).await;
                }
                continue;
            };
            let reloaded = self.reload(cause).await;
            if let Some(answer) = answer {
                // Who asked may have gone; it is in the log as well.
                answer.send(reloaded).ok();
            }
        }
    }

    /// Reads and applies the files as they are now.
    async fn reload(&mut self, cause: Cause) -> Reloaded {
        match self.read().await {
            Some(reading) => self.apply(cause, reading).await,
            None => {
                let reason = "reading the files failed; see the log";
                Reloaded::not_applied(self.applied, reason)
            }
        }
    }

    /// The files, if they are others than were read last, once nobody seems to write them any more.
    async fn settled(&mut self) -> Option<Reading> {
        let mut found = self.look().await?;
        if found == self.seen {
            return None;
        }
        for _ in 0..MOST_SETTLING {
            tokio::time::sleep(SETTLE).await;
            let again = self.look().await?;
            if again != found {
                found = again;
                continue;
            }
            if found == self.seen {
                return None;
            }
            let reading = self.read().await?;
            if reading.seen == found {
                return Some(reading);
            }
            found = reading.seen;
        }
        self.read().await
    }

    async fn look(&self) -> Option<Seen> {
        let (origin, seen) = (Arc::clone(&self.origin), self.seen.clone());
        // An error means that it panicked, which the runtime has reported.
        let looked = tokio::task::spawn_blocking(move || origin.look(&seen));
        looked.await.ok()
    }

    async fn read(&self) -> Option<Reading> {
        let origin = Arc::clone(&self.origin);
        let read = tokio::task::spawn_blocking(move || origin.read());
        read.await.ok()
    }

    /// Applies what was read, or says why not.
    async fn apply(&mut self, cause: Cause, reading: Reading) -> Reloaded {
        let Reading { loaded, seen } = reading;
        self.seen = seen;
        self.follow();
        let Loaded {
            setup,
            diagnostics,
            digest,
            ..
        } = loaded;
        logging::diagnostics(&diagnostics);
        let Some(setup) = setup else {
            let refused = Reloaded::refused(digest, &diagnostics);
            match &refused {
                Reloaded::NotApplied { reason, .. } => not_applied(cause, digest, reason),
                _ => error!(%cause, %digest, "the files have errors; nothing was changed"),
            }
            return refused;
        };
        let mut site = self.site.lock().await;
        if digest == self.applied && site.has_same_instances(&setup) {
            info!(%cause, %digest, "the files are those that are in force; nothing was changed");
            return Reloaded::Unchanged {
                digest: digest.to_string(),
                needs_restart: answer::texts(site.needs_restart(&setup.global)),
            };
        }
        // An earlier run's sends are counted for an instance that comes back.
        let change = match site.change(setup, true).await {
            Ok(change) => change,
            Err(refusal) => {
                not_applied(cause, digest, &refusal);
                return Reloaded::not_applied(digest, refusal);
            }
        };
        self.applied = digest;
        info!(
            %cause, %digest, generation = change.generation,
            added = answer::list(&change.added), changed = answer::list(&change.changed),
            removed = answer::list(&change.removed), untouched = change.untouched,
            "reloaded"
        );
        if !change.needs_restart.is_empty() {
            warn!(
                keys = change.needs_restart.join(" "),
                "these keys were changed and need a restart"
            );
        }
        let parked = site.drain(&change).await;
        Reloaded::applied(digest, &change, &parked, &diagnostics)
    }

    /// Watches where the files are that were read last.
    fn follow(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.follow(self.origin.folders(&self.seen));
        }
    }
}

fn not_applied(cause: Cause, digest: FilesDigest, reason: &dyn fmt::Display) {
    error!(%cause, %digest, %reason, "the files can't be applied; nothing was changed");
}

async fn perhaps_changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.perhaps_changed().await,
        None => std::future::pending().await,
    }
}
