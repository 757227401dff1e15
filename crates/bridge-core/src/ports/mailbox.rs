//! What an instance keeps for readers who come and ask.

use std::fmt;

use super::Closed;
use crate::BoxFuture;
use crate::time::Timestamp;

/// The durable, append-only mailbox of one instance.
pub trait Mailbox: Send + Sync {
    /// Puts a letter in.
    ///
    /// - `Ok` means that it is kept, through the death of this process as well, until it is
    ///   confirmed or has been kept for as long as `retain_bodies` says.
    /// - The same key again, within `retain_ids`, puts nothing in.
    fn put(&self, key: String, body: String) -> BoxFuture<'_, Result<(), MailboxError>>;

    /// The letters behind `after` that are not confirmed, in the order in which they were put in;
    /// at most `limit`. Changes nothing.
    fn read(&self, after: Cursor, limit: usize) -> BoxFuture<'_, Result<Mailed, MailboxError>>;

    /// Gives up all letters up to this one, itself included: somebody has read them.
    fn confirm(&self, up_to: Cursor) -> BoxFuture<'_, Result<(), MailboxError>>;

    /// Resolves when there is a letter behind `after`. May resolve without one.
    fn waits_for(&self, after: Cursor) -> BoxFuture<'_, ()>;
}

/// A place in a mailbox: behind the letter of that number. Numbers grow and are never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(pub i64);

impl Cursor {
    /// Before the first letter.
    pub const START: Self = Self(0);
}

/// What a mailbox holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailed {
    /// In order.
    pub letters: Vec<Letter>,
    /// Up to where letters have been confirmed.
    pub confirmed: i64,
    /// Up to where letters were given up unread, since they had been kept for long enough; 0 if none
    /// ever was.
    pub expired: i64,
}

/// A letter in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Behind this one.
    pub cursor: Cursor,
    /// What it was put in under.
    pub key: String,
    /// What was put in.
    pub body: String,
    /// When.
    pub at: Timestamp,
}

/// A mailbox that can't do it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxError {
    /// For people.
    pub detail: String,
}

impl fmt::Display for MailboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for MailboxError {}

fn closed<T: Send + 'static>() -> BoxFuture<'static, Result<T, MailboxError>> {
    let detail = "there is no mailbox here".to_owned();
    Box::pin(std::future::ready(Err(MailboxError { detail })))
}

impl Mailbox for Closed {
    fn put(&self, _: String, _: String) -> BoxFuture<'_, Result<(), MailboxError>> {
        closed()
    }

    fn read(&self, _: Cursor, _: usize) -> BoxFuture<'_, Result<Mailed, MailboxError>> {
        closed()
    }

    fn confirm(&self, _: Cursor) -> BoxFuture<'_, Result<(), MailboxError>> {
        closed()
    }

    fn waits_for(&self, _: Cursor) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}
