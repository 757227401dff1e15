//! People whom a test plays.

use std::fmt;
use std::sync::Arc;

use crate::journal::Said;
use crate::network::UserId;
use crate::state::State;

/// Somebody on the network whom a test plays. A cheap handle; clones mean the same person.
#[derive(Clone)]
pub struct Person {
    pub(crate) state: Arc<State>,
    pub(crate) id: UserId,
}

/// A person in a channel.
#[derive(Debug, Clone)]
pub struct Member {
    person: Person,
    channel: String,
}

impl Person {
    /// The nickname of now; empty once the person has left the network.
    pub fn nick(&self) -> String {
        self.state.with(|network| network.nick_of(self.id))
    }

    /// Services know the person under this name from now on: what is said carries it as `account`
    /// for clients that ask for that tag.
    pub fn account(self, account: &str) -> Self {
        self.state
            .with(|network| network.set_account(self.id, account));
        self
    }

    /// Comes into a channel, whatever its modes; a second time changes nothing.
    pub fn join(&self, channel: &str) -> Member {
        self.state.with(|network| network.join(self.id, channel));
        Member {
            person: self.clone(),
            channel: channel.to_owned(),
        }
    }

    /// Says something to somebody alone; false if nobody has the nickname.
    pub fn tell(&self, nick: &str, text: &str) -> bool {
        self.state
            .with(|network| network.tell_nick(self.id, nick, text))
    }

    /// Takes another nickname.
    pub fn rename(&self, nick: &str) {
        self.state.with(|network| network.rename(self.id, nick));
    }

    /// Leaves the network; the nickname is free again.
    pub fn quit(&self, reason: &str) {
        self.state.with(|network| network.quit(self.id, reason));
    }
}

impl Member {
    /// Says something. Bytes beyond what fits a line are cut, as by a server.
    pub fn say(&self, text: &str) -> &Self {
        self.speak(Said::Text, text)
    }

    /// Does something: `/me`.
    pub fn act(&self, text: &str) -> &Self {
        self.speak(Said::Action, &format!("\u{1}ACTION {text}\u{1}"))
    }

    /// Says something as a bot does, which nobody should answer.
    pub fn notice(&self, text: &str) -> &Self {
        self.speak(Said::Notice, text)
    }

    /// Leaves the channel.
    pub fn part(&self, reason: &str) {
        let person = &self.person;
        person
            .state
            .with(|network| network.part(person.id, &self.channel, reason));
    }

    fn speak(&self, said: Said, text: &str) -> &Self {
        let person = &self.person;
        person
            .state
            .with(|network| network.say(person.id, &self.channel, said, text));
        self
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("nick", &self.nick())
            .finish_non_exhaustive()
    }
}
