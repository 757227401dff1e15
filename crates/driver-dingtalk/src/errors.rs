//! What DingTalk's refusals mean: whether, when and for what a send is tried again, and whether it
//! may have been delivered all the same.

use std::time::Duration;

use bridge_core::outcome::{
    Certainty, ErrorKind, RetryAdvice, Scope, SendError, quoted, retry_after,
};
use bridge_core::time::Timestamp;
use bytes::Bytes;
use http::{Response, StatusCode};

use crate::wire::ErrorAnswer;

use codes::{BUSY, CHECK_KEYS, Class, NO_CURE, listed, wait};

mod codes;

/// A call that did not bring what was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Whether a new token may cure it.
    pub(crate) token_refused: bool,
    /// The failure as the framework sees it if nothing cures it.
    pub(crate) error: SendError,
}

/// A failed exchange is never about the token.
impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self {
            token_refused: false,
            error,
        }
    }
}

/// The status in the body of the guard that bans callers by their address.
const BANNED: i64 = 1111;

/// The longest pause that is taken from an answer; what the framework allows may be less.
const LONGEST_WAIT_SECS: i64 = 3600;

/// What the answer to a call means that did not bring what was asked for.
///
/// The error's detail holds what DingTalk said, cut to a line, with each of `private` blotted out
/// (tokens, secrets, the lines of the message).
pub(crate) fn classify<'a>(
    operation: &'static str,
    answer: &Response<Bytes>,
    now: Timestamp,
    private: impl IntoIterator<Item = &'a str>,
) -> Failure {
    let status = answer.status();
    let body = std::str::from_utf8(answer.body()).ok();
    let said = body.and_then(ErrorAnswer::parse);
    let (class, cure) = class(status, said.as_ref());
    let detail = detail(
        status,
        said.as_ref(),
        cure,
        &private.into_iter().collect::<Vec<_>>(),
    );
    let mut error = class.error(operation, detail);
    error.advice = postponed(error.advice, answer, now);
    Failure {
        token_refused: class == Class::TokenRefused,
        error,
    }
}

/// What it means that DingTalk lists a send among those that it did not recall: `reason` is its word.
pub(crate) fn not_recalled(operation: &'static str, reason: &str) -> SendError {
    let detail = format!("it was not recalled: {}", quoted(reason, 100, &[]));
    let class = match reason.eq_ignore_ascii_case("SYSTEM_ERROR") {
        true => Class::Failed,
        false => Class::Rejected,
    };
    class.error(operation, detail)
}

fn class(status: StatusCode, said: Option<&ErrorAnswer<'_>>) -> (Class, &'static str) {
    if let Some(said) = said {
        if said.status == Some(BANNED) {
            let secs = said.wait.unwrap_or(1).clamp(1, LONGEST_WAIT_SECS);
            return (wait(secs.unsigned_abs()), NO_CURE);
        }
        match said.code.as_deref().and_then(listed) {
            // What it says of rights under this status is about the token.
            Some((Class::Forbidden, _)) if status == StatusCode::UNAUTHORIZED => {}
            Some(listed) => return listed,
            None => {}
        }
    }
    let class = match status.as_u16() {
        200..=299 => Class::Senseless,
        401 => return (Class::TokenRefused, CHECK_KEYS),
        429 => BUSY,
        // The guard's other form is a page for people.
        403 if said.is_none() => BUSY,
        400..=499 if said.is_some() => Class::Rejected,
        300..=499 => return (Class::NotDingTalk, "check `api_base` and proxies"),
        _ => Class::Failed,
    };
    (class, NO_CURE)
}

impl Class {
    fn error(self, operation: &'static str, detail: String) -> SendError {
        let whole = RetryAdvice::Backoff(Scope::Instance);
        let one = RetryAdvice::Backoff(Scope::Message);
        let (kind, advice) = match self {
            Self::TokenRefused | Self::Credentials => (ErrorKind::Unauthorized, whole),
            Self::Forbidden => (ErrorKind::Unauthorized, RetryAdvice::Never),
            Self::Quota => (ErrorKind::Throttled, RetryAdvice::Never),
            Self::Throttled(advice) => (ErrorKind::Throttled, advice),
            Self::Rejected => (ErrorKind::Rejected, RetryAdvice::Never),
            Self::Failed => (ErrorKind::Unavailable, one),
            Self::Unknown => (ErrorKind::Unavailable, RetryAdvice::Never),
            Self::NotDingTalk | Self::Senseless => (ErrorKind::Protocol, one),
        };
        let certainty = match self {
            Self::Failed | Self::Unknown | Self::Senseless => Certainty::Unknown,
            _ => Certainty::NotDelivered,
        };
        SendError {
            kind,
            advice,
            certainty,
            operation,
            detail,
        }
    }
}

/// The advice with the pause that a `Retry-After` header asks for.
fn postponed(advice: RetryAdvice, answer: &Response<Bytes>, now: Timestamp) -> RetryAdvice {
    let status = answer.status();
    let scope = match advice {
        RetryAdvice::Backoff(scope) | RetryAdvice::After(_, scope) => scope,
        RetryAdvice::Never => return advice,
    };
    if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::SERVICE_UNAVAILABLE {
        return advice;
    }
    match retry_after(answer.headers(), now) {
        // A pause of nothing would be a tight loop.
        Some(pause) => RetryAdvice::After(pause.max(Duration::from_secs(1)), scope),
        None => advice,
    }
}

/// `400 a.b.c: what DingTalk said (request ID); what to do`
fn detail(
    status: StatusCode,
    said: Option<&ErrorAnswer<'_>>,
    cure: &str,
    private: &[&str],
) -> String {
    let mut detail = status.as_u16().to_string();
    match said {
        None => detail += " without a JSON object",
        Some(said) => {
            for (before, text, limit, after) in [
                (" ", &said.code, 100, ""),
                (": ", &said.message, 200, ""),
                (" (request ", &said.request_id, 64, ")"),
            ] {
                if let Some(text) = text {
                    detail += &format!("{before}{}{after}", quoted(text, limit, private));
                }
            }
            if !said.required_scopes.is_empty() {
                let scopes = quoted(&said.required_scopes.join(", "), 200, private);
                detail += &format!("; the app lacks {scopes}");
            }
            if said.status == Some(BANNED) {
                detail += " status 1111: the caller's address is banned for now";
            }
        }
    }
    if !cure.is_empty() {
        detail += "; ";
        detail += cure;
    }
    detail
}

#[cfg(test)]
mod tests;
