//! The network on a port: one task for each connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::link::Link;
use crate::state::State;

/// How long accepting rests after it failed, as it does when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Bytes that are read at a time.
const READ_BYTES: usize = 8192;

/// A running server; stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    /// Its other end lives as long as the server's task.
    running: watch::Receiver<()>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener, state: Arc<State>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let (is_running, running) = watch::channel(());
        tokio::spawn(async move {
            accept(&listener, &state, stopping).await;
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

async fn accept(listener: &TcpListener, state: &Arc<State>, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    // An error means that the last handle is gone, which is a stop as well.
    let stopped = async { drop(stopping.wait_for(|stop| *stop).await) };
    let mut stopped = std::pin::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    stream.set_nodelay(true).ok();
                    let state = Arc::clone(state);
                    connections.spawn(async move { serve(stream, &state).await });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

/// Serves one connection until either side ends it.
pub(crate) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: &Arc<State>) {
    let Some(link) = Link::open(state) else {
        return;
    };
    let mut bytes = vec![0; READ_BYTES];
    loop {
        tokio::select! {
            outbound = link.next() => {
                // How a connection ends is the client's affair.
                let is_written = stream.write_all(&outbound).await.is_ok();
                if outbound.is_empty() || !is_written {
                    break;
                }
            }
            read = stream.read(&mut bytes) => match read {
                Ok(count) if count > 0 => link.write(&bytes[..count]),
                _ => break,
            },
        }
    }
    drop(link);
    stream.shutdown().await.ok();
}
