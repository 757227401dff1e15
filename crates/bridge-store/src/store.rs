//! [`SqliteStore`]: the store as the rest of the bridge holds it.

use std::fmt;
use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::id::{Channel, InstanceId};
use bridge_core::ports::Clock;
use bridge_core::store::{
    Admission, Admitted, DeliveryId, Discarded, EntryNumber, Feed, Identification, KnownDelivery,
    LaneWindow, Mail, Merge, NewEntry, Origin, Record, Replayed, Settlement, Store, StoreError,
    StoreIdentity, Turn,
};
use bridge_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::commit::Database;
use crate::mailbox::EntrySeal;
use crate::open::{self, OpenError, StoreOptions};
use crate::queue::{Answer, Operation, Queue};
use crate::reader::ReaderThread;
use crate::retention::Retention;
use crate::row::{self, Damaged};
use crate::writer::{FeedSlot, Writer, WriterThread};

/// A data directory that this process owns, and the queue in it.
///
/// - What comes while a commit runs shares the next one. A commit that holds an admission, a
///   replay, a discard or a flush is synced; another is written to the log without a sync, and
///   synced 100 milliseconds later if nothing else has done so.
/// - [`Store::lanes`] and [`Store::queued`] see what is committed.
/// - While the disk can't be written, everything else fails, and settlements are kept in memory and
///   tried again.
/// - Bodies and ids are removed when their time has come, a little at a time.
/// - A delivery whose row is damaged never reaches a lane: it becomes a dead letter with that
///   reason. An entry of a mailbox whose row is damaged never reaches a reader: it is dropped, which
///   the log and [`Mail::expired`] say.
/// - Dropping the store writes what waits and blocks until that is done; where that matters, await
///   [`SqliteStore::close`] first.
pub struct SqliteStore {
    dir: PathBuf,
    identity: StoreIdentity,
    is_new: bool,
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
            database: Database::open(opened.writer, &options, clock.now())
                .map_err(database_error(data_dir))?,
            retention: Retention::new(&options),
            log_path: open::log_path(data_dir),
            lock: opened.lock,
            dir: data_dir.to_owned(),
            queue: Arc::clone(&queue),
            feed: Arc::clone(&feed),
            clock,
        });
        Ok(Self {
            dir: data_dir.to_owned(),
            identity: opened.identity,
            is_new: opened.is_new,
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

fn database_error(data_dir: &Path) -> impl FnOnce(rusqlite::Error) -> OpenError {
    let path = open::database_path(data_dir);
    move |error| OpenError::Database { path, error }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Whether opening it made the database.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Hands over at once; the future waits for the writer's answer.
    fn hand_over_now<T: Send + 'static>(
        &self,
        operation: impl FnOnce(Answer<T>) -> Operation,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let (answer, wait) = oneshot::channel();
        let handed_over = self.queue.hand_over_now(operation(answer));
        Box::pin(async move {
            handed_over?;
            wait.await.unwrap_or(Err(StoreError::Closed))
        })
    }

    /// Hands over as soon as there is room, and waits for the writer's answer.
    async fn ask<T>(
        &self,
        operation: impl FnOnce(Answer<T>) -> Operation,
    ) -> Result<T, StoreError> {
        let (answer, wait) = oneshot::channel();
        self.queue.hand_over(operation(answer)).await?;
        wait.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl Store for SqliteStore {
    fn admit(&self, admission: Admission) -> BoxFuture<'_, Result<Admitted, StoreError>> {
        // Encoded here rather than by the writer, which all admissions wait for.
        let sealed = row::seal(&admission).map_err(|error| {
            StoreError::Unavailable(format!("it can't encode a delivery: {error}"))
        });
        match sealed {
            Ok(sealed) => self.hand_over_now(|answer| Operation::Admit {
                admission,
                sealed,
                answer,
            }),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn settle(&self, settlement: Settlement) -> BoxFuture<'static, Result<(), StoreError>> {
        self.hand_over_now(|answer| Operation::Settle { settlement, answer })
    }

    fn merge(&self, merge: Merge) -> BoxFuture<'static, Result<(), StoreError>> {
        self.hand_over_now(|answer| Operation::Merge { merge, answer })
    }

    fn spend(
        &self,
        channel: &Channel,
        at: Timestamp,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let channel = channel.clone();
        self.hand_over_now(|answer| Operation::Spend {
            channel,
            at,
            answer,
        })
    }

    fn spent(
        &self,
        channel: &Channel,
        since: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Timestamp>, StoreError>> {
        let channel = channel.clone();
        Box::pin(async move { self.reader.spent(&channel, since).await })
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.queue.hand_over(Operation::Record(record)))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.ask(Operation::Flush))
    }

    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Channel>, StoreError>> {
        Box::pin(self.reader.lanes())
    }

    fn queued(
        &self,
        channel: &Channel,
        after: Turn,
        limit: usize,
    ) -> BoxFuture<'_, Result<LaneWindow, StoreError>> {
        let channel = channel.clone();
        Box::pin(async move {
            let lane = self.reader.queued(&channel, after, limit).await?;
            for Damaged(delivery) in lane.damaged {
                let operation = Operation::Quarantine(delivery);
                self.queue.hand_over(operation).await?;
            }
            Ok(lane.window)
        })
    }

    fn deliveries_of(
        &self,
        source: &Channel,
        message_id: &str,
    ) -> BoxFuture<'_, Result<Vec<KnownDelivery>, StoreError>> {
        let (source, message_id) = (source.clone(), message_id.to_owned());
        Box::pin(self.reader.deliveries_of(source, message_id))
    }

    fn origin_of(
        &self,
        channel: &Channel,
        platform_id: &str,
    ) -> BoxFuture<'_, Result<Option<Origin>, StoreError>> {
        let (channel, platform_id) = (channel.clone(), platform_id.to_owned());
        Box::pin(self.reader.origin_of(channel, platform_id))
    }

    fn identify(&self, identification: Identification) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.ask(|answer| Operation::Identify {
            identification,
            answer,
        }))
    }

    fn replay(
        &self,
        letters: Vec<DeliveryId>,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Replayed>, StoreError>> {
        Box::pin(self.ask(move |answer| Operation::Replay {
            letters,
            at,
            answer,
        }))
    }

    fn discard(
        &self,
        letters: Vec<DeliveryId>,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Discarded>, StoreError>> {
        Box::pin(self.ask(move |answer| Operation::Discard {
            letters,
            at,
            answer,
        }))
    }

    fn park(
        &self,
        instance: &InstanceId,
        reason: &str,
        limit: usize,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<usize, StoreError>> {
        let (instance, reason) = (instance.clone(), reason.to_owned());
        Box::pin(self.ask(move |answer| Operation::Park {
            instance,
            reason,
            limit,
            at,
            answer,
        }))
    }

    fn post(
        &self,
        instance: &InstanceId,
        entry: NewEntry,
    ) -> BoxFuture<'static, Result<EntryNumber, StoreError>> {
        // Summed up here rather than by the writer, which all wait for.
        let seal = EntrySeal::new(instance.as_str(), &entry);
        let instance = instance.clone();
        self.hand_over_now(|answer| Operation::Post {
            instance,
            entry,
            seal,
            answer,
        })
    }

    fn mail(
        &self,
        instance: &InstanceId,
        after: EntryNumber,
        limit: usize,
    ) -> BoxFuture<'_, Result<Mail, StoreError>> {
        let instance = instance.clone();
        Box::pin(async move {
            let mailing = self.reader.mail(&instance, after, limit).await?;
            for number in mailing.damaged {
                let instance = instance.clone();
                let operation = Operation::QuarantineEntry { instance, number };
                self.queue.hand_over(operation).await?;
            }
            Ok(mailing.mail)
        })
    }

    fn confirm(
        &self,
        instance: &InstanceId,
        up_to: EntryNumber,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let instance = instance.clone();
        self.hand_over_now(|answer| Operation::Confirm {
            instance,
            up_to,
            answer,
        })
    }

    fn identity(&self) -> StoreIdentity {
        self.identity.clone()
    }

    fn set_feed(&self, feed: Arc<dyn Feed>) {
        let mut slot = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(feed);
    }
}

#[cfg(test)]
mod tests;
