//! Lines out of a stream that brings pieces of them.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::fault::Fault;

/// The longest line.
const MOST_BYTES: usize = 64 * 1024;

pub(super) struct Lines<R> {
    stream: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// The next line; `None` once there is none. May be dropped at its await.
    pub(super) async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<_> = self.buffer.drain(..=end).collect();
                line.pop();
                return Ok(Some(line));
            }
            if self.buffer.len() > MOST_BYTES {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
            if Fault::TakesPiecesForLines.is_present() && !self.buffer.ends_with(b"\n") {
                self.buffer.push(b'\n');
            }
        }
    }
}
