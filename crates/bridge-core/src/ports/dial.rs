//! Connections that a driver opens and keeps.

use std::fmt;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Closed;
use crate::BoxFuture;

/// Opens connections.
///
/// - Opening has a timeout; what happens on the stream then has none but the driver's own.
/// - Goes through the instance's `proxy`, if it has one.
/// - Certificates must lead to one of Mozilla's roots, or to an authority of the operator's `ca_file`.
/// - Dropping the stream closes the connection.
pub trait Dial: Send + Sync {
    /// Opens a connection to `target`, with TLS on it if that asks for it.
    fn dial(&self, target: DialTarget) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>>;
}

/// What is read from and written to. What is written may wait until it is flushed.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialTarget {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What is on the connection.
    pub security: Security,
}

/// What is on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// The bytes as they are: everybody between can read and change them.
    Plain,
    /// TLS; the certificate must be valid for the host.
    Tls,
}

/// No connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialError {
    /// For people: what was tried and why it failed.
    pub detail: String,
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for DialError {}

impl Dial for Closed {
    fn dial(&self, target: DialTarget) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        let DialTarget { host, port, .. } = target;
        let detail = format!("{host}:{port}: nothing is dialled here");
        Box::pin(std::future::ready(Err(DialError { detail })))
    }
}
