//! The identity of a store, by which its numbers differ from those of another.

use std::fmt;
use std::sync::Arc;

/// Which store this is: a random text of 1 to 16 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreIdentity(Arc<str>);

impl StoreIdentity {
    /// Takes `text` if it is of that form.
    pub fn new(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_identity = matches!(text.len(), 1..=16) && text.bytes().all(is_digit);
        is_identity.then(|| Self(text.into()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
