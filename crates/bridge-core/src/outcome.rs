//! How a send ends, and what follows from it. The retry layer reads the advice and the certainty,
//! never the kind.

use std::fmt;
use std::time::Duration;

pub use answer::{quoted, retry_after};

mod answer;

/// A send that the platform took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// The platform's ids of what it made of the send; none where it gives none.
    pub platform_ids: Vec<String>,
}

/// A send that did not end as delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    /// What went wrong, for people and metrics.
    pub kind: ErrorKind,
    /// Whether, when and with what scope to try again.
    pub advice: RetryAdvice,
    /// Whether we know that nothing was delivered.
    pub certainty: Certainty,
    /// The call that failed, such as `groupMessages/send`.
    pub operation: &'static str,
    /// What the platform said. Never a secret or the text of a message.
    pub detail: String,
}

impl SendError {
    /// An error that no further try can cure: the platform refused this send for good.
    pub fn rejected(operation: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Rejected,
            advice: RetryAdvice::Never,
            certainty: Certainty::NotDelivered,
            operation,
            detail: detail.into(),
        }
    }

    /// An error that may pass; nothing was delivered.
    pub fn temporary(
        kind: ErrorKind,
        advice: RetryAdvice,
        operation: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let certainty = Certainty::NotDelivered;
        Self {
            kind,
            advice,
            certainty,
            operation,
            detail: detail.into(),
        }
    }

    /// An error after which nobody knows whether the platform took the send.
    pub fn uncertain(kind: ErrorKind, operation: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            advice: RetryAdvice::Backoff(Scope::Message),
            certainty: Certainty::Unknown,
            operation,
            detail: detail.into(),
        }
    }
}

/// `groupMessages/send: rejected: 机器人不存在`
impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.operation, self.kind, self.detail)
    }
}

impl std::error::Error for SendError {}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The platform refused this send.
    Rejected,
    /// The platform does not accept our credentials, or they lack a permission.
    Unauthorized,
    /// The platform asks to send less.
    Throttled,
    /// The platform can't be reached or fails on its side.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// The platform answered with something that makes no sense.
    Protocol,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected => "rejected",
            Self::Unauthorized => "unauthorized",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol error",
        })
    }
}

/// Whether to try a send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// No further try can succeed.
    Never,
    /// Again after the bridge's own growing pause.
    Backoff(Scope),
    /// Again, but not before this has passed; the platform said so.
    After(Duration, Scope),
}

/// What a pause holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This message; as lanes keep order, its lane waits with it.
    Message,
    /// The channel.
    Channel,
    /// All channels of the instance.
    Instance,
}

/// Whether we know that a failed send was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It was not: the platform said so, or the request was never written.
    NotDelivered,
    /// The request was written and no answer came.
    Unknown,
}
