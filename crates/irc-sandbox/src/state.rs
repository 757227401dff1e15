//! What the handles, the connections and the server share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::journal::Journal;
use crate::network::{LinkId, Network};

/// One network, and who waits for it.
pub(crate) struct State {
    inside: Mutex<Inside>,
    pub(crate) journal: Arc<Journal>,
    /// Something happened; for those who wait for counts and members.
    changed: Notify,
}

struct Inside {
    network: Network,
    /// Woken when there is something new to read on a connection.
    waiting: HashMap<LinkId, Arc<Notify>>,
    refuses_links: bool,
}

impl State {
    pub(crate) fn new(network: Network) -> Self {
        Self {
            journal: Arc::clone(&network.journal),
            inside: Mutex::new(Inside {
                network,
                waiting: HashMap::new(),
                refuses_links: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Looks at the network, or does something to it; then wakes whom that concerns.
    pub(crate) fn with<T>(&self, does: impl FnOnce(&mut Network) -> T) -> T {
        let mut inside = self.inside();
        let result = does(&mut inside.network);
        for link in inside.network.take_touched() {
            if let Some(notify) = inside.waiting.get(&link) {
                notify.notify_one();
            }
        }
        drop(inside);
        self.changed.notify_waiters();
        result
    }

    /// A connection, unless they are refused.
    pub(crate) fn connect(&self) -> Option<(LinkId, Arc<Notify>)> {
        let mut inside = self.inside();
        if inside.refuses_links {
            inside.network.counters.refused += 1;
            return None;
        }
        let id = inside.network.connect();
        let notify = Arc::default();
        inside.waiting.insert(id, Arc::clone(&notify));
        drop(inside);
        self.changed.notify_waiters();
        Some((id, notify))
    }

    pub(crate) fn disconnect(&self, id: LinkId) {
        self.with(|network| network.disconnect(id));
        self.inside().waiting.remove(&id);
    }

    pub(crate) fn refuse_links(&self) {
        self.inside().refuses_links = true;
    }

    pub(crate) fn accept_links(&self) {
        self.inside().refuses_links = false;
    }

    /// Resolves once `is_so` says so of the network; asked whenever something happened.
    pub(crate) async fn until(&self, mut is_so: impl FnMut(&Network) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listens before it looks, so that what comes in between is not missed.
            changed.as_mut().enable();
            if is_so(&self.inside().network) {
                return;
            }
            changed.await;
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
