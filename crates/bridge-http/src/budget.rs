//! A rate limit that holds in every window, not only on average.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use tokio::sync::Mutex;

/// Timestamps drop what is below a millisecond; waiting one more makes up for it.
const ROUNDING: Duration = Duration::from_millis(1);

/// At most `limit` permissions in any window of a given length, wherever the window begins.
///
/// - Fair: permissions are given in the order in which they were asked for.
/// - Counted when given, not when asked for, so that a late timer can't push two bursts together.
/// - Cancel safe: an [`acquire`](Budget::acquire) that is dropped has used nothing.
/// - Memory: the times of the permissions of one window, so at most `limit` of them.
/// - Setting the wall clock back costs one window of waiting; setting it forward may let through
///   one window's worth too early.
#[derive(Debug)]
pub struct Budget {
    limit: AtomicUsize,
    window: Duration,
    /// When the permissions of the last window were given, oldest first. tokio's mutex, because it
    /// is held while waiting and hands itself on in order.
    given: Mutex<VecDeque<Timestamp>>,
}

impl Budget {
    /// `limit` permissions per `window`; a limit of 0 is none at all.
    pub fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit: AtomicUsize::new(usize::try_from(limit).unwrap_or(usize::MAX)),
            window,
            given: Mutex::default(),
        }
    }

    /// This budget, as if permissions had been given at these times, oldest first.
    pub fn with_given(self, times: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut given: VecDeque<_> = times.into_iter().collect();
        while given.len() > self.limit() {
            given.pop_front();
        }
        Self {
            given: Mutex::new(given),
            ..self
        }
    }

    /// This budget, as if all its permissions had been given at `time`: after a start nobody knows
    /// how many an earlier run gave just before its end.
    pub fn used_up_at(self, time: Timestamp) -> Self {
        let times = vec![time; self.limit()];
        self.with_given(times)
    }

    /// Whether it limits anything.
    pub fn is_limited(&self) -> bool {
        self.limit() > 0
    }

    /// Changes the limit from `now` on; what was given before counts. Without a limit nothing was
    /// counted, so a new one begins as if it were used up.
    pub fn set_limit(&self, limit: u32, now: Timestamp) {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let before = self.limit.swap(limit, Relaxed);
        // Without a limit nobody holds the lock for long: only who has just found that there is none.
        if before == 0
            && let Ok(mut given) = self.given.try_lock()
        {
            *given = vec![now; limit].into();
        }
    }

    fn limit(&self) -> usize {
        self.limit.load(Relaxed)
    }

    /// Resolves when [`acquire`](Self::acquire) would not wait; counts nothing. Where only one task
    /// acquires, it will not wait afterwards.
    pub async fn available(&self, clock: &dyn Clock) {
        if self.limit() == 0 {
            return;
        }
        let mut given = self.given.lock().await;
        let wait = self.wait(&mut given, self.limit(), clock.now());
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
    }

    /// Resolves when one more may go, and counts it.
    pub async fn acquire(&self, clock: &dyn Clock) {
        if self.limit() == 0 {
            return;
        }
        let mut given = self.given.lock().await;
        let limit = loop {
            let limit = self.limit();
            let wait = self.wait(&mut given, limit, clock.now());
            if !wait.is_zero() {
                clock.sleep(wait).await;
            }
            // A limit that was changed during the sleep may mean another wait.
            if self.limit() == limit {
                break limit;
            }
        };
        if limit == 0 {
            return;
        }
        let now = clock.now();
        self.forget(&mut given, now);
        // The clock may have been set back during the sleep; the place is free all the same.
        while given.len() >= limit {
            given.pop_front();
        }
        given.push_back(now);
    }

    /// How long from `now` until a full window has a place.
    fn wait(&self, given: &mut VecDeque<Timestamp>, limit: usize, now: Timestamp) -> Duration {
        // A clock that was set back: what lies in the future was given at some time before now.
        for at in given.iter_mut() {
            *at = (*at).min(now);
        }
        self.forget(given, now);
        // Several have to leave where the limit was lowered.
        let leaves = given.len().checked_sub(limit);
        match leaves.and_then(|last| given.get(last)) {
            Some(last) => (self.window + ROUNDING).saturating_sub(now.since(*last)),
            None => Duration::ZERO,
        }
    }

    /// Drops what has left the window.
    fn forget(&self, given: &mut VecDeque<Timestamp>, now: Timestamp) {
        while given
            .front()
            .is_some_and(|oldest| now.since(*oldest) > self.window)
        {
            given.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
