//! A clock that stands still until a test moves it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use tokio::sync::{oneshot, watch};

/// A clock for tests. Clones show the same time.
///
/// A sleep ends when [`FakeClock::advance`] or [`FakeClock::set`] brings the time to its end, the
/// earliest first. Its duration counts from the call of [`Clock::sleep`], not from the first poll.
#[derive(Clone)]
pub struct FakeClock {
    state: Arc<Mutex<State>>,
    /// How many sleepers wait.
    sleeping: watch::Sender<usize>,
}

struct State {
    now: Timestamp,
    /// Sorted by when they end.
    sleepers: Vec<(Timestamp, oneshot::Sender<()>)>,
}

impl FakeClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        let state = State {
            now,
            sleepers: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            sleeping: watch::Sender::new(0),
        }
    }

    /// Moves the time later and wakes whoever slept until then.
    pub fn advance(&self, duration: Duration) {
        let now = self.state().now.plus(duration);
        self.set(now);
    }

    /// Sets the time, back as well, and wakes whoever slept until then.
    pub fn set(&self, now: Timestamp) {
        let mut state = self.state();
        state.now = now;
        let due = state.sleepers.partition_point(|(until, _)| *until <= now);
        let woken: Vec<_> = state.sleepers.drain(..due).collect();
        self.sleeping.send_replace(state.sleepers.len());
        drop(state);
        for (_, wake) in woken {
            // A sleeper that gave up does not hear it, which is fine.
            wake.send(()).ok();
        }
    }

    /// Resolves when at least `count` sleeps wait for the clock. Await it before
    /// [`FakeClock::advance`], so that the code under test has got as far as its sleep.
    pub async fn until_sleeping(&self, count: usize) {
        let mut sleeping = self.sleeping.subscribe();
        // The sender lives in `self`, so the wait can't fail.
        drop(sleeping.wait_for(|waiting| *waiting >= count).await);
    }

    /// How many sleeps wait for the clock.
    pub fn sleepers(&self) -> usize {
        self.state().sleepers.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes those who gave up off the list, so that they are not counted as sleeping.
    fn forget_dropped(&self) {
        let mut state = self.state();
        state.sleepers.retain(|(_, wake)| !wake.is_closed());
        self.sleeping.send_replace(state.sleepers.len());
    }
}

/// The clock stands at 2026-03-01 12:00 UTC.
impl Default for FakeClock {
    fn default() -> Self {
        Self::new(Timestamp::from_millis(1_772_366_400_000))
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("FakeClock")
            .field("now", &state.now)
            .field("sleepers", &state.sleepers.len())
            .finish()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        let (wake, woken) = oneshot::channel();
        {
            let mut state = self.state();
            let until = state.now.plus(duration);
            let place = state.sleepers.partition_point(|(other, _)| *other <= until);
            state.sleepers.insert(place, (until, wake));
            self.sleeping.send_replace(state.sleepers.len());
        }
        let mut sleep = Sleep {
            clock: self.clone(),
            woken: Some(woken),
        };
        Box::pin(async move {
            if let Some(woken) = &mut sleep.woken {
                // The sender goes only with a wake: the list that holds it lives in the clock.
                drop(woken.await);
            }
        })
    }
}

/// A sleep under way; dropped before its end it leaves the list.
struct Sleep {
    clock: FakeClock,
    woken: Option<oneshot::Receiver<()>>,
}

impl Drop for Sleep {
    fn drop(&mut self) {
        drop(self.woken.take());
        self.clock.forget_dropped();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_sleep_ends_when_the_time_has_come_and_not_before() {
        let clock = FakeClock::default();
        let start = clock.now();
        let sleeper = tokio::spawn(clock.sleep(3 * SECOND));
        clock.until_sleeping(1).await;
        clock.advance(2 * SECOND);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(SECOND);
        sleeper.await.unwrap();
        assert_eq!(clock.now().since(start), 3 * SECOND);
    }

    #[tokio::test]
    async fn a_dropped_sleep_is_not_counted() {
        let clock = FakeClock::default();
        let dropped = clock.sleep(SECOND);
        let kept = clock.sleep(2 * SECOND);
        assert_eq!(*clock.sleeping.borrow(), 2);
        drop(dropped);
        assert_eq!(*clock.sleeping.borrow(), 1);
        clock.advance(2 * SECOND);
        kept.await;
        assert_eq!(*clock.sleeping.borrow(), 0);
    }

    #[tokio::test]
    async fn a_sleep_of_nothing_ends_at_once() {
        FakeClock::default().sleep(Duration::ZERO).await;
    }
}
