//! Sends on their way from the lanes to the connection.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::driver::{Outgoing, RunError};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::time::Timestamp;
use tokio::sync::{Notify, oneshot};

use crate::errors;

/// Sends that wait at most; a lane has one at a time, and the framework bounds them as well.
const MOST_WAITING: usize = 1024;

/// A send may wait this long for its turn: well within what an attempt may take.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How a send ended.
pub(crate) type Ending = Result<Sent, SendError>;

/// Where sends wait for the connection.
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Notify,
    pause: Duration,
}

struct Waiting {
    sends: VecDeque<Pending>,
    last_number: u64,
    connection: Connection,
}

#[derive(Debug)]
enum Connection {
    Up,
    Down {
        /// `None` as long as nothing has failed yet.
        since: Option<Timestamp>,
        why: Option<RunError>,
    },
}

/// A send that waits.
pub(crate) struct Pending {
    number: u64,
    pub(crate) channel: String,
    pub(crate) text: String,
    outgoing: Outgoing,
    ending: oneshot::Sender<Ending>,
}

impl Pending {
    /// Says how it ended; nobody may listen any more.
    pub(crate) fn end(self, ending: Ending) {
        self.ending.send(ending).ok();
    }

    /// Says that it never left, although it had been given to the connection.
    pub(crate) fn was_not_written(self) {
        self.outgoing.preparing();
        self.end(Err(errors::lost_before()));
    }
}

impl Outbox {
    /// For a connection that takes one line in each `pause`.
    pub(crate) fn new(pause: Duration) -> Self {
        let waiting = Waiting {
            sends: VecDeque::new(),
            last_number: 0,
            connection: Connection::Down {
                since: None,
                why: None,
            },
        };
        Self {
            waiting: Mutex::new(waiting),
            changed: Notify::new(),
            pause,
        }
    }

    /// Waits for the send's turn and for what becomes of it. Dropped before its turn, it is not
    /// written.
    pub(crate) async fn send(
        &self,
        channel: &str,
        text: String,
        outgoing: &Outgoing,
        now: Timestamp,
    ) -> Ending {
        outgoing.preparing();
        let (ending, ended) = oneshot::channel();
        let ticket = {
            let mut waiting = self.waiting();
            if let Connection::Down { since, why } = &waiting.connection {
                let down_for = since.map(|since| now.since(since)).unwrap_or_default();
                return Err(errors::not_connected(down_for, why.as_ref()));
            }
            let ahead = u32::try_from(waiting.sends.len()).unwrap_or(u32::MAX);
            let wait = self.pause.saturating_mul(ahead);
            if wait > LONGEST_WAIT || waiting.sends.len() >= MOST_WAITING {
                return Err(errors::too_many(wait));
            }
            waiting.last_number += 1;
            let number = waiting.last_number;
            waiting.sends.push_back(Pending {
                number,
                channel: channel.to_owned(),
                text,
                outgoing: outgoing.clone(),
                ending,
            });
            Ticket {
                outbox: self,
                number,
            }
        };
        self.changed.notify_one();
        let ended = ended.await;
        drop(ticket);
        match ended {
            Ok(ending) => ending,
            Err(_) if outgoing.is_preparing() => Err(errors::lost_before()),
            Err(_) => Err(errors::lost_after()),
        }
    }

    /// Sends are taken from now on, until what this returns is dropped.
    pub(crate) fn open(&self) -> Opened<'_> {
        self.waiting().connection = Connection::Up;
        Opened { outbox: self }
    }

    /// Remembers since when and why there is no connection, for those who want to send.
    pub(crate) fn explain(&self, error: &RunError, now: Timestamp) {
        let mut waiting = self.waiting();
        if let Connection::Down { since, why } = &mut waiting.connection {
            since.get_or_insert(now);
            *why = Some(error.clone());
        }
    }

    /// Resolves when something new waits.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The channels for which something waits, in the order of turns.
    pub(crate) fn channels(&self) -> Vec<String> {
        let waiting = self.waiting();
        waiting
            .sends
            .iter()
            .map(|send| send.channel.clone())
            .collect()
    }

    /// Takes the first send whose channel is wanted; from here on it may be delivered.
    pub(crate) fn take(&self, is_wanted: impl Fn(&str) -> bool) -> Option<Pending> {
        let mut waiting = self.waiting();
        let at = waiting
            .sends
            .iter()
            .position(|send| is_wanted(&send.channel))?;
        let send = waiting.sends.remove(at)?;
        // Under the lock that a dropped send takes: it sees this, or is not taken.
        send.outgoing.sending();
        Some(send)
    }

    /// Ends the sends to a channel that nothing can be sent to.
    pub(crate) fn fail(&self, is_concerned: impl Fn(&str) -> bool, error: &SendError) {
        let mut waiting = self.waiting();
        let sends = std::mem::take(&mut waiting.sends);
        for send in sends {
            if is_concerned(&send.channel) {
                send.end(Err(error.clone()));
            } else {
                waiting.sends.push_back(send);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the outbox; given up when dropped.
struct Ticket<'a> {
    outbox: &'a Outbox,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut waiting = self.outbox.waiting();
        waiting.sends.retain(|send| send.number != self.number);
    }
}

/// An outbox with a connection behind it. When it is dropped, what waits fails, not delivered.
pub(crate) struct Opened<'a> {
    outbox: &'a Outbox,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        let mut waiting = self.outbox.waiting();
        waiting.connection = Connection::Down {
            since: None,
            why: None,
        };
        waiting.sends.clear();
    }
}
