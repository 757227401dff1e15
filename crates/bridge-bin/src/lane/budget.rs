//! The rate budget of one channel. Permissions are written down before they are used, so that the
//! limit holds across a restart.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::id::Channel;
use bridge_core::ports::Clock;
use bridge_core::store::{Store, StoreError};
use bridge_http::Budget;
use tracing::error;

const MINUTE: Duration = Duration::from_secs(60);

/// How far back is looked for what an earlier run used: twice the window, since what was written down
/// just before a window may have been sent within it.
const LOOK_BACK: Duration = Duration::from_secs(120);

/// The pause after the store could not be read or written.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The permissions that a lane has to send to its channel.
pub(super) struct ChannelBudget {
    budget: Budget,
    channel: Channel,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl ChannelBudget {
    /// A budget that goes on where an earlier run has left it; waits until the store can tell.
    pub(super) async fn open(
        per_minute: u32,
        channel: &Channel,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let mut budget = Budget::new(per_minute, MINUTE);
        if budget.is_limited() {
            let since = clock.now().minus(LOOK_BACK);
            let mut used = loop {
                match store.spent(channel, since).await {
                    Ok(used) => break used,
                    Err(StoreError::Closed) => break Vec::new(),
                    Err(error) => error!(%channel, %error, "the store can't be read; trying again"),
                }
                clock.sleep(AGAIN_AFTER).await;
            };
            // Written down before the send, and before the next one was: so it was sent between the
            // two, and the last one until now.
            if !used.is_empty() {
                used.remove(0);
                used.push(clock.now());
            }
            budget = budget.with_used(used);
        }
        Self {
            budget,
            channel: channel.clone(),
            store: Arc::clone(store),
            clock: Arc::clone(clock),
        }
    }

    /// Resolves when there is a permission. The lane is the only one that uses it up.
    pub(super) async fn available(&self) {
        self.budget.available(&*self.clock).await;
    }

    /// Uses a permission.
    ///
    /// # Errors
    ///
    /// If that can't be written; nothing may be sent then.
    pub(super) async fn spend(&self) -> Result<(), StoreError> {
        if !self.budget.is_limited() {
            return Ok(());
        }
        self.store.spend(&self.channel, self.clock.now()).await?;
        // Counted from when it is used: the disk may have taken its time.
        self.budget.acquire(&*self.clock).await;
        Ok(())
    }
}
