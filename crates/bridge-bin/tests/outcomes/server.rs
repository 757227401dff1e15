//! A server that plays back bytes, one way for token requests and another for sends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const TOKEN: &str = r#"{"accessToken":"t","expireIn":7200}"#;

/// What happens once a request has been read.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    /// These bytes; the connection stays.
    Answer(String),
    /// These bytes, then the connection is closed.
    Cut(String),
    /// Nothing; the connection is closed.
    Close,
    /// Nothing; the connection is reset.
    Reset,
    /// These bytes, then nothing more until the server ends.
    Silence(String),
}

impl Play {
    /// A token, as it should be.
    pub(crate) fn token() -> Self {
        Self::Answer(response("200 OK", "", TOKEN))
    }
}

/// What becomes of a server once it has answered one request and closed that connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    /// It listens no more.
    Gone,
    /// It resets each connection before it reads anything.
    Resets,
    /// It closes each connection before it reads anything.
    Closes,
}

/// An answer with a length.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

/// A server on loopback, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    /// Those who are silent wait for the other end of this.
    _end: Sender<()>,
}

impl Server {
    pub(crate) fn start(token: Play, send: Play) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (end, ended) = channel();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (token, send, ended) = (token.clone(), send.clone(), Arc::clone(&ended));
                std::thread::spawn(move || serve(stream, &token, &send, &ended));
            }
        });
        Self { address, _end: end }
    }

    /// A server that gives a token, and what becomes of it afterwards.
    pub(crate) fn start_then(then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (end, ended) = channel();
        std::thread::spawn(move || {
            let (mut first, _) = listener.accept().expect("a caller");
            // Nobody is answered before the listener is as it should be then.
            let listener = match then {
                Then::Gone => None,
                Then::Resets | Then::Closes => Some(listener),
            };
            read(&mut first);
            let token = response("200 OK", "connection: close\r\n", TOKEN);
            first.write_all(token.as_bytes()).expect("it listens");
            drop(first);
            let streams = listener.iter().flat_map(TcpListener::incoming);
            for stream in streams.map_while(Result::ok) {
                if matches!(then, Then::Resets) {
                    let socket = socket2::SockRef::from(&stream);
                    socket.set_linger(Some(Duration::ZERO)).expect("a socket");
                }
            }
            drop(ended);
        });
        Self { address, _end: end }
    }

    pub(crate) fn api_base(&self) -> String {
        format!("http://{}", self.address)
    }
}

type Ended = std::sync::Mutex<Receiver<()>>;

fn serve(mut stream: TcpStream, token: &Play, send: &Play, ended: &Ended) {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    while let Some(request) = read(&mut stream) {
        let play = if request.contains("accessToken") && request.starts_with("POST /v1.0/oauth2") {
            token
        } else {
            send
        };
        // A caller that has gone away is what some rows are about.
        match play {
            Play::Answer(bytes) => drop(stream.write_all(bytes.as_bytes())),
            Play::Cut(bytes) => {
                drop(stream.write_all(bytes.as_bytes()));
                return;
            }
            Play::Close => return,
            Play::Reset => {
                let socket = socket2::SockRef::from(&stream);
                socket.set_linger(Some(Duration::ZERO)).expect("a socket");
                return;
            }
            Play::Silence(bytes) => {
                drop(stream.write_all(bytes.as_bytes()));
                drop(ended.lock().map(|ended| ended.recv()));
                return;
            }
        }
    }
}

/// One request, whole; `None` at the end of the connection.
fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap_or("0");
            let length: usize = length.lines().next()?.trim().parse().ok()?;
            if body.len() >= length {
                return Some(text);
            }
        }
        match stream.read(&mut block) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend(&block[..count]),
        }
    }
}
