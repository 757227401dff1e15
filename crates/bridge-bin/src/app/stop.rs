//! The end of a bridge: what runs is finished, the rest stays in the store.

use futures_util::future::join_all;
use tracing::{info, warn};

use super::Bridge;
use super::work::Worker;

impl Bridge {
    /// Stops accepting, lets what runs finish within `shutdown_timeout`, and closes the store with
    /// everything that is left in it. A reload that is under way ends what it has begun.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        drop(self.control.take());
        let mut lanes = self.dispatcher.take_tasks();
        let (site, reloader) = (&self.site, &mut self.reloader);
        let finish = async {
            if let Some(task) = reloader {
                // An error means that it panicked, which the runtime has reported.
                task.await.ok();
                *reloader = None;
            }
            let mut site = site.lock().await;
            for door in site.all_doors() {
                door.ended().await;
            }
            while lanes.join_next().await.is_some() {}
            // After the sends that run over them.
            let ends = site.all_workers().map(Worker::end);
            join_all(ends).await;
        };
        if tokio::time::timeout(self.shutdown_timeout, finish)
            .await
            .is_err()
        {
            warn!(
                "what still ran at the end of shutdown_timeout was cut off; unsettled deliveries go on at the next start"
            );
        }
        if let Some(reloader) = self.reloader.take() {
            reloader.abort();
            reloader.await.ok();
        }
        let mut site = self.site.lock().await;
        for door in site.all_doors() {
            door.cut_off().await;
        }
        lanes.shutdown().await;
        for worker in site.all_workers() {
            worker.cut_off().await;
        }
        site.log_counts();
        if let Err(error) = self.store.close().await {
            warn!(%error, "the store did not close cleanly; nothing that was acknowledged is lost");
        }
        info!("stopped");
    }
}
