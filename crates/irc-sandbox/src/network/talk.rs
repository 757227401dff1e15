//! What is said: to channels, where it is written down, and to people.

use super::Network;
use super::line::{Command, folded};
use super::link::{LinkId, cut};
use super::people::UserId;
use super::replies::Reply;
use crate::faults::Fault;
use crate::journal::{Entry, Said};

/// What a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Privmsg,
    Notice,
}

impl Network {
    pub(super) fn talk(&mut self, id: LinkId, user: UserId, command: &Command) {
        let kind = match &*command.name {
            "NOTICE" => Kind::Notice,
            _ => Kind::Privmsg,
        };
        let Some(target) = command.param(0) else {
            self.complain(id, kind, Reply::NO_RECIPIENT, &[]);
            return;
        };
        let Some(text) = command.param(1) else {
            self.complain(id, kind, Reply::NO_TEXT, &[]);
            return;
        };
        self.counters.sends += 1;
        match self.faults.pop_front() {
            Some(Fault::LoseUnshown) => self.cut(id, "Connection reset by peer"),
            Some(Fault::LoseShown) => {
                self.say_by_link(id, user, kind, target, text);
                self.cut(id, "Connection reset by peer");
            }
            Some(Fault::Refuse { numeric, words }) => {
                let about = match numeric {
                    411 | 412 | 417 => None,
                    _ => Some(target),
                };
                self.numeric(id, numeric, about.as_slice(), &words);
            }
            Some(Fault::Swallow) => {}
            None => self.say_by_link(id, user, kind, target, text),
        }
    }

    fn say_by_link(&mut self, id: LinkId, user: UserId, kind: Kind, target: &str, text: &str) {
        if !target.starts_with(['#', '&']) {
            match self.user_by_nick(target) {
                Some(other) => self.tell(user, other, text),
                None => self.complain(id, kind, Reply::NO_SUCH_NICK, &[target]),
            }
            return;
        }
        let Some(room) = self.rooms.get(&folded(target)) else {
            self.complain(id, kind, Reply::NO_SUCH_CHANNEL, &[target]);
            return;
        };
        let is_silenced =
            room.modes.is_moderated || self.is_banned(user, room) || !room.members.contains(&user);
        if is_silenced {
            self.complain(id, kind, Reply::CANNOT_SEND, &[target]);
            return;
        }
        let said = match kind {
            Kind::Notice => Said::Notice,
            Kind::Privmsg => Said::Text,
        };
        self.say(user, target, said, text);
    }

    /// A notice is never answered: RFC 2812, 3.3.2.
    fn complain(&mut self, id: LinkId, kind: Kind, reply: Reply, params: &[&str]) {
        if kind == Kind::Privmsg {
            self.reply(id, reply, params);
        }
    }

    /// Somebody says something in a channel: written down, and shown to all others in it, and to
    /// its own connection if that asked for an echo.
    pub(crate) fn say(&mut self, user: UserId, name: &str, said: Said, text: &str) {
        let name = self.room(name).name.clone();
        let command = match said {
            Said::Notice => "NOTICE",
            Said::Text | Said::Action => "PRIVMSG",
        };
        let line = format!(":{} {command} {name} :{text}", self.prefix_of(user));
        let own = self.users.get(&user).and_then(|user| user.link);
        let mut links = self.links_in(&name);
        links.retain(|link| Some(*link) != own || self.wants_echo(*link));
        let shown = self.show_all(&links, user, line);
        let start = shown.line.len() - text.len();
        let seen = cut(&shown.line).get(start..).unwrap_or_default();
        let seen = String::from_utf8_lossy(seen).into_owned();
        let action = seen
            .strip_prefix("\u{1}ACTION ")
            .map(|action| action.trim_end_matches('\u{1}').to_owned());
        let (said, text) = match action {
            Some(action) => (Said::Action, action),
            None => (said, seen),
        };
        self.journal.push(Entry {
            channel: name,
            nick: self.nick_of(user),
            is_from_client: own.is_some(),
            said,
            text,
            at_ms: shown.at_ms,
        });
    }

    /// Somebody says something to somebody alone; written down nowhere.
    pub(crate) fn tell(&mut self, user: UserId, other: UserId, text: &str) {
        let line = format!(
            ":{} PRIVMSG {} :{text}",
            self.prefix_of(user),
            self.nick_of(other)
        );
        let link = self.users.get(&other).and_then(|other| other.link);
        let links: Vec<_> = link.into_iter().collect();
        self.show_all(&links, user, line);
    }

    /// As [`Network::tell`]; false if nobody has the nickname.
    pub(crate) fn tell_nick(&mut self, user: UserId, nick: &str, text: &str) -> bool {
        let other = self.user_by_nick(nick);
        if let Some(other) = other {
            self.tell(user, other, text);
        }
        other.is_some()
    }

    fn wants_echo(&self, id: LinkId) -> bool {
        let link = self.links.get(&id);
        link.is_some_and(|link| link.capabilities.contains("echo-message"))
    }
}
