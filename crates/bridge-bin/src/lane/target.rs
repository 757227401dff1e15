//! What the lanes of one instance share.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use bridge_core::capability::Capabilities;
use bridge_http::{Outbound, PoolShare};
use tokio::sync::Notify;

use super::gate::Gate;

/// An instance, as its lanes see it.
pub(crate) struct Target {
    pub(crate) outbound: Outbound,
    pub(crate) capabilities: Capabilities,
    pub(crate) channel_rate_per_minute: u32,
    /// Closed while the platform asks the whole instance to wait.
    pub(crate) gate: Arc<Gate>,
    /// Sends that run.
    pub(crate) in_flight: InFlight,
    /// The threads that its client may take.
    #[expect(dead_code, reason = "it is given back when this is dropped")]
    pub(crate) threads: Option<PoolShare>,
    pub(crate) retirement: Retirement,
}

/// Says that another target, or none, has taken this one's place. Sends that run are finished.
///
/// Whoever waits is told in the order in which they began to wait, which a watch channel does not
/// promise: so a simulated world can be made again.
#[derive(Debug, Default)]
pub(crate) struct Retirement {
    is_over: AtomicBool,
    said: Notify,
}

impl Retirement {
    /// To be said once the place is taken.
    pub(crate) fn declare(&self) {
        self.is_over.store(true, Release);
        self.said.notify_waiters();
    }

    /// Resolves when it was said.
    pub(crate) async fn declared(&self) {
        let mut said = pin!(self.said.notified());
        // Before the look, so that what is said after it is heard.
        said.as_mut().enable();
        if !self.is_over.load(Acquire) {
            said.await;
        }
    }
}

/// Counts the sends that run: those of one target, and those of its instance. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight {
    own: Arc<Running>,
    of_instance: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Running {
    count: AtomicU64,
    ended: Notify,
}

impl InFlight {
    /// That of the target which takes this one's place.
    pub(crate) fn succeeded(&self) -> Self {
        Self {
            own: Arc::default(),
            of_instance: Arc::clone(&self.of_instance),
        }
    }

    /// Counts one send until what it returns is dropped.
    pub(crate) fn begin(&self) -> InFlightSend {
        self.own.count.fetch_add(1, Relaxed);
        self.of_instance.fetch_add(1, Relaxed);
        InFlightSend(self.clone())
    }

    /// How many of the instance run.
    pub(crate) fn count(&self) -> u64 {
        self.of_instance.load(Relaxed)
    }

    /// Resolves when none of the target runs.
    pub(crate) async fn idle(&self) {
        loop {
            let mut ended = pin!(self.own.ended.notified());
            // Before the look, so that what ends after it is heard.
            ended.as_mut().enable();
            if self.own.count.load(Relaxed) == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// A send that runs.
#[derive(Debug)]
pub(crate) struct InFlightSend(InFlight);

impl Drop for InFlightSend {
    fn drop(&mut self) {
        let InFlight { own, of_instance } = &self.0;
        of_instance.fetch_sub(1, Relaxed);
        if own.count.fetch_sub(1, Relaxed) == 1 {
            own.ended.notify_waiters();
        }
    }
}
