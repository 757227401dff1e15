//! What the durable queue must do. The contract is held by the suite in `bridge-testkit`, which
//! every implementation passes.

mod delivery;
mod identity;
mod known;
mod mailbox;
mod record;
mod settlement;

use std::fmt;
use std::sync::Arc;

use crate::BoxFuture;
use crate::id::{Channel, InstanceId};
use crate::time::Timestamp;

pub use delivery::{
    Admission, Admitted, DeliveryId, LaneWindow, NewDelivery, Progress, QueuedDelivery, Turn,
};
pub use identity::StoreIdentity;
pub use known::{Identification, KnownDelivery, Origin, Whereabouts};
pub use mailbox::{Entry, EntryNumber, Mail, NewEntry};
pub use record::Record;
pub use settlement::{Death, Discarded, Merge, Replayed, Settlement, Step};

/// The durable queue: what was accepted, what is still to be delivered, what became of the rest.
///
/// - One writer: operations take effect in the order in which they were handed over. A method that
///   changes something hands over when it is *called*; its future only waits.
/// - A future that resolves with `Ok` promises what its method says; one that is dropped promises
///   nothing, the operation may take effect all the same.
/// - *Synced* means that a power cut does not undo it. *Written* means that the death of this
///   process does not undo it; it is synced with the next admission, and soon in any case.
pub trait Store: Send + Sync {
    /// Takes in a message with all its deliveries, atomically.
    ///
    /// - `Ok` means that everything is synced.
    /// - A message whose (instance, address, message id) was taken in before is
    ///   [`Admitted::Duplicate`] and changes nothing but the count of its duplicates; it is answered
    ///   only after the commit of the first one. A message without an id is never a duplicate.
    /// - Deliveries get ids, and turns within their lanes, that grow in the order of commits.
    /// - A delivery to a lane that is full becomes a dead letter at once; the others are queued.
    /// - The queued deliveries of a commit are handed to the [`Feed`] in the order of their ids,
    ///   before the future resolves.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was taken in.
    fn admit(&self, admission: Admission) -> BoxFuture<'_, Result<Admitted, StoreError>>;

    /// Writes down what became of a delivery.
    ///
    /// - `Ok` means that it is written.
    /// - A settlement that can't be written for now is kept and tried again, never dropped; the
    ///   future waits as long. A lane has one settlement under way at most, which bounds what is
    ///   kept.
    /// - Settling a delivery that is not queued changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] if the store was closed before it could be written.
    fn settle(&self, settlement: Settlement) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Makes one delivery of several: the first gets the merged content, the others leave the queue
    /// as merged into it. All of it, or nothing; deliveries that are not queued make it nothing.
    ///
    /// - `Ok` means that it is written.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was merged.
    fn merge(&self, merge: Merge) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Writes down that a permission of the channel's rate budget is used from `at`; kept for twice
    /// the longest window of a budget, so for two minutes.
    ///
    /// - `Ok` means that it is written.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then the permission is not to be used.
    fn spend(&self, channel: &Channel, at: Timestamp)
    -> BoxFuture<'static, Result<(), StoreError>>;

