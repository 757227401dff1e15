//! Entries of a mailbox: what is kept for a reader until it has confirmed it.

use std::fmt;

use crate::time::Timestamp;

/// The number of an entry. Grows in the order of posting over all mailboxes, and is never given
/// again in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryNumber(pub i64);

impl EntryNumber {
    /// Before any entry's.
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An entry as it is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// By what a second post of the same entry is known; opaque to the store.
    pub key: String,
    /// What the reader gets; opaque to the store.
    pub body: String,
    /// When; its retention counts from here.
    pub at: Timestamp,
}

/// An entry that nobody has confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub number: EntryNumber,
    /// As it was posted.
    pub key: String,
    /// As it was posted.
    pub body: String,
    /// As it was posted.
    pub at: Timestamp,
}

/// What a mailbox holds, as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// By number.
    pub entries: Vec<Entry>,
    /// The highest number that was confirmed.
    pub confirmed: EntryNumber,
    /// The highest number that was dropped before it was confirmed: its retention had run out, or it
    /// was damaged on the disk. A reader that has read less far has missed something.
    pub expired: EntryNumber,
}

/// Nothing was ever posted.
impl Default for Mail {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            confirmed: EntryNumber::ZERO,
            expired: EntryNumber::ZERO,
        }
    }
}
