//! Decides what follows from a failed send. The one place where that is decided; it reads the
//! error's advice and certainty, never its kind.

use std::time::Duration;

use crate::config::settings::{DeliveryPolicy, OnUncertain};
use crate::outcome::{Certainty, RetryAdvice, Scope, SendError};
use crate::store::{Death, Progress};
use crate::time::{Timestamp, format_duration};

/// The pause after the first failure; it doubles from there.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// How often an uncertain send is repeated before it is parked.
pub const UNCERTAIN_RESENDS: u32 = 2;

/// What follows from a failed send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is tried again, not before `progress.not_before`; until then everything in `scope` waits.
    Again {
        /// The progress from here.
        progress: Progress,
        /// What waits with it.
        scope: Scope,
    },
    /// It becomes a dead letter.
    Dead(Death),
}

/// A failed send and what must be known to judge it.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What the driver said.
    pub error: &'a SendError,
    /// The progress before this try.
    pub progress: Progress,
    /// When the bridge received the message.
    pub received_at: Timestamp,
    /// Whether the target shows a repeated send once.
    pub idempotent: bool,
    /// Now.
    pub now: Timestamp,
    /// A random number from 0 to below 1, by which the backoff is spread.
    pub jitter: f64,
}

/// Judges a failed send.
pub fn judge(failure: &Failure<'_>, policy: &DeliveryPolicy) -> Verdict {
    let Failure { error, now, .. } = *failure;
    let is_uncertain = error.certainty == Certainty::Unknown && !failure.idempotent;
    let mut progress = failure.progress;
    progress.attempts = progress.attempts.saturating_add(1);
    progress.uncertain = progress.uncertain.saturating_add(u32::from(is_uncertain));
    let died = progress;
    let dead = |reason: String| {
        let may_have_been_delivered = perhaps_delivered(died);
        Verdict::Dead(Death {
            reason,
            may_have_been_delivered,
            progress: died,
        })
    };
    if is_uncertain {
        match policy.on_uncertain {
            OnUncertain::Park => return dead(format!("{error}; parked, as on_uncertain says")),
            OnUncertain::Resend if progress.uncertain > UNCERTAIN_RESENDS => {
                return dead(format!(
                    "{error}; no answer came {} times",
                    progress.uncertain
                ));
            }
            OnUncertain::Resend => {}
        }
    }
    let (pause, scope) = match error.advice {
        RetryAdvice::Never => return dead(error.to_string()),
        RetryAdvice::Backoff(scope) => (
            backoff(progress.attempts, policy.backoff_max).mul_f64(failure.jitter),
            scope,
        ),
        RetryAdvice::After(pause, scope) => (pause.min(policy.retry_after_cap), scope),
    };
    progress.not_before = now.plus(pause);
    if progress.not_before.since(failure.received_at) >= policy.max_age {
        let age = format_duration(policy.max_age);
        return dead(format!(
            "given up after {} tries within {age}: {error}",
            progress.attempts
        ));
    }
    Verdict::Again { progress, scope }
}

/// What becomes of a delivery that has waited longer than its policy allows: `None` if it has not.
pub fn expire(
    progress: Progress,
    received_at: Timestamp,
    policy: &DeliveryPolicy,
    now: Timestamp,
) -> Option<Death> {
    (now.since(received_at) >= policy.max_age).then(|| Death {
        reason: format!("older than max_age, {}", format_duration(policy.max_age)),
        may_have_been_delivered: perhaps_delivered(progress),
        progress,
    })
}

/// Whether the target may show some of it: a part that was taken, or one that nobody knows of.
pub fn perhaps_delivered(progress: Progress) -> bool {
    progress.uncertain > 0 || progress.parts_sent > 0
}

