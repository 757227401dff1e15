//! Keeps a flood of equal events from becoming a flood of log lines.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bridge_core::time::Timestamp;

/// How long after a line the next one about the same thing is held back.
const QUIET: Duration = Duration::from_secs(10);

/// Lets one event in ten seconds through for each reason.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    reasons: Mutex<HashMap<&'static str, Reason>>,
}

#[derive(Debug)]
struct Reason {
    last_line: Timestamp,
    held_back: u64,
}

impl LogLimit {
    /// Whether to write a line now, and if so, how many were held back since the last one.
    pub(crate) fn pass(&self, reason: &'static str, now: Timestamp) -> Option<u64> {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        match reasons.get_mut(reason) {
            Some(entry) if now.since(entry.last_line) < QUIET => {
                entry.held_back += 1;
                None
            }
            Some(entry) => {
                entry.last_line = now;
                Some(std::mem::take(&mut entry.held_back))
            }
            None => {
                reasons.insert(
                    reason,
                    Reason {
                        last_line: now,
                        held_back: 0,
                    },
                );
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_for_each_reason() {
        let limit = LogLimit::default();
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let rows = [
            ("stale", 0, Some(0)),
            ("stale", 1, None),
            ("wrong", 1, Some(0)),
            ("stale", 9, None),
            ("stale", 10, Some(2)),
            ("stale", 30, Some(0)),
        ];
        for (reason, second, expected) in rows {
            assert_eq!(
                limit.pass(reason, at(second)),
                expected,
                "{reason} at {second}"
            );
        }
    }
}
