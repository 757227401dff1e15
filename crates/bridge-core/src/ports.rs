//! What a driver is given instead of sockets, clocks and files. Implemented outside this crate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::BoxFuture;
use crate::time::Timestamp;

pub use dial::{ByteStream, Dial, DialError, DialTarget, Security};
pub use mailbox::{Cursor, Letter, Mailbox, MailboxError, Mailed};

mod dial;
mod mailbox;

/// A port that is not given.
#[derive(Debug)]
struct Closed;

/// Everything a driver may use of the outside world.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// One HTTP exchange at a time.
    pub http: Arc<dyn HttpExchange>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Numbers that nobody can guess.
    pub random: Arc<dyn Random>,
    /// Connections that the driver keeps itself.
    pub dial: Arc<dyn Dial>,
    /// What is kept for readers.
    pub mailbox: Arc<dyn Mailbox>,
}

impl Ports {
    /// Ports by which nothing is dialled and nothing is kept.
    pub fn new(
        http: Arc<dyn HttpExchange>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            http,
            clock,
            random,
            dial: Arc::new(Closed),
            mailbox: Arc::new(Closed),
        }
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// Sends one HTTP request and waits for the whole answer.
///
/// - Any status is an answer, not an error; redirects are not followed.
/// - The body of an answer may have 1 MiB; a larger one is [`HttpError`] with
///   [`HttpErrorKind::Protocol`], again and again if the same is asked again.
/// - It takes nine tenths of the operator's `attempt_timeout` at most, 18 seconds unless that is set, or
///   as long as an [`ExchangeTimeout`] says. Dropping the future gives up waiting; the request may
///   still arrive.
pub trait HttpExchange: Send + Sync {
    /// Does the exchange.
    fn exchange(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>>;
}

/// How long an exchange may take as a whole, in place of the operator's `attempt_timeout`: for a long
/// poll, which the platform holds open until there is news. Put it into the request's extensions.
/// More than [`MOST`](Self::MOST) counts as that.
///
/// Not for sends: their limit is the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeTimeout(pub Duration);

impl ExchangeTimeout {
    /// The longest that is granted.
    pub const MOST: Duration = Duration::from_secs(300);
}

/// An exchange that brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    /// What failed.
    pub kind: HttpErrorKind,
    /// Whether the request can have reached the other side.
    pub reached: Reached,
    /// For people; no path or query of the URL, no header and no body in it.
    pub detail: String,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for HttpError {}

/// What failed in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// No connection: the name does not resolve, the port refuses, TLS fails.
    Connect,
    /// A step took too long.
    Timeout,
    /// The connection broke.
    Broken,
    /// What came back is no HTTP answer, or one that is too large.
    Protocol,
}

/// Whether a failed request can have reached the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It was never written.
    No,
    /// It was written, at least in part.
    Perhaps,
}

/// The time. Tests set it.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock.
    fn now(&self) -> Timestamp;

    /// Resolves when `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Random numbers, such as for ids and pauses.
pub trait Random: Send + Sync {
    /// A number of which all bits are random and can't be guessed from earlier ones.
    fn next_u64(&self) -> u64;
}

/// Where secrets that are not written in the config come from. Implemented by the binary.
pub trait SecretSource {
    /// The value of the environment variable `name`.
    ///
    /// # Errors
    ///
    /// A sentence saying why there is none; never the value of another.
    fn env(&self, name: &str) -> Result<String, String>;

    /// The content of the file at `path`, without one trailing line break.
    ///
    /// # Errors
    ///
    /// A sentence saying why it can't be read.
    fn file(&self, path: &str) -> Result<String, String>;

    /// The certificates in the PEM file at `path`, as its text; `None` where the machine around the
    /// files is left out.
    ///
    /// # Errors
    ///
    /// A sentence saying why they can't be used.
    fn authorities(&self, path: &str) -> Result<Option<Arc<str>>, String> {
        let _ = path;
        Ok(None)
    }

    /// What an operator should know about the file at `path`, such as that everybody can read it;
    /// `None` if there is nothing to say.
    fn doubt_about_file(&self, path: &str) -> Option<String> {
        let _ = path;
        None
    }
}

impl From<HttpError> for crate::outcome::SendError {
    /// The failed exchange as a failed send: retried with backoff; uncertain where the request can
    /// have been taken. The driver replaces `operation` by its own name for the call.
    fn from(error: HttpError) -> Self {
        use crate::outcome::{Certainty, ErrorKind, RetryAdvice, Scope, SendError};
        SendError {
            kind: match error.kind {
                HttpErrorKind::Timeout => ErrorKind::Timeout,
                HttpErrorKind::Protocol => ErrorKind::Protocol,
                HttpErrorKind::Connect | HttpErrorKind::Broken => ErrorKind::Unavailable,
            },
            advice: RetryAdvice::Backoff(Scope::Message),
            certainty: match error.reached {
                Reached::No => Certainty::NotDelivered,
                Reached::Perhaps => Certainty::Unknown,
            },
            operation: "http",
            detail: error.detail,
        }
    }
}
