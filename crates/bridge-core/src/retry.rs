//! Decides what follows from a failed send. The one place where that is decided; it reads the
//! error's advice and certainty, never its kind.

use std::time::Duration;

use crate::config::settings::{DeliveryPolicy, OnDead, OnUncertain};
use crate::outcome::{Certainty, RetryAdvice, Scope, SendError};
use crate::purpose::Purpose;
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
    /// It is no longer worth sending when it may be tried again, for this reason; it is dropped.
    Expired(String),
    /// The platform refuses a sign, for this reason: it has no such one. Nobody needs to see to that.
    NotShown(String),
    /// It becomes a dead letter.
    Dead(Death),
}

/// A failed send and what must be known to judge it.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What the driver said.
    pub error: &'a SendError,
    /// What was to be done.
    pub purpose: &'a Purpose,
    /// The progress before this try.
    pub progress: Progress,
    /// From when the delivery's age counts.
    pub queued_at: Timestamp,
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
    let is_uncertain = error.certainty == Certainty::Unknown;
    let mut progress = failure.progress;
    progress.attempts = progress.attempts.saturating_add(1);
    progress.uncertain = progress.uncertain.saturating_add(u32::from(is_uncertain));
    let died = progress;
    let dead = |reason: String| {
        let may_have_been_delivered = perhaps_delivered(died);
        Verdict::Dead(Death {
            reason,
            may_have_been_delivered,
            blocks: policy.on_dead == OnDead::Block,
            progress: died,
        })
    };
    if is_uncertain && !failure.idempotent {
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
        RetryAdvice::Never if failure.purpose.is_sign() && !perhaps_delivered(died) => {
            return Verdict::NotShown(error.to_string());
        }
        RetryAdvice::Never => return dead(error.to_string()),
        RetryAdvice::Backoff(scope) => (
            backoff(progress.attempts, policy.backoff_max).mul_f64(failure.jitter),
            scope,
        ),
        RetryAdvice::After(pause, scope) => (pause.min(policy.retry_after_cap), scope),
    };
    progress.not_before = now.plus(pause);
    let age = progress.not_before.since(failure.queued_at);
    if let Some(limit) = policy.expires_after
        && age >= limit
        && !perhaps_delivered(progress)
    {
        return Verdict::Expired(format!("{}: {error}", expired(limit)));
    }
    if age >= policy.max_age {
        let age = format_duration(policy.max_age);
        return dead(format!(
            "given up after {} tries within {age}: {error}",
            progress.attempts
        ));
    }
    Verdict::Again { progress, scope }
}

/// What becomes of a delivery that has waited for longer than its policy allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// It is no longer worth sending, for this reason; it is dropped.
    Expired(String),
    /// It becomes a dead letter.
    Dead(Death),
}

/// Whether a delivery has waited for longer than its policy allows, to be asked before a try.
///
/// - `expires_after` ends only what the target has seen nothing of: half a message is completed.
/// - In a lane that blocks, what was never tried is tried once, however old: it may have waited for
///   nothing but the operator.
pub fn overdue(
    progress: Progress,
    queued_at: Timestamp,
    policy: &DeliveryPolicy,
    now: Timestamp,
) -> Option<Overdue> {
    let age = now.since(queued_at);
    if let Some(limit) = policy.expires_after
        && age >= limit
        && !perhaps_delivered(progress)
    {
        return Some(Overdue::Expired(expired(limit)));
    }
    let is_due = policy.on_dead == OnDead::Park || progress.attempts > 0;
    (age >= policy.max_age && is_due).then(|| {
        Overdue::Dead(Death {
            reason: format!("older than max_age, {}", format_duration(policy.max_age)),
            may_have_been_delivered: perhaps_delivered(progress),
            blocks: policy.on_dead == OnDead::Block,
            progress,
        })
    })
}

fn expired(limit: Duration) -> String {
    format!("older than expires_after, {}", format_duration(limit))
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
mod tests;
