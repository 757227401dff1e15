//! The network as a state machine: bytes of connections in, bytes for connections out, no socket.

mod flood;
mod line;
mod link;
mod people;
mod registration;
mod replies;
mod rooms;
mod sasl;
mod talk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::faults::Fault;
use crate::journal::Journal;

pub use flood::FloodLimit;
pub(crate) use line::folded;
pub(crate) use link::LinkId;
pub(crate) use people::UserId;
pub(crate) use rooms::Modes;

use line::{Command, LineError};
use link::Link;
use people::User;
use replies::Reply;
use rooms::Room;

/// Bytes that wait for a connection, or come on it without a line's end, before it is closed.
const QUEUE_BYTES: usize = 1 << 20;

/// How a network is to be.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) name: String,
    pub(crate) password: Option<String>,
    pub(crate) accounts: BTreeMap<String, String>,
    pub(crate) flood: Option<FloodLimit>,
    pub(crate) motd: Option<String>,
    pub(crate) nick_limit: usize,
    pub(crate) capabilities: BTreeSet<&'static str>,
}

/// What the server does with what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// Handles and answers it.
    Lively,
    /// Neither; what came is handled when it is lively again.
    Stalled,
    /// Handles it, and sends nothing to any connection.
    Mute,
}

/// One IRC network.
pub(crate) struct Network {
    pub(crate) config: Config,
    pub(crate) journal: Arc<Journal>,
    pub(crate) counters: Counters,
    pub(crate) faults: VecDeque<Fault>,
    clock: Clock,
    conduct: Conduct,
    links: BTreeMap<LinkId, Link>,
    users: BTreeMap<UserId, User>,
    /// By their folded names.
    rooms: BTreeMap<String, Room>,
    last_id: u64,
    /// Links that have something new to read, an end included.
    touched: BTreeSet<LinkId>,
}

impl Network {
    pub(crate) fn new(config: Config, clock: Clock) -> Self {
        Self {
            config,
            journal: Arc::default(),
            counters: Counters::default(),
            faults: VecDeque::new(),
            clock,
            conduct: Conduct::Lively,
            links: BTreeMap::new(),
            users: BTreeMap::new(),
            rooms: BTreeMap::new(),
            last_id: 0,
            touched: BTreeSet::new(),
        }
    }

    /// A connection came.
    pub(crate) fn connect(&mut self) -> LinkId {
        self.counters.connections += 1;
        let id = LinkId(self.next_id());
        self.links.insert(id, Link::default());
        id
    }

    /// Bytes came on a connection.
    pub(crate) fn receive(&mut self, id: LinkId, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        link.inbound.extend_from_slice(bytes);
        if self.conduct != Conduct::Stalled {
            self.handle_lines(id);
        }
        let Some(link) = self.links.get(&id) else {
            return;
        };
        if link.inbound.len() > QUEUE_BYTES {
            self.close(id, "RecvQ exceeded");
        }
    }

    /// A connection ended on the client's side.
    pub(crate) fn disconnect(&mut self, id: LinkId) {
        self.quit_link(id, "Connection closed");
        self.links.remove(&id);
        self.touched.insert(id);
    }

    /// What there is to send on a connection, and whether it is to be closed then.
    pub(crate) fn outbound(&mut self, id: LinkId) -> (Bytes, bool) {
        match self.links.get_mut(&id) {
            Some(link) => {
                let bytes = std::mem::take(&mut link.outbound);
                (bytes.into(), link.is_closed)
            }
            None => (Bytes::new(), true),
        }
    }

    pub(crate) fn is_closed(&self, id: LinkId) -> bool {
        self.links.get(&id).is_none_or(|link| link.is_closed)
    }

