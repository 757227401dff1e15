use super::*;
use crate::outcome::ErrorKind;

const HOUR: Duration = Duration::from_secs(3600);

fn failure(error: &SendError, progress: Progress) -> Failure<'_> {
    let queued_at = Timestamp::EPOCH;
    let now = Timestamp::EPOCH.plus(HOUR);
    Failure {
        error,
        purpose: &Purpose::Say,
        progress,
        queued_at,
        idempotent: false,
        now,
        jitter: 0.5,
    }
}

/// The pause in milliseconds, or the reason of death.
fn judged(failure: &Failure<'_>, policy: &DeliveryPolicy) -> Result<u128, (String, bool)> {
    match judge(failure, policy) {
        Verdict::Again { progress, .. } => Ok(progress.not_before.since(failure.now).as_millis()),
        Verdict::Expired(reason) => Err((reason, false)),
        Verdict::NotShown(reason) => panic!("{reason}"),
        Verdict::Dead(death) => Err((death.reason, death.may_have_been_delivered)),
    }
}

fn temporary(advice: RetryAdvice) -> SendError {
    SendError::temporary(ErrorKind::Throttled, advice, "send", "busy")
}

#[test]
fn a_sign_that_the_platform_does_not_have_is_no_dead_letter() {
    let policy = DeliveryPolicy::default();
    let refused = SendError::rejected("react", "no such sign");
    let unsure = SendError {
        certainty: Certainty::Unknown,
        ..refused.clone()
    };
    let sign = || "m1".to_owned();
    let doubtful = Progress {
        uncertain: 1,
        ..Progress::START
    };
    let rows = [
        (
            Purpose::React { to: sign() },
            &refused,
            Progress::START,
            true,
        ),
        (
            Purpose::RemoveReaction { from: sign() },
            &refused,
            Progress::START,
            true,
        ),
        (
            Purpose::Recall { of: sign() },
            &refused,
            Progress::START,
            false,
        ),
        (
            Purpose::Edit { of: sign() },
            &refused,
            Progress::START,
            false,
        ),
        (Purpose::Say, &refused, Progress::START, false),
        // It may stand there.
        (
            Purpose::React { to: sign() },
            &unsure,
            Progress::START,
            false,
        ),
        (Purpose::React { to: sign() }, &refused, doubtful, false),
    ];
    for (purpose, error, progress, is_let_go) in rows {
        let failure = Failure {
            purpose: &purpose,
            ..failure(error, progress)
        };
        match judge(&failure, &policy) {
            Verdict::NotShown(reason) => {
                assert!(is_let_go && reason.contains("no such sign"), "{purpose:?}")
            }
            Verdict::Dead(_) => assert!(!is_let_go, "{purpose:?}"),
            other => panic!("{purpose:?}: {other:?}"),
        }
    }
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
}

#[test]
fn a_delivery_is_overdue_as_its_policy_says() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let hour = DeliveryPolicy {
        max_age: HOUR,
        ..DeliveryPolicy::default()
    };
    let blocking = DeliveryPolicy {
        on_dead: OnDead::Block,
        ..hour.clone()
    };
    let perishable = DeliveryPolicy {
        expires_after: Some(minutes(10)),
        ..hour.clone()
    };
    let start = Progress::START;
    let tried = Progress {
        attempts: 1,
        ..start
    };
    let half = Progress {
        parts_sent: 1,
        ..start
    };
    let rows = [
        ("young", start, &hour, 59, "no"),
        ("of age", start, &hour, 60, "dead"),
        ("waited behind a block", start, &blocking, 60, "no"),
        (
            "tried in a lane that blocks",
            tried,
            &blocking,
            60,
            "blocks",
        ),
        ("fresh", start, &perishable, 9, "no"),
        ("perished", tried, &perishable, 10, "expired"),
        ("half shown", half, &perishable, 10, "no"),
        ("half shown, of age", half, &perishable, 60, "dead"),
    ];
    for (name, progress, policy, age, expected) in rows {
        let now = Timestamp::EPOCH.plus(minutes(age));
        let found = match overdue(progress, Timestamp::EPOCH, policy, now) {
            None => "no",
            Some(Overdue::Expired(_)) => "expired",
            Some(Overdue::Dead(death)) if death.blocks => "blocks",
            Some(Overdue::Dead(_)) => "dead",
        };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_try_that_would_come_too_late_is_not_waited_for() {
    let error = temporary(RetryAdvice::Backoff(Scope::Message));
    let policy = DeliveryPolicy {
        expires_after: Some(HOUR),
        ..DeliveryPolicy::default()
    };
    let expired = judge(&failure(&error, Progress::START), &policy);
    assert!(matches!(expired, Verdict::Expired(_)), "{expired:?}");
}

#[test]
fn a_lane_blocks_only_if_its_policy_says_so() {
    let error = SendError::rejected("send", "no such group");
    for (on_dead, expected) in [(OnDead::Park, false), (OnDead::Block, true)] {
        let policy = DeliveryPolicy {
            on_dead,
            ..DeliveryPolicy::default()
        };
        let verdict = judge(&failure(&error, Progress::START), &policy);
        let Verdict::Dead(death) = verdict else {
            panic!("not dead: {verdict:?}");
        };
        assert_eq!(death.blocks, expected, "{on_dead:?}");
    }
}
