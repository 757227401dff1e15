//! What the server, the handles and the callbacks share.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clock::now_ms;
use crate::counters::{Count, Tally};
use crate::faults::{Armed, Faults};
use crate::journal::{Author, Entry, Journal};
use crate::people::App;
use crate::pusher::Pusher;
use crate::tokens::Tokens;

/// One DingTalk.
pub(crate) struct State {
    pub(crate) api_base: String,
    pub(crate) keeps_transcript: bool,
    pub(crate) is_armed: Armed,
    pub(crate) send_faults: Faults,
    pub(crate) token_faults: Faults,
    pub(crate) tokens: Tokens,
    pub(crate) tally: Tally,
    pub(crate) journal: Arc<Journal>,
    pub(crate) pusher: Pusher,
    apps: RwLock<Vec<Arc<App>>>,
    rooms: RwLock<HashMap<Arc<str>, Arc<Room>>>,
    stopping: watch::Receiver<bool>,
}

/// One group.
pub(crate) struct Room {
    pub(crate) id: Arc<str>,
    pub(crate) title: String,
    pub(crate) apps: RwLock<Vec<Arc<App>>>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) faults: Faults,
    pub(crate) accepted: Count,
    /// The `processQueryKey`s of what was taken back.
    pub(crate) recalled: Mutex<HashSet<String>>,
}

impl State {
    pub(crate) fn new(
        api_base: String,
        token_lifetime: Duration,
        callback_timeout: Duration,
        keeps_transcript: bool,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let is_armed = Armed::default();
        Self {
            api_base,
            keeps_transcript,
            send_faults: Faults::new(&is_armed),
            token_faults: Faults::new(&is_armed),
            is_armed,
            tokens: Tokens::new(token_lifetime),
            tally: Tally::default(),
            journal: Arc::default(),
            pusher: Pusher::new(callback_timeout),
            apps: RwLock::default(),
            rooms: RwLock::default(),
            stopping,
        }
    }

    /// Adds an app, in place of an earlier one with the same key or robot code.
    pub(crate) fn add_app(&self, app: Arc<App>) {
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        apps.retain(|other| other.key != app.key && other.robot_code != app.robot_code);
        apps.push(app);
    }

    pub(crate) fn app(&self, is_wanted: impl Fn(&App) -> bool) -> Option<Arc<App>> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        apps.iter().find(|app| is_wanted(app)).cloned()
    }

    /// Adds a group, in place of an earlier one with the same id.
    pub(crate) fn add_room(&self, id: &str, title: &str) -> Arc<Room> {
        let room = Arc::new(Room {
            id: id.into(),
            title: title.to_owned(),
            apps: RwLock::default(),
            journal: Arc::new(Journal::within(&self.journal)),
            faults: Faults::new(&self.is_armed),
            accepted: Count::default(),
            recalled: Mutex::default(),
        });
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(replaced) = rooms.insert(Arc::clone(&room.id), Arc::clone(&room)) {
            replaced.journal.close();
        }
        room
    }

    pub(crate) fn room(&self, id: &str) -> Option<Arc<Room>> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(id).cloned()
    }

    /// Writes down what was said, unless only counts are kept.
    pub(crate) fn record(
        &self,
        room: &Room,
        author: Author,
        id: &str,
        text: &str,
        msg_key: Option<&'static str>,
    ) {
        if self.keeps_transcript {
            room.journal.push(Arc::new(Entry {
                group: Arc::clone(&room.id),
                at: Instant::now(),
                at_ms: now_ms(),
                author,
                id: id.to_owned(),
                text: text.to_owned(),
                msg_key,
            }));
        }
    }

    /// Nothing more will be said.
    pub(crate) fn close(&self) {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        for room in rooms.values() {
            room.journal.close();
        }
        self.journal.close();
    }

    /// Lets `duration` pass. False if the sandbox was stopped meanwhile.
    pub(crate) async fn pause(&self, duration: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(duration) => true,
            () = self.stopped() => false,
        }
    }

    /// Resolves when the sandbox stops.
    pub(crate) async fn stopped(&self) {
        // An error means that the last handle is gone, which is a stop as well.
        self.stopping.clone().wait_for(|stop| *stop).await.ok();
    }
}
