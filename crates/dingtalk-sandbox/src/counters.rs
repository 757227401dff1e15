//! Counts what the sandbox did, cheaply enough for benchmarks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// What the sandbox did since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// HTTP requests that arrived, of any kind.
    pub exchanges: u64,
    /// Requests for a token, granted or not.
    pub token_requests: u64,
    /// Messages that were put into a group, whether or not the caller was told so.
    pub sends_accepted: u64,
    /// Sends that were answered with something else than success, by DingTalk's code; `html` for
    /// HTML pages.
    pub sends_refused: BTreeMap<String, u64>,
    /// Requests that a fault left without an answer.
    pub dropped: u64,
}

const NO_GOAL: u64 = u64::MAX;

/// The running counts.
pub(crate) struct Tally {
    pub(crate) exchanges: Count,
    pub(crate) token_requests: Count,
    pub(crate) dropped: Count,
    accepted: AtomicU64,
    /// The smallest number of accepted messages that somebody waits for, so that those who wait
    /// for many are not woken by each.
    goal: AtomicU64,
    reached: Notify,
    refused: Mutex<BTreeMap<String, u64>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            exchanges: Count::default(),
            token_requests: Count::default(),
            dropped: Count::default(),
            accepted: AtomicU64::default(),
            goal: AtomicU64::new(NO_GOAL),
            reached: Notify::default(),
            refused: Mutex::default(),
        }
    }
}

impl Tally {
    pub(crate) fn accept(&self) {
        // In one order with the two lines of `wait_for_accepted` that set a goal, then look at
        // the count: at least one of the two sides sees the other.
        let accepted = self.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        if accepted >= self.goal.load(Ordering::SeqCst) {
            self.goal.store(NO_GOAL, Ordering::SeqCst);
            // Those whose goal is further off set it again.
            self.reached.notify_waiters();
        }
    }

    pub(crate) fn refuse(&self, code: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = refused.get_mut(code) {
            *count += 1;
        } else {
            refused.insert(code.to_owned(), 1);
        }
    }

    /// Resolves as soon as `count` messages were accepted since the start.
    pub(crate) async fn wait_for_accepted(&self, count: u64) {
        loop {
            let mut reached = std::pin::pin!(self.reached.notified());
            // Listens before it looks, so that what comes in between is not missed.
            reached.as_mut().enable();
            self.goal.fetch_min(count, Ordering::SeqCst);
            if self.accepted.load(Ordering::SeqCst) >= count {
                return;
            }
            reached.await;
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        Counters {
            exchanges: self.exchanges.get(),
            token_requests: self.token_requests.get(),
            sends_accepted: self.accepted.load(Ordering::SeqCst),
            sends_refused: refused.clone(),
            dropped: self.dropped.get(),
        }
    }
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        // Release and acquire: who sees the count also sees what was counted.
        self.0.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
