//! Accepts connections for one service and ends them in an orderly way.

mod bind;

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tower::{Service, ServiceExt};

pub use bind::{BindError, bind};

/// How much of a request's head and of what follows it a connection buffers. A longer head is
/// answered 431; a body is not limited by this, but by the service that reads it.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// The pause after a failed accept (typically because the process is out of file descriptors),
/// doubled from the first to the longest while it goes on failing.
const FIRST_ACCEPT_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Bounds of a listener.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Connections open at once; at the bound, further ones wait in the kernel's backlog.
    /// 0 counts as 1.
    pub max_connections: usize,
    /// How long a connection may take to bring a request's head, counted from when it was opened
    /// or from the answer before. So it is also how long an idle connection is kept.
    pub header_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            header_timeout: Duration::from_secs(15),
        }
    }
}

/// Serves HTTP/1.1 on `listener` until `shutdown` resolves and every connection has ended.
///
/// - `service` is cloned for each request, so layers with shared state are built once.
/// - After `shutdown`, the port is closed at once, idle connections are closed, and running
///   requests are finished and answered. This has no deadline of its own: wrap the call in a
///   timeout. Dropping the future aborts every connection that is still open.
/// - A connection that fails or panics ends alone.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let mut http = http1::Builder::new();
    // Without a timer hyper ignores the timeout on heads.
    http.timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_buf_size(MAX_BUFFER_BYTES);

    let permits = Arc::new(Semaphore::new(options.max_connections.max(1)));
    let graceful = GracefulShutdown::new();
    // A set instead of loose tasks, so that dropping this future ends them.
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);

    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => report(ended),
            (stream, permit) = next_connection(&listener, &permits) => {
                // An answer is one small write, which must not wait for an acknowledgement.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "connection is gone before its first request");
                    continue;
                }
                let service = service.clone();
                let each = service_fn(move |request| service.clone().oneshot(request));
                let connection = http.serve_connection(TokioIo::new(stream), each);
                let connection = graceful.watch(connection);
                connections.spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "connection failed");
                    }
                    drop(permit);
                });
            }
        }
    }

    drop(listener);
    graceful.shutdown().await;
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

/// Waits until one more connection is allowed, then for the connection. The permit comes first, so
/// that at the bound nothing is accepted only to be left alone.
async fn next_connection(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    let mut pause = FIRST_ACCEPT_PAUSE;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_ACCEPT_PAUSE);
            }
        }
    }
}

/// Whether the failed accept says something about the connection that was waiting, not about the
/// listener: the next accept may succeed at once.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task panicked; its request was not answered");
    }
}
