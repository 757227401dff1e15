//! A store in memory: everything the contract asks but surviving its process, for tests of what
//! stands on a store.

mod known;
mod mailbox;
mod state;

use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::id::{Channel, InstanceId};
use bridge_core::store::{
    Admission, Admitted, Death, DeliveryId, Discarded, EntryNumber, Feed, Identification,
    KnownDelivery, LaneWindow, Mail, Merge, NewEntry, Origin, QueuedDelivery, Record, Replayed,
    Settlement, Store, StoreError, StoreIdentity, Turn,
};
use bridge_core::time::Timestamp;

use self::state::State;

/// A store for tests, with a view into what became of everything. Clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

/// A delivery that a platform took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The delivery, with the progress it had before its last part.
    pub delivery: QueuedDelivery,
    /// The platform's ids of all parts, in order.
    pub platform_ids: Vec<String>,
    /// When its last part was taken.
    pub at: Timestamp,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The delivery, with the progress it had come to.
    pub delivery: QueuedDelivery,
    /// Why.
    pub death: Death,
    /// When.
    pub at: Timestamp,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What waits to be sent, by turn.
    pub fn waiting(&self) -> Vec<QueuedDelivery> {
        self.state().queue.values().cloned().collect()
    }

    /// What the platforms took, in the order in which it was settled.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.state().delivered.clone()
    }

    /// The dead letters, in the order in which they died.
    pub fn dead(&self) -> Vec<Dead> {
        self.state().dead.clone()
    }

    /// What expired, in the order in which it did.
    pub fn expired(&self) -> Vec<DeliveryId> {
        let state = self.state();
        state.expired.iter().map(|one| one.id).collect()
    }

    /// What its channel could not show, and why, in the order in which it was settled.
    pub fn not_shown(&self) -> Vec<(QueuedDelivery, String)> {
        self.state().not_shown.clone()
    }

    /// What was merged, and into what, in the order in which it was.
    pub fn merged(&self) -> Vec<(DeliveryId, DeliveryId)> {
        let state = self.state();
        let merged = state.merged.iter();
        merged.map(|(one, into)| (one.id, *into)).collect()
    }

    /// What was discarded, in the order in which it was.
    pub fn discarded(&self) -> Vec<DeliveryId> {
        let state = self.state();
        state.discarded.iter().map(|one| one.id).collect()
    }

    /// How many deliveries were ever planned.
    pub fn planned(&self) -> usize {
        usize::try_from(self.state().last_id).unwrap_or(usize::MAX)
    }

    /// All records, in the order in which they were handed over.
    pub fn records(&self) -> Vec<Record> {
        self.state().records.clone()
    }

    /// From now on refuses admissions with [`StoreError::Unavailable`] and `reason`, as on a disk
    /// that is full; with `None` takes them again.
    pub fn refuse_admissions(&self, reason: Option<&str>) {
        self.state().failure = reason.map(str::to_owned);
    }

    /// Drops entries of mailboxes that nobody has confirmed and that are older than `before`, as
    /// retention does.
    pub fn expire_mail(&self, before: Timestamp) {
        self.state().mailboxes.expire(before);
    }

    /// From now on a lane holds so many deliveries at most, and a mailbox so many unconfirmed entries.
    pub fn limit_lanes(&self, lane_backlog: usize) {
        self.state().lane_backlog = Some(lane_backlog);
    }

    /// Forgets who listens, as a process does that dies.
    pub fn forget_feed(&self) {
        self.state().feed = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryStore")
            .field("queued", &state.queue.len())
            .field("delivered", &state.delivered.len())
            .field("dead", &state.dead.len())
            .finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn admit(&self, admission: Admission) -> BoxFuture<'_, Result<Admitted, StoreError>> {
        Box::pin(ready(self.state().admit(admission)))
    }

    fn settle(&self, settlement: Settlement) -> BoxFuture<'static, Result<(), StoreError>> {
        self.state().settle(settlement);
        Box::pin(ready(Ok(())))
    }

    fn merge(&self, merge: Merge) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(ready(self.state().merge(merge)))
    }

    fn spend(
        &self,
        channel: &Channel,
        at: Timestamp,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        self.state().spent.push((channel.clone(), at));
        Box::pin(ready(Ok(())))
    }

    fn spent(
        &self,
        channel: &Channel,
        since: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Timestamp>, StoreError>> {
        let state = self.state();
        let spent = state.spent.iter();
        let spent = spent.filter(|(spender, at)| spender == channel && *at > since);
        Box::pin(ready(Ok(spent.map(|(_, at)| *at).collect())))
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        self.state().records.push(record);
        Box::pin(ready(Ok(())))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }

    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Channel>, StoreError>> {
        let state = self.state();
        let queued = state.queue.values().map(|d| d.channel.clone());
        let blocking = state.dead.iter().filter(|dead| dead.death.blocks);
        let blocked = blocking.map(|dead| dead.delivery.channel.clone());
        let mut lanes: Vec<_> = queued.chain(blocked).collect();
        lanes.sort();
        lanes.dedup();
        Box::pin(ready(Ok(lanes)))
    }

    fn queued(
        &self,
        channel: &Channel,
        after: Turn,
        limit: usize,
    ) -> BoxFuture<'_, Result<LaneWindow, StoreError>> {
        let state = self.state();
        let blocked_by = state.blocked_by(channel);
        let later = state
            .queue
            .values()
            .filter(|delivery| delivery.turn > after);
        let lane = later.filter(|delivery| delivery.channel == *channel);
        let limit = if blocked_by.is_some() { 0 } else { limit };
        let deliveries = lane.take(limit).cloned().collect();
        Box::pin(ready(Ok(LaneWindow {
            deliveries,
            blocked_by,
        })))
    }

    fn deliveries_of(
        &self,
        source: &Channel,
        message_id: &str,
    ) -> BoxFuture<'_, Result<Vec<KnownDelivery>, StoreError>> {
        Box::pin(ready(Ok(self.state().deliveries_of(source, message_id))))
    }

    fn origin_of(
        &self,
        channel: &Channel,
        platform_id: &str,
    ) -> BoxFuture<'_, Result<Option<Origin>, StoreError>> {
        Box::pin(ready(Ok(self.state().origin_of(channel, platform_id))))
    }

    fn identify(&self, identification: Identification) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(ready(Ok(self.state().identify(identification))))
    }

    fn replay(
        &self,
        letters: Vec<DeliveryId>,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Replayed>, StoreError>> {
        let mut state = self.state();
        let done: Vec<_> = letters.into_iter().map(|id| state.replay(id, at)).collect();
        let (replayed, channels): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        state.tell_reordered(channels.into_iter().flatten());
        Box::pin(ready(Ok(replayed)))
    }

    fn discard(
        &self,
        letters: Vec<DeliveryId>,
        _: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Discarded>, StoreError>> {
        let mut state = self.state();
        let done: Vec<_> = letters.into_iter().map(|id| state.discard(id)).collect();
        let (discarded, channels): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        state.tell_reordered(channels.into_iter().flatten());
        Box::pin(ready(Ok(discarded)))
    }

    fn park(
        &self,
        instance: &InstanceId,
        reason: &str,
        limit: usize,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(ready(Ok(self.state().park(instance, reason, limit, at))))
    }

    fn post(
        &self,
        instance: &InstanceId,
        entry: NewEntry,
    ) -> BoxFuture<'static, Result<EntryNumber, StoreError>> {
        let mut state = self.state();
        let limit = state.lane_backlog;
        Box::pin(ready(state.mailboxes.post(instance, entry, limit)))
    }

    fn mail(
        &self,
        instance: &InstanceId,
        after: EntryNumber,
        limit: usize,
    ) -> BoxFuture<'_, Result<Mail, StoreError>> {
        let mail = self.state().mailboxes.mail(instance, after, limit);
        Box::pin(ready(Ok(mail)))
    }

    fn confirm(
        &self,
        instance: &InstanceId,
        up_to: EntryNumber,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        self.state().mailboxes.confirm(instance, up_to);
        Box::pin(ready(Ok(())))
    }

    fn identity(&self) -> StoreIdentity {
        self.state().identity.0.clone()
    }

    fn set_feed(&self, feed: Arc<dyn Feed>) {
        self.state().feed = Some(feed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store_contract::{self, Ended, How, StoreUnderTest};

    struct Subject(MemoryStore);

    impl StoreUnderTest for Subject {
        fn store(&self) -> Arc<dyn Store> {
            Arc::new(self.0.clone())
        }

        async fn crash(&mut self) -> bool {
            false
        }

        fn ended(&self) -> Vec<Ended> {
            let store = &self.0;
            let ended = |delivery: DeliveryId, how: How| Ended { delivery, how };
            let delivered = store.delivered().into_iter();
            let mut all: Vec<_> = delivered
                .map(|one| ended(one.delivery.id, How::Delivered))
                .collect();
            let dead = store.dead().into_iter();
            all.extend(dead.map(|one| ended(one.delivery.id, How::Dead(one.death))));
            let merged = store.merged().into_iter();
            all.extend(merged.map(|(id, into)| ended(id, How::Merged(into))));
            let expired = store.expired().into_iter();
            all.extend(expired.map(|id| ended(id, How::Expired)));
            let not_shown = store.not_shown().into_iter();
            all.extend(not_shown.map(|(one, reason)| ended(one.id, How::NotShown(reason))));
            let discarded = store.discarded().into_iter();
            all.extend(discarded.map(|id| ended(id, How::Discarded)));
            all
        }

        async fn outlast_retention(&mut self) -> bool {
            self.0.expire_mail(Self::after_retention());
            true
        }

        fn after_retention() -> Timestamp {
            store_contract::fixtures::RECEIVED_AT.plus(Duration::from_secs(1))
        }

        async fn limited(lane_backlog: u64) -> Option<Self> {
            let store = MemoryStore::new();
            store.limit_lanes(usize::try_from(lane_backlog).unwrap());
            Some(Self(store))
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_keeps_the_contract_of_a_store() {
        store_contract::check_all(async || Subject(MemoryStore::new())).await;
    }

    #[tokio::test]
    async fn refused_admissions_leave_nothing() {
        let store = MemoryStore::new();
        let admission = store_contract::fixtures::message("m1", &["a"]);
        store.refuse_admissions(Some("disk full"));
        let refused = Err(StoreError::Unavailable("disk full".to_owned()));
        assert_eq!(store.admit(admission.clone()).await, refused);
        assert_eq!(store.waiting(), []);
        store.refuse_admissions(None);
        assert_eq!(
            store.admit(admission).await,
            Ok(Admitted::New { overflowed: 0 })
        );
    }
}
