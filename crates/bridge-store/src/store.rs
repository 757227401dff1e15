//! [`SqliteStore`]: the store as the rest of the bridge holds it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::id::Channel;
use bridge_core::ports::Clock;
use bridge_core::store::{
    Admission, Admitted, DeliveryId, Feed, QueuedDelivery, Record, Settlement, Store, StoreError,
};
use tokio::sync::oneshot;

use crate::commit::Database;
use crate::open::{self, OpenError, StoreOptions};
use crate::queue::{Operation, Queue};
use crate::reader::ReaderThread;
use crate::row::{self, Damaged};
use crate::writer::{FeedSlot, Writer, WriterThread};

/// A data directory that this process owns, and the queue in it.
///
/// - Admissions that come while a commit runs share the next one.
/// - [`Store::settle`] and [`Store::record`] are written with the next admission, or within a few
///   milliseconds; [`Store::lanes`] and [`Store::queued`] see what is committed, so a settlement
///   shows there only then. A record is dropped if the disk can't take it.
/// - While the disk can't be written, admissions and flushes fail, settlements are kept in memory
///   and tried again; [`Store::settle`] waits once too many are kept.
/// - A delivery whose row is damaged never reaches a lane: it becomes a dead letter with that
///   reason.
/// - Dropping the store writes what waits and blocks until that is done; where that matters, await
///   [`SqliteStore::close`] first.
pub struct SqliteStore {
    dir: PathBuf,
    queue: Arc<Queue>,
    feed: Arc<FeedSlot>,
    // In this order they end: the writer's connection is the last one, so that it can take the log
    // into the database.
    reader: ReaderThread,
    writer: WriterThread,
}

impl SqliteStore {
    /// Takes possession of `data_dir`: makes it (0700) if it is missing, locks it, opens or makes
    /// the database in it (files 0600), starts the threads `store-writer` and `store-reader`.
    /// Nothing in it is deleted. `clock` gives the time of what the store itself does.
    ///
    /// Blocks for a few milliseconds, or longer where the log of a crash must be read back.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one sentence for the operator.
    pub fn open(
        data_dir: &Path,
        options: StoreOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let opened = open::open(data_dir, &options)?;
        let queue = Arc::new(Queue::new());
        let feed = Arc::new(FeedSlot::default());
        let no_thread = |error| OpenError::Directory {
            action: "start a thread for",
            path: data_dir.to_owned(),
            error,
        };
        let reader = ReaderThread::start(opened.reader).map_err(no_thread)?;
        let writer = WriterThread::start(Writer {
            database: Database::new(opened.writer),
            lock: opened.lock,
            dir: data_dir.to_owned(),
            queue: Arc::clone(&queue),
            feed: Arc::clone(&feed),
            clock,
        });
        Ok(Self {
            dir: data_dir.to_owned(),
            queue,
            feed,
            reader,
            writer: writer.map_err(no_thread)?,
        })
    }

    /// Writes everything that was handed over, closes the database and gives the directory free.
    /// What is called after this, or waits for room, fails with [`StoreError::Closed`]; closing
    /// again does nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if settlements could not be written; their deliveries will be
    /// sent again.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.reader.stop().await;
        self.writer.close().await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn admit(&self, admission: Admission) -> BoxFuture<'_, Result<Admitted, StoreError>> {
        Box::pin(async move {
            // Encoded here rather than by the writer, which all admissions wait for.
            let sealed = admission.deliveries.iter();
            let sealed: Result<Vec<_>, _> = sealed
                .map(|delivery| row::seal(&admission, delivery))
                .collect();
            let sealed = sealed.map_err(|error| {
                StoreError::Unavailable(format!("it can't encode a delivery: {error}"))
            })?;
            let (answer, wait) = oneshot::channel();
            self.queue.admit(admission, sealed, answer)?;
            wait.await.unwrap_or(Err(StoreError::Closed))
        })
    }

    fn settle(&self, settlement: Settlement) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.queue.hand_over(Operation::Settle(settlement)))
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.queue.hand_over(Operation::Record(record)))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let (answer, wait) = oneshot::channel();
            self.queue.hand_over(Operation::Flush(answer)).await?;
            wait.await.unwrap_or(Err(StoreError::Closed))
        })
    }

    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Channel>, StoreError>> {
        Box::pin(self.reader.lanes())
    }

    fn queued(
        &self,
        channel: &Channel,
        after: DeliveryId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<QueuedDelivery>, StoreError>> {
        let channel = channel.clone();
        Box::pin(async move {
            let lane = self.reader.queued(&channel, after, limit).await?;
            for Damaged(delivery) in lane.damaged {
                let operation = Operation::Quarantine(delivery);
                self.queue.hand_over(operation).await?;
            }
            Ok(lane.deliveries)
        })
    }

    fn set_feed(&self, feed: Arc<dyn Feed>) {
        let mut slot = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(feed);
    }
}
