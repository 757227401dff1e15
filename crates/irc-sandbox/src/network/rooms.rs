//! Channels: who is in them, who may come in, and how one leaves.

use super::Network;
use super::line::{Command, folded, is_channel, is_like};
use super::link::LinkId;
use super::people::UserId;
use super::replies::Reply;

/// A channel.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(super) name: String,
    pub(super) members: Vec<UserId>,
    pub(crate) modes: Modes,
}

/// Who may come in and speak.
#[derive(Debug, Clone, Default)]
pub(crate) struct Modes {
    pub(crate) is_invite_only: bool,
    /// Nobody without a voice may speak, and a client has none.
    pub(crate) is_moderated: bool,
    pub(crate) key: Option<String>,
    pub(crate) limit: Option<usize>,
    /// Masks `nick!user@host`.
    pub(crate) bans: Vec<String>,
}

impl Network {
    /// The channel, made if there is none.
    pub(crate) fn room(&mut self, name: &str) -> &mut Room {
        self.rooms.entry(folded(name)).or_insert_with(|| Room {
            name: name.to_owned(),
            members: Vec::new(),
            modes: Modes::default(),
        })
    }

    pub(crate) fn nicks_in(&self, name: &str) -> Vec<String> {
        let members = self.rooms.get(&folded(name)).map(|room| &*room.members);
        let members = members.unwrap_or_default().iter();
        members.map(|member| self.nick_of(*member)).collect()
    }

    pub(super) fn join_command(&mut self, id: LinkId, user: UserId, command: &Command) {
        let Some(names) = command.param(0) else {
            self.reply(id, Reply::NEED_MORE_PARAMS, &["JOIN"]);
            return;
        };
        if names == "0" {
            for name in self.rooms_of(user) {
                self.part(user, &name, "");
            }
            return;
        }
        let mut keys = command.param(1).unwrap_or_default().split(',');
        for name in names.split(',') {
            let key = keys.next().unwrap_or_default();
            self.counters.joins += 1;
            match self.obstacle(user, name, key) {
                Some(reply) => self.reply(id, reply, &[name]),
                None => self.join(user, name),
            }
        }
    }

    /// Why somebody may not come in.
    fn obstacle(&self, user: UserId, name: &str, key: &str) -> Option<Reply> {
        if !is_channel(name) {
            return Some(Reply::NO_SUCH_CHANNEL);
        }
        let room = self.rooms.get(&folded(name))?;
        let modes = &room.modes;
        if room.members.contains(&user) {
            None
        } else if self.is_banned(user, room) {
            Some(Reply::BANNED)
        } else if modes.is_invite_only {
            Some(Reply::INVITE_ONLY)
        } else if modes.key.as_deref().is_some_and(|right| right != key) {
            Some(Reply::BAD_CHANNEL_KEY)
        } else if modes.limit.is_some_and(|limit| room.members.len() >= limit) {
            Some(Reply::CHANNEL_IS_FULL)
        } else {
            None
        }
    }

    pub(super) fn is_banned(&self, user: UserId, room: &Room) -> bool {
        let prefix = folded(&self.prefix_of(user));
        let mut bans = room.modes.bans.iter();
        bans.any(|mask| is_like(&folded(mask), &prefix))
    }

    /// Somebody comes in, and everybody in the channel is shown it.
    pub(crate) fn join(&mut self, user: UserId, name: &str) {
        let room = self.room(name);
        if room.members.contains(&user) {
            return;
        }
        room.members.push(user);
        let name = room.name.clone();
        let line = format!(":{} JOIN {name}", self.prefix_of(user));
        let links = self.links_in(&name);
        self.show_all(&links, user, line);
        if let Some(id) = self.users.get(&user).and_then(|user| user.link) {
            self.names(id, &name);
        }
    }

