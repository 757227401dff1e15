//! The Parrot platform on loopback: takes squawks, and calls back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

pub(crate) const TOKEN: &str = "the-token-of-the-api";
pub(crate) const CALLBACK_TOKEN: &str = "the-token-of-callbacks";

/// Long enough for a slow machine; nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A platform that runs until the test ends.
pub(crate) struct Platform {
    address: SocketAddr,
    squawks: Receiver<Value>,
}

impl Platform {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, squawks) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (status, squawk) = answer(&stream);
                let body = "{\"id\":\"s-99\"}";
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}", body.len());
                let text = format!("{head}\r\nconnection: close\r\n\r\n{body}");
                (&stream).write_all(text.as_bytes()).expect("an answer");
                if squawk.is_some_and(|squawk| sender.send(squawk).is_err()) {
                    return;
                }
            }
        });
        Self { address, squawks }
    }

    pub(crate) fn api_base(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The next squawk that the platform took.
    pub(crate) fn next_squawk(&self) -> Value {
        self.squawks.recv_timeout(PATIENCE).expect("a squawk")
    }

    /// Calls back with a body; the status of the answer.
    pub(crate) fn call(&self, token: &str, url: &str, body: &str) -> u16 {
        let url: http::Uri = url.parse().expect("a URL");
        let host = url.authority().expect("a host").as_str();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {host}\r\nconnection: close",
            url.path()
        );
        let headers = format!("x-parrot-token: {token}\r\ncontent-length: {}", body.len());
        let mut stream = TcpStream::connect(host).expect("the bridge listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let text = format!("{head}\r\n{headers}\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).expect("a request");
        let mut line = String::new();
        BufReader::new(stream)
            .read_line(&mut line)
            .expect("an answer");
        let status = line.split(' ').nth(1).expect("a status");
        status.parse().expect("a number")
    }
}

/// Reads a request; the status of its answer, and the squawk if it is taken.
fn answer(stream: &TcpStream) -> (&'static str, Option<Value>) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut is_ours) = (String::new(), 0, false);
    reader.read_line(&mut line).expect("a request");
    let is_squawk = line.starts_with("POST /api/squawks ");
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        match &*name.to_lowercase() {
            "content-length" => length = value.parse().expect("a length"),
            "authorization" => is_ours = value == format!("Bearer {TOKEN}"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    match (is_squawk, is_ours) {
        (true, true) => ("201 Created", serde_json::from_slice(&body).ok()),
        (true, false) => ("401 Unauthorized", None),
        (false, _) => ("404 Not Found", None),
    }
}
