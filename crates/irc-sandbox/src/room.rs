//! Channels, as a test watches and rules them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::journal::{Entry, WaitTimeout};
use crate::network::{Modes, folded};
use crate::state::State;

/// A channel. A cheap handle; clones mean the same channel.
#[derive(Clone)]
pub struct Room {
    state: Arc<State>,
    name: String,
}

impl Room {
    pub(crate) fn new(state: &Arc<State>, name: &str) -> Self {
        state.with(|network| {
            network.room(name);
        });
        Self {
            state: Arc::clone(state),
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nicknames of those in it, in the order in which they came.
    pub fn nicks(&self) -> Vec<String> {
        self.state.with(|network| network.nicks_in(&self.name))
    }

    /// What was said in it so far, oldest first.
    pub fn said(&self) -> Vec<Entry> {
        self.state.journal.read(self.is_here())
    }

    /// The texts that clients sent to it, oldest first: compared with what was expected, this shows
    /// loss, duplicates and wrong order alike.
    pub fn sent_texts(&self) -> Vec<String> {
        let sent = self.said().into_iter().filter(|entry| entry.is_from_client);
        sent.map(|entry| entry.text).collect()
    }

    /// Shows `see` everything that is said in it from now on, at once and in order. It must not block,
    /// nor use the sandbox.
    pub fn watch(&self, see: impl Fn(&Entry) + Send + Sync + 'static) {
        let is_here = self.is_here();
        self.state.journal.watch(move |entry| {
            if is_here(entry) {
                see(entry);
            }
        });
    }

    /// Waits until `is_enough` says so of what was said; it is asked at once, and again whenever
    /// something was said.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] after `timeout`.
    pub async fn wait_for(
        &self,
        is_enough: impl FnMut(&[Entry]) -> bool,
        timeout: Duration,
    ) -> Result<Vec<Entry>, WaitTimeout> {
        let journal = &self.state.journal;
        journal.wait_for(self.is_here(), is_enough, timeout).await
    }

    /// Waits until clients have sent at least `count` messages to it.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] after `timeout`.
    pub async fn wait_for_sent(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Entry>, WaitTimeout> {
        let sent = |said: &[Entry]| said.iter().filter(|entry| entry.is_from_client).count();
        self.wait_for(|said| sent(said) >= count, timeout).await
    }

    /// Waits until somebody of this nickname is in it.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] after `timeout`.
    pub async fn wait_for_member(&self, nick: &str, timeout: Duration) -> Result<(), WaitTimeout> {
        let is_in = self.state.until(|network| {
            let nicks = network.nicks_in(&self.name);
            nicks.iter().any(|other| folded(other) == folded(nick))
        });
        tokio::time::timeout(timeout, is_in)
            .await
            .map_err(|_| WaitTimeout {
                waited: timeout,
                said: self.said(),
            })
    }

    /// Throws somebody out; false if there is no such member.
    pub fn kick(&self, nick: &str, reason: &str) -> bool {
        self.state
            .with(|network| network.kick(&self.name, nick, reason))
    }

    /// Lets nobody in, and nobody speak, whose `nick!user@host` fits this mask (`*` and `?`). Who
    /// is in stays in.
    pub fn ban(&self, mask: &str) {
        self.change(|modes| modes.bans.push(mask.to_owned()));
    }

    /// Lets clients in only with this key: 475 otherwise.
    pub fn set_key(&self, key: &str) {
        self.change(|modes| modes.key = Some(key.to_owned()));
    }

    /// Lets no client in beyond this many members: 471.
    pub fn set_limit(&self, limit: usize) {
        self.change(|modes| modes.limit = Some(limit));
    }

    /// Lets no client in: 473.
    pub fn invite_only(&self) {
        self.change(|modes| modes.is_invite_only = true);
    }

    /// Lets no client speak: 404.
    pub fn moderate(&self) {
        self.change(|modes| modes.is_moderated = true);
    }

    /// Takes all bans and modes away.
    pub fn open(&self) {
        self.change(|modes| *modes = Modes::default());
    }

    fn change(&self, change: impl FnOnce(&mut Modes)) {
        self.state
            .with(|network| change(&mut network.room(&self.name).modes));
    }

    fn is_here(&self) -> impl Fn(&Entry) -> bool + use<> {
        let name = folded(&self.name);
        move |entry| folded(&entry.channel) == name
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
