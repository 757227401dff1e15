//! The budget against a clock that the test owns.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use bridge_core::BoxFuture;
use proptest::prelude::*;
use tokio::sync::Notify;

use super::*;

/// A clock in microseconds that jumps over every sleep, and a bit too far.
struct JumpingClock {
    micros: Arc<StdMutex<i64>>,
    oversleep_micros: i64,
}

impl JumpingClock {
    fn new(oversleep_micros: i64) -> Self {
        Self {
            micros: Arc::new(StdMutex::new(1_000_000_000_500)),
            oversleep_micros,
        }
    }

    fn micros(&self) -> i64 {
        *self.micros.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shift(&self, micros: i64) {
        *self.micros.lock().unwrap_or_else(PoisonError::into_inner) += micros;
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.micros() / 1000)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let micros = Arc::clone(&self.micros);
        let ahead = i64::try_from(duration.as_micros()).unwrap() + self.oversleep_micros;
        Box::pin(async move {
            *micros.lock().unwrap_or_else(PoisonError::into_inner) += ahead;
        })
    }
}

/// A clock that stands still and whose sleeps end when the test says so.
#[derive(Default)]
struct StandingClock {
    sleeping: Arc<Notify>,
    wake: Arc<Notify>,
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(5_000)
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        let (sleeping, wake) = (Arc::clone(&self.sleeping), Arc::clone(&self.wake));
        Box::pin(async move {
            sleeping.notify_one();
            wake.notified().await;
        })
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

proptest! {
    /// The permission `limit` places later comes at least one whole window later: then no window
    /// holds more than `limit`, wherever it begins.
    #[test]
    fn no_window_holds_more_than_the_limit(
        limit in 1_u32..6,
        window_ms in 1_u64..2_000,
        gaps_micros in prop::collection::vec(prop_oneof![Just(0), 0_i64..900_000], 1..60),
        oversleep_micros in 0_i64..5_000,
    ) {
        let clock = JumpingClock::new(oversleep_micros);
        let budget = Budget::new(limit, Duration::from_millis(window_ms));
        let given: Vec<i64> = block_on(async {
            let mut given = Vec::new();
            for gap in gaps_micros {
                clock.shift(gap);
                budget.acquire(&clock).await;
                given.push(clock.micros());
            }
            given
        });
        for pair in given.windows(limit as usize + 1) {
            let span = pair[limit as usize] - pair[0];
            prop_assert!(span >= i64::try_from(window_ms).unwrap() * 1000, "{span} µs");
        }
        prop_assert!(budget.places().used.len() <= limit as usize);
    }
}

#[test]
fn what_fits_does_not_wait() {
    let clock = JumpingClock::new(0);
    let start = clock.micros();
    let budget = Budget::new(3, Duration::from_secs(1));
    block_on(async {
        for _ in 0..3 {
            budget.acquire(&clock).await;
        }
        assert_eq!(clock.micros(), start);
        budget.acquire(&clock).await;
        assert_eq!(clock.micros(), start + 1_001_000);
    });
}

#[test]
fn zero_is_no_limit() {
    let clock = JumpingClock::new(0);
    let start = clock.micros();
    let budget = Budget::new(0, Duration::from_secs(60));
    block_on(async {
        for _ in 0..1_000 {
            budget.acquire(&clock).await;
        }
    });
    assert_eq!(clock.micros(), start);
}

#[test]
fn a_clock_set_back_costs_one_window() {
    let clock = JumpingClock::new(0);
    let budget = Budget::new(2, Duration::from_secs(1));
    block_on(async {
        budget.acquire(&clock).await;
        budget.acquire(&clock).await;
        clock.shift(-3_600_000_000);
        let back = clock.micros();
        budget.acquire(&clock).await;
        budget.acquire(&clock).await;
        assert_eq!(clock.micros(), back + 1_001_000);
    });
}

#[test]
fn a_permission_counts_when_it_is_used() {
    let clock = JumpingClock::new(0);
    let budget = Arc::new(Budget::new(2, Duration::from_secs(1)));
    let give = || Arc::clone(&budget).give(&clock);
    block_on(async {
        let (held, unused) = (give().await, give().await);
        clock.shift(10_000_000);
        tokio::select! {
            biased;
            _ = give() => panic!("both places are kept"),
            () = std::future::ready(()) => {}
        }
        drop(unused);
        give().await.spend(clock.now());
        held.spend(clock.now());
        let start = clock.micros();
        drop(give().await);
        assert_eq!(clock.micros(), start + 1_001_000, "both were used just now");
    });
}

#[test]
fn waiters_go_in_order_and_a_dropped_one_uses_nothing() {
    block_on(async {
        let clock = Arc::new(StandingClock::default());
        let budget = Arc::new(Budget::new(1, Duration::from_secs(1)));
        budget.acquire(&*clock).await;

        let (order, mut went) = tokio::sync::mpsc::unbounded_channel();
        let mut waiters = Vec::new();
        for name in ["dropped", "second", "third"] {
            let (budget, clock, order) = (budget.clone(), clock.clone(), order.clone());
            waiters.push(tokio::spawn(async move {
                budget.acquire(&*clock).await;
                order.send(name).unwrap();
            }));
        }
        // On one thread, tasks run in the order in which they were spawned.
        clock.sleeping.notified().await;
        waiters[0].abort();
        for expected in ["second", "third"] {
            clock.sleeping.notified().await;
            clock.wake.notify_one();
            assert_eq!(went.recv().await, Some(expected));
        }
        assert!(went.try_recv().is_err());
    });
}

#[test]
fn a_changed_limit_counts_what_was_given_before() {
    let clock = JumpingClock::new(0);
    let start = clock.micros();
    let budget = Budget::new(3, Duration::from_secs(1));
    let waited = |clock: &JumpingClock| (clock.micros() - start) / 1000;
    block_on(async {
        for _ in 0..3 {
            budget.acquire(&clock).await;
        }
        budget.set_limit(5, clock.now());
        budget.acquire(&clock).await;
        budget.acquire(&clock).await;
        assert_eq!(waited(&clock), 0, "two more");
        clock.shift(500_000);
        budget.set_limit(2, clock.now());
        budget.acquire(&clock).await;
        assert_eq!(waited(&clock), 1_001, "four of five had to leave");
        budget.set_limit(0, clock.now());
        budget.acquire(&clock).await;
        budget.set_limit(2, clock.now());
        budget.acquire(&clock).await;
        assert_eq!(waited(&clock), 2_002, "nobody knows what went before");
    });
}
