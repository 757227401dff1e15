//! What the pigeon platform does to earlier messages, and how the driver gets it wrong.

use bridge_core::driver::{Act, Outgoing};
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope, SendError, Sent};

use crate::fault::Fault;

/// What the platform calls it, and the ids of what it is done to.
pub(super) fn named(act: &Act) -> (&'static str, &[String]) {
    match act {
        Act::Reply { .. } if Fault::RepliesAsSays.is_present() => ("say", &[]),
        Act::Reply { to } => ("reply", to),
        Act::Edit { .. } if Fault::EditsAsSays.is_present() => ("say", &[]),
        Act::Edit { of } => ("edit", of),
        Act::Recall { .. } if Fault::RecallsWhatCameBefore.is_present() => ("recall", &[]),
        Act::Recall { of } => ("recall", of),
        Act::React { to } => ("react", to),
        Act::RemoveReaction { from } if Fault::ReactsAnew.is_present() => ("react", from),
        Act::RemoveReaction { from } => ("unreact", from),
        _ => ("say", &[]),
    }
}

/// Where it is done; `None` where the id alone says so.
pub(super) fn loft<'a>(outgoing: &Outgoing, loft: &'a str) -> Option<&'a str> {
    let stays_at_the_first = match outgoing.act {
        Act::Recall { .. } => return None,
        Act::Say => Fault::FilesAtTheFirstLoft.is_present() && !outgoing.attachments.is_empty(),
        Act::Reply { .. } => Fault::RepliesAtTheFirstLoft.is_present(),
        Act::Edit { .. } => Fault::EditsAtTheFirstLoft.is_present(),
        _ => Fault::ReactsAtTheFirstLoft.is_present(),
    };
    Some(match stays_at_the_first {
        true => "loft 0",
        false => loft,
    })
}

pub(super) fn is_edit(act: &Act) -> bool {
    matches!(act, Act::Edit { .. })
}

/// How a send has ended, unless a fault says otherwise of this act.
pub(super) fn misjudged(act: &Act, ended: Result<Sent, SendError>) -> Result<Sent, SendError> {
    let Err(mut error) = ended else {
        return ended;
    };
    let is = |status: &str| error.detail.starts_with(status);
    let is_delivered = match act {
        Act::Edit { .. } => {
            Fault::EditDeliveredOn500.is_present() && is("500")
                || Fault::EditDeliveredOnGarbage.is_present() && is("200")
        }
        Act::Recall { .. } => {
            Fault::RecallDeliveredOn400.is_present() && is("400")
                || Fault::RecallDeliveredOnHalfAnAnswer.is_present() && is("200")
        }
        _ => false,
    };
    if is_delivered {
        return Ok(Sent::default());
    }
    match act {
        Act::Edit { .. } if Fault::EditUncertainBeforeWriting.is_present() => {
            error.certainty = Certainty::Unknown;
        }
        Act::Edit { .. } if Fault::EditGivesUpWhenThrottled.is_present() => {
            error.advice = RetryAdvice::Never;
        }
        Act::Edit { .. } if Fault::EditIgnoresPause.is_present() => {
            error.advice = RetryAdvice::Backoff(Scope::Channel);
        }
        Act::Recall { .. } if Fault::RecallCertainAfterTimeout.is_present() => {
            error.certainty = Certainty::NotDelivered;
        }
        Act::Recall { .. } if Fault::RecallHidesBadCredentials.is_present() => {
            error.kind = ErrorKind::Unavailable;
        }
        Act::React { .. } if Fault::ReactionCertainOfGateways.is_present() => {
            error.certainty = Certainty::NotDelivered;
        }
        _ => {}
    }
    Err(error)
}
