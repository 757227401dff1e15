//! The end of a bridge: what runs is finished, the rest stays in the store.

use tracing::{info, warn};

use super::Bridge;

impl Bridge {
    /// Stops accepting, lets what runs finish within `shutdown_timeout`, and closes the store with
    /// everything that is left in it.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        drop(self.control.take());
        let mut lanes = self.dispatcher.take_tasks();
        let servers = &mut self.servers;
        let finish = async {
            while servers.join_next().await.is_some() {}
            while lanes.join_next().await.is_some() {}
        };
        if tokio::time::timeout(self.shutdown_timeout, finish)
            .await
            .is_err()
        {
            warn!(
                "what still ran at the end of shutdown_timeout was cut off; unsettled deliveries go on at the next start"
            );
        }
        self.servers.shutdown().await;
        lanes.shutdown().await;
        for intake in &self.intakes {
            intake.log_counts();
        }
        if let Err(error) = self.store.close().await {
            warn!(%error, "the store did not close cleanly; nothing that was acknowledged is lost");
        }
        info!("stopped");
    }
}
