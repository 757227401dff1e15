//! How much a client may send at a time.

use std::time::Duration;

/// Lines that a client may send at once, and how soon it may send another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloodLimit {
    /// Lines at once.
    pub burst: u32,
    /// The time after which one more is free.
    pub per_line: Duration,
}

/// What one client has used up of its limit.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// When all of it is free again, in the network's milliseconds.
    full_at_ms: u64,
}

impl Bucket {
    /// Counts a line; false if it is one too many.
    pub(crate) fn take(&mut self, limit: FloodLimit, now_ms: u64) -> bool {
        let cost = u64::try_from(limit.per_line.as_millis()).unwrap_or(u64::MAX);
        let full_at = self.full_at_ms.max(now_ms).saturating_add(cost);
        if full_at - now_ms > cost.saturating_mul(limit.burst.into()) {
            return false;
        }
        self.full_at_ms = full_at;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_one_line_in_each_interval() {
        let limit = FloodLimit {
            burst: 3,
            per_line: Duration::from_secs(2),
        };
        let mut bucket = Bucket::default();
        let rows = [
            (0, true),
            (0, true),
            (0, true),
            (0, false),
            (1999, false),
            (2000, true),
            (2000, false),
            (60_000, true),
        ];
        for (now_ms, expected) in rows {
            assert_eq!(bucket.take(limit, now_ms), expected, "at {now_ms}");
        }
    }
}
