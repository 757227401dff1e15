//! The line between a driver and its subject's network: streams without sockets, which break, stall
//! and lose when a check tells them to.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bridge_core::BoxFuture;
use bridge_core::id::Address;
use bridge_core::ports::{Dial, DialTarget};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::drive::pause;
use super::platform::{Asked, Fate, Server};
use crate::FakeDial;
use crate::fake_dial::{Dialled, refused};

/// Bytes that a slow stream takes and gives at once.
const SLOW_BYTES: usize = 7;

/// Bytes that a stream keeps unflushed at most.
const BUFFER_BYTES: usize = 64 * 1024;

/// What becomes of a connection that is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Links {
    /// It is made.
    #[default]
    Accepted,
    /// It is refused.
    Refused,
    /// Nothing is heard.
    Hanging,
}

/// Clones are the same line.
#[derive(Clone)]
pub(super) struct Line {
    state: Arc<Mutex<State>>,
    dial: FakeDial,
    is_slow: bool,
}

struct State {
    server: Box<dyn Server>,
    links: Links,
    /// What the network says is lost.
    is_mute: bool,
    /// The next bytes are lost, and the stream breaks.
    loses_next: bool,
    /// The stream breaks once the network has taken the next send, before it can say so.
    breaks_once_taken: bool,
    /// The number of the stream that is connected.
    connected: Option<usize>,
    streams: usize,
    open_streams: usize,
    most_open_streams: usize,
    is_broken: bool,
    /// The platform has closed the stream.
    is_closed: bool,
    inbound: VecDeque<u8>,
    reader: Option<Waker>,
    written: Vec<u8>,
}

impl Line {
    pub(super) fn new(server: Box<dyn Server>, is_slow: bool) -> Self {
        let state = Arc::new(Mutex::new(State {
            server,
            links: Links::default(),
            is_mute: false,
            loses_next: false,
            breaks_once_taken: false,
            connected: None,
            streams: 0,
            open_streams: 0,
            most_open_streams: 0,
            is_broken: false,
            is_closed: false,
            inbound: VecDeque::new(),
            reader: None,
            written: Vec::new(),
        }));
        let dialled = Arc::clone(&state);
        let dial = FakeDial::with(move |target| connect(&dialled, target, is_slow));
        Self {
            state,
            dial,
            is_slow,
        }
    }

    /// What becomes of connections from now on.
    pub(super) fn set_links(&self, links: Links) {
        self.state().links = links;
    }

    /// Lets nothing that the network says reach the driver.
    pub(super) fn mute(&self) {
        self.state().is_mute = true;
    }

    /// Breaks the stream that is connected.
    pub(super) fn cut(&self) {
        self.state().cut();
    }

    /// Has the platform close the stream that is connected.
    pub(super) fn hang_up(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.wake();
    }

    /// Loses the next bytes of the driver, and breaks the stream.
    pub(super) fn lose_next(&self) {
        self.state().loses_next = true;
    }

    /// Breaks the stream once the network has taken the next send, before it can say so.
    pub(super) fn cut_once_taken(&self) {
        self.state().breaks_once_taken = true;
    }

    /// Streams that the driver holds.
    pub(super) fn open_streams(&self) -> usize {
        self.state().open_streams
    }

    /// The most streams that the driver held at once.
    pub(super) fn most_open_streams(&self) -> usize {
        self.state().most_open_streams
    }

    pub(super) fn targets(&self) -> Vec<DialTarget> {
        self.dial.targets()
    }

    /// All that the driver wrote, on all streams.
    pub(super) fn written(&self) -> Vec<u8> {
        self.state().written.clone()
    }

    pub(super) fn say(&self, address: &Address, text: &str) {
        let mut state = self.state();
        state.server.say(address, text);
        state.pump();
    }

    pub(super) fn acknowledged(&self) -> Option<usize> {
        self.state().server.acknowledged()
    }

    pub(super) fn taken(&self) -> Vec<Asked> {
        self.state().server.taken()
    }

    pub(super) fn next_send(&self, fate: Fate) -> bool {
        self.state().server.next_send(fate)
    }

