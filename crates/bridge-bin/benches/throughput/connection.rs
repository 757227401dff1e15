//! One kept-alive connection of the load generator: as cheap as it can be, so that what is measured
//! is the other side.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::Result;
use crate::callback::Callback;

/// Connections that are open at once.
pub(crate) const CONNECTIONS: usize = 32;

/// A connection that sends one callback after the other.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    callback: Callback,
    answer: Vec<u8>,
    next: u64,
}

/// One callback and its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) number: u64,
    /// Right before the request was written.
    pub(crate) sent: Instant,
    /// Until the whole answer was read.
    pub(crate) took: Duration,
}

impl Connection {
    /// [`CONNECTIONS`] connections, no two of which ever send the same number.
    pub(crate) async fn open_all(address: SocketAddr, callback: &Callback) -> Result<Vec<Self>> {
        let mut connections = Vec::new();
        for index in 0..CONNECTIONS {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connections.push(Self {
                stream,
                callback: callback.clone(),
                answer: Vec::with_capacity(1024),
                next: index as u64,
            });
        }
        Ok(connections)
    }

    /// Sends the next callback and waits for its answer.
    ///
    /// # Errors
    ///
    /// For any answer but 200.
    pub(crate) async fn exchange(&mut self) -> Result<Exchange> {
        let number = self.next;
        self.next += CONNECTIONS as u64;
        let request = self.callback.numbered(number);
        let sent = Instant::now();
        write_all(&self.stream, request).await?;
        self.answer.clear();
        while !is_whole(&self.answer)? {
            read_some(&self.stream, &mut self.answer).await?;
        }
        Ok(Exchange {
            number,
            sent,
            took: sent.elapsed(),
        })
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn read_some(stream: &TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    let mut bytes = [0; 1024];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut bytes) {
            Ok(0) => return Err("the system under test closed a connection".into()),
            Ok(count) => {
                answer.extend_from_slice(&bytes[..count]);
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether `answer` is a whole answer of status 200.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = std::str::from_utf8(&answer[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        return Err(format!("a callback was answered \"{status}\"").into());
    }
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim())
    });
    let length: usize = length.unwrap_or("0").parse()?;
    Ok(answer.len() >= end + 4 + length)
}
