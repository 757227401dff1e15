//! The receivers on a port: accepts, serves kept-alive HTTP/1.1 connections, and closes them all at
//! the end.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::receiver::Receivers;

/// No message is larger.
const MOST_BODY_BYTES: usize = 1024 * 1024;

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
    /// Starts it on a port of 127.0.0.1 that the kernel chose.
    pub(crate) async fn start(receivers: Arc<Receivers>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, mut stopping) = watch::channel(false);
        let (is_running, running) = watch::channel(());
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            tokio::select! {
                () = accept(&listener, &receivers, &mut connections) => {}
                // An error means that the handle is gone, which is a stop as well.
                _ = stopping.wait_for(|stop| *stop) => {}
            }
            connections.shutdown().await;
            // The port must be free before anybody is told that the server has ended.
            drop(listener);
            drop(is_running);
        });
        Ok(Self {
            address,
            stop,
            running,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and all connections.
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

/// Never ends by itself.
async fn accept(listener: &TcpListener, receivers: &Arc<Receivers>, connections: &mut JoinSet<()>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(receivers)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, receivers: Arc<Receivers>) {
    // Without it, a kept-alive exchange can wait for the caller's delayed acknowledgement.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| {
        let receivers = Arc::clone(&receivers);
        async move { Ok::<_, Infallible>(answer(request, &receivers).await) }
    });
    // How a connection ends is the caller's affair.
    http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

async fn answer(request: Request<Incoming>, receivers: &Receivers) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let status = match Limited::new(body, MOST_BODY_BYTES).collect().await {
        Err(_) => StatusCode::BAD_REQUEST,
        Ok(_) if head.method != Method::POST => StatusCode::METHOD_NOT_ALLOWED,
        Ok(body) => receivers.take(head.uri.path(), &head.headers, &body.to_bytes()),
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