    /// Hands over what the network has to say by now.
    pub(super) fn pump(&self) {
        self.state().pump();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(line: &Arc<Mutex<State>>, target: &DialTarget, is_slow: bool) -> Dialled {
    let mut state = lock(line);
    if state.links == Links::Refused {
        return Err(refused(target));
    }
    if state.connected.is_some() {
        state.server.disconnect();
    }
    state.streams += 1;
    state.open_streams += 1;
    state.most_open_streams = state.most_open_streams.max(state.open_streams);
    state.connected = Some(state.streams);
    state.is_broken = false;
    state.is_closed = false;
    state.inbound.clear();
    state.server.connect();
    Ok(Box::new(Stream {
        line: Arc::clone(line),
        number: state.streams,
        unflushed: Vec::new(),
        is_slow,
        has_paused: [false; 2],
    }))
}

impl Dial for Line {
    fn dial(&self, target: DialTarget) -> BoxFuture<'_, Dialled> {
        Box::pin(async move {
            if self.is_slow {
                pause().await;
            }
            let links = self.state().links;
            let dialled = self.dial.dial(target).await;
            if links == Links::Hanging {
                std::future::pending::<()>().await;
            }
            dialled
        })
    }
}

impl State {
    fn cut(&mut self) {
        if self.connected.is_some() && !self.is_broken {
            self.server.disconnect();
            self.is_broken = true;
            self.inbound.clear();
            self.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn pump(&mut self) {
        if self.connected.is_none() || self.is_broken {
            return;
        }
        let output = self.server.output();
        if !output.is_empty() && !self.is_mute {
            self.inbound.extend(output);
            self.wake();
        }
        if self.has_ended() {
            self.wake();
        }
    }

    /// Whether the platform says nothing more on the stream.
    fn has_ended(&self) -> bool {
        self.is_closed || !self.server.is_open()
    }

    fn deliver(&mut self, bytes: &[u8]) {
        if std::mem::take(&mut self.loses_next) {
            self.cut();
            return;
        }
        self.written.extend_from_slice(bytes);
        let before = self.server.taken().len();
        self.server.receive(bytes);
        if self.breaks_once_taken && self.server.taken().len() > before {
            self.breaks_once_taken = false;
            self.cut();
        }
        self.pump();
    }
}

/// The driver's end.
struct Stream {
    line: Arc<Mutex<State>>,
    number: usize,
    unflushed: Vec<u8>,
    is_slow: bool,
    /// Reading and writing, each for itself: a driver may poll both at a time.
    has_paused: [bool; 2],
}

/// A direction.
#[derive(Debug, Clone, Copy)]
enum Way {
    Reading,
    Writing,
}

impl Stream {
    /// Gives way once before each step, if it is slow.
    fn gives_way(&mut self, way: Way, context: &Context<'_>) -> bool {
        let has_paused = &mut self.has_paused[way as usize];
        if !self.is_slow || std::mem::take(has_paused) {
            return false;
        }
        *has_paused = true;
        context.waker().wake_by_ref();
        true
    }

    fn is_gone(&self, state: &State) -> bool {
        state.connected != Some(self.number) || state.is_broken
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = Arc::clone(&self.line);
        let mut state = lock(&line);
        if self.is_gone(&state) || state.has_ended() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let bytes = std::mem::take(&mut self.unflushed);
        if !bytes.is_empty() {
            state.deliver(&bytes);
        }
        Ok(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.gives_way(Way::Reading, context) {
            return Poll::Pending;
        }
        let mut state = lock(&this.line);
        state.pump();
        if this.is_gone(&state) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if state.inbound.is_empty() {
            if state.has_ended() {
                return Poll::Ready(Ok(()));
            }
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let most = if this.is_slow { SLOW_BYTES } else { usize::MAX };
        let count = state.inbound.len().min(buffer.remaining()).min(most);
        let bytes: Vec<_> = state.inbound.drain(..count).collect();
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

/// Bytes leave with a flush, and no sooner: a port may keep them until then.
impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.gives_way(Way::Writing, context) {
            return Poll::Pending;
        }
        if this.unflushed.len() >= BUFFER_BYTES {
            this.flush()?;
        }
        if this.is_gone(&lock(&this.line)) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let most = if this.is_slow { SLOW_BYTES } else { usize::MAX };
        let count = bytes.len().min(most);
        this.unflushed.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.gives_way(Way::Writing, context) {
            return Poll::Pending;
        }
        Poll::Ready(this.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = lock(&self.line);
        state.open_streams -= 1;
        if state.connected == Some(self.number) {
            if !state.is_broken {
                state.server.disconnect();
            }
            state.connected = None;
            state.inbound.clear();
        }
    }
}
