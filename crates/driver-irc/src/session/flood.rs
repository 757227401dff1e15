//! How soon the next line may go out.

use std::time::Duration;

/// Lines that are free at once, and the pause that makes one free again.
#[derive(Debug)]
pub(super) struct Bucket {
    pause: Duration,
    /// How far ahead of now `full_at` may be.
    room: Duration,
    /// When all lines are free again.
    full_at: Duration,
}

impl Bucket {
    pub(super) fn new(burst: u32, pause: Duration) -> Self {
        Self {
            pause,
            room: pause.saturating_mul(burst),
            full_at: Duration::ZERO,
        }
    }

    /// Counts a line, also one that could not wait.
    pub(super) fn count(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now) + self.pause;
    }

    /// Whether a line may go out.
    pub(super) fn is_free(&self, now: Duration) -> bool {
        self.free_at() <= now
    }

    /// When a line may go out.
    pub(super) fn free_at(&self) -> Duration {
        (self.full_at + self.pause).saturating_sub(self.room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_one_line_goes_out_in_each_pause() {
        let secs = Duration::from_secs;
        let mut bucket = Bucket::new(3, secs(2));
        let mut sent = Vec::new();
        for now in (0..20).map(secs) {
            while bucket.is_free(now) {
                bucket.count(now);
                sent.push(now.as_secs());
            }
        }
        assert_eq!(sent, [0, 0, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
        // What could not wait is paid for later.
        bucket.count(secs(19));
        assert_eq!(bucket.free_at(), secs(22));
        assert!(bucket.is_free(secs(60)));
    }
}
