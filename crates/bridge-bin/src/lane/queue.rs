//! Where a lane takes its next delivery from: its window, filled from the store as needed.

use std::sync::Arc;

use tracing::{error, warn};

use super::window::REFILL;
use super::{Context, Lane, STORE_AGAIN_AFTER, Stopping, report};
use bridge_core::store::{DeliveryId, QueuedDelivery, StoreError};

/// What came of reading what the window lacks.
pub(super) enum Refill {
    /// The store was read; there may have been nothing.
    Read,
    /// The window holds deliveries, or there are no more.
    NothingMissing,
    /// This dead letter must be dealt with first.
    Blocked(DeliveryId),
    Failed(StoreError),
}

impl Context {
    /// Reads what an empty window lacks.
    pub(super) async fn refill(&self) -> Refill {
        let Context {
            channel,
            window,
            store,
            ..
        } = self;
        let Some(gap) = window.gap() else {
            return Refill::NothingMissing;
        };
        match store.queued(channel, gap.after, REFILL).await {
            Ok(read) => match read.blocked_by {
                None => {
                    window.refill(read.deliveries, gap);
                    Refill::Read
                }
                Some(letter) => Refill::Blocked(letter),
            },
            Err(error) => Refill::Failed(error),
        }
    }
}

impl Lane {
    /// The oldest delivery; waits until there is one and the lane is not blocked.
    pub(super) async fn next(&mut self) -> Result<QueuedDelivery, Stopping> {
        loop {
            if *self.context.stopping.borrow() {
                return Err(Stopping);
            }
            if self.context.window.is_stale() {
                self.reread().await?;
            }
            if let Some(delivery) = self.context.window.take() {
                return Ok(delivery);
            }
            let channel = &self.context.channel;
            match self.context.refill().await {
                Refill::Read => {}
                Refill::NothingMissing => self.changed().await?,
                Refill::Blocked(letter) => {
                    warn!(
                        %channel, %letter,
                        "the lane is blocked by this dead letter until it is replayed or discarded"
                    );
                    self.until_stale().await?;
                }
                Refill::Failed(error) => {
                    error!(%channel, %error, "the store can't be read; trying again");
                    let pause = self.context.clock.sleep(STORE_AGAIN_AFTER);
                    self.pause(pause).await?;
                }
            }
        }
    }

    /// Forgets what was read, once everything that was taken is written: what is still queued in
    /// the store then has not been sent.
    async fn reread(&mut self) -> Result<(), Stopping> {
        if let Err(error) = self.settling.written().await {
            report::store_fails(&self.context.channel, &error);
            return Err(Stopping);
        }
        self.context.window.forget();
        Ok(())
    }

    async fn until_stale(&mut self) -> Result<(), Stopping> {
        while !self.context.window.is_stale() {
            self.changed().await?;
        }
        Ok(())
    }

    async fn changed(&mut self) -> Result<(), Stopping> {
        let window = Arc::clone(&self.context.window);
        self.pause(window.changed()).await
    }
}
