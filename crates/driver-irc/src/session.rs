//! One connection's talk with the server as a state machine: lines in, bytes out, no socket and no
//! clock. The time is counted from when the connection was there.

mod channels;
mod flood;
mod hearing;
mod registration;
mod sends;

use std::sync::Arc;
use std::time::Duration;

use bridge_core::driver::RunError;

use crate::errors;
use crate::known::Knowledge;
use crate::outbox::Outbox;
use crate::settings::Settings;
use crate::wire::{CaseMapping, Line, text_of};

use channels::Channels;
use flood::Bucket;
use registration::Registration;
use sends::Sends;

/// How long the server may take to welcome us.
const WELCOME_DEADLINE: Duration = Duration::from_secs(30);

/// How long after the welcome channels are joined at the latest: the end of the message of the day
/// comes first as a rule.
const MOTD_DEADLINE: Duration = Duration::from_secs(5);

/// After this much silence the server is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// A server that says nothing for this long after it was asked is gone.
const PING_DEADLINE: Duration = Duration::from_secs(30);

/// A server that says other things, but does not answer for this long, is no good either.
const PONG_DEADLINE: Duration = Duration::from_secs(120);

/// How soon the configured nickname is asked for that somebody else has: often our own connection of
/// before, which the server has not missed yet. Doubles each time.
const NICK_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause between two such questions.
const LONGEST_NICK_PAUSE: Duration = Duration::from_secs(120);

/// No more lines of sends are added while as many bytes wait to be written.
const OUTBOUND_BYTES: usize = 4096;

/// What a line was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The server's answer to something, or nothing of interest.
    Nothing,
    /// The server has let us in.
    Welcome,
    /// Somebody said something.
    Talk,
}

/// How far the connection is.
#[derive(Debug)]
enum Stage {
    Registering(Registration),
    /// Let in; the message of the day is not over. Since then.
    Welcomed(Duration),
    Ready,
}

/// A connection's state.
pub(crate) struct Session {
    settings: Arc<Settings>,
    outbox: Arc<Outbox>,
    knowledge: Arc<Knowledge>,
    stage: Stage,
    now: Duration,
    heard_at: Duration,
    /// Our own `nick!user@host`, once the server has said it.
    source: Option<String>,
    retake_nick_at: Duration,
    nick_pause: Duration,
    channels: Channels,
    sends: Sends,
    flood: Bucket,
    outbound: Vec<u8>,
    /// Bytes that were written before those in `outbound`.
    written: u64,
}

impl Session {
    /// Begins to register.
    pub(crate) fn new(
        settings: Arc<Settings>,
        outbox: Arc<Outbox>,
        knowledge: Arc<Knowledge>,
    ) -> Self {
        let flood = Bucket::new(settings.flood_burst, settings.flood_pause.0);
        knowledge.change(|known| {
            known.nick = settings.nick.clone();
            known.mapping = CaseMapping::default();
        });
        let mut session = Self {
            stage: Stage::Registering(Registration::default()),
            settings,
            outbox,
            knowledge,
            now: Duration::ZERO,
            heard_at: Duration::ZERO,
            source: None,
            retake_nick_at: NICK_PAUSE,
            nick_pause: NICK_PAUSE,
            channels: Channels::default(),
            sends: Sends::default(),
            flood,
            outbound: Vec::new(),
            written: 0,
        };
        session.introduce();
        session
    }

    /// The channels to be in, as the rules spell them.
    pub(crate) fn name_channels(&mut self, channels: Vec<String>) {
        let gone = self.channels.name(&channels, self.mapping());
        self.knowledge.change(|known| known.channels = channels);
        for channel in gone {
            self.line(&format!("PART {channel}"));
        }
    }

    /// A line came, without its end.
    ///
    /// # Errors
    ///
    /// The server closes the connection, or does not let us in.
    pub(crate) fn receive(&mut self, raw: &[u8], now: Duration) -> Result<Heard, RunError> {
        self.now = now;
        self.heard_at = now;
        let text = text_of(raw);
        let Some(line) = Line::parse(&text) else {
            return Ok(Heard::Nothing);
        };
        match &*line.command {
            "PING" => {
                let token = line.last();
                self.line(&format!("PONG :{token}"));
            }
            "PONG" => self.sends.answered(line.last()),
            "ERROR" => return Err(errors::closed(&self.masked(line.last()))),
            "PRIVMSG" | "NOTICE" => return Ok(self.hear_talk(&line)),
            "JOIN" | "PART" | "KICK" | "NICK" | "QUIT" => self.hear_of_people(&line),
            "005" => self.hear_of_support(&line),
            "376" | "422" => self.get_ready(),
            _ if matches!(self.stage, Stage::Registering(_)) => return self.register(&line),
            _ => self.hear_numeric(&line),
        }
        Ok(Heard::Nothing)
    }

    /// Time has passed, or something new waits in the outbox: does what is due.
    ///
    /// # Errors
    ///
    /// The server has been silent for too long.
    pub(crate) fn tick(&mut self, now: Duration) -> Result<(), RunError> {
        self.now = now;
        match self.stage {
            Stage::Registering(_) if now >= WELCOME_DEADLINE => {
                return Err(errors::silent("the server did not let us in within 30 s"));
            }
            Stage::Registering(_) => return Ok(()),
            Stage::Welcomed(since) if now >= since + MOTD_DEADLINE => self.get_ready(),
            Stage::Welcomed(_) | Stage::Ready => {}
        }
        self.stay_in_touch()?;
        if matches!(self.stage, Stage::Ready) {
            self.retake_nick();
            self.join_due();
            self.write_sends();
        }
        Ok(())
    }

