//! What a connection is doing and since when, and how long it may go on.
//!
//! At any moment a connection either waits for a request or works on one, and each has its bound;
//! an answer that the client does not take has one of its own. So nothing lasts for ever, whatever
//! the client does.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// How long a connection may do what it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Waiting for a whole head.
    pub(super) header: Duration,
    /// From a whole head to the answer.
    pub(super) request: Duration,
    /// From the first byte of an answer that the client does not take, to the last.
    pub(super) answer: Duration,
}

/// Which bound was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    Header,
    Request,
    Answer,
}

/// The state of one connection, read by others while it runs.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    /// Milliseconds from `opened` to the last change, doubled; odd while a request is at work. One
    /// number, so that nobody sees half of a change.
    phase: AtomicU64,
    /// Milliseconds from `opened` to when an answer began to wait for the client, plus one; 0 while
    /// none does.
    unsent: AtomicU64,
}

impl Activity {
    /// A connection that was opened just now.
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            phase: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
        }
    }

    /// A request's head has come.
    pub(super) fn begin(&self) {
        self.phase.store(self.age_ms() << 1 | 1, Ordering::Relaxed);
    }

    /// The request has its answer.
    pub(super) fn end(&self) {
        self.phase.store(self.age_ms() << 1, Ordering::Relaxed);
    }

    /// A write of `length` bytes had this result.
    pub(super) fn wrote(&self, polled: &Poll<io::Result<usize>>, length: usize) {
        match polled {
            Poll::Ready(Ok(count)) if *count == length => {
                self.unsent.store(0, Ordering::Relaxed);
            }
            // Part of it is progress for the client, but not enough: it may go on like that.
            Poll::Pending | Poll::Ready(Ok(_)) if self.unsent.load(Ordering::Relaxed) == 0 => {
                self.unsent.store(self.age_ms() + 1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// How long the connection is open.
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// How long it has been waiting for a request; `None` while it works on one.
    pub(super) fn waiting(&self) -> Option<Duration> {
        let phase = self.phase.load(Ordering::Relaxed);
        let since = Duration::from_millis(phase >> 1);
        (phase & 1 == 0).then(|| self.age().saturating_sub(since))
    }

    /// How long from now no bound can be passed.
    ///
    /// # Errors
    ///
    /// The bound that has been passed already.
    pub(super) fn check(&self, bounds: &Bounds) -> Result<Duration, Overdue> {
        let age = self.age();
        let phase = self.phase.load(Ordering::Relaxed);
        let (bound, overdue) = match phase & 1 {
            0 => (bounds.header, Overdue::Header),
            _ => (bounds.request, Overdue::Request),
        };
        let left = |since_ms, bound: Duration, overdue| {
            let end = Duration::from_millis(since_ms) + bound;
            match end.saturating_sub(age) {
                Duration::ZERO => Err(overdue),
                left => Ok(left),
            }
        };
        let mut next = left(phase >> 1, bound, overdue)?;
        let unsent = self.unsent.load(Ordering::Relaxed);
        if let Some(since) = unsent.checked_sub(1) {
            next = next.min(left(since, bounds.answer, Overdue::Answer)?);
        }
        // What begins after this has at least the shortest of them before it.
        Ok(next
            .min(bounds.header)
            .min(bounds.request)
            .min(bounds.answer))
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.age().as_millis()).unwrap_or(u64::MAX >> 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        header: Duration::from_secs(15),
        request: Duration::from_secs(60),
        answer: Duration::from_secs(10),
    };

    /// What `check` says after each step, in seconds.
    async fn after(activity: &Activity, seconds: u64) -> Result<u64, Overdue> {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        activity.check(&BOUNDS).map(|next| next.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_bound_from_its_own_beginning() {
        let activity = Activity::new();
        assert_eq!(after(&activity, 0).await, Ok(10));
        assert_eq!(after(&activity, 14).await, Ok(1));
        assert_eq!(activity.waiting(), Some(Duration::from_secs(14)));
        activity.begin();
        assert_eq!(activity.waiting(), None);
        assert_eq!(after(&activity, 55).await, Ok(5));
        activity.end();
        assert_eq!(after(&activity, 14).await, Ok(1));
        assert_eq!(after(&activity, 1).await, Err(Overdue::Header));
        activity.begin();
        assert_eq!(after(&activity, 60).await, Err(Overdue::Request));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_goes_out_in_drips_is_overdue_all_the_same() {
        let activity = Activity::new();
        activity.begin();
        activity.wrote(&Poll::Pending, 100);
        assert_eq!(after(&activity, 6).await, Ok(4));
        activity.wrote(&Poll::Ready(Ok(1)), 100);
        assert_eq!(after(&activity, 4).await, Err(Overdue::Answer));
        activity.wrote(&Poll::Ready(Ok(99)), 99);
        assert_eq!(after(&activity, 0).await, Ok(10));
    }
}
