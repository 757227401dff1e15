//! The work that instances do by themselves (`Driver::run`), supervised: begun anew when it has ended,
//! after a pause that grows while it keeps failing.

mod pause;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Batch, Busy, ErasedDriver, RunError, Work};
use bridge_core::id::{Address, InstanceId};
use bridge_core::outcome::ErrorKind;
use bridge_core::ports::Clock;
use bridge_http::Intake;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{error, info, warn};

use self::pause::Pauses;
use crate::intake::InstanceIntake;
use crate::lane::Target;

/// How long a driver may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a worker works with.
pub(super) struct Job {
    pub(super) instance: InstanceId,
    pub(super) driver: Arc<dyn ErasedDriver>,
    pub(super) intake: InstanceIntake,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) target: Arc<Target>,
}

/// The work of one instance. Dropping it cuts the work off.
pub(super) struct Worker {
    channels: watch::Sender<Arc<[Address]>>,
    ending: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Worker {
    /// Begins the work, once `before`, the same instance's, has ended.
    pub(super) fn start(job: Job, channels: Arc<[Address]>, before: Option<Self>) -> Self {
        let (channels, named) = watch::channel(channels);
        let (ending, ended) = watch::channel(false);
        let task = tokio::spawn(async move {
            if let Some(mut before) = before {
                before.end().await;
            }
            Supervised::new(job, named, ended).run().await;
        });
        Self {
            channels,
            ending,
            task: Some(task),
        }
    }

    /// Says which channels the rules name now.
    pub(super) fn name(&self, channels: Arc<[Address]>) {
        self.channels.send_if_modified(|known| {
            let differs = **known != *channels;
            if differs {
                *known = channels;
            }
            differs
        });
    }

    /// Has the work end once the sends that run over it have ended, and waits for that.
    pub(super) async fn end(&mut self) {
        self.ending.send_replace(true);
        if let Some(task) = &mut self.task {
            // An error means that it panicked, which the runtime has reported.
            task.await.ok();
            self.task = None;
        }
    }
}

impl Worker {
    /// Ends the work at once.
    pub(super) async fn cut_off(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.end().await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// The work, run again and again.
struct Supervised {
    job: Job,
    place: Arc<Place>,
    ending: watch::Receiver<bool>,
    pauses: Pauses,
}

/// How a run ended.
enum Ended {
    /// As it was told to.
    Told,
    /// By itself.
    Failed(RunError),
}

impl Supervised {
    fn new(
        job: Job,
        channels: watch::Receiver<Arc<[Address]>>,
        ending: watch::Receiver<bool>,
    ) -> Self {
        let place = Arc::new(Place {
            instance: job.instance.clone(),
            intake: job.intake.clone(),
            target: Arc::clone(&job.target),
            channels,
            ending: ending.clone(),
            is_reached: AtomicBool::new(false),
        });
        Self {
            job,
            place,
            ending,
            pauses: Pauses::default(),
        }
    }

    async fn run(mut self) {
        loop {
            let begun = self.job.clock.now();
            let Ended::Failed(error) = self.once().await else {
                return;
            };
            let was_reached = self.place.is_reached.swap(false, Ordering::Relaxed);
            let held = self.job.clock.now().since(begun);
            let pause = self.pauses.next(&error, was_reached.then_some(held));
            self.report(&error, was_reached, pause);
            let pause = self.job.clock.sleep(pause);
            tokio::select! {
                biased;
                _ = self.ending.wait_for(|ending| *ending) => return,
                () = pause => {}
            }
        }
    }

    /// Runs the driver's work in a task of its own, so that a panic in it is one more failure.
    async fn once(&mut self) -> Ended {
        let (driver, place) = (Arc::clone(&self.job.driver), Arc::clone(&self.place));
        let mut task = JoinSet::new();
        task.spawn(async move { driver.run(&*place).await });
        let ended = tokio::select! {
            biased;
            ended = task.join_next() => ended,
            () = told(&mut self.ending, &self.job.target) => {
                // Cut off, if it does not end by itself.
                let goodbye = self.job.clock.sleep(GOODBYE);
                tokio::select! {
                    _ = task.join_next() => {}
                    () = goodbye => {}
                }
                return Ended::Told;
            }
        };
        let failed = |kind, detail: &str| Ended::Failed(RunError::new(kind, detail));
        match ended {
            Some(Ok(Err(error))) => Ended::Failed(error),
            Some(Ok(Ok(()))) if *self.ending.borrow() => Ended::Told,
            Some(Ok(Ok(()))) => failed(ErrorKind::Protocol, "the driver's work ended by itself"),
            Some(Err(_)) | None => failed(ErrorKind::Protocol, "the driver panicked; see the log"),
        }
    }

    fn report(&self, failure: &RunError, was_reached: bool, pause: Duration) {
        let instance = &self.job.instance;
        let again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        if Pauses::needs_a_person(failure) {
            error!(%instance, error = %failure, again_in_ms, "the platform refuses the instance; look at its settings");
        } else if was_reached {
            warn!(%instance, error = %failure, again_in_ms, "lost the platform");
        } else {
            warn!(%instance, error = %failure, again_in_ms, "the platform is not reached");
        }
    }
}

/// Resolves once the work is to end and nothing is being sent over it any more.
async fn told(ending: &mut watch::Receiver<bool>, target: &Target) {
    // An error means that nobody is left to tell.
    ending.wait_for(|ending| *ending).await.ok();
    target.in_flight.idle().await;
}

/// Where the driver's work meets the bridge.
struct Place {
    instance: InstanceId,
    intake: InstanceIntake,
    target: Arc<Target>,
    channels: watch::Receiver<Arc<[Address]>>,
    ending: watch::Receiver<bool>,
    is_reached: AtomicBool,
}

impl Work for Place {
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>> {
        Intake::take(&self.intake, batch)
    }

    fn reached(&self) {
        if !self.is_reached.swap(true, Ordering::Relaxed) {
            info!(instance = %self.instance, "reached the platform");
        }
    }

    fn channels(&self) -> Arc<[Address]> {
        Arc::clone(&self.channels.borrow())
    }

    fn channels_changed(&self, known: &Arc<[Address]>) -> BoxFuture<'_, ()> {
        let (mut channels, known) = (self.channels.clone(), Arc::clone(known));
        Box::pin(async move {
            let differs = |named: &Arc<[Address]>| **named != *known;
            let has_changed = channels.wait_for(differs).await.is_ok();
            if !has_changed {
                // Nobody will name others any more.
                std::future::pending::<()>().await;
            }
        })
    }

    fn stopping(&self) -> BoxFuture<'_, ()> {
        let mut ending = self.ending.clone();
        Box::pin(async move { told(&mut ending, &self.target).await })
    }
}

#[cfg(test)]
mod tests;
