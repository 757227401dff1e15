//! What many drivers check of a signed request, beside the signature itself.

use std::time::Duration;

use http::HeaderMap;

use super::Refusal;
use crate::time::{Timestamp, format_duration};

/// The value of a header that must stand there once.
///
/// # Errors
///
/// A refusal `missing` without the header or with an empty one, and `wrong` with several or with one
/// that is not visible ASCII.
pub fn only_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = match values.next() {
        Some(value) if !value.is_empty() => value,
        _ => {
            let detail = format!("there is no `{name}` header; does a proxy drop it?");
            return Err(Refusal::new("missing", detail));
        }
    };
    let wrong = |detail| Refusal::new("wrong", detail);
    if values.next().is_some() {
        return Err(wrong(format!("there are several `{name}` headers")));
    }
    value
        .to_str()
        .map_err(|_| wrong(format!("the `{name}` header is not visible ASCII")))
}

/// The number that a text of decimal digits alone says: no sign, no white space.
pub fn decimal(text: &str) -> Option<i64> {
    // `parse` alone would take a sign.
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| text.parse().ok()).flatten()
}

/// Refuses what was signed further than `window` from now, either way.
///
/// # Errors
///
/// A refusal `stale`, which says by how much.
pub fn refuse_stale(signed_at: Timestamp, now: Timestamp, window: Duration) -> Result<(), Refusal> {
    let skew = Duration::from_millis(signed_at.as_millis().abs_diff(now.as_millis()));
    if skew <= window {
        return Ok(());
    }
    let side = match signed_at < now {
        true => "behind",
        false => "ahead of",
    };
    let (skew, most) = (format_duration(skew), format_duration(window));
    let detail =
        format!("the timestamp is {skew} {side} the bridge's clock; at most {most} is allowed");
    Err(Refusal::new("stale", detail))
}
