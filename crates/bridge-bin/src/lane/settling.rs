//! What a lane has settled and is not yet written: one settlement at most, which is on its way to
//! the disk while the next send runs. So a crash repeats two deliveries of a lane at most: the one
//! that was being sent, and the one before.

use std::fmt;

use bridge_core::BoxFuture;
use bridge_core::store::{Settlement, Store, StoreError};

/// The settlement that is under way, if there is one.
#[derive(Default)]
pub(super) struct Settling {
    written: Option<BoxFuture<'static, Result<(), StoreError>>>,
}

impl Settling {
    /// Hands a settlement over, once the one before is written.
    ///
    /// # Errors
    ///
    /// That of the one before; this one was not handed over.
    pub(super) async fn hand_over(
        &mut self,
        settlement: Settlement,
        store: &dyn Store,
    ) -> Result<(), StoreError> {
        self.written().await?;
        self.written = Some(store.settle(settlement));
        Ok(())
    }

    /// Waits until nothing is under way.
    ///
    /// # Errors
    ///
    /// If it can't be written; its delivery will be sent again after a restart.
    pub(super) async fn written(&mut self) -> Result<(), StoreError> {
        let Some(written) = &mut self.written else {
            return Ok(());
        };
        let result = written.await;
        self.written = None;
        result
    }
}

impl fmt::Debug for Settling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settling")
            .field("is_under_way", &self.written.is_some())
            .finish()
    }
}
