//! The bounds of a listener.

use std::time::Duration;

use bridge_core::config::Network;

use super::activity::Bounds;
use super::screened::StreamBounds;

/// The longest head of a request, its first line included. A longer one is answered 431, as is one
/// of more than 100 lines (hyper's bound).
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How much of a request's body and of its answer hyper buffers for a connection.
pub(super) const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// Bounds of a listener. The defaults of the times are what the bridge runs with.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Connections open at once. At the bound one more is accepted and waits for a place, further
    /// ones wait in the kernel's backlog; see [`idle_grace`](Self::idle_grace). 0 counts as 1.
    pub max_connections: usize,
    /// Connections open at once from one address; a further one is closed unanswered. IPv6
    /// addresses count by their first 64 bits, which is what one customer gets; IPv4-mapped ones as
    /// IPv4. 0 counts as 1.
    pub max_connections_per_address: usize,
    /// Addresses to which `max_connections_per_address` does not apply.
    pub exempt: Vec<Network>,
    /// How long a connection may take to bring a request's head, counted from when it was opened
    /// or from the answer before. So it is also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a request may take from its head to its answer; then the connection is closed
    /// without one.
    pub request_timeout: Duration,
    /// How long a client may take to accept an answer that does not fit into the socket's buffer.
    pub answer_timeout: Duration,
    /// How long a connection is reused: the first answer after it says `connection: close`.
    pub max_age: Duration,
    /// How long a connection without a request may keep its place when all are taken and a new one
    /// comes. The one that has waited longest gives way.
    pub idle_grace: Duration,
    /// How long a connection that was ended while the client may still be sending is kept, so that
    /// the client can read the answer.
    pub linger: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_connections_per_address: 256,
            exempt: Vec::new(),
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(10),
            max_age: Duration::from_secs(10 * 60),
            idle_grace: Duration::from_secs(1),
            linger: Duration::from_secs(1),
        }
    }
}

impl ServerOptions {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            header: self.header_timeout,
            request: self.request_timeout,
            answer: self.answer_timeout,
        }
    }

    pub(super) fn stream_bounds(&self) -> StreamBounds {
        StreamBounds {
            head_bytes: MAX_HEAD_BYTES,
            linger: self.linger,
        }
    }
}
