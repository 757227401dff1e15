//! A store in memory: everything the contract asks but surviving its process, for tests of what
//! stands on a store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::id::Channel;
use bridge_core::store::{
    Admission, Admitted, Death, DeliveryId, Discarded, Feed, LaneWindow, Merge, Progress,
    QueuedDelivery, Record, Replayed, Settlement, Step, Store, StoreError, Turn,
};
use bridge_core::time::Timestamp;

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

#[derive(Default)]
struct State {
    last_id: i64,
    last_turn: i64,
    accepted: HashSet<(Channel, String)>,
    /// By turn, over all lanes.
    queue: BTreeMap<Turn, QueuedDelivery>,
    parts: HashMap<DeliveryId, Vec<String>>,
    delivered: Vec<Delivered>,
    dead: Vec<Dead>,
    expired: Vec<DeliveryId>,
    merged: Vec<(DeliveryId, DeliveryId)>,
    discarded: Vec<DeliveryId>,
    spent: Vec<(Channel, Timestamp)>,
    records: Vec<Record>,
    feed: Option<Arc<dyn Feed>>,
    failure: Option<String>,
    lane_backlog: Option<usize>,
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
        self.state().expired.clone()
    }

    /// What was merged, and into what, in the order in which it was.
    pub fn merged(&self) -> Vec<(DeliveryId, DeliveryId)> {
        self.state().merged.clone()
    }

    /// What was discarded, in the order in which it was.
    pub fn discarded(&self) -> Vec<DeliveryId> {
        self.state().discarded.clone()
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

    /// From now on a lane holds so many deliveries at most.
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

impl State {
    fn admit(&mut self, admission: Admission) -> Result<Admitted, StoreError> {
        if let Some(reason) = &self.failure {
            return Err(StoreError::Unavailable(reason.clone()));
        }
        if let Some(id) = &admission.message_id
            && !self.accepted.insert((admission.source.clone(), id.clone()))
        {
            return Ok(Admitted::Duplicate);
        }
        let mut committed = Vec::new();
        let mut overflowed = 0;
        for new in admission.deliveries {
            self.last_id += 1;
            let turn = self.next_turn();
            let delivery = QueuedDelivery {
                id: DeliveryId(self.last_id),
                turn,
                source: admission.source.clone(),
                message_id: admission.message_id.clone(),
                received_at: admission.received_at,
                queued_at: admission.received_at,
                channel: new.channel,
                rule: new.rule,
                content: new.content,
                progress: Progress::START,
            };
            if self.is_full(&delivery.channel) {
                overflowed += 1;
                self.dead.push(Dead {
                    death: Death {
                        reason: "its lane is full (lane_backlog)".to_owned(),
                        may_have_been_delivered: false,
                        blocks: false,
                        progress: Progress::START,
                    },
                    at: delivery.received_at,
                    delivery,
                });
                continue;
            }
            self.queue.insert(turn, delivery.clone());
            committed.push(delivery);
        }
        // Under the lock, so that no later commit overtakes this one on its way to the feed.
        if let Some(feed) = &self.feed
            && !committed.is_empty()
        {
            feed.committed(committed);
        }
        Ok(Admitted::New { overflowed })
    }

    fn next_turn(&mut self) -> Turn {
        self.last_turn += 1;
        Turn(self.last_turn)
    }

    fn is_full(&self, channel: &Channel) -> bool {
        let lane = self.queue.values().filter(|d| d.channel == *channel);
        self.lane_backlog.is_some_and(|most| lane.count() >= most)
    }

    fn turn_of(&self, id: DeliveryId) -> Option<Turn> {
        let found = self.queue.values().find(|delivery| delivery.id == id);
        found.map(|delivery| delivery.turn)
    }

    fn blocked_by(&self, channel: &Channel) -> Option<DeliveryId> {
        let blocking = self
            .dead
            .iter()
            .filter(|dead| dead.death.blocks && dead.delivery.channel == *channel);
        let oldest = blocking.min_by_key(|dead| dead.delivery.turn)?;
        Some(oldest.delivery.id)
    }

    fn settle(&mut self, settlement: Settlement) {
        let Settlement { delivery, at, step } = settlement;
        let Some(turn) = self.turn_of(delivery) else {
            return;
        };
        match step {
            Step::PartSent {
                platform_ids,
                progress,
            } => {
                self.set_progress(turn, progress);
                self.parts.entry(delivery).or_default().extend(platform_ids);
            }
            Step::Postponed { progress, .. } => self.set_progress(turn, progress),
            Step::Delivered { platform_ids } => {
                let mut all = self.parts.remove(&delivery).unwrap_or_default();
                all.extend(platform_ids);
                self.delivered
                    .extend(self.queue.remove(&turn).map(|delivery| Delivered {
                        delivery,
                        platform_ids: all,
                        at,
                    }));
            }
            Step::Expired { .. } => {
                self.queue.remove(&turn);
                self.expired.push(delivery);
            }
            Step::Dead(death) => {
                self.set_progress(turn, death.progress);
                self.dead
                    .extend(self.queue.remove(&turn).map(|delivery| Dead {
                        delivery,
                        death,
                        at,
                    }));
            }
        }
    }

    fn set_progress(&mut self, turn: Turn, progress: Progress) {
        if let Some(queued) = self.queue.get_mut(&turn) {
            queued.progress = progress;
        }
    }

    fn merge(&mut self, merge: Merge) -> Result<(), StoreError> {
        let turns: Option<Vec<_>> = merge.merged.iter().map(|id| self.turn_of(*id)).collect();
        let (Some(into), Some(turns)) = (self.turn_of(merge.into), turns) else {
            let reason = "a delivery that was to be merged is not queued";
            return Err(StoreError::Unavailable(reason.to_owned()));
        };
        if let Some(queued) = self.queue.get_mut(&into) {
            queued.content = merge.content;
        }
        for (turn, id) in turns.into_iter().zip(merge.merged) {
            self.queue.remove(&turn);
            self.merged.push((id, merge.into));
        }
        Ok(())
    }

    fn replay(&mut self, id: DeliveryId, at: Timestamp) -> (Replayed, Option<Channel>) {
        let Some(place) = self.dead.iter().position(|dead| dead.delivery.id == id) else {
            let is_queued = self.turn_of(id).is_some();
            let unknown = if is_queued {
                Replayed::AlreadyQueued
            } else {
                Replayed::Unknown
            };
            return (unknown, None);
        };
        let blocks = self.blocked_by(&self.dead[place].delivery.channel) == Some(id);
        let mut delivery = self.dead.remove(place).delivery;
        if !blocks {
            delivery.turn = self.next_turn();
        }
        delivery.queued_at = at;
        delivery.progress = Progress {
            parts_sent: delivery.progress.parts_sent,
            ..Progress::START
        };
        let channel = delivery.channel.clone();
        self.queue.insert(delivery.turn, delivery);
        (Replayed::Queued, Some(channel))
    }

    fn discard(&mut self, id: DeliveryId) -> (Discarded, Option<Channel>) {
        let Some(place) = self.dead.iter().position(|dead| dead.delivery.id == id) else {
            return (Discarded::Unknown, None);
        };
        let dead = self.dead.remove(place);
        self.discarded.push(id);
        (Discarded::Discarded, Some(dead.delivery.channel))
    }

    fn tell_reordered(&self, channels: impl IntoIterator<Item = Channel>) {
        for channel in channels {
            if let Some(feed) = &self.feed {
                feed.reordered(&channel);
            }
        }
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

    fn set_feed(&self, feed: Arc<dyn Feed>) {
        self.state().feed = Some(feed);
    }
}

#[cfg(test)]
mod tests {
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
            let discarded = store.discarded().into_iter();
            all.extend(discarded.map(|id| ended(id, How::Discarded)));
            all
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