    /// Links that have something new to read since this was asked last.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<LinkId> {
        std::mem::take(&mut self.touched)
    }

    /// Changes what the server does with what comes; when it is lively again, it handles what came.
    pub(crate) fn behave(&mut self, conduct: Conduct) {
        self.conduct = conduct;
        if conduct != Conduct::Stalled {
            let links: Vec<_> = self.links.keys().copied().collect();
            for id in links {
                self.handle_lines(id);
            }
        }
    }

    /// Ends every connection without a word.
    pub(crate) fn drop_links(&mut self, reason: &str) {
        let links: Vec<_> = self.links.keys().copied().collect();
        for id in links {
            self.cut(id, reason);
        }
    }

    /// Ends a connection with `ERROR`.
    pub(crate) fn close(&mut self, id: LinkId, reason: &str) {
        self.send(id, format!("ERROR :Closing Link: ({reason})"));
        self.quit_link(id, reason);
        if let Some(link) = self.links.get_mut(&id) {
            link.is_closed = true;
            self.touched.insert(id);
        }
    }

    /// Ends a connection at once; what waited for it is lost.
    fn cut(&mut self, id: LinkId, reason: &str) {
        self.quit_link(id, reason);
        if let Some(link) = self.links.get_mut(&id) {
            link.outbound.clear();
            link.is_closed = true;
            self.touched.insert(id);
        }
    }

    fn quit_link(&mut self, id: LinkId, reason: &str) {
        let user = self.links.get_mut(&id).and_then(|link| link.user.take());
        if let Some(user) = user {
            self.quit(user, reason);
        }
    }

    fn handle_lines(&mut self, id: LinkId) {
        while let Some(line) = self.links.get_mut(&id).and_then(Link::next_line) {
            match Command::parse(&line) {
                Ok(command) => {
                    self.counters.lines += 1;
                    self.handle(id, &command);
                }
                Err(LineError::Empty) => {}
                Err(LineError::TagsTooLong) => self.reply(id, Reply::INPUT_TOO_LONG, &[]),
            }
        }
    }

    fn handle(&mut self, id: LinkId, command: &Command) {
        let now_ms = (self.clock)();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let user = link.user;
        if let (Some(limit), Some(_)) = (self.config.flood, user)
            && !link.flood.take(limit, now_ms)
        {
            self.counters.floods += 1;
            self.close(id, "Excess Flood");
            return;
        }
        match (&*command.name, user) {
            ("CAP", _) => self.cap(id, command),
            ("AUTHENTICATE", _) => self.authenticate(id, command),
            ("PASS", _) => self.pass(id, command),
            ("NICK", _) => self.nick(id, command),
            ("USER", _) => self.user(id, command),
            ("PING", _) => self.ping(id, command),
            ("PONG", _) => {}
            ("QUIT", _) => self.close(
                id,
                &format!("Quit: {}", command.param(0).unwrap_or_default()),
            ),
            (_, None) => self.reply(id, Reply::NOT_REGISTERED, &[]),
            ("JOIN", Some(user)) => self.join_command(id, user, command),
            ("PART", Some(user)) => self.part_command(id, user, command),
            ("KICK", Some(user)) => self.kick_command(id, user, command),
            ("PRIVMSG" | "NOTICE", Some(user)) => self.talk(id, user, command),
            ("TOPIC", Some(_)) => self.topic(id, command),
            ("MODE", Some(_)) => self.mode(id, command),
            ("NAMES", Some(_)) => self.names_command(id, command),
            ("WHO", Some(_)) => {
                let mask = command.param(0).unwrap_or("*").to_owned();
                self.reply(id, Reply::END_OF_WHO, &[&mask]);
            }
            ("AWAY" | "TAGMSG" | "WHOIS", Some(_)) => {}
            (name, Some(_)) => self.reply(id, Reply::UNKNOWN_COMMAND, &[name]),
        }
    }

    fn ping(&mut self, id: LinkId, command: &Command) {
        let Some(token) = command.param(0) else {
            self.reply(id, Reply::NO_ORIGIN, &[]);
            return;
        };
        let name = &self.config.name;
        let line = format!(":{name} PONG {name} :{token}");
        self.send(id, line);
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn now_ms(&self) -> u64 {
        (self.clock)()
    }
}