    pub(super) fn part_command(&mut self, id: LinkId, user: UserId, command: &Command) {
        let Some(names) = command.param(0) else {
            self.reply(id, Reply::NEED_MORE_PARAMS, &["PART"]);
            return;
        };
        for name in names.split(',') {
            match self.rooms.get(&folded(name)) {
                None => self.reply(id, Reply::NO_SUCH_CHANNEL, &[name]),
                Some(room) if !room.members.contains(&user) => {
                    self.reply(id, Reply::NOT_ON_CHANNEL, &[name]);
                }
                Some(_) => self.part(user, name, command.param(1).unwrap_or_default()),
            }
        }
    }

    pub(crate) fn part(&mut self, user: UserId, name: &str, reason: &str) {
        let line = format!(":{} PART {name} :{reason}", self.prefix_of(user));
        let links = self.links_in(name);
        self.show_all(&links, user, line);
        self.room(name).members.retain(|member| *member != user);
    }

    /// Nobody but the sandbox itself is an operator.
    pub(super) fn kick_command(&mut self, id: LinkId, user: UserId, command: &Command) {
        let (Some(name), Some(_)) = (command.param(0), command.param(1)) else {
            self.reply(id, Reply::NEED_MORE_PARAMS, &["KICK"]);
            return;
        };
        match self.rooms.get(&folded(name)) {
            None => self.reply(id, Reply::NO_SUCH_CHANNEL, &[name]),
            Some(room) if !room.members.contains(&user) => {
                self.reply(id, Reply::NOT_ON_CHANNEL, &[name]);
            }
            Some(_) => self.reply(id, Reply::NOT_OPERATOR, &[name]),
        }
    }

    /// The channel's operator, who is nobody in particular, throws somebody out; false if there is
    /// no such member.
    pub(crate) fn kick(&mut self, name: &str, nick: &str, reason: &str) -> bool {
        let Some(user) = self.user_by_nick(nick) else {
            return false;
        };
        if !self.room(name).members.contains(&user) {
            return false;
        }
        let name = self.room(name).name.clone();
        let nick = self.nick_of(user);
        let line = format!(":op!~op@people.test KICK {name} {nick} :{reason}");
        let links = self.links_in(&name);
        self.show_all(&links, user, line);
        self.room(&name).members.retain(|member| *member != user);
        true
    }

    pub(super) fn names_command(&mut self, id: LinkId, command: &Command) {
        let name = command.param(0).unwrap_or("*").to_owned();
        self.names(id, &name);
    }

    fn names(&mut self, id: LinkId, name: &str) {
        let nicks = self.nicks_in(name);
        for some in nicks.chunks(20) {
            self.numeric(id, 353, &["=", name], &some.join(" "));
        }
        self.reply(id, Reply::END_OF_NAMES, &[name]);
    }

    /// Says that there is none, and sets none.
    pub(super) fn topic(&mut self, id: LinkId, command: &Command) {
        match command.param(0) {
            Some(name) => self.reply(id, Reply::NO_TOPIC, &[name]),
            None => self.reply(id, Reply::NEED_MORE_PARAMS, &["TOPIC"]),
        }
    }

    /// Says that there are none, and sets none.
    pub(super) fn mode(&mut self, id: LinkId, command: &Command) {
        match command.param(0) {
            Some(name) if is_channel(name) => self.numeric(id, 324, &[name, "+"], ""),
            Some(_) => self.numeric(id, 221, &["+i"], ""),
            None => self.reply(id, Reply::NEED_MORE_PARAMS, &["MODE"]),
        }
    }

    pub(super) fn rooms_of(&self, user: UserId) -> Vec<String> {
        let rooms = self.rooms.values();
        let rooms = rooms.filter(|room| room.members.contains(&user));
        rooms.map(|room| room.name.clone()).collect()
    }

    /// The connections of those in a channel.
    pub(super) fn links_in(&self, name: &str) -> Vec<LinkId> {
        let members = self.rooms.get(&folded(name)).map(|room| &*room.members);
        let members = members.unwrap_or_default().iter();
        members
            .filter_map(|member| self.users.get(member)?.link)
            .collect()
    }
}
