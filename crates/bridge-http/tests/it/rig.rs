//! A listener with an endpoint behind it, and raw connections to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bridge_http::{InboundOptions, ServerOptions, bind, endpoint, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::support::{FakeDriver, FakeIntake, LOCALHOST, Taking, listen, soon};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) driver: Arc<FakeDriver>,
    pub(crate) intake: Arc<FakeIntake>,
    pub(crate) takings: mpsc::UnboundedReceiver<Taking>,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) serving: JoinHandle<()>,
}

/// A server whose intake takes `permits` batches before it waits.
pub(crate) fn start(permits: usize, options: ServerOptions) -> Server {
    start_with(permits, options, bounded_inbound())
}

/// Bodies of at most 64 bytes, read within 200 ms.
pub(crate) fn bounded_inbound() -> InboundOptions {
    InboundOptions {
        body_limit_bytes: 64,
        timeout: Duration::from_millis(200),
        ..InboundOptions::default()
    }
}

/// As [`start`], with other bounds of the endpoint.
pub(crate) fn start_with(
    permits: usize,
    options: ServerOptions,
    inbound: InboundOptions,
) -> Server {
    let listener = bind(LOCALHOST, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let (driver, _) = FakeDriver::new(0);
    let (intake, takings) = FakeIntake::new(permits, None);
    let service = endpoint(driver.clone(), &listen("/in"), intake.clone(), inbound);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, service, options, async move {
        // A dropped sender stops the server too.
        stopped.await.ok();
    }));
    Server {
        address,
        driver,
        intake,
        takings,
        stop,
        serving,
    }
}

pub(crate) fn post(headers: &str, body: &str) -> String {
    format!("POST /in HTTP/1.1\r\nhost: bridge\r\nsign: good\r\n{headers}\r\n{body}")
}

pub(crate) fn good(body: &str) -> String {
    post(&format!("content-length: {}\r\n", body.len()), body)
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(soon(TcpStream::connect(address)).await.unwrap())
    }

    /// From `127.0.0.HOST`.
    pub(crate) async fn connect_from(host: u8, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        let from = Ipv4Addr::new(127, 0, 0, host);
        socket.bind((from, 0).into()).unwrap();
        Self(soon(socket.connect(address)).await.unwrap())
    }

    pub(crate) async fn write(&mut self, text: &str) {
        soon(self.0.write_all(text.as_bytes())).await.unwrap();
    }

    /// One answer: its head, and a body of `{}` where there is one.
    pub(crate) async fn answer(&mut self) -> String {
        let mut read = Vec::new();
        loop {
            let byte = soon(self.0.read_u8()).await.expect("an answer");
            read.push(byte);
            let text = String::from_utf8_lossy(&read);
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && (body == "{}" || head.contains("content-length: 0"))
            {
                return text.into_owned();
            }
        }
    }

    /// One answer, or what came before the end of the connection.
    pub(crate) async fn rest_or_answer(&mut self) -> String {
        let mut read = Vec::new();
        while let Ok(byte) = soon(self.0.read_u8()).await {
            read.push(byte);
            if read.ends_with(b"{}") {
                break;
            }
        }
        String::from_utf8(read).unwrap()
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        // A connection that is closed over unread bytes ends with a reset; what came before counts.
        soon(self.0.read_to_end(&mut read)).await.ok();
        String::from_utf8(read).unwrap()
    }
}
