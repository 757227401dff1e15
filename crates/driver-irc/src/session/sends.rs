//! Sends that were written, until the server has said what became of them.

use std::collections::VecDeque;
use std::time::Duration;

use bridge_core::outcome::{SendError, Sent};

use crate::errors;
use crate::outbox::Pending;
use crate::wire::LINE_BYTES;

/// How long an echo is waited for before the server is asked.
const ECHO_PATIENCE: Duration = Duration::from_secs(2);

/// What our pings begin with.
const TOKEN: &str = "bridge-";

/// Written sends, oldest first, and the questions to the server that will confirm them.
#[derive(Default)]
pub(super) struct Sends {
    written: VecDeque<Written>,
    /// Unanswered questions, by number, with the time of asking.
    asked: VecDeque<(u64, Duration)>,
    last_question: u64,
    has_echo: bool,
}

struct Written {
    send: Pending,
    /// Where in all that is written its line begins.
    at: u64,
    time: Duration,
    /// The last question before it: an answer to a later one confirms it.
    after: u64,
}

impl Sends {
    /// From now on the server shows us what we said ourselves.
    pub(super) fn expect_echoes(&mut self) {
        self.has_echo = true;
    }

    pub(super) fn wrote(&mut self, send: Pending, at: u64, time: Duration) {
        self.written.push_back(Written {
            send,
            at,
            time,
            after: self.last_question,
        });
    }

    /// The token of a new question.
    pub(super) fn ask(&mut self, now: Duration) -> String {
        self.last_question += 1;
        self.asked.push_back((self.last_question, now));
        format!("{TOKEN}{}", self.last_question)
    }

    /// When the oldest unanswered question was asked.
    pub(super) fn asked_at(&self) -> Option<Duration> {
        self.asked.front().map(|(_, at)| *at)
    }

    /// The server has answered a question: it has handled everything that was written before. What
    /// it should have echoed by then, it has not shown.
    pub(super) fn answered(&mut self, token: &str) {
        let number = token.strip_prefix(TOKEN);
        let number = number.and_then(|number| number.parse().ok());
        let Some(number) = number.filter(|number: &u64| *number <= self.last_question) else {
            return;
        };
        self.asked.retain(|(other, _)| *other > number);
        while let Some(written) = self.written.pop_front_if(|written| written.after < number) {
            written.send.end(match self.has_echo {
                true => Err(errors::no_echo()),
                false => Ok(Sent::default()),
            });
        }
    }

    /// The server has shown what we said in a channel.
    pub(super) fn echoed(&mut self, is_channel: impl Fn(&str) -> bool, platform_ids: Vec<String>) {
        if let Some(send) = self.take_first(is_channel) {
            send.end(Ok(Sent { platform_ids }));
        }
    }

    /// The server has refused what we said in a channel; false if nothing was.
    pub(super) fn refused(
        &mut self,
        is_channel: impl Fn(&str) -> bool,
        error: impl FnOnce() -> SendError,
    ) -> bool {
        let send = self.take_first(is_channel);
        let is_refused = send.is_some();
        if let Some(send) = send {
            send.end(Err(error()));
        }
        is_refused
    }

    /// The server has refused one of those that were written, and nobody knows which.
    pub(super) fn doubt(&mut self, error: &SendError) {
        for written in self.written.drain(..) {
            written.send.end(Err(error.clone()));
        }
    }

    /// Whether something that was written waits for an answer that nobody has asked for: at once,
    /// or where the server echoes once the echo is late.
    pub(super) fn wants_answer(&self, now: Duration) -> bool {
        self.next_due().is_some_and(|due| due <= now)
    }

    /// When the server is to be asked.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let mut written = self.written.iter();
        let unasked = written.find(|written| written.after == self.last_question)?;
        Some(match self.has_echo {
            true => unasked.time + ECHO_PATIENCE,
            false => unasked.time,
        })
    }

    /// Nothing is read for now, so that no answer is late.
    pub(super) fn answers_may_wait(&mut self, now: Duration) {
        for (_, at) in &mut self.asked {
            *at = now;
        }
    }

    /// What a server may quote that says why it ends the connection.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(|written| &*written.send.text)
    }

    /// The connection is gone, after this many bytes were written.
    pub(super) fn lost(self, written: u64) {
        for one in self.written {
            if one.at >= written {
                one.send.was_not_written();
            }
            // Of the others nobody knows; who waits hears that nobody will tell.
        }
    }

    fn take_first(&mut self, is_channel: impl Fn(&str) -> bool) -> Option<Pending> {
        let mut written = self.written.iter();
        let at = written.position(|written| is_channel(&written.send.channel))?;
        self.written.remove(at).map(|written| written.send)
    }
}

/// Whether others get the whole of this line, with who it is from before it and its end behind.
pub(super) fn fits(line: &str, source_bytes: usize) -> bool {
    ":".len() + source_bytes + " ".len() + line.len() + "\r\n".len() <= LINE_BYTES
}
