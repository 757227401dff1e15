//! Numbers as all three formats hold them: whole ones of 64 bits with a sign, and finite others.

use serde_json::Number;

/// Why a number is refused.
pub(super) const TOO_LARGE: &str = "the number is too large to be held";

/// What to do about it.
pub(super) const TOO_LARGE_HELP: &str = "if it is an id, write it in quotes";

/// A whole number; `None` if it does not fit into 64 bits with a sign.
pub(super) fn whole(digits: &str, radix: u32) -> Option<Number> {
    i64::from_str_radix(digits, radix).ok().map(Number::from)
}

/// A number with a fraction or an exponent; `None` if it is not finite.
pub(super) fn fractional(text: &str) -> Option<Number> {
    Number::from_f64(text.parse().ok()?)
}
