//! Who is on the network: clients that have registered, and people whom a test plays.

use super::Network;
use super::line::folded;
use super::link::{LinkId, Shown};

/// Somebody on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserId(pub(super) u64);

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(super) nick: String,
    pub(super) username: String,
    pub(super) host: String,
    pub(super) account: Option<String>,
    /// The connection it speaks through; `None` for a person whom a test plays.
    pub(super) link: Option<LinkId>,
}

impl Network {
    /// A person whom a test plays: the one with this nickname if there is one.
    pub(crate) fn person(&mut self, nick: &str) -> UserId {
        let wanted = folded(nick);
        let mut users = self.users.iter();
        let known = users.find(|(_, user)| folded(&user.nick) == wanted);
        if let Some((id, _)) = known {
            return *id;
        }
        self.add_user(User {
            nick: nick.to_owned(),
            username: format!("~{}", nick.to_ascii_lowercase()),
            host: "people.test".to_owned(),
            account: None,
            link: None,
        })
    }

    pub(crate) fn set_account(&mut self, id: UserId, account: &str) {
        if let Some(user) = self.users.get_mut(&id) {
            user.account = Some(account.to_owned());
        }
    }

    pub(super) fn add_user(&mut self, user: User) -> UserId {
        let id = UserId(self.next_id());
        self.users.insert(id, user);
        id
    }

    /// Somebody takes another nickname; those who share a channel are shown it.
    pub(crate) fn rename(&mut self, id: UserId, nick: &str) {
        let line = format!(":{} NICK :{nick}", self.prefix_of(id));
        let mut watching = self.links_around(id);
        watching.extend(self.users.get(&id).and_then(|user| user.link));
        watching.sort();
        watching.dedup();
        self.show_all(&watching, id, line);
        if let Some(user) = self.users.get_mut(&id) {
            user.nick = nick.to_owned();
        }
    }

    /// Somebody leaves the network; those who shared a channel are shown it.
    pub(crate) fn quit(&mut self, id: UserId, reason: &str) {
        let line = format!(":{} QUIT :{reason}", self.prefix_of(id));
        let watching = self.links_around(id);
        self.show_all(&watching, id, line);
        for room in self.rooms.values_mut() {
            room.members.retain(|member| *member != id);
        }
        self.users.remove(&id);
    }

    pub(crate) fn nick_of(&self, id: UserId) -> String {
        self.users
            .get(&id)
            .map(|user| user.nick.clone())
            .unwrap_or_default()
    }

    /// `nick!user@host`
    pub(super) fn prefix_of(&self, id: UserId) -> String {
        match self.users.get(&id) {
            Some(user) => format!("{}!{}@{}", user.nick, user.username, user.host),
            None => self.config.name.clone(),
        }
    }

    pub(super) fn user_by_nick(&self, nick: &str) -> Option<UserId> {
        let nick = folded(nick);
        let mut users = self.users.iter();
        let found = users.find(|(_, user)| folded(&user.nick) == nick);
        found.map(|(id, _)| *id)
    }

    /// The connections of the others in the channels of a user.
    fn links_around(&self, id: UserId) -> Vec<LinkId> {
        let rooms = self
            .rooms
            .values()
            .filter(|room| room.members.contains(&id));
        let others = rooms
            .flat_map(|room| &room.members)
            .filter(|other| **other != id);
        let mut links: Vec<_> = others
            .filter_map(|other| self.users.get(other)?.link)
            .collect();
        links.sort();
        links.dedup();
        links
    }

    /// Shows what `by` did; returns it as it was shown.
    pub(super) fn show_all(&mut self, links: &[LinkId], by: UserId, line: String) -> Shown {
        let shown = Shown {
            line,
            id: format!("m{}", self.next_id()),
            at_ms: self.now_ms(),
            account: self.users.get(&by).and_then(|user| user.account.clone()),
        };
        for link in links {
            self.show(*link, &shown);
        }
        shown
    }
}
