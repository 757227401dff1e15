//! Other sides of the client's connections: servers that behave, and some that do not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use socket2::{Domain, Socket, Type};

/// An answer that is always right.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// Runs `handle` on a thread of its own for each connection, with the connection's number.
pub(crate) fn server(handle: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(number, stream.unwrap()));
        }
    });
    address
}

/// One request, head and body; `None` when the connection has ended.
pub(crate) fn read_request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        text.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(text + &String::from_utf8(body).unwrap())
}

/// Answers every request with `answer` on kept connections, and reports each with its connection.
pub(crate) fn answering(answer: &'static str) -> (SocketAddr, Receiver<(usize, String)>) {
    let (seen, requests) = mpsc::channel();
    let seen = Mutex::new(seen);
    let address = server(move |number, mut stream| {
        while let Some(request) = read_request(&stream) {
            // A test that does not look at the requests has dropped the other end.
            seen.lock().unwrap().send((number, request)).ok();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, requests)
}

/// A server that does `then` with a connection once it has read a request.
pub(crate) fn after_reading(then: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    server(move |_, stream| {
        read_request(&stream).unwrap();
        then(stream);
    })
}

pub(crate) fn write(answer: &'static str) -> impl Fn(TcpStream) + Send + Sync {
    move |mut stream| stream.write_all(answer.as_bytes()).unwrap()
}

/// Holds the connection until the other side closes it.
pub(crate) fn stall(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // However it ends.
    stream.read_to_end(&mut rest).ok();
}

/// A port that nobody listens on, and that nobody else gets while the socket lives.
pub(crate) fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// A server that reports each request's path and answers when a word comes through its gate, or at
/// once where the path says so.
pub(crate) fn gated() -> (SocketAddr, Receiver<String>, Sender<()>) {
    let (seen, requests) = mpsc::channel();
    let (open, gate) = mpsc::channel();
    let (seen, gate) = (Mutex::new(seen), Mutex::new(gate));
    let address = server(move |_, mut stream| {
        while let Some(request) = read_request(&stream) {
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let waits = path != "/at-once";
            seen.lock().unwrap().send(path).unwrap();
            if waits {
                gate.lock().unwrap().recv().unwrap();
            }
            stream.write_all(OK.as_bytes()).unwrap();
        }
    });
    (address, requests, open)
}
