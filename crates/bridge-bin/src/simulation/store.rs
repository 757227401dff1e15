//! A store that fails now and then, writes some settlements late, and loses those on a crash.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::id::{Channel, InstanceId};
use bridge_core::ports::Clock;
use bridge_core::store::{
    Admission, Admitted, DeliveryId, Discarded, EntryNumber, Feed, Identification, KnownDelivery,
    LaneWindow, Mail, Merge, NewEntry, Origin, Record, Replayed, Settlement, Store, StoreError,
    StoreIdentity, Turn,
};
use bridge_core::time::Timestamp;
use bridge_testkit::MemoryStore;
use tokio::sync::oneshot;

use super::clock::SimClock;

#[derive(Clone)]
pub(super) struct FaultyStore {
    pub(super) inner: MemoryStore,
    clock: SimClock,
    random: Arc<Mutex<fastrand::Rng>>,
    /// One in so many operations fails; 0 for none.
    one_in: Arc<AtomicU32>,
    life: Arc<AtomicU32>,
}

impl FaultyStore {
    pub(super) fn new(seed: u64, one_in: u32, clock: &SimClock) -> Self {
        Self {
            inner: MemoryStore::new(),
            clock: clock.clone(),
            random: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            one_in: Arc::new(AtomicU32::new(one_in)),
            life: Arc::default(),
        }
    }

    pub(super) fn heal(&self) {
        self.one_in.store(0, SeqCst);
    }

    /// What is handed over and not written is lost.
    pub(super) fn crash(&self) {
        self.life.fetch_add(1, SeqCst);
        self.inner.forget_feed();
    }

    fn draw(&self, below: u32) -> u32 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.u32(..below)
    }

    fn fails(&self) -> bool {
        let one_in = self.one_in.load(SeqCst);
        one_in > 0 && self.draw(one_in) == 0
    }

    /// Now and then an operation fails, and now and then it takes its time, or the process dies first.
    fn fail_or_wait(
        &self,
        operation: impl FnOnce(&MemoryStore) -> BoxFuture<'static, Result<(), StoreError>>
        + std::marker::Send
        + 'static,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        if self.fails() {
            let fault = self.fault();
            return Box::pin(async { fault });
        }
        if !self.fails() {
            return operation(&self.inner);
        }
        let (store, life) = (self.clone(), self.life.load(SeqCst));
        let late = self
            .clock
            .sleep(Duration::from_millis(u64::from(self.draw(5_000))));
        let work = tokio::spawn(async move {
            late.await;
            if store.life.load(SeqCst) != life {
                return Err(StoreError::Closed);
            }
            operation(&store.inner).await
        });
        Box::pin(async move { work.await.unwrap_or(Err(StoreError::Closed)) })
    }

    fn fault<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unavailable("on purpose".to_owned()))
    }
}

impl Store for FaultyStore {
    fn admit(&self, admission: Admission) -> BoxFuture<'_, Result<Admitted, StoreError>> {
        if self.fails() {
            return Box::pin(async { self.fault() });
        }
        self.inner.admit(admission)
    }

    fn settle(&self, settlement: Settlement) -> BoxFuture<'static, Result<(), StoreError>> {
        if !self.fails() {
            return self.inner.settle(settlement);
        }
        // Written late, whether or not anybody waits; lost if the process dies before.
        let (written, wait) = oneshot::channel();
        let (store, life) = (self.clone(), self.life.load(SeqCst));
        let late = self
            .clock
            .sleep(Duration::from_millis(u64::from(self.draw(5_000))));
        tokio::spawn(async move {
            late.await;
            if store.life.load(SeqCst) == life {
                drop(store.inner.settle(settlement));
                written.send(()).ok();
            }
        });
        Box::pin(async move { wait.await.map_err(|_| StoreError::Closed) })
    }

    fn merge(&self, merge: Merge) -> BoxFuture<'static, Result<(), StoreError>> {
        self.fail_or_wait(move |store| store.merge(merge))
    }

    fn spend(
        &self,
        channel: &Channel,
        at: Timestamp,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let channel = channel.clone();
        self.fail_or_wait(move |store| store.spend(&channel, at))
    }

    fn spent(
        &self,
        channel: &Channel,
        since: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Timestamp>, StoreError>> {
        if self.fails() {
            return Box::pin(async { self.fault() });
        }
        self.inner.spent(channel, since)
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.record(record)
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.flush()
    }

    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Channel>, StoreError>> {
        self.inner.lanes()
    }

    fn queued(
        &self,
        channel: &Channel,
        after: Turn,
        limit: usize,
    ) -> BoxFuture<'_, Result<LaneWindow, StoreError>> {
        if self.fails() {
            return Box::pin(async { self.fault() });
        }
        self.inner.queued(channel, after, limit)
    }

    fn deliveries_of(
        &self,
        source: &Channel,
        message_id: &str,
    ) -> BoxFuture<'_, Result<Vec<KnownDelivery>, StoreError>> {
        if self.fails() {
            return Box::pin(async { self.fault() });
        }
        self.inner.deliveries_of(source, message_id)
    }

    fn origin_of(
        &self,
        channel: &Channel,
        platform_id: &str,
    ) -> BoxFuture<'_, Result<Option<Origin>, StoreError>> {
        self.inner.origin_of(channel, platform_id)
    }

    fn identify(&self, identification: Identification) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.inner.identify(identification)
    }

    fn replay(
        &self,
        letters: Vec<DeliveryId>,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Replayed>, StoreError>> {
        self.inner.replay(letters, at)
    }

    fn discard(
        &self,
        letters: Vec<DeliveryId>,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Discarded>, StoreError>> {
        self.inner.discard(letters, at)
    }

    fn park(
        &self,
        instance: &InstanceId,
        reason: &str,
        limit: usize,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<usize, StoreError>> {
        self.inner.park(instance, reason, limit, at)
    }

    fn post(
        &self,
        instance: &InstanceId,
        entry: NewEntry,
    ) -> BoxFuture<'static, Result<EntryNumber, StoreError>> {
        if self.fails() {
            let fault = self.fault();
            return Box::pin(async { fault });
        }
        self.inner.post(instance, entry)
    }

    fn mail(
        &self,
        instance: &InstanceId,
        after: EntryNumber,
        limit: usize,
    ) -> BoxFuture<'_, Result<Mail, StoreError>> {
        if self.fails() {
            return Box::pin(async { self.fault() });
        }
        self.inner.mail(instance, after, limit)
    }

    fn confirm(
        &self,
        instance: &InstanceId,
        up_to: EntryNumber,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        if self.fails() {
            let fault = self.fault();
            return Box::pin(async { fault });
        }
        self.inner.confirm(instance, up_to)
    }

    fn identity(&self) -> StoreIdentity {
        self.inner.identity()
    }

    fn set_feed(&self, feed: Arc<dyn Feed>) {
        self.inner.set_feed(feed);
    }
}
