//! What a receiver's status means: whether and when a send is tried again, and whether it may have
//! been taken all the same.

use std::time::Duration;

use bridge_core::outcome::{
    Certainty, ErrorKind, RetryAdvice, Scope, SendError, quoted, retry_after,
};
use bridge_core::time::Timestamp;
use bytes::Bytes;
use http::Response;

/// What failed, for people.
pub(crate) const OPERATION: &str = "url";

/// The longest quotation of a receiver's words.
const MOST_QUOTED_CHARS: usize = 200;

/// A longer body is not looked at beyond this.
const MOST_QUOTED_BYTES: usize = 4096;

/// The error of an answer that is no success.
///
/// | status | kind | tried again | taken |
/// |---|---|---|---|
/// | 3xx | protocol | after a pause of the instance | no |
/// | 401, 403 | unauthorized | after a pause of the instance | no |
/// | 408, 425 | unavailable | after a pause | no |
/// | 429 | throttled | after what `Retry-After` says, of the instance | no |
/// | 502, 504 | unavailable | the same | perhaps |
/// | 503, with `Retry-After` | unavailable | the same | perhaps |
/// | other 5xx, and what is no status | unavailable | after a pause | perhaps |
/// | other 4xx | rejected | never | no |
///
/// The detail quotes what the receiver said, with each of `private` blotted out.
pub(crate) fn classify(answer: &Response<Bytes>, now: Timestamp, private: &[&str]) -> SendError {
    let status = answer.status().as_u16();
    let instance = RetryAdvice::Backoff(Scope::Instance);
    let message = RetryAdvice::Backoff(Scope::Message);
    let (kind, advice, certainty) = match status {
        300..=399 => (ErrorKind::Protocol, instance, Certainty::NotDelivered),
        401 | 403 => (ErrorKind::Unauthorized, instance, Certainty::NotDelivered),
        408 | 425 => (ErrorKind::Unavailable, message, Certainty::NotDelivered),
        429 => (ErrorKind::Throttled, instance, Certainty::NotDelivered),
        400..=499 => (
            ErrorKind::Rejected,
            RetryAdvice::Never,
            Certainty::NotDelivered,
        ),
        502 | 504 => (ErrorKind::Unavailable, instance, Certainty::Unknown),
        _ => (ErrorKind::Unavailable, message, Certainty::Unknown),
    };
    let cure = match status {
        300..=399 => "; redirects are not followed: set `url` to where it leads",
        401 | 403 => "; check `headers` and `secrets`, and what the receiver expects of them",
        404 | 405 => "; check `url` and `method`",
        410 => "; the receiver wants no more messages: check `url`, or remove the rule",
        413 => "; the receiver takes no message of this size",
        _ => "",
    };
    SendError {
        kind,
        advice: postponed(advice, answer, now),
        certainty,
        operation: OPERATION,
        detail: format!("status {status}{}{cure}", words(answer.body(), private)),
    }
}

/// The advice with the pause that a `Retry-After` header asks for.
fn postponed(advice: RetryAdvice, answer: &Response<Bytes>, now: Timestamp) -> RetryAdvice {
    let waits = matches!(answer.status().as_u16(), 429 | 502..=504);
    match retry_after(answer.headers(), now) {
        // A pause of nothing would be a tight loop.
        Some(pause) if waits => {
            RetryAdvice::After(pause.max(Duration::from_secs(1)), Scope::Instance)
        }
        _ => advice,
    }
}

/// `: "what it said"`, if it said something.
fn words(body: &[u8], private: &[&str]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST_QUOTED_BYTES)]);
    match quoted(text.trim(), MOST_QUOTED_CHARS, private).trim() {
        "" => String::new(),
        said => format!(": \"{said}\""),
    }
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::*;

    fn error(status: u16, retry_after: Option<&str>, body: &'static str) -> SendError {
        let mut answer = Response::builder().status(status);
        if let Some(value) = retry_after {
            answer = answer.header(RETRY_AFTER, value);
        }
        let answer = answer.body(Bytes::from_static(body.as_bytes())).unwrap();
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = Timestamp::from_millis(784_111_777_000);
        classify(&answer, now, &["canary-token"])
    }

    #[test]
    fn statuses_are_judged() {
        use Certainty::{NotDelivered, Unknown};
        use ErrorKind::{Protocol, Rejected, Throttled, Unauthorized, Unavailable};
        let instance = RetryAdvice::Backoff(Scope::Instance);
        let message = RetryAdvice::Backoff(Scope::Message);
        let after = |secs| RetryAdvice::After(Duration::from_secs(secs), Scope::Instance);
        let rows = [
            (301, None, Protocol, instance, NotDelivered),
            (304, None, Protocol, instance, NotDelivered),
            (400, Some("7"), Rejected, RetryAdvice::Never, NotDelivered),
            (401, None, Unauthorized, instance, NotDelivered),
            (403, None, Unauthorized, instance, NotDelivered),
            (404, None, Rejected, RetryAdvice::Never, NotDelivered),
            (408, None, Unavailable, message, NotDelivered),
            (410, Some("7"), Rejected, RetryAdvice::Never, NotDelivered),
            (422, None, Rejected, RetryAdvice::Never, NotDelivered),
            (425, None, Unavailable, message, NotDelivered),
            (429, None, Throttled, instance, NotDelivered),
            (429, Some("120"), Throttled, after(120), NotDelivered),
            (429, Some("0"), Throttled, after(1), NotDelivered),
            (
                429,
                Some("Sun, 06 Nov 1994 08:50:07 GMT"),
                Throttled,
                after(30),
                NotDelivered,
            ),
            (429, Some("soon"), Throttled, instance, NotDelivered),
            (500, Some("7"), Unavailable, message, Unknown),
            (502, None, Unavailable, instance, Unknown),
            (502, Some("7"), Unavailable, after(7), Unknown),
            (503, None, Unavailable, message, Unknown),
            (503, Some("7"), Unavailable, after(7), Unknown),
            (504, None, Unavailable, instance, Unknown),
            (599, None, Unavailable, message, Unknown),
        ];
        for (status, header, kind, advice, certainty) in rows {
            let found = error(status, header, "");
            let expected = (kind, advice, certainty);
            assert_eq!(
                (found.kind, found.advice, found.certainty),
                expected,
                "{status} {header:?}"
            );
        }
    }

    #[test]
    fn details_say_what_to_do_and_show_nothing_private() {
        let rows = [
            (400, "bad canary-token\n", "status 400: \"bad [withheld]\""),
            (500, "", "status 500"),
            (
                302,
                " ",
                "status 302; redirects are not followed: set `url` to where it leads",
            ),
            (
                410,
                "",
                "status 410; the receiver wants no more messages: check `url`, or remove the rule",
            ),
        ];
        for (status, body, expected) in rows {
            assert_eq!(error(status, None, body).detail, expected);
        }
    }
}
