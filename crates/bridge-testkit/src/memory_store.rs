//! A store in memory: everything the contract asks but surviving its process, for tests of what
//! stands on a store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::id::Channel;
use bridge_core::store::{
    Admission, Admitted, Death, DeliveryId, Feed, Progress, QueuedDelivery, Record, Settlement,
    Step, Store, StoreError,
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
    accepted: HashSet<(Channel, String)>,
    queue: BTreeMap<DeliveryId, QueuedDelivery>,
    parts: HashMap<DeliveryId, Vec<String>>,
    delivered: Vec<Delivered>,
    dead: Vec<Dead>,
    records: Vec<Record>,
    feed: Option<Arc<dyn Feed>>,
    failure: Option<String>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What waits to be sent, by id.
    pub fn waiting(&self) -> Vec<QueuedDelivery> {
        self.state().queue.values().cloned().collect()
    }

    /// What the platforms took, in the order in which it was settled.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.state().delivered.clone()
    }

    /// What was given up, in the order in which it was settled.
    pub fn dead(&self) -> Vec<Dead> {
        self.state().dead.clone()
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
        for new in admission.deliveries {
            self.last_id += 1;
            let delivery = QueuedDelivery {
                id: DeliveryId(self.last_id),
                source: admission.source.clone(),
                message_id: admission.message_id.clone(),
                received_at: admission.received_at,
                channel: new.channel,
                rule: new.rule,
                content: new.content,
                progress: Progress::START,
            };
            self.queue.insert(delivery.id, delivery.clone());
            committed.push(delivery);
        }
        // Under the lock, so that no later commit overtakes this one on its way to the feed.
        if let Some(feed) = &self.feed {
            feed.committed(committed);
        }
        Ok(Admitted::New)
    }

    fn settle(&mut self, settlement: Settlement) {
        let Settlement { delivery, at, step } = settlement;
        let Some(queued) = self.queue.get_mut(&delivery) else {
            return;
        };
        match step {
            Step::PartSent {
                platform_ids,
                progress,
            } => {
                queued.progress = progress;
                self.parts.entry(delivery).or_default().extend(platform_ids);
            }
            Step::Postponed { progress, .. } => queued.progress = progress,
            Step::Delivered { platform_ids } => {
                let mut all = self.parts.remove(&delivery).unwrap_or_default();
                all.extend(platform_ids);
                self.delivered
                    .extend(self.queue.remove(&delivery).map(|delivery| Delivered {
                        delivery,
                        platform_ids: all,
                        at,
                    }));
            }
            Step::Dead(death) => {
                queued.progress = death.progress;
                self.dead
                    .extend(self.queue.remove(&delivery).map(|delivery| Dead {
                        delivery,
                        death,
                        at,
                    }));
            }
        }
    }
}

impl Store for MemoryStore {
    fn admit(&self, admission: Admission) -> BoxFuture<'_, Result<Admitted, StoreError>> {
        Box::pin(async move { self.state().admit(admission) })
    }

    fn settle(&self, settlement: Settlement) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.state().settle(settlement);
            Ok(())
        })
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.state().records.push(record);
            Ok(())
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Channel>, StoreError>> {
        Box::pin(async move {
            let state = self.state();
            let mut lanes: Vec<_> = state.queue.values().map(|d| d.channel.clone()).collect();
            lanes.sort();
            lanes.dedup();
            Ok(lanes)
        })
    }

    fn queued(
        &self,
        channel: &Channel,
        after: DeliveryId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<QueuedDelivery>, StoreError>> {
        let channel = channel.clone();
        Box::pin(async move {
            let state = self.state();
            let later = state.queue.values().filter(|delivery| delivery.id > after);
            let lane = later.filter(|delivery| delivery.channel == channel);
            Ok(lane.take(limit).cloned().collect())
        })
    }

    fn set_feed(&self, feed: Arc<dyn Feed>) {
        self.state().feed = Some(feed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store_contract::{self, Ended, StoreUnderTest};

    struct Subject(MemoryStore);

    impl StoreUnderTest for Subject {
        fn store(&self) -> Arc<dyn Store> {
            Arc::new(self.0.clone())
        }

        async fn crash(&mut self) -> bool {
            false
        }

        fn ended(&self) -> Vec<Ended> {
            let delivered = self.0.delivered();
            let delivered = delivered.iter().map(|one| Ended {
                delivery: one.delivery.id,
                death: None,
            });
            let dead = self.0.dead();
            let dead = dead.iter().map(|one| Ended {
                delivery: one.delivery.id,
                death: Some(one.death.clone()),
            });
            delivered.chain(dead).collect()
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
        assert_eq!(store.admit(admission).await, Ok(Admitted::New));
    }
}
