//! The listener: accepts, serves kept-alive HTTP/1.1 connections, and closes them all at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api;
use crate::state::State;

/// How long accepting rests after it failed, as it does when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A running server; stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    /// Its other end lives as long as the server's task.
    running: watch::Receiver<()>,
}

impl Server {
    pub(crate) fn start(
        listener: TcpListener,
        address: SocketAddr,
        stop: watch::Sender<bool>,
        state: Arc<State>,
    ) -> Self {
        let (is_running, running) = watch::channel(());
        tokio::spawn(async move {
            serve(&listener, &state).await;
            // The port must be free before anybody is told that the server has ended.
            drop(listener);
            state.close();
            drop(is_running);
        });
        Self {
            address,
            stop,
            running,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        // Nothing is ever sent: the error is the end of the task.
        self.running.clone().changed().await.ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn serve(listener: &TcpListener, state: &Arc<State>) {
    let mut connections = JoinSet::new();
    let mut stopped = std::pin::pin!(state.stopped());
    loop {
        tokio::select! {
            () = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(state)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn serve_connection(stream: TcpStream, state: Arc<State>) {
    // Without it, a kept-alive exchange can wait for the caller's delayed acknowledgement.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| api::answer(Arc::clone(&state), request));
    // How a connection ends is the caller's affair; what a fault did to it is counted elsewhere.
    http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}
