//! A connection's stream that hands hyper one whole, checked request head at a time, and no byte of
//! what follows a refused one.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::activity::Activity;
use super::head::{self, Framing, Progress};

/// What hyper is given in the place of a head that is refused. It answers 400 to it and closes, in
/// its turn behind the answers to earlier requests; that turn is why the answer is left to it.
const MALFORMED: &[u8] = b"\0\r\n\r\n";

/// Bytes that are read from the socket at once.
const READ_BYTES: usize = 8 * 1024;

/// The bounds that hold for the stream itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamBounds {
    /// The longest head; a longer one is left to hyper, which has the same bound and answers 431.
    pub(super) head_bytes: usize,
    /// How long the end of the connection waits for a client that is still sending.
    pub(super) linger: Duration,
}

/// See the module. Reads and writes are those of `stream` otherwise.
pub(super) struct Screened<T> {
    stream: T,
    activity: Arc<Activity>,
    bounds: StreamBounds,
    /// Bytes that came and were not handed on.
    buffer: BytesMut,
    next: Next,
    closing: Option<Pin<Box<Sleep>>>,
}

/// What hyper gets next.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// A head, once it is whole; this many bytes of it were looked at.
    Head { seen: usize, skipped: bool },
    /// So many bytes of a head, then a body.
    Checked(usize, Framing),
    /// So many bytes of a body, then a head.
    Body(u64),
    /// Whatever comes: nothing behind it is read as a head.
    Rest,
    /// These bytes, then the end.
    Refusal(&'static [u8]),
}

const HEAD: Next = Next::Head {
    seen: 0,
    skipped: false,
};

impl<T> Screened<T> {
    pub(super) fn new(stream: T, activity: Arc<Activity>, bounds: StreamBounds) -> Self {
        Self {
            stream,
            activity,
            bounds,
            buffer: BytesMut::new(),
            next: HEAD,
            closing: None,
        }
    }

    /// Looks at what is in the buffer: what comes after it, or `None` if more is needed.
    fn examine(&mut self) -> Option<Next> {
        let Next::Head { seen, skipped } = &mut self.next else {
            return None;
        };
        // RFC 9112, section 2.2: one empty line before a request is to be overlooked.
        if !*skipped && self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
            (*seen, *skipped) = (0, true);
        }
        let limit = self.buffer.len().min(self.bounds.head_bytes);
        let found = head::scan(&self.buffer[..limit], *seen);
        *seen = limit;
        let checked = match found {
            Ok(Progress::Partial) if limit < self.bounds.head_bytes => return None,
            // Too long; hyper says so.
            Ok(Progress::Partial) => return Some(Next::Rest),
            Ok(Progress::Complete(end)) => {
                head::check(&self.buffer[..end]).map(|framing| Next::Checked(end, framing))
            }
            Err(reason) => Err(reason),
        };
        Some(checked.unwrap_or_else(|reason| {
            tracing::debug!(reason, "a request head was refused");
            Next::Refusal(MALFORMED)
        }))
    }

    /// Hands on at most `limit` bytes of the buffer; says how many.
    fn hand_on(&mut self, limit: usize, out: &mut ReadBuf<'_>) -> usize {
        let count = limit.min(self.buffer.len()).min(out.remaining());
        out.put_slice(&self.buffer[..count]);
        self.buffer.advance(count);
        count
    }

    /// Whether the client may still be sending what nobody will read.
    fn may_be_sending(&self) -> bool {
        match self.next {
            Next::Head { .. } => !self.buffer.is_empty(),
            Next::Checked(..) | Next::Rest | Next::Refusal(_) => true,
            Next::Body(left) => left > 0,
        }
    }
}

impl<T: AsyncRead + Unpin> Screened<T> {
    /// Reads into the buffer; 0 at the end of the stream.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut read);
        if polled.is_pending() && self.buffer.is_empty() {
            // An idle connection holds no memory here.
            self.buffer = BytesMut::new();
        }
        ready!(polled)?;
        self.buffer.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Screened<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match this.next {
                Next::Head { .. } => match this.examine() {
                    Some(next) => this.next = next,
                    None if ready!(this.poll_fill(context))? == 0 => return Poll::Ready(Ok(())),
                    None => {}
                },
                Next::Checked(0, Framing::Length(length)) => this.next = Next::Body(length),
                // The one kind of body whose end is not known here; so nothing may follow it.
                Next::Checked(0, Framing::Chunked) => this.next = Next::Rest,
                Next::Checked(left, framing) => {
                    let count = this.hand_on(left, out);
                    this.next = Next::Checked(left - count, framing);
                    return Poll::Ready(Ok(()));
                }
                Next::Body(0) => this.next = HEAD,
                Next::Body(left) => {
                    if this.buffer.is_empty() && ready!(this.poll_fill(context))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    let count = this.hand_on(usize::try_from(left).unwrap_or(usize::MAX), out);
                    this.next = Next::Body(left.saturating_sub(count as u64));
                    return Poll::Ready(Ok(()));
                }
                Next::Rest if this.buffer.is_empty() => {
                    return Pin::new(&mut this.stream).poll_read(context, out);
                }
                Next::Rest => {
                    this.hand_on(usize::MAX, out);
                    return Poll::Ready(Ok(()));
                }
                Next::Refusal(bytes) => {
                    let (now, later) = bytes.split_at(bytes.len().min(out.remaining()));
                    out.put_slice(now);
                    this.next = Next::Refusal(later);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Screened<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.activity.wrote(&polled, bytes.len());
        polled
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        let length = slices.iter().map(|slice| slice.len()).sum();
        this.activity.wrote(&polled, length);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    /// Says the end, then waits a little for the client's: a socket that is closed over unread bytes
    /// is reset, and the reset can destroy the answer before the client has read it.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if !this.may_be_sending() {
                return Poll::Ready(Ok(()));
            }
        }
        loop {
            let linger = this.bounds.linger;
            let end = this.closing.get_or_insert_with(|| Box::pin(sleep(linger)));
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            this.buffer.clear();
            match ready!(this.poll_fill(context)) {
                Ok(0) | Err(_) => return Poll::Ready(Ok(())),
                Ok(_) => {}
            }
        }
    }
}
