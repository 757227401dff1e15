//! How long an instance waits before it tries to reach its platform again.

use std::time::Duration;

use bridge_core::driver::RunError;
use bridge_core::outcome::ErrorKind;
use bridge_core::retry::BACKOFF_FIRST;

/// The longest pause: a platform that comes back is reached within it.
const LONGEST: Duration = Duration::from_secs(300);

/// After having held for this long, a platform counts as well again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// The pauses of one instance, in the order in which they are taken.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    failures: u32,
}

impl Pauses {
    /// The pause after a run that failed; `held` says for how long, if the platform was reached.
    pub(super) fn next(&mut self, error: &RunError, held: Option<Duration>) -> Duration {
        if held.is_some_and(|held| held >= WELL_AFTER) {
            self.failures = 0;
        }
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let longest = match Self::needs_a_person(error) {
            true => LONGEST,
            false => BACKOFF_FIRST.saturating_mul(1 << doublings).min(LONGEST),
        };
        // Spread over the upper half, so that many instances do not come back in one moment, and
        // none comes back at once.
        let pause = longest.mul_f64(0.5 + fastrand::f64() / 2.0);
        pause.max(error.retry_after.unwrap_or_default())
    }

    /// Whether trying again can't help as long as the settings are what they are.
    pub(super) fn needs_a_person(error: &RunError) -> bool {
        matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_begin_anew_once_the_platform_was_well() {
        let mut pauses = Pauses::default();
        let lost = RunError::new(ErrorKind::Unavailable, "gone");
        let short = Some(Duration::from_secs(5));
        // The longest that it may be, in seconds; at least half of it.
        for (held, expected) in [(None, 1), (None, 2), (short, 4), (None, 8)] {
            let pause = pauses.next(&lost, held).as_secs_f64();
            let expected = f64::from(expected);
            assert!((expected / 2.0..=expected).contains(&pause), "{pause}");
        }
        for _ in 0..40 {
            assert!(pauses.next(&lost, None) <= LONGEST);
        }
        let pause = pauses.next(&lost, Some(WELL_AFTER));
        assert!(pause <= BACKOFF_FIRST, "{pause:?}");

        let asked = RunError::new(ErrorKind::Throttled, "slowly").after(Duration::from_secs(90));
        assert_eq!(pauses.next(&asked, None), Duration::from_secs(90));
        let wrong = RunError::new(ErrorKind::Unauthorized, "no such user");
        assert!(pauses.next(&wrong, None) >= LONGEST / 2);
    }
}
