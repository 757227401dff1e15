//! What the durable queue must do. The contract is held by the suite in `bridge-testkit`, which
//! every implementation passes.

use std::fmt;
use std::sync::Arc;

use crate::BoxFuture;
use crate::id::{Address, Channel, InstanceId, RuleId};
use crate::message::Content;
use crate::time::Timestamp;

/// The durable queue: what was accepted, what is still to be delivered, what became of the rest.
///
/// - One writer: operations take effect in the order in which they were handed over.
/// - A future that resolves with `Ok` promises what its method says; one that is dropped promises
///   nothing, the operation may take effect all the same.
pub trait Store: Send + Sync {
    /// Takes in a message with all its deliveries, atomically.
    ///
    /// - `Ok` means that everything is on disk, synced.
    /// - A message whose (instance, address, message id) was taken in before is
    ///   [`Admitted::Duplicate`] and changes nothing; it is answered only after the commit of the
    ///   first one. A message without an id is never a duplicate.
    /// - Deliveries get ids that grow in the order of commits.
    /// - The deliveries of a commit are handed to the [`Feed`] in the order of their ids, before
    ///   the future resolves.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was taken in.
    fn admit(&self, admission: Admission) -> BoxFuture<'_, Result<Admitted, StoreError>>;

    /// Writes down what became of a delivery.
    ///
    /// - `Ok` means that it was handed over and will be written soon, before anything that is
    ///   handed over later; [`Store::flush`] waits until it is.
    /// - A settlement that can't be written for now is kept and tried again, never dropped.
    /// - Settling a delivery that is not queued changes nothing.
    fn settle(&self, settlement: Settlement) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Writes a short record, soon, without a sync of its own.
    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Resolves when everything handed over before is on disk, synced.
    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The channels that have queued deliveries, whatever their instance.
    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Channel>, StoreError>>;

    /// At most `limit` queued deliveries to `channel` with ids greater than `after`, by id; fewer
    /// only if no more are queued.
    fn queued(
        &self,
        channel: &Channel,
        after: DeliveryId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<QueuedDelivery>, StoreError>>;

    /// Says who hears of committed deliveries; replaces an earlier feed.
    fn set_feed(&self, feed: Arc<dyn Feed>);
}

/// Hears of deliveries right after their commit.
pub trait Feed: Send + Sync {
    /// Called by the writer for each commit, in the order of ids. Must not block and must not call
    /// the store.
    fn committed(&self, deliveries: Vec<QueuedDelivery>);
}

/// A message that the rules chose, as it is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Where the message came from.
    pub source: Channel,
    /// The platform's id of the message.
    pub message_id: Option<String>,
    /// When the bridge received it; the age of its deliveries counts from here.
    pub received_at: Timestamp,
    /// One for each target that the rules chose; not empty, no channel twice.
    pub deliveries: Vec<NewDelivery>,
}

/// A planned send of a message to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The target.
    pub channel: Channel,
    /// The rule that chose it.
    pub rule: RuleId,
    /// What to send.
    pub content: Content,
}

/// What [`Store::admit`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// Everything is on disk.
    New,
    /// The message was there before.
    Duplicate,
}

/// The number of a delivery; grows in the order of admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub i64);

impl DeliveryId {
    /// Less than any delivery's number.
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A delivery that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedDelivery {
    /// Its number.
    pub id: DeliveryId,
    /// Where the message came from.
    pub source: Channel,
    /// The platform's id of the message.
    pub message_id: Option<String>,
    /// When the bridge received the message.
    pub received_at: Timestamp,
    /// The target.
    pub channel: Channel,
    /// The rule that chose it.
    pub rule: RuleId,
    /// What to send.
    pub content: Content,
    /// How far the sending has come.
    pub progress: Progress,
}

/// How far the sending of a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Tries that failed so far.
    pub attempts: u32,
    /// Those among them after which nobody knew whether the platform took the send.
    pub uncertain: u32,
    /// Parts that the platform took: the next try begins with the part of this index.
    pub parts_sent: u32,
    /// Not to be tried again before this.
    pub not_before: Timestamp,
}

impl Progress {
    /// Not tried yet.
    pub const START: Self = Self {
        attempts: 0,
        uncertain: 0,
        parts_sent: 0,
        not_before: Timestamp::EPOCH,
    };
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: Step,
}

/// A step in the life of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The platform took a part that is not the last; the progress says how many it has now.
    PartSent {
        /// The platform's ids of the part.
        platform_ids: Vec<String>,
        /// The progress from here.
        progress: Progress,
    },
    /// A try failed; another will follow.
    Postponed {
        /// The progress from here.
        progress: Progress,
        /// What went wrong.
        reason: String,
    },
    /// The platform took the last part: the delivery leaves the queue.
    Delivered {
        /// The platform's ids of the last part.
        platform_ids: Vec<String>,
    },
    /// The delivery leaves the queue for the dead letters.
    Dead(Death),
}

/// Why a delivery became a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// What went wrong, in a sentence.
    pub reason: String,
    /// Whether the target may have shown it all the same.
    pub may_have_been_delivered: bool,
    /// The progress up to here.
    pub progress: Progress,
}

/// A short record of something that led to no delivery. It never holds text that people wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// A message that was not forwarded.
    NotForwarded {
        /// The instance that received it.
        instance: InstanceId,
        /// Its channel, if it has one.
        address: Option<Address>,
        /// The platform's id, if it has one.
        message_id: Option<String>,
        /// When.
        at: Timestamp,
        /// Why, as a short name: `no_rule`, `private_chat`, `holds_secret`, …
        reason: &'static str,
    },
    /// A channel from which something came.
    ChannelSeen {
        /// The channel.
        channel: Channel,
        /// Its name as people see it; may be empty.
        title: String,
        /// When.
        at: Timestamp,
    },
}

/// Why the store can't do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// It can't write now (disk full, I/O error, its queue is full); later it may.
    Unavailable(String),
    /// It has been closed.
    Closed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(reason) => write!(f, "the store can't write: {reason}"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {}
