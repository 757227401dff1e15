//! A clock that stands still while anybody works, and jumps to the next alarm when all wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use tokio::sync::oneshot;

/// Turns of the executor after which everybody who can work has worked.
const TURNS: usize = 40;

#[derive(Clone)]
pub(super) struct SimClock(Arc<Mutex<State>>);

struct State {
    now: Timestamp,
    alarms: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    number: u64,
}

impl SimClock {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Timestamp::from_millis(1_772_366_400_000),
            alarms: BTreeMap::new(),
            number: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everybody work, then moves to the next alarm, at most to `end`; whether there was one.
    pub(super) async fn step(&self, end: Timestamp) -> bool {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let mut state = self.state();
        state.alarms.retain(|_, alarm| !alarm.is_closed());
        match state.alarms.first_key_value() {
            Some(((time, _), _)) if *time <= end => {
                if let Some(((time, _), alarm)) = state.alarms.pop_first() {
                    state.now = state.now.max(time);
                    // Who gave up meanwhile does not hear it.
                    alarm.send(()).ok();
                }
                true
            }
            _ => {
                state.now = state.now.max(end);
                false
            }
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (alarm, rings) = oneshot::channel();
        let mut state = self.state();
        // As with real clocks, a sleep ends a little late rather than early.
        let time = state.now.plus(duration.max(Duration::from_millis(1)));
        state.number += 1;
        let key = (time, state.number);
        state.alarms.insert(key, alarm);
        Box::pin(async move { drop(rings.await) })
    }
}
