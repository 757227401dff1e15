//! The connection itself: bytes between the server and the session, and lines to the intake.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::driver::{RunError, Work};
use bridge_core::id::Address;
use bridge_core::ports::{ByteStream, Clock};
use bridge_core::time::Timestamp;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::errors;
use crate::inbound::ADDRESS_KEY;
use crate::known::{Knowledge, Known};
use crate::outbox::Outbox;
use crate::session::{Heard, Session};
use crate::wire::{LINE_BYTES, TAG_BYTES};

/// Bytes that are read at a time.
const READ_BYTES: usize = 4096;

/// Nothing is read from a server that asks and does not read the answers, once so much waits for it.
const MOST_UNWRITTEN_BYTES: usize = 64 * 1024;

/// A line in which somebody said something, with what was known when it came.
pub(crate) type Talk = (Bytes, Arc<Known>);

/// A connection that is kept.
pub(crate) struct Link {
    reader: ReadHalf<Box<dyn ByteStream>>,
    writer: WriteHalf<Box<dyn ByteStream>>,
    session: Session,
    knowledge: Arc<Knowledge>,
    outbox: Arc<Outbox>,
    watch: Watch,
    /// What came of a line whose end has not.
    partial: Vec<u8>,
    needs_flush: bool,
    /// Lines for which the intake has no room; nothing is read as long as there are any.
    backlog: VecDeque<Talk>,
}

/// Why the connection is no longer kept.
enum Left {
    Stopped,
    Welcomed,
}

impl Link {
    pub(crate) fn new(
        stream: Box<dyn ByteStream>,
        session: Session,
        knowledge: Arc<Knowledge>,
        outbox: Arc<Outbox>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            session,
            knowledge,
            outbox,
            watch: Watch::new(clock),
            partial: Vec::new(),
            needs_flush: false,
            backlog: VecDeque::new(),
        }
    }

    /// Keeps the connection until it is lost or the instance is to end. Returns what has come and
    /// was not handed over, too.
    pub(crate) async fn keep(
        mut self,
        work: &dyn Work,
        talk: &mpsc::Sender<Talk>,
    ) -> (Result<(), RunError>, VecDeque<Talk>) {
        let ended = self.turn(Some(work), Some(talk)).await;
        let ended = match ended {
            Ok(_) => {
                self.say_goodbye().await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.session.lost();
        (ended, self.backlog)
    }

    /// Registers, and leaves again.
    pub(crate) async fn try_out(mut self) -> Result<(), RunError> {
        self.turn(None, None).await?;
        self.say_goodbye().await;
        Ok(())
    }

    async fn turn(
        &mut self,
        work: Option<&dyn Work>,
        talk: Option<&mpsc::Sender<Talk>>,
    ) -> Result<Left, RunError> {
        let mut named: Option<Arc<[Address]>> = None;
        if let Some(work) = work {
            named = Some(self.name_channels(work));
        }
        let mut chunk = vec![0; READ_BYTES];
        loop {
            let now = self.watch.elapsed();
            if !self.backlog.is_empty() {
                self.session.does_not_listen(now);
            }
            self.session.tick(now)?;
            let next_tick = self.watch.clock.sleep(self.session.next_tick());
            let has_outbound = !self.session.outbound().is_empty();
            let is_answered = self.session.outbound().len() < MOST_UNWRITTEN_BYTES;
            tokio::select! {
                biased;
                () = stopping(work) => return Ok(Left::Stopped),
                pushed = push(&mut self.writer, self.session.outbound()), if has_outbound || self.needs_flush => {
                    match pushed {
                        Ok(count) => self.session.wrote(count),
                        Err(error) => return Err(errors::lost(error.to_string())),
                    }
                    self.needs_flush = has_outbound;
                }
                read = self.reader.read(&mut chunk), if self.backlog.is_empty() && is_answered => {
                    let count = match read {
                        Ok(count) if count > 0 => count,
                        Ok(_) => return Err(errors::lost("the server closed the connection")),
                        Err(error) => return Err(errors::lost(error.to_string())),
                    };
                    let now = self.watch.elapsed();
                    for line in self.lines(&chunk[..count])? {
                        match self.session.receive(&line, now)? {
                            Heard::Nothing => {}
                            Heard::Talk => self.backlog.push_back((line, self.knowledge.now())),
                            Heard::Welcome => match work {
                                Some(work) => work.reached(),
                                None => return Ok(Left::Welcomed),
                            },
                        }
                    }
                }
                permit = reserve(talk), if !self.backlog.is_empty() => {
                    match (permit, self.backlog.pop_front()) {
                        (Some(permit), Some(line)) => permit.send(line),
                        _ => self.backlog.clear(),
                    }
                }
                () = self.outbox.changed() => {}
                () = renamed(work, named.as_ref()) => {
                    named = work.map(|work| self.name_channels(work));
                }
                () = next_tick => {}
            }
        }
    }

    fn name_channels(&mut self, work: &dyn Work) -> Arc<[Address]> {
        let named = work.channels();
        let names = named.iter().filter_map(|address| address.get(ADDRESS_KEY));
        self.session
            .name_channels(names.map(str::to_owned).collect());
        named
    }

    /// The whole lines that have come, without their ends.
    fn lines(&mut self, chunk: &[u8]) -> Result<Vec<Bytes>, RunError> {
        let mut lines = Vec::new();
        for byte in chunk {
            match byte {
                b'\r' | b'\n' => {
                    if !self.partial.is_empty() {
                        lines.push(std::mem::take(&mut self.partial).into());
                    }
                }
                byte => self.partial.push(*byte),
            }
        }
        match self.partial.len() > TAG_BYTES + LINE_BYTES {
            true => Err(errors::not_irc()),
            false => Ok(lines),
        }
    }

    async fn say_goodbye(&mut self) {
        self.session.quit();
        // It goes as well as it can: nobody waits for the answer.
        let written = self.writer.write_all(self.session.outbound()).await;
        if written.is_ok() {
            self.writer.flush().await.ok();
        }
    }
}

/// Writes some of the bytes, and how many; without bytes, flushes what was written.
async fn push(
    writer: &mut WriteHalf<Box<dyn ByteStream>>,
    outbound: &[u8],
) -> std::io::Result<usize> {
    if outbound.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    match writer.write(outbound).await? {
        0 => Err(std::io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

async fn stopping(work: Option<&dyn Work>) {
    match work {
        Some(work) => work.stopping().await,
        None => std::future::pending().await,
    }
}

async fn renamed(work: Option<&dyn Work>, named: Option<&Arc<[Address]>>) {
    match (work, named) {
        (Some(work), Some(named)) => work.channels_changed(named).await,
        _ => std::future::pending().await,
    }
}

async fn reserve(talk: Option<&mpsc::Sender<Talk>>) -> Option<mpsc::Permit<'_, Talk>> {
    talk?.reserve().await.ok()
}

/// How long the connection is there; never goes back, whatever the clock does.
struct Watch {
    clock: Arc<dyn Clock>,
    last: Timestamp,
    elapsed: Duration,
}

impl Watch {
    fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            last: clock.now(),
            clock,
            elapsed: Duration::ZERO,
        }
    }

    fn elapsed(&mut self) -> Duration {
        let now = self.clock.now();
        self.elapsed += now.since(self.last);
        self.last = now;
        self.elapsed
    }
}
