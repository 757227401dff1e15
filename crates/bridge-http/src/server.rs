//! Accepts connections for one service and ends them in an orderly way.
//!
//! ```text
//! accept ─ places: may it stay? ─▶ connection ─ screened, head: one checked request at a time ─▶ hyper
//!                                      └─ activity: what it does, since when, how long it may
//! ```

mod accept;
mod activity;
mod bind;
mod connection;
mod head;
mod options;
mod places;
mod screened;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tower::Service;

use accept::Acceptor;
use places::Places;

pub use bind::{BindError, bind};
pub use options::ServerOptions;

/// Serves HTTP/1.1 on `listener` until `shutdown` resolves and every connection has ended.
///
/// - `service` is cloned for each request, so layers with shared state are built once.
/// - Heads that two programs could read differently (bare line feeds, two lengths, a target that is
///   not a path, …) are answered 400, and nothing behind them is read.
/// - A request with a chunked body is the last one of its connection.
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
    serve_then(listener, service, options, shutdown, || {}).await;
}

/// [`serve`], which calls `port_is_free` once the port is closed after `shutdown`, while connections
/// may still be open.
pub async fn serve_then<S>(
    listener: TcpListener,
    service: S,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
    port_is_free: impl FnOnce(),
) where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let http = connection::builder();
    let mut acceptor = Acceptor::new(listener, Places::new(&options));
    let options = Arc::new(options);
    let (stop, stopping) = watch::channel(());
    // A set instead of loose tasks, so that dropping this future ends them.
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);

    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => report(ended),
            (stream, seat) = acceptor.next() => {
                // An answer is one small write, which must not wait for an acknowledgement.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "connection is gone before its first request");
                    continue;
                }
                let (service, options) = (service.clone(), Arc::clone(&options));
                connections.spawn(connection::run(
                    stream,
                    seat,
                    http.clone(),
                    service,
                    options,
                    stopping.clone(),
                ));
            }
        }
    }

    drop(acceptor);
    port_is_free();
    drop(stop);
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task panicked; its request was not answered");
    }
}
