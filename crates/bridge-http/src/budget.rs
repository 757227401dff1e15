//! A rate limit that holds in every window, not only on average.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use tokio::sync::Notify;

/// Timestamps drop what is below a millisecond; waiting one more makes up for it.
const ROUNDING: Duration = Duration::from_millis(1);

/// At most `limit` permissions are used in any window of a given length, wherever the window begins.
///
/// - Fair: permissions are given in the order in which they were asked for.
/// - Counted when used, not when given or asked for, so that neither a late timer nor what comes
///   between can push two bursts together. One that is given and not used yet keeps its place.
/// - Cancel safe: an [`acquire`](Budget::acquire) that is dropped has used nothing.
/// - Memory: the times of the permissions of one window, so at most `limit` of them.
/// - Setting the wall clock back costs one window of waiting; setting it forward may let through
///   one window's worth too early.
#[derive(Debug)]
pub struct Budget {
    window: Duration,
    places: Mutex<Places>,
    /// Whoever stands first in the line holds this while it waits. tokio's mutex, because it hands
    /// itself on in order.
    line: tokio::sync::Mutex<()>,
    /// A permission was given back, or used: whoever waits looks again.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Places {
    limit: usize,
    /// When the permissions of the last window were used, oldest first.
    used: VecDeque<Timestamp>,
    /// Permissions that are given and not used yet.
    given: usize,
}

/// A permission that was given. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permission {
    budget: Arc<Budget>,
    /// Whether there was a limit when it was given.
    is_counted: bool,
}

/// What whoever stands first in the line waits for.
enum Wait {
    /// The oldest of a full window leaves it.
    For(Duration),
    /// A permission that was given is used, or comes back.
    ForChange,
}

impl Budget {
    /// `limit` permissions per `window`; a limit of 0 is none at all.
    pub fn new(limit: u32, window: Duration) -> Self {
        Self {
            window,
            places: Mutex::new(Places {
                limit: count(limit),
                ..Places::default()
            }),
            line: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// This budget, as if permissions had been used at these times, oldest first.
    pub fn with_used(self, times: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut used: VecDeque<_> = times.into_iter().collect();
        let limit = self.places().limit;
        while used.len() > limit {
            used.pop_front();
        }
        self.places().used = used;
        self
    }

    /// This budget, as if all its permissions had been used at `time`: after a start nobody knows
    /// how many an earlier run used just before its end.
    pub fn used_up_at(self, time: Timestamp) -> Self {
        let times = vec![time; self.places().limit];
        self.with_used(times)
    }

    /// Whether it limits anything.
    pub fn is_limited(&self) -> bool {
        self.places().limit > 0
    }

    /// Changes the limit from `now` on; what was used before counts. Without a limit nothing was
    /// counted, so a new one begins as if it were used up.
    pub fn set_limit(&self, limit: u32, now: Timestamp) {
        let mut places = self.places();
        let before = std::mem::replace(&mut places.limit, count(limit));
        if before == 0 {
            places.used = vec![now; places.limit].into();
        }
        drop(places);
        self.changed.notify_one();
    }

    /// Resolves when [`acquire`](Self::acquire) would not wait; counts nothing. Where only one task
    /// acquires, it will not wait afterwards.
    pub async fn available(&self, clock: &dyn Clock) {
        if self.is_limited() {
            let _first = self.line.lock().await;
            self.free_place(clock).await;
        }
    }

    /// Resolves when one more may go, and counts it as used.
    pub async fn acquire(&self, clock: &dyn Clock) {
        if self.is_limited() {
            let _first = self.line.lock().await;
            self.free_place(clock).await;
            self.places().used.push_back(clock.now());
        }
    }

    /// Resolves when one more may go, and keeps its place until it is used or dropped.
    pub(crate) async fn give(self: Arc<Self>, clock: &dyn Clock) -> Permission {
        let is_counted = self.is_limited();
        if is_counted {
            let _first = self.line.lock().await;
            self.free_place(clock).await;
            self.places().given += 1;
        }
        Permission {
            budget: self,
            is_counted,
        }
    }

    /// Waits until there is a place. Whoever calls this stands first in the line.
    async fn free_place(&self, clock: &dyn Clock) {
        loop {
            let wait = self.wait(clock.now());
            match wait {
                None => return,
                Some(Wait::ForChange) => self.changed.notified().await,
                Some(Wait::For(wait)) => tokio::select! {
                    biased;
                    () = clock.sleep(wait) => {
                        // The clock may have been set back during the sleep; the place is free all
                        // the same.
                        let mut places = self.places();
                        if places.is_full() {
                            places.used.pop_front();
                        }
                    }
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// What is to be waited for from `now`; nothing if there is a place.
    fn wait(&self, now: Timestamp) -> Option<Wait> {
        let mut places = self.places();
        // A clock that was set back: what lies in the future was used at some time before now.
        for at in &mut places.used {
            *at = (*at).min(now);
        }
        let is_over = |at: &Timestamp| now.since(*at) > self.window;
        while places.used.pop_front_if(|oldest| is_over(oldest)).is_some() {}
        if !places.is_full() {
            return None;
        }
        Some(match places.used.front() {
            Some(oldest) => Wait::For((self.window + ROUNDING).saturating_sub(now.since(*oldest))),
            None => Wait::ForChange,
        })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A limit as a number of places.
fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl Places {
    fn is_full(&self) -> bool {
        self.limit > 0 && self.used.len() + self.given >= self.limit
    }
}

impl Permission {
    /// Uses it.
    pub(crate) fn spend(self, now: Timestamp) {
        if self.budget.is_limited() {
            self.budget.places().used.push_back(now);
        }
        // Dropping it frees the place that it kept.
    }
}

impl Drop for Permission {
    fn drop(&mut self) {
        if self.is_counted {
            self.budget.places().given -= 1;
            self.budget.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
