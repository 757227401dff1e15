//! What reading a line needs to know of the connection: our own name, and how channels are spelled.

use std::sync::{Arc, Mutex, PoisonError};

use crate::wire::CaseMapping;

/// What is known at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Our own nickname: the configured one before there was a connection.
    pub(crate) nick: String,
    pub(crate) mapping: CaseMapping,
    /// Channels as the rules spell them.
    pub(crate) channels: Vec<String>,
}

impl Known {
    /// The channel as the rules spell it, else as it came: the network does not tell `#Ops` from
    /// `#ops`, and rules do.
    pub(crate) fn spelled<'a>(&'a self, channel: &'a str) -> &'a str {
        let mut named = self.channels.iter();
        let named = named.find(|named| self.mapping.is_same(named, channel));
        named.map_or(channel, |named| named)
    }

    /// Whether this is our own nickname.
    pub(crate) fn is_own(&self, nick: &str) -> bool {
        self.mapping.is_same(&self.nick, nick)
    }
}

/// What is known now; what was known before stays with those who hold it.
#[derive(Debug)]
pub(crate) struct Knowledge(Mutex<Arc<Known>>);

impl Knowledge {
    pub(crate) fn new(nick: &str) -> Self {
        Self(Mutex::new(Arc::new(Known {
            nick: nick.to_owned(),
            mapping: CaseMapping::default(),
            channels: Vec::new(),
        })))
    }

    pub(crate) fn now(&self) -> Arc<Known> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut known));
    }
}
