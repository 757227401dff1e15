//! The errors that a platform's API page lists, each with what it means for a send.

use bytes::Bytes;
use http::Response;

/// One error of a platform's, as the table of its API page has it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApiError {
    /// Its name in failures, such as `is_archived`.
    pub name: &'static str,
    /// What the platform answers to a send that meets it.
    pub answer: Response<Bytes>,
    /// What it means, by the page.
    pub meaning: Meaning,
}

/// What an error means for a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// This send is refused for good; others may pass.
    Refused,
    /// It comes too soon.
    Throttled,
    /// The credentials are not known, or not good for this: nothing passes until they are mended.
    Unauthorized,
    /// The platform has failed, and may take the same send later.
    Failing,
}

impl ApiError {
    /// One that refuses this send for good: `not_in_channel`, `msg_too_long`.
    pub fn refused(name: &'static str, answer: Response<Bytes>) -> Self {
        Self::new(name, answer, Meaning::Refused)
    }

    /// One that asks for patience: `ratelimited`.
    pub fn throttled(name: &'static str, answer: Response<Bytes>) -> Self {
        Self::new(name, answer, Meaning::Throttled)
    }

    /// One that refuses the credentials, whatever the send: `token_revoked`, `missing_scope`.
    pub fn unauthorized(name: &'static str, answer: Response<Bytes>) -> Self {
        Self::new(name, answer, Meaning::Unauthorized)
    }

    /// One that is the platform's own fault: `internal_error`.
    pub fn failing(name: &'static str, answer: Response<Bytes>) -> Self {
        Self::new(name, answer, Meaning::Failing)
    }

    fn new(name: &'static str, answer: Response<Bytes>, meaning: Meaning) -> Self {
        Self {
            name,
            answer,
            meaning,
        }
    }
}
