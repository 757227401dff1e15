//! A TCP proxy on loopback that delays, dribbles, cuts, half-closes and stalls as a test tells it.
//!
//! ```
//! use bridge_testkit::fault_proxy::{Conduct, End, FaultProxy, Flow};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let platform = TcpListener::bind("127.0.0.1:0").await.unwrap();
//! let proxy = FaultProxy::start(platform.local_addr().unwrap()).await.unwrap();
//! // The platform gets the whole request, and its answer never comes back.
//! proxy.behave(|_| Conduct {
//!     answer: Flow::default().ends_after(0, End::Cut),
//!     ..Conduct::default()
//! });
//!
//! let mut client = TcpStream::connect(proxy.address()).await.unwrap();
//! client.write_all(b"hello").await.unwrap();
//! let (mut server, _) = platform.accept().await.unwrap();
//! let mut heard = [0; 5];
//! server.read_exact(&mut heard).await.unwrap();
//! assert_eq!(&heard, b"hello");
//! server.write_all(b"welcome").await.unwrap();
//! assert!(client.read(&mut [0; 7]).await.is_err(), "the connection was reset");
//! # });
//! ```

mod connection;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// What happens to the bytes that go one way.
///
/// The default passes all of them at once, to their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    delay: Duration,
    piece: Option<usize>,
    end: Option<(usize, End)>,
}

/// How the bytes of one way end before their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Both sides are reset.
    Cut,
    /// The receiver is told that no more will come, while the other way stays open.
    HalfClose,
    /// Whatever else is sent is swallowed, and nobody is told. Ends when the sender ends.
    Stall,
}

impl Flow {
    /// Waits for `delay` before each piece that is passed on.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Passes pieces of at most `bytes` bytes, one in each `pause`.
    ///
    /// # Panics
    ///
    /// If `bytes` is 0.
    #[must_use]
    pub fn dribbled(mut self, bytes: usize, pause: Duration) -> Self {
        assert!(bytes > 0, "a piece holds at least one byte");
        self.piece = Some(bytes);
        self.delayed(pause)
    }

    /// Ends in this way once `bytes` bytes have passed. A cut waits for one byte more, so that it
    /// always falls into something that was being sent.
    #[must_use]
    pub fn ends_after(mut self, bytes: usize, end: End) -> Self {
        self.end = Some((bytes, end));
        self
    }
}

/// What happens to one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conduct {
    /// From the client to the server.
    pub request: Flow,
    /// From the server to the client.
    pub answer: Flow,
}

type Chooser = dyn FnMut(u64) -> Conduct + Send;

/// A proxy in front of one server; ends, with all its connections, when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

struct Shared {
    server: SocketAddr,
    chooser: Mutex<Box<Chooser>>,
    /// How many connections came; counted before their conduct is chosen.
    connections: watch::Sender<u64>,
    /// How many of them are open.
    open: watch::Sender<u64>,
    /// Grows whenever all connections are cut.
    cuts: watch::Sender<u64>,
}

impl FaultProxy {
    /// Listens on a free port of 127.0.0.1 and passes everything to `server`, until told otherwise.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            chooser: Mutex::new(Box::new(|_| Conduct::default())),
            connections: watch::Sender::new(0),
            open: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting: accepting.abort_handle(),
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Chooses what happens to each connection that comes from now on; the first that this proxy
    /// ever had is number 0. The chooser must not call the proxy.
    pub fn behave(&self, chooser: impl FnMut(u64) -> Conduct + Send + 'static) {
        *self.shared.lock() = Box::new(chooser);
    }

    /// Resets all connections that are open.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections came.
    pub fn connections(&self) -> u64 {
        *self.shared.connections.borrow()
    }

    /// Resolves when no connection is open, so that what comes next comes on a new one.
    pub async fn until_idle(&self) {
        let mut open = self.shared.open.subscribe();
        // The sender lives in `self`, so the wait can't fail.
        drop(open.wait_for(|open| *open == 0).await);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .field("server", &self.shared.server)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Box<Chooser>> {
        self.chooser.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let number = *shared.connections.borrow();
                shared.connections.send_modify(|count| *count += 1);
                let conduct = (shared.lock())(number);
                let cuts = shared.cuts.subscribe();
                shared.open.send_modify(|open| *open += 1);
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    connection::serve(client, shared.server, conduct, cuts).await;
                    shared.open.send_modify(|open| *open -= 1);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
