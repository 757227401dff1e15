//! One HTTP exchange at a time per permit, over ureq on the pool's threads.

mod agent;
mod dns;
mod failure;
mod written;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::ports::{HttpError, HttpErrorKind, HttpExchange, Reached};
use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::{Semaphore, oneshot};

use crate::authorities::{Authorities, AuthoritiesError};
use crate::pool::BlockingPool;
use agent::Agent;
pub(crate) use agent::parse_proxy;

/// What an instance's HTTP client may take and how long.
#[derive(Debug, Clone)]
pub struct ClientOptions<'a> {
    /// `http://[user:password@]host:port` of a CONNECT proxy; `None` connects directly, whatever
    /// the environment says.
    pub proxy: Option<&'a str>,
    /// Trusted beside Mozilla's roots, by the platform's certificate and by a proxy's.
    pub authorities: Option<&'a Authorities>,
    /// From resolving the name to the last byte of the answer; must be longer than
    /// `connect_timeout` and should be shorter than the timeout of the attempt around it.
    pub call_timeout: Duration,
    /// For resolving the name, and again for connecting with TLS.
    pub connect_timeout: Duration,
    /// Exchanges at once; more wait. 0 counts as 1.
    pub max_in_flight: usize,
    /// The largest body of an answer; a larger one is an error.
    pub max_response_bytes: usize,
}

impl Default for ClientOptions<'_> {
    fn default() -> Self {
        Self {
            proxy: None,
            authorities: None,
            call_timeout: Duration::from_secs(18),
            connect_timeout: Duration::from_secs(5),
            max_in_flight: 32,
            max_response_bytes: 1024 * 1024,
        }
    }
}

impl ClientOptions<'_> {
    /// The defaults, with timeouts that end within an attempt's: a call gets nine tenths of it, so
    /// that the client's own, more exact error comes first; connecting gets at most 5 s of that.
    pub fn within(attempt_timeout: Duration) -> Self {
        let call_timeout = attempt_timeout.mul_f64(0.9);
        Self {
            call_timeout,
            connect_timeout: Duration::from_secs(5).min(call_timeout / 2),
            ..Self::default()
        }
    }
}

/// An instance's way to the outside.
///
/// - A call blocks a thread of the pool and holds a permit until it ends, whether or not somebody
///   still waits for it: a stalled platform takes at most `max_in_flight` threads.
/// - An exchange that is dropped before a thread took it up is never sent.
/// - A connection is kept for the next call for a few seconds. It is probed before it is used
///   again; one that breaks in between is an error with [`Reached::Perhaps`], and nothing is sent a
///   second time.
pub struct HttpClient {
    agent: Arc<Agent>,
    permits: Arc<Semaphore>,
    pool: Arc<BlockingPool>,
}

impl HttpClient {
    /// A client whose calls run on `pool`.
    ///
    /// # Errors
    ///
    /// [`ClientError`] for options that make no sense. Nothing is connected here.
    pub fn new(pool: Arc<BlockingPool>, options: ClientOptions<'_>) -> Result<Self, ClientError> {
        Ok(Self {
            permits: Arc::new(Semaphore::new(options.max_in_flight.max(1))),
            agent: Arc::new(Agent::new(options)?),
            pool,
        })
    }

    async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let peer = failure::peer(request.uri());
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let (answer, answered) = oneshot::channel();
        let agent = Arc::clone(&self.agent);
        let job = Box::new(move || {
            // Nobody waits any more: sending now could only duplicate what is tried elsewhere.
            if answer.is_closed() {
                return;
            }
            let result = agent.call(request);
            // Before the answer, so that whoever gets it finds the permit free.
            drop(permit);
            if answer.send(result).is_err() {
                tracing::debug!("an exchange ended after its caller had given up");
            }
        });
        self.pool.submit(job).map_err(|error| HttpError {
            kind: HttpErrorKind::Connect,
            reached: Reached::No,
            detail: format!("{peer}: can't start a thread for the call: {error}"),
        })?;
        answered.await.unwrap_or_else(|_| {
            Err(HttpError {
                kind: HttpErrorKind::Broken,
                reached: Reached::Perhaps,
                detail: format!("{peer}: the call was abandoned"),
            })
        })
    }
}

impl HttpExchange for HttpClient {
    fn exchange(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        Box::pin(self.run(request))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("free_permits", &self.permits.available_permits())
            .finish_non_exhaustive()
    }
}

/// Client options that make no sense. Never shows the proxy's address, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientError {
    /// The proxy's address can't be read.
    ProxyAddress,
    /// The proxy speaks a protocol that the client does not.
    ProxyProtocol,
    /// Connecting may take as long as the whole call.
    Timeouts,
    /// The authorities can't be read.
    Authorities(AuthoritiesError),
}

impl From<AuthoritiesError> for ClientError {
    fn from(error: AuthoritiesError) -> Self {
        Self::Authorities(error)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorities(error) => {
                return write!(f, "the authorities to be trusted can't be used: {error}");
            }
            Self::ProxyAddress => {
                "the proxy's address can't be read; write it as http://host:port or http://user:password@host:port"
            }
            Self::ProxyProtocol => {
                "the proxy's protocol is not supported; give a proxy that takes CONNECT over http or https"
            }
            Self::Timeouts => {
                "the timeout for connecting is not shorter than that of the whole call; shorten it"
            }
        })
    }
}

impl std::error::Error for ClientError {}
