//! The framework's side of a driver's own work, played by a test.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Batch, Busy, Event, Work};
use bridge_core::id::Address;
use bridge_core::message::Message;
use tokio::sync::watch;

/// When a refused batch may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What [`Driver::run`](bridge_core::driver::Driver::run) works with, for tests. Clones are the same
/// one.
///
/// It keeps what it takes, and does what it is told: refuses, makes the driver wait, names other
/// channels, ends the work. It needs no runtime.
#[derive(Clone)]
pub struct FakeWork {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    channels: watch::Sender<Arc<[Address]>>,
    stopping: watch::Sender<bool>,
    /// Whether takes are held back.
    held: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    taken: Vec<Batch>,
    refusals: usize,
    reached: usize,
    open_takes: usize,
    most_open_takes: usize,
}

impl FakeWork {
    /// The work of an instance for which rules name these channels.
    pub fn new(channels: impl IntoIterator<Item = Address>) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                channels: watch::Sender::new(sorted(channels)),
                stopping: watch::Sender::new(false),
                held: watch::Sender::new(false),
            }),
        }
    }

    /// Refuses the next `count` batches that bring anything.
    pub fn refuse(&self, count: usize) {
        self.state().refusals = count;
    }

    /// Lets no take end until [`FakeWork::release`]. Nothing is taken before.
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets takes end again.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Says that rules name these channels from now on.
    pub fn name(&self, channels: impl IntoIterator<Item = Address>) {
        self.shared.channels.send_replace(sorted(channels));
    }

    /// Says that the instance is to end.
    pub fn stop(&self) {
        self.shared.stopping.send_replace(true);
    }

    /// The messages taken so far, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.with_taken(|event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// What `of` makes of the events taken so far, in order.
    pub fn with_taken<T>(&self, of: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        let state = self.state();
        let events = state.taken.iter().flat_map(|batch| &batch.events);
        events.filter_map(of).collect()
    }

    /// How often the driver said that the platform is reached.
    pub fn times_reached(&self) -> usize {
        self.state().reached
    }

    /// The most takes that were under way at once.
    pub fn most_takes_at_once(&self) -> usize {
        self.state().most_open_takes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

/// No channel is named.
impl Default for FakeWork {
    fn default() -> Self {
        Self::new([])
    }
}

fn sorted(channels: impl IntoIterator<Item = Address>) -> Arc<[Address]> {
    let mut channels: Vec<_> = channels.into_iter().collect();
    channels.sort();
    channels.dedup();
    channels.into()
}

/// A take under way.
struct Open(FakeWork);

impl Open {
    fn new(work: &FakeWork) -> Self {
        let mut state = work.state();
        state.open_takes += 1;
        state.most_open_takes = state.most_open_takes.max(state.open_takes);
        drop(state);
        Self(work.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.state().open_takes -= 1;
    }
}

impl Work for FakeWork {
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>> {
        if batch.events.is_empty() {
            // There is nothing to keep, and so nothing to wait for.
            return Box::pin(std::future::ready(Ok(())));
        }
        let open = Open::new(self);
        let mut held = self.shared.held.subscribe();
        Box::pin(async move {
            // The sender lives in `open`, so the wait can't fail.
            drop(held.wait_for(|held| !held).await);
            let mut state = open.0.state();
            if state.refusals > 0 {
                state.refusals -= 1;
                let retry_after = RETRY_AFTER;
                return Err(Busy { retry_after });
            }
            state.taken.push(batch);
            drop(state);
            Ok(())
        })
    }

    fn reached(&self) {
        self.state().reached += 1;
    }

    fn channels(&self) -> Arc<[Address]> {
        Arc::clone(&self.shared.channels.borrow())
    }

    fn channels_changed(&self, known: &Arc<[Address]>) -> BoxFuture<'_, ()> {
        let (mut channels, known) = (self.shared.channels.subscribe(), Arc::clone(known));
        Box::pin(async move {
            // The sender lives in `self`, so the wait can't fail.
            drop(channels.wait_for(|named| **named != *known).await);
        })
    }

    fn stopping(&self) -> BoxFuture<'_, ()> {
        let mut stopping = self.shared.stopping.subscribe();
        Box::pin(async move {
            // The sender lives in `self`, so the wait can't fail.
            drop(stopping.wait_for(|stopping| *stopping).await);
        })
    }
}

impl fmt::Debug for FakeWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("FakeWork")
            .field("taken", &state.taken.len())
            .field("reached", &state.reached)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bridge_core::driver::Ignored;
    use futures_util::FutureExt;

    use super::*;

    fn batch() -> Batch {
        Batch::of(Event::Ignored(Ignored {
            reason: "empty_text",
            message_id: None,
            address: None,
        }))
    }

    fn taken(work: &FakeWork) -> usize {
        work.with_taken(|_| Some(())).len()
    }

    #[test]
    fn it_refuses_and_holds_what_it_is_told_to() {
        let work = FakeWork::default();
        work.refuse(1);
        assert!(work.take(batch()).now_or_never().unwrap().is_err());
        assert_eq!(taken(&work), 0);
        work.hold();
        let nothing = work.take(Batch::default());
        assert!(nothing.now_or_never().unwrap().is_ok());
        let mut take = work.take(batch());
        assert!((&mut take).now_or_never().is_none());
        assert_eq!(taken(&work), 0);
        work.release();
        assert!(take.now_or_never().unwrap().is_ok());
        assert_eq!((taken(&work), work.most_takes_at_once()), (1, 1));
    }

    #[test]
    fn it_names_channels_and_ends() {
        let address = |room: &str| Address::new([("room", room)]);
        let work = FakeWork::new([address("b"), address("a"), address("b")]);
        let known = work.channels();
        assert_eq!(*known, [address("a"), address("b")]);
        assert!(work.channels_changed(&known).now_or_never().is_none());
        work.name([address("c")]);
        assert!(work.channels_changed(&known).now_or_never().is_some());
        assert!(work.stopping().now_or_never().is_none());
        work.stop();
        assert!(work.stopping().now_or_never().is_some());
    }
}