    /// Nothing is read for now, since the bridge is behind: the server is not to blame for silence.
    pub(crate) fn does_not_listen(&mut self, now: Duration) {
        self.heard_at = now;
        self.sends.answers_may_wait(now);
    }

    /// How long after the last tick the next one is due, if nothing happens before.
    pub(crate) fn next_tick(&self) -> Duration {
        let mut due = self.silence_due();
        match self.stage {
            Stage::Registering(_) => due = WELCOME_DEADLINE,
            Stage::Welcomed(since) => due = due.min(since + MOTD_DEADLINE),
            Stage::Ready => {
                let times = [
                    (!self.has_right_nick()).then_some(self.retake_nick_at),
                    self.channels.next_due(),
                    self.sends.next_due(),
                    self.next_write(),
                ];
                due = times.into_iter().flatten().fold(due, Duration::min);
            }
        }
        due.saturating_sub(self.now).max(Duration::from_millis(1))
    }

    /// Says goodbye.
    pub(crate) fn quit(&mut self) {
        self.line("QUIT :the bridge stops");
    }

    /// What is to be written.
    pub(crate) fn outbound(&self) -> &[u8] {
        &self.outbound
    }

    /// As many bytes were written.
    pub(crate) fn wrote(&mut self, count: usize) {
        self.outbound.drain(..count);
        self.written += u64::try_from(count).unwrap_or(u64::MAX);
    }

    /// The connection is gone: what was not written was not delivered, and of the rest nobody knows.
    pub(crate) fn lost(self) {
        self.sends.lost(self.written);
    }

    /// What a server said, without secrets and messages that it may repeat.
    fn masked(&self, said: &str) -> String {
        let said = self.settings.without_secrets(said);
        errors::withhold(&said, self.sends.texts())
    }

    fn mapping(&self) -> CaseMapping {
        self.knowledge.now().mapping
    }

    /// Whether we have the configured nickname, or as much of it as the network takes.
    fn has_right_nick(&self) -> bool {
        let known = self.knowledge.now();
        let fold = |nick: &str| known.mapping.fold(nick);
        fold(&self.settings.nick).starts_with(&fold(&known.nick))
    }

    fn is_own(&self, line: &Line<'_>) -> bool {
        line.is_from_user() && self.knowledge.now().is_own(line.nick())
    }

    /// Writes a line, and counts it once we are in: servers do not count what registers.
    fn line(&mut self, line: &str) {
        if !matches!(self.stage, Stage::Registering(_)) {
            self.flood.count(self.now);
        }
        self.outbound.extend_from_slice(line.as_bytes());
        self.outbound.extend_from_slice(b"\r\n");
    }

    fn get_ready(&mut self) {
        if let Stage::Welcomed(_) = self.stage {
            self.stage = Stage::Ready;
        }
    }

    /// Asks a silent server whether it is there, and gives up one that does not say so.
    fn stay_in_touch(&mut self) -> Result<(), RunError> {
        if self.now < self.silence_due() {
            return Ok(());
        }
        match self.sends.asked_at() {
            None => self.ping(),
            Some(asked_at) if self.heard_at <= asked_at => {
                return Err(errors::silent("the server is silent"));
            }
            Some(_) => return Err(errors::silent("the server does not answer PING")),
        }
        Ok(())
    }

    /// When the server has been silent for too long.
    fn silence_due(&self) -> Duration {
        match self.sends.asked_at() {
            None => self.heard_at + SILENCE,
            Some(asked_at) if self.heard_at <= asked_at => asked_at + PING_DEADLINE,
            Some(asked_at) => asked_at + PONG_DEADLINE,
        }
    }

    fn ping(&mut self) {
        let token = self.sends.ask(self.now);
        self.line(&format!("PING :{token}"));
    }

    fn join_due(&mut self) {
        let mapping = self.mapping();
        self.channels
            .want(&self.outbox.channels(), mapping, self.now);
        for names in self.channels.join_due(self.now) {
            self.line(&format!("JOIN {names}"));
        }
        for (channel, error) in self.channels.closed(self.now) {
            self.outbox
                .fail(|other| mapping.is_same(other, channel), &error);
        }
    }

    fn write_sends(&mut self) {
        let mapping = self.mapping();
        while self.can_write() {
            let channels = &self.channels;
            let Some(send) = self
                .outbox
                .take(|channel| channels.is_member(channel, mapping))
            else {
                break;
            };
            let line = format!("PRIVMSG {} :{}", send.channel, send.text);
            let source = self.source.as_ref().map(String::len);
            if !sends::fits(&line, source.unwrap_or(self.settings.source_bytes())) {
                send.end(Err(errors::too_long()));
                continue;
            }
            let at = self.written + u64::try_from(self.outbound.len()).unwrap_or(u64::MAX);
            self.line(&line);
            self.sends.wrote(send, at, self.now);
        }
        if self.sends.wants_answer(self.now) {
            self.ping();
        }
    }

    fn can_write(&self) -> bool {
        self.outbound.len() < OUTBOUND_BYTES && self.flood.is_free(self.now)
    }

    /// When the pause is over that keeps a send back.
    fn next_write(&self) -> Option<Duration> {
        if self.outbound.len() >= OUTBOUND_BYTES {
            return None;
        }
        let mapping = self.mapping();
        let mut waiting = self.outbox.channels().into_iter();
        let waits = waiting.any(|channel| self.channels.is_member(&channel, mapping));
        waits.then(|| self.flood.free_at())
    }
}

#[cfg(test)]
mod tests;
