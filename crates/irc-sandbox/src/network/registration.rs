//! How a client comes in: capabilities, password, nickname, user, and the welcome.

use std::collections::BTreeSet;

use super::Network;
use super::line::{Command, folded, is_nick};
use super::link::LinkId;
use super::people::User;
use super::replies::Reply;

impl Network {
    pub(super) fn cap(&mut self, id: LinkId, command: &Command) {
        let subcommand = command.param(0).unwrap_or_default().to_ascii_uppercase();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let is_registered = link.user.is_some();
        match &*subcommand {
            "LS" => {
                link.is_negotiating |= !is_registered;
                self.list_capabilities(id, command.param(1) == Some("302"));
            }
            "LIST" => {
                let listed = joined(&link.capabilities);
                self.cap_line(id, "LIST", &listed);
            }
            "REQ" => {
                link.is_negotiating |= !is_registered;
                self.request_capabilities(id, command.param(1).unwrap_or_default());
            }
            "END" => {
                link.is_negotiating = false;
                self.try_welcome(id);
            }
            _ => self.reply(id, Reply::INVALID_CAP, &[&subcommand]),
        }
    }

    /// In two lines for those who know of them, so that a client that reads the first alone is
    /// found out.
    fn list_capabilities(&mut self, id: LinkId, knows_302: bool) {
        let named = |name: &&'static str| match *name {
            "sasl" if knows_302 => "sasl=PLAIN".to_owned(),
            name => name.to_owned(),
        };
        let names: Vec<_> = self.config.capabilities.iter().map(named).collect();
        if knows_302 && names.len() > 1 {
            let (first, second) = names.split_at(names.len() / 2);
            self.cap_line(id, "LS *", &first.join(" "));
            self.cap_line(id, "LS", &second.join(" "));
        } else {
            self.cap_line(id, "LS", &names.join(" "));
        }
    }

    /// All of what is asked for, or nothing.
    fn request_capabilities(&mut self, id: LinkId, asked: &str) {
        let known = &self.config.capabilities;
        let mut changes = Vec::new();
        for word in asked.split_ascii_whitespace() {
            let name = word.strip_prefix('-').unwrap_or(word);
            match known.get(name) {
                Some(name) => changes.push((*name, word.starts_with('-'))),
                None => {
                    self.cap_line(id, "NAK", asked);
                    return;
                }
            }
        }
        if let Some(link) = self.links.get_mut(&id) {
            for (name, is_dropped) in changes {
                if is_dropped {
                    link.capabilities.remove(name);
                } else {
                    link.capabilities.insert(name);
                }
            }
        }
        self.cap_line(id, "ACK", asked);
    }

    fn cap_line(&mut self, id: LinkId, subcommand: &str, names: &str) {
        let line = format!(
            ":{} CAP {} {subcommand} :{names}",
            self.config.name,
            self.name_of(id)
        );
        self.send(id, line);
    }

    pub(super) fn pass(&mut self, id: LinkId, command: &Command) {
        let Some(password) = command.param(0) else {
            self.reply(id, Reply::NEED_MORE_PARAMS, &["PASS"]);
            return;
        };
        match self.links.get_mut(&id) {
            Some(link) if link.user.is_none() => link.password = Some(password.to_owned()),
            _ => self.reply(id, Reply::ALREADY_REGISTERED, &[]),
        }
    }

    pub(super) fn user(&mut self, id: LinkId, command: &Command) {
        if command.params.len() < 4 {
            self.reply(id, Reply::NEED_MORE_PARAMS, &["USER"]);
            return;
        }
        match self.links.get_mut(&id) {
            Some(link) if link.user.is_none() && link.username.is_none() => {
                link.username = Some(command.params[0].chars().take(10).collect());
                self.try_welcome(id);
            }
            _ => self.reply(id, Reply::ALREADY_REGISTERED, &[]),
        }
    }

    pub(super) fn nick(&mut self, id: LinkId, command: &Command) {
        let Some(nick) = command.param(0) else {
            self.reply(id, Reply::NO_NICK_GIVEN, &[]);
            return;
        };
        if !is_nick(nick, self.config.nick_limit) {
            self.reply(id, Reply::ERRONEOUS_NICK, &[nick]);
            return;
        }
        if self.is_nick_taken(nick, id) {
            self.reply(id, Reply::NICK_IN_USE, &[nick]);
            return;
        }
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        match link.user {
            Some(user) => self.rename(user, nick),
            None => {
                link.nick = Some(nick.to_owned());
                self.try_welcome(id);
            }
        }
    }

    /// Whether somebody else has the nickname, also one who is still registering.
    fn is_nick_taken(&self, nick: &str, by_other_than: LinkId) -> bool {
        let nick = folded(nick);
        let mut users = self.users.values();
        let mut links = self.links.iter();
        users.any(|user| folded(&user.nick) == nick && user.link != Some(by_other_than))
            || links.any(|(id, link)| {
                let theirs = link
                    .nick
                    .as_deref()
                    .filter(|_| link.user.is_none() && !link.is_closed);
                *id != by_other_than && theirs.is_some_and(|theirs| folded(theirs) == nick)
            })
    }

    /// Lets the client in once it has said all.
    fn try_welcome(&mut self, id: LinkId) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let (Some(nick), Some(username)) = (link.nick.clone(), link.username.clone()) else {
            return;
        };
        if link.is_negotiating || link.user.is_some() {
            return;
        }
        if self.config.password.is_some() && link.password != self.config.password {
            self.reply(id, Reply::PASSWORD_MISMATCH, &[]);
            self.close(id, "Bad Password");
            return;
        }
        let user = User {
            nick,
            // Nobody vouched for the name: that is what the `~` says.
            username: format!("~{username}"),
            host: "127.0.0.1".to_owned(),
            account: link.account.clone(),
            link: Some(id),
        };
        let user_id = self.add_user(user);
        if let Some(link) = self.links.get_mut(&id) {
            link.user = Some(user_id);
        }
        self.counters.registrations += 1;
        self.welcome(id, &self.prefix_of(user_id));
    }

    fn welcome(&mut self, id: LinkId, prefix: &str) {
        let name = self.config.name.clone();
        self.numeric(id, 1, &[], &format!("Welcome to the sandbox {prefix}"));
        self.numeric(id, 2, &[], &format!("Your host is {name}"));
        self.numeric(id, 3, &[], "This server was created for a test");
        self.numeric(id, 4, &[&name, "irc-sandbox", "i", "biklmnt"], "");
        let nick_limit = format!("NICKLEN={}", self.config.nick_limit);
        let supported = [
            "CASEMAPPING=rfc1459",
            "CHANTYPES=#&",
            "CHANNELLEN=50",
            "PREFIX=(ov)@+",
            &nick_limit,
        ];
        self.numeric(id, 5, &supported, "are supported by this server");
        match self.config.motd.clone() {
            Some(motd) => {
                self.numeric(id, 375, &[], &format!("- {name} Message of the day - "));
                for line in motd.lines() {
                    self.numeric(id, 372, &[], &format!("- {line}"));
                }
                self.numeric(id, 376, &[], "End of MOTD command");
            }
            None => self.reply(id, Reply::NO_MOTD, &[]),
        }
    }
}

fn joined(names: &BTreeSet<&'static str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(" ")
}
