//! The Parrot platform on loopback: takes squawks of the bridge, and calls it back.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bridge_core::sandbox::Screen;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(super) const TOKEN: &str = "the-token-of-the-api";
pub(super) const CALLBACK_TOKEN: &str = "the-token-of-callbacks";

/// Long enough for a slow machine; nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// No squawk is larger.
const MOST_BODY_BYTES: usize = 64 * 1024;

/// A platform that runs until it is stopped. A cheap handle.
#[derive(Clone)]
pub(super) struct Platform {
    address: SocketAddr,
    perches: Arc<Mutex<HashMap<String, Seat>>>,
    ids: Arc<AtomicU64>,
    serving: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// What the platform knows of a perch.
struct Seat {
    screen: Screen,
    callback: Option<String>,
    /// Of what was sent to it: the same nonce again is the same send.
    nonces: HashSet<String>,
}

/// A request of the bridge.
struct Request {
    is_squawk: bool,
    is_ours: bool,
    body: Vec<u8>,
}

impl Platform {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let platform = Self {
            address: listener.local_addr()?,
            perches: Arc::default(),
            ids: Arc::default(),
            serving: Arc::default(),
        };
        let serving = tokio::spawn(platform.clone().serve(listener));
        *lock(&platform.serving) = Some(serving);
        Ok(platform)
    }

    /// Closes the port and what is connected.
    pub(super) async fn stop(&self) {
        let serving = lock(&self.serving).take();
        if let Some(serving) = serving {
            serving.abort();
            // That it was aborted is no error.
            serving.await.ok();
        }
    }

    pub(super) fn api_base(&self) -> String {
        format!("http://{}/api", self.address)
    }

    pub(super) fn add_perch(&self, name: &str, screen: Screen) {
        let seat = Seat {
            screen,
            callback: None,
            nonces: HashSet::new(),
        };
        lock(&self.perches).insert(name.to_owned(), seat);
    }

    /// Says where a perch's squawks go from now on.
    pub(super) fn call_back(&self, perch: &str, url: &str) {
        if let Some(seat) = lock(&self.perches).get_mut(perch) {
            seat.callback = Some(url.to_owned());
        }
    }

    pub(super) fn next_id(&self) -> String {
        format!("s-{}", self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// Calls back with a squawk; the status of the answer.
    pub(super) async fn call(&self, perch: &str, token: &str, squawk: &Value) -> io::Result<u16> {
        let url: Option<http::Uri> = self.callback_of(perch).and_then(|url| url.parse().ok());
        let target = url
            .as_ref()
            .and_then(|url| Some((url.authority()?, url.path())));
        let (host, path) = target.ok_or_else(|| io::Error::other("there is no URL to call"))?;
        let body = squawk.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-parrot-token: {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(host.as_str()).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).await?;
            let status = line
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok());
            status.ok_or_else(|| io::Error::other("the answer is no HTTP"))
        };
        timeout(PATIENCE, exchange).await?
    }

    fn callback_of(&self, perch: &str) -> Option<String> {
        lock(&self.perches).get(perch)?.callback.clone()
    }

    /// One exchange after the other, each over a connection of its own.
    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            // How a connection ends is the caller's affair.
            timeout(PATIENCE, self.answer(stream)).await.ok();
        }
    }

    async fn answer(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let request = Request::read(&mut stream).await?;
        let status = match (request.is_squawk, request.is_ours) {
            (false, _) => "404 Not Found",
            (true, false) => "401 Unauthorized",
            (true, true) if self.take(&request.body) => "201 Created",
            (true, true) => "400 Bad Request",
        };
        let body = format!("{{\"id\":\"{}\"}}", self.next_id());
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await
    }

    /// Shows a squawk, unless it was shown before; false if it is none of a perch here.
    fn take(&self, body: &[u8]) -> bool {
        let squawk: Value = serde_json::from_slice(body).unwrap_or_default();
        let key = |name: &str| squawk[name].as_str().unwrap_or_default();
        let mut perches = lock(&self.perches);
        let Some(seat) = perches.get_mut(key("perch")) else {
            return false;
        };
        if seat.nonces.insert(key("nonce").to_owned()) {
            seat.screen.show(key("text"), Instant::now());
        }
        true
    }
}

impl Request {
    async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let is_squawk = line.starts_with("POST /api/squawks ");
        let (mut length, mut is_ours) = (0, false);
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            match &*name.to_lowercase() {
                "content-length" => length = value.parse().unwrap_or(0),
                "authorization" => is_ours = value == format!("Bearer {TOKEN}"),
                _ => {}
            }
        }
        let mut body = vec![0; length.min(MOST_BODY_BYTES)];
        stream.read_exact(&mut body).await?;
        Ok(Self {
            is_squawk,
            is_ours,
            body,
        })
    }
}

/// Nothing panics while it holds a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