/// The longest pause after the given number of failed tries.
fn backoff(attempts: u32, max: Duration) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    BACKOFF_FIRST.saturating_mul(1 << doublings).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::ErrorKind;

    const HOUR: Duration = Duration::from_secs(3600);

    fn failure(error: &SendError, progress: Progress) -> Failure<'_> {
        let received_at = Timestamp::EPOCH;
        let now = Timestamp::EPOCH.plus(HOUR);
        Failure {
            error,
            progress,
            received_at,
            idempotent: false,
            now,
            jitter: 0.5,
        }
    }

    /// The pause in milliseconds, or the reason of death.
    fn judged(failure: &Failure<'_>, policy: &DeliveryPolicy) -> Result<u128, (String, bool)> {
        match judge(failure, policy) {
            Verdict::Again { progress, .. } => {
                Ok(progress.not_before.since(failure.now).as_millis())
            }
            Verdict::Dead(death) => Err((death.reason, death.may_have_been_delivered)),
        }
    }

    fn temporary(advice: RetryAdvice) -> SendError {
        SendError::temporary(ErrorKind::Throttled, advice, "send", "busy")
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_are_spread() {
        let error = temporary(RetryAdvice::Backoff(Scope::Message));
        let rows = [
            (0, 500),
            (1, 1000),
            (2, 2000),
            (8, 128_000),
            (9, 150_000),
            (4000, 150_000),
        ];
        for (attempts, expected) in rows {
            let progress = Progress {
                attempts,
                ..Progress::START
            };
            let pause = judged(&failure(&error, progress), &DeliveryPolicy::default());
            assert_eq!(pause, Ok(expected), "after {attempts} tries");
        }
    }

    #[test]
    fn a_pause_that_the_platform_asks_for_is_kept_up_to_the_cap() {
        for (asked, expected) in [(7, 7_000), (601, 600_000)] {
            let advice = RetryAdvice::After(Duration::from_secs(asked), Scope::Instance);
            let error = temporary(advice);
            let failure = failure(&error, Progress::START);
            assert_eq!(judged(&failure, &DeliveryPolicy::default()), Ok(expected));
        }
    }

    #[test]
    fn what_can_never_succeed_dies_at_once() {
        let error = SendError::rejected("send", "no such group");
        let death = judged(
            &failure(&error, Progress::START),
            &DeliveryPolicy::default(),
        );
        assert_eq!(
            death,
            Err(("send: rejected: no such group".to_owned(), false))
        );
    }

    #[test]
    fn a_delivery_of_which_a_part_was_taken_may_have_been_delivered() {
        let error = SendError::rejected("send", "no such group");
        let progress = Progress {
            parts_sent: 1,
            ..Progress::START
        };
        let death = judged(&failure(&error, progress), &DeliveryPolicy::default());
        assert!(death.is_err_and(|(_, perhaps)| perhaps));
    }

    #[test]
    fn an_uncertain_send_is_repeated_twice_or_parked() {
        let error = SendError::uncertain(ErrorKind::Timeout, "send", "no answer");
        let resend = DeliveryPolicy::default();
        let park = DeliveryPolicy {
            on_uncertain: OnUncertain::Park,
            ..DeliveryPolicy::default()
        };
        for (uncertain, policy, lives) in [
            (0, &resend, true),
            (1, &resend, true),
            (2, &resend, false),
            (0, &park, false),
        ] {
            let progress = Progress {
                uncertain,
                ..Progress::START
            };
            let result = judged(&failure(&error, progress), policy);
            assert_eq!(result.is_ok(), lives, "{uncertain}: {result:?}");
            assert!(lives || result.is_err_and(|(_, perhaps)| perhaps));
        }
        let progress = Progress {
            uncertain: 2,
            ..Progress::START
        };
        let idempotent = Failure {
            idempotent: true,
            ..failure(&error, progress)
        };
        assert!(
            judged(&idempotent, &park).is_ok(),
            "an idempotent target is simply sent to again"
        );
    }

    #[test]
    fn age_ends_what_nothing_else_ends() {
        let error = temporary(RetryAdvice::Backoff(Scope::Channel));
        let policy = DeliveryPolicy {
            max_age: HOUR,
            ..DeliveryPolicy::default()
        };
        let (reason, perhaps) = judged(&failure(&error, Progress::START), &policy).unwrap_err();
        assert!(
            reason.starts_with("given up after 1 tries within 1h: send: throttled"),
            "{reason}"
        );
        assert!(!perhaps);
        let at = |minutes: u64| Timestamp::EPOCH.plus(Duration::from_secs(60 * minutes));
        assert_eq!(
            expire(Progress::START, Timestamp::EPOCH, &policy, at(59)),
            None
        );
        assert!(expire(Progress::START, Timestamp::EPOCH, &policy, at(60)).is_some());
    }
}
