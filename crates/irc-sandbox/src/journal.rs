//! What was said in channels, in order, and a way to wait for more of it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// One thing that was said in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The channel.
    pub channel: String,
    /// Who said it, by the nickname of that time.
    pub nick: String,
    /// Whether it came through a connection, and not from a person whom a test plays.
    pub is_from_client: bool,
    /// How it was said.
    pub said: Said,
    /// What others see: cut to what fits a line, and without the marks of an action.
    pub text: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// How something was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// As `PRIVMSG`.
    Text,
    /// As `PRIVMSG` with a CTCP `ACTION`: `/me`.
    Action,
    /// As `NOTICE`.
    Notice,
}

/// What was waited for did not happen in time.
#[derive(Debug, Clone)]
pub struct WaitTimeout {
    /// How long it was waited.
    pub waited: Duration,
    /// What was said until then.
    pub said: Vec<Entry>,
}

impl fmt::Display for WaitTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "what was waited for did not happen within {:?}; entries so far: {}",
            self.waited,
            self.said.len()
        )
    }
}

impl std::error::Error for WaitTimeout {}

/// Whoever is shown each entry as it is written.
type Watcher = Box<dyn Fn(&Entry) + Send + Sync>;

/// The book of the network.
#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<Vec<Entry>>,
    watchers: Mutex<Vec<Watcher>>,
    changed: Notify,
}

impl Journal {
    pub(crate) fn push(&self, entry: Entry) {
        for watcher in &*self.watchers() {
            watcher(&entry);
        }
        self.entries().push(entry);
        self.changed.notify_waiters();
    }

    /// Shows every entry to `see` from now on, as it is written.
    pub(crate) fn watch(&self, see: impl Fn(&Entry) + Send + Sync + 'static) {
        self.watchers().push(Box::new(see));
    }

    /// What was said so far, of which `is_wanted` says so.
    pub(crate) fn read(&self, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let entries = self.entries();
        entries
            .iter()
            .filter(|entry| is_wanted(entry))
            .cloned()
            .collect()
    }

    /// Waits until `is_enough` says so of the wanted entries; asked at once, and again whenever
    /// something was said.
    pub(crate) async fn wait_for(
        &self,
        is_wanted: impl Fn(&Entry) -> bool,
        mut is_enough: impl FnMut(&[Entry]) -> bool,
        timeout: Duration,
    ) -> Result<Vec<Entry>, WaitTimeout> {
        let reading = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                // Listens before it looks, so that what comes in between is not missed.
                changed.as_mut().enable();
                let said = self.read(&is_wanted);
                if is_enough(&said) {
                    return said;
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, reading)
            .await
            .map_err(|_| WaitTimeout {
                waited: timeout,
                said: self.read(&is_wanted),
            })
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Watcher>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
