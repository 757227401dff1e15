//! What a change has to end: sends and requests that run are finished, and what is queued for an
//! instance that is gone is parked.

use bridge_core::id::InstanceId;
use bridge_core::store::StoreError;
use tracing::{error, warn};

use super::site::{Change, Site};

/// Deliveries that are parked in one commit: few enough not to hold up what comes in.
const PARK_AT_ONCE: usize = 256;

/// Why a delivery was parked.
const REASON: &str = "its instance was removed from the config";

/// An instance that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) instance: InstanceId,
    /// Its deliveries that are dead letters now.
    pub(super) parked: usize,
    /// Why there may be more, which are still queued.
    pub(super) failure: Option<StoreError>,
}

impl Site {
    /// Waits until what the change has closed is closed, and the instances that it removed have
    /// finished what they were at; then parks what is queued for them.
    ///
    /// A send takes its `attempt_timeout` at most, a request that is being read ten seconds.
    pub(super) async fn drain(&mut self, change: &Change) -> Vec<Removed> {
        for door in &mut self.closing {
            door.freed().await;
        }
        for instance in &change.removed {
            self.dispatcher.close_lanes(instance).await;
        }
        for mut worker in std::mem::take(&mut self.leaving) {
            worker.end().await;
        }
        if change.removed.is_empty() {
            return Vec::new();
        }
        // What the rules before decided to send there is committed then, and can be parked.
        self.generations.only_current().await;
        let mut all = Vec::new();
        for instance in &change.removed {
            let removed = self.park(instance).await;
            report(&removed);
            all.push(removed);
        }
        all
    }

    async fn park(&self, instance: &InstanceId) -> Removed {
        let mut removed = Removed {
            instance: instance.clone(),
            parked: 0,
            failure: None,
        };
        loop {
            let now = self.workshop.clock.now();
            match self.store.park(instance, REASON, PARK_AT_ONCE, now).await {
                Ok(parked) => {
                    removed.parked += parked;
                    if parked < PARK_AT_ONCE {
                        return removed;
                    }
                }
                Err(error) => {
                    removed.failure = Some(error);
                    return removed;
                }
            }
        }
    }
}

fn report(removed: &Removed) {
    let Removed {
        instance,
        parked,
        failure,
    } = removed;
    if let Some(error) = failure {
        error!(
            %instance, parked, %error,
            "deliveries to an instance that was removed stay in the store; they can't be parked"
        );
    } else if *parked > 0 {
        warn!(
            %instance, parked,
            "deliveries to an instance that was removed are dead letters now; replay them if it comes back"
        );
    }
}
