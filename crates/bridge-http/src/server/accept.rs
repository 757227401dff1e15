//! From the listening port to a connection that has its place.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::places::{Places, Seat, Share};

/// The pause after a failed accept (typically because the process is out of file descriptors),
/// doubled from the first to the longest while it goes on failing.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long after a line about connections that were turned away the next one is held back.
const QUIET: Duration = Duration::from_secs(60);

/// Accepts connections.
pub(super) struct Acceptor {
    listener: TcpListener,
    places: Arc<Places>,
    /// A connection that waits for its place. Kept here, so that [`Acceptor::next`] may be dropped.
    arrived: Option<(TcpStream, Share)>,
    turned_away: u64,
    told: Option<Instant>,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener, places: Arc<Places>) -> Self {
        Self {
            listener,
            places,
            arrived: None,
            turned_away: 0,
            told: None,
        }
    }

    /// The next connection. May be dropped before it resolves: no connection is lost with it.
    pub(super) async fn next(&mut self) -> (TcpStream, Seat) {
        if self.arrived.is_none() {
            self.arrived = Some(self.admit().await);
        }
        let permit = self.places.free().await;
        let (stream, share) = self.arrived.take().expect("it was put there above");
        (stream, self.places.seat(share, permit))
    }

    /// Accepts until a connection comes whose address may have one more. The others are closed at
    /// once: an answer would cost what the bound is to save.
    async fn admit(&mut self) -> (TcpStream, Share) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => match self.places.share(peer.ip()) {
                    Some(share) => return (stream, share),
                    None => self.turn_away(peer.ip()),
                },
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn turn_away(&mut self, address: IpAddr) {
        self.turned_away += 1;
        if self.told.is_none_or(|told| told.elapsed() >= QUIET) {
            tracing::warn!(
                %address,
                connections = self.turned_away,
                "closed connections from an address that has max_connections_per_address"
            );
            self.turned_away = 0;
            self.told = Some(Instant::now());
        }
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        if self.turned_away > 0 {
            tracing::warn!(
                connections = self.turned_away,
                "closed further connections from addresses that had max_connections_per_address"
            );
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
