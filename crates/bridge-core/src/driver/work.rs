//! The work that an instance does by itself: a connection that it keeps, a platform that it asks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Batch;
use crate::BoxFuture;
use crate::id::Address;
use crate::outcome::ErrorKind;

/// What [`Driver::run`](super::Driver::run) works with; implemented by the framework.
pub trait Work: Send + Sync {
    /// Takes in what came, as if a request had brought it.
    ///
    /// - Called when it is *called*, not when it is awaited: batches are taken in the order of calls
    ///   only if each is awaited before the next one.
    /// - `Ok` means that everything that must not be lost is safe: the platform may be told so.
    ///
    /// # Errors
    ///
    /// [`Busy`]: nothing can be taken in for now. Bring the same batch again, or have the platform
    /// send it again.
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>>;

    /// Says that the platform is reached: for the log, and so that the pause after a later failure
    /// begins small again once it has held for a minute.
    fn reached(&self);

    /// The channels of the instance that rules name now, by all of the driver's address keys; each
    /// once, sorted.
    fn channels(&self) -> Arc<[Address]>;

    /// Resolves when [`channels`](Self::channels) is another list than `known`; at once if it is
    /// already.
    fn channels_changed(&self, known: &Arc<[Address]>) -> BoxFuture<'_, ()>;

    /// Resolves when the instance is to end.
    fn stopping(&self) -> BoxFuture<'_, ()>;
}

/// Nothing can be taken in for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// When to come again.
    pub retry_after: Duration,
}

/// Why an instance's own work has ended; it is begun anew after a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunError {
    /// What went wrong. [`ErrorKind::Unauthorized`] and [`ErrorKind::Rejected`] mean that the
    /// settings are wrong: a person has to act, and the longest pause is taken.
    pub kind: ErrorKind,
    /// The least pause that the platform asked for.
    pub retry_after: Option<Duration>,
    /// What the platform said, on one line. Never a secret or the text of a message.
    pub detail: String,
}

impl RunError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            retry_after: None,
            detail: detail.into(),
        }
    }

    /// With a pause that the platform asked for.
    pub fn after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail)
    }
}

impl std::error::Error for RunError {}
