//! Connections that drivers keep: TCP, through a proxy if there is one, with TLS on it if asked for.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bridge_core::BoxFuture;
use bridge_core::ports::{ByteStream, Dial, DialError, DialTarget, Security};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use ureq::{Proxy, ProxyProtocol};

use crate::authorities::{Authorities, connector};
use crate::client::{ClientError, parse_proxy};

/// How long opening a connection may take as a whole: name, TCP, proxy, TLS.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest answer of a proxy that is read.
const MOST_PROXY_BYTES: usize = 8 * 1024;

/// Opens the connections of one instance.
///
/// - Certificates must lead to one of Mozilla's roots, or to an authority that the operator trusts.
/// - Opening takes 20 seconds at most.
/// - Needs a tokio runtime with I/O and timers.
#[derive(Clone)]
pub struct Dialer {
    proxy: Option<Proxy>,
    authorities: Option<Authorities>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("has_proxy", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}

impl Dialer {
    /// Dials through the HTTP proxy at that address, or directly without one, and trusts these
    /// `authorities` beside Mozilla's.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if it is no address of an HTTP proxy.
    pub fn new(
        proxy: Option<&str>,
        authorities: Option<&Authorities>,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            proxy: proxy.map(parse_proxy).transpose()?,
            authorities: authorities.cloned(),
        })
    }

    async fn open(&self, target: &DialTarget) -> Result<Box<dyn ByteStream>, String> {
        let stream = match &self.proxy {
            Some(proxy) => self.through(proxy, target).await?,
            None => connect(&target.host, target.port).await?,
        };
        match target.security {
            Security::Plain => Ok(stream),
            Security::Tls => self.secure(stream, &target.host).await,
        }
    }

    async fn secure(
        &self,
        stream: Box<dyn ByteStream>,
        host: &str,
    ) -> Result<Box<dyn ByteStream>, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "this is no name that a certificate can have".to_owned())?;
        let tls = connector(self.authorities.as_ref());
        let stream = tls.connect(name, stream).await;
        let stream = stream.map_err(|error| format!("TLS: {error}"))?;
        Ok(Box::new(stream))
    }

    /// Asks an HTTP proxy for a tunnel (RFC 9110 9.3.6).
    async fn through(
        &self,
        proxy: &Proxy,
        target: &DialTarget,
    ) -> Result<Box<dyn ByteStream>, String> {
        let told = |text: String| format!("proxy: {text}");
        let mut stream = connect(proxy.host(), proxy.port()).await.map_err(told)?;
        if proxy.protocol() == ProxyProtocol::Https {
            stream = self.secure(stream, proxy.host()).await.map_err(told)?;
        }
        let request = tunnel_request(proxy, target);
        let asked = async {
            stream.write_all(request.as_bytes()).await?;
            stream.flush().await?;
            read_head(&mut stream).await
        };
        let head = asked.await.map_err(|error| told(error.to_string()))?;
        match status(&head) {
            Some(200..=299) => Ok(stream),
            Some(407) => Err(told("it asks for other credentials (407)".to_owned())),
            Some(status) => Err(told(format!("it answered {status}"))),
            None => Err(told("its answer is no HTTP".to_owned())),
        }
    }
}

impl Dial for Dialer {
    fn dial(&self, target: DialTarget) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        Box::pin(async move {
            let opened = tokio::time::timeout(PATIENCE, self.open(&target)).await;
            let opened = opened.unwrap_or_else(|_| Err("no connection in time".to_owned()));
            let DialTarget { host, port, .. } = target;
            opened.map_err(|reason| DialError {
                detail: format!("{host}:{port}: {reason}"),
            })
        })
    }
}

async fn connect(host: &str, port: u16) -> Result<Box<dyn ByteStream>, String> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| error.to_string())?;
    // A line that waits for an acknowledgement of the one before would be a line a round trip.
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    Ok(Box::new(stream))
}

fn tunnel_request(proxy: &Proxy, target: &DialTarget) -> String {
    let host = match target.host.contains(':') {
        true => format!("[{}]:{}", target.host, target.port),
        false => format!("{}:{}", target.host, target.port),
    };
    let mut request = format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n");
    if let Some(user) = proxy.username() {
        let pair = format!("{user}:{}", proxy.password().unwrap_or_default());
        let pair = STANDARD.encode(pair);
        request.push_str(&format!("proxy-authorization: Basic {pair}\r\n"));
    }
    request.push_str("\r\n");
    request
}

/// Reads up to the empty line, and not a byte further: that would be the other side's.
async fn read_head(stream: &mut Box<dyn ByteStream>) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MOST_PROXY_BYTES {
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let status = line.strip_prefix("HTTP/1.")?.get(2..5)?;
    status.parse().ok()
}