    /// When permissions of the channel's rate budget were used after `since`, oldest first.
    fn spent(
        &self,
        channel: &Channel,
        since: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Timestamp>, StoreError>>;

    /// Writes a short record, soon, without a sync of its own. Dropped if the disk can't take it.
    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Resolves when everything handed over before is synced.
    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The channels that have queued deliveries or are blocked, whatever their instance.
    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Channel>, StoreError>>;

    /// The next queued deliveries to `channel`: at most `limit` with turns after `after`, by turn;
    /// fewer only if no more are queued. None while the lane is blocked.
    fn queued(
        &self,
        channel: &Channel,
        after: Turn,
        limit: usize,
    ) -> BoxFuture<'_, Result<LaneWindow, StoreError>>;

    /// The deliveries of the message that `source` brought under this id, in the order in which they
    /// were planned; empty if it is not known, or no longer.
    ///
    /// - Sees what is committed.
    /// - Ids are those that the settlements said, or [`Store::identify`] after them.
    /// - Changes of the message are not among them: each is taken in as a message of its own, and is
    ///   known as what it changes by the purpose of its deliveries' contents.
    fn deliveries_of(
        &self,
        source: &Channel,
        message_id: &str,
    ) -> BoxFuture<'_, Result<Vec<KnownDelivery>, StoreError>>;

    /// Where the send to `channel` came from to which the platform gave this id; `None` if none was,
    /// or it showed several messages, or its message has no id.
    ///
    /// - Sees what is committed.
    /// - Finds what is among the latest thousand deliveries of the channel that have ended; older ones
    ///   need not be found.
    fn origin_of(
        &self,
        channel: &Channel,
        platform_id: &str,
    ) -> BoxFuture<'_, Result<Option<Origin>, StoreError>>;

    /// Sets the ids of a part of a delivery; says whether the delivery is known, and its channel one
    /// of the instance. May come before the part is settled, and counts all the same.
    ///
    /// - `Ok` means that it is written.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was set.
    fn identify(&self, identification: Identification) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Queues dead letters again, at the end of their lanes, or in its old place the one that
    /// blocks its lane. Ids, source and parts that were taken stay; tries begin anew, and ages
    /// count from `at`. One answer for each id, in order.
    ///
    /// - A full lane takes none back, but for the one that blocks it.
    /// - `Ok` means that everything is synced.
    /// - The feed hears [`Feed::reordered`] of each channel concerned, after the commit.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was queued.
    fn replay(
        &self,
        letters: Vec<DeliveryId>,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Replayed>, StoreError>>;

    /// Gives dead letters up for good: their content is dropped, a lane that one of them blocked
    /// goes on. Otherwise as [`Store::replay`].
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was discarded.
    fn discard(
        &self,
        letters: Vec<DeliveryId>,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Discarded>, StoreError>>;

    /// Gives up sending what is queued for an instance: moves at most `limit` deliveries to the dead
    /// letters with `reason`, of each lane those with the smallest turns. How many were moved; fewer
    /// than `limit` only if no more are queued.
    ///
    /// - Called while no lane of the instance works, and whether or not one of them is blocked;
    ///   letters that block stay as they are.
    /// - Letters keep how far they have come, and are replayed as any other.
    /// - `Ok` means that everything is synced.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was moved.
    fn park(
        &self,
        instance: &InstanceId,
        reason: &str,
        limit: usize,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Puts an entry into the mailbox of an instance, behind all others; its number.
    ///
    /// - `Ok` means that it is written. It is not synced, and need not be: a settlement that is
    ///   handed over after it is committed after it in the same log, so a power cut that takes the
    ///   entry takes the settlement too, and the delivery is sent again.
    /// - Numbers grow in the order of commits, over all mailboxes; none is ever given again.
    /// - A key that was posted to the same instance before changes nothing and gets the number of
    ///   the first one, whether or not that was confirmed or dropped meanwhile; keys are known for
    ///   `retain_ids`. The same key at another instance is another entry.
    /// - An entry is kept until it is confirmed, or for `retain_bodies`: then it is dropped, which
    ///   [`Mail::expired`] says.
    /// - An instance has one mailbox, which begins to exist with the first entry and outlives the
    ///   instance.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] if the mailbox holds `lane_backlog` unconfirmed entries; otherwise as for
    /// all. Then nothing was posted.
    fn post(
        &self,
        instance: &InstanceId,
        entry: NewEntry,
    ) -> BoxFuture<'static, Result<EntryNumber, StoreError>>;

    /// What the mailbox of an instance holds: at most `limit` unconfirmed entries with numbers after
    /// `after`, by number; fewer only if there are no more.
    ///
    /// - Reads only: the same question gets the same answer until something is posted, confirmed or
    ///   expired.
    /// - Sees every entry whose post was answered, and none whose confirmation was answered.
    /// - A mailbox that nobody has posted to is empty.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it can't be read.
    fn mail(
        &self,
        instance: &InstanceId,
        after: EntryNumber,
        limit: usize,
    ) -> BoxFuture<'_, Result<Mail, StoreError>>;

    /// Takes note that the reader of a mailbox has all entries up to a number: their bodies are
    /// dropped, their keys stay known.
    ///
    /// - `Ok` means that it is written. A power cut may undo it; the entries are then read again.
    /// - A number beyond the last that was given to this mailbox confirms up to that one; what is
    ///   posted later is unconfirmed.
    /// - Confirming again, or less than before, changes nothing.
    /// - What other mailboxes hold stays as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was confirmed.
    fn confirm(
        &self,
        instance: &InstanceId,
        up_to: EntryNumber,
    ) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Which store this is: made when the store was, random, kept for good. Numbers of deliveries and
    /// entries mean something together with it only, since they begin at 1 in each store.
    ///
    /// - A store that goes on from a backup has another one, since it gives numbers that the first one
    ///   gives as well. (Of a copy that was made past the bridge nobody can know.)
    fn identity(&self) -> StoreIdentity;

    /// Says who hears of committed deliveries; replaces an earlier feed.
    fn set_feed(&self, feed: Arc<dyn Feed>);
}

/// Hears of deliveries right after their commit. Called by the writer; must not block and must not
/// call the store.
pub trait Feed: Send + Sync {
    /// Called for each commit, in the order of ids.
    fn committed(&self, deliveries: Vec<QueuedDelivery>);

    /// What is queued for the channel, or whether it is blocked, has changed in another way than by
    /// [`Feed::committed`] or by the lane's own settlements: the lane must be read again.
    fn reordered(&self, channel: &Channel);
}

/// Why the store can't do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// It can't write now (disk full, I/O error, its queue is full); later it may.
    Unavailable(String),
    /// It holds as much as it may; later, or with a higher `max_backlog` (of a mailbox:
    /// `lane_backlog`), it takes more.
    Full(String),
    /// It has been closed.
    Closed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(reason) => write!(f, "the store can't write: {reason}"),
            Self::Full(reason) => write!(f, "the store is full: {reason}"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {}
