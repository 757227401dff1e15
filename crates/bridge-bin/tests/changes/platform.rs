//! Two platforms for tests of changes: `rich` hears and shows everything, `plain` nothing beside text.
//! What is said there comes in over the instance's own work.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bridge_core::capability::{Capabilities, Features, Inbound};
use bridge_core::driver::{
    Act, AddressKey, Batch, Driver, DriverInfo, Event, Outgoing, RunError, Work,
};
use bridge_core::id::Address;
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::Ports;
use tokio::sync::{Notify, oneshot};

/// What an instance is told, and what it was asked to do.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    told: Notify,
    asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    inbox: VecDeque<(Event, oneshot::Sender<()>)>,
    acts: Vec<String>,
    keys: Vec<String>,
    is_silent: bool,
    /// Where the acts are kept.
    file: Option<File>,
}

static HUBS: LazyLock<Mutex<HashMap<String, Arc<Hub>>>> = LazyLock::new(Mutex::default);

/// A sign that no platform has.
pub(crate) const NO_SIGN: &str = "🦄";

/// The hub of this name, which instances name in their settings.
pub(crate) fn hub(name: &str) -> Arc<Hub> {
    let mut hubs = HUBS.lock().unwrap_or_else(PoisonError::into_inner);
    let hub = hubs.entry(name.to_owned());
    Arc::clone(hub.or_insert_with(|| Arc::new(Hub::open(name))))
}

/// Names the folder where hubs keep what they were asked to do, for a process that dies and goes on.
pub(crate) const FOLDER: &str = "BRIDGE_CHANGES_FOLDER";

impl Hub {
    fn open(name: &str) -> Self {
        let mut state = State::default();
        if let Some(folder) = std::env::var_os(FOLDER) {
            let path = Path::new(&folder).join(name);
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            state.acts = kept.lines().map(str::to_owned).collect();
            let file = OpenOptions::new().create(true).append(true).open(path);
            state.file = Some(file.unwrap());
        }
        Self {
            state: Mutex::new(state),
            ..Self::default()
        }
    }

    /// Has the platform tell of the event; resolves when the bridge has taken it in.
    pub(crate) async fn tell(&self, event: Event) {
        let (taken, wait) = oneshot::channel();
        let told = (event, taken);
        self.state.lock().unwrap().inbox.push_back(told);
        self.told.notify_one();
        wait.await.unwrap();
    }

    /// From here on it takes sends and says no ids.
    pub(crate) fn be_silent(&self) {
        self.state.lock().unwrap().is_silent = true;
    }

    /// Everything that it was asked to do, as lines: `say "text"`, `edit p1 "text"`.
    pub(crate) fn acts(&self) -> Vec<String> {
        self.state.lock().unwrap().acts.clone()
    }

    /// The keys of the sends.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state.lock().unwrap().keys.clone()
    }

    /// Waits until it was asked to do so much, and says what.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<String> {
        loop {
            let asked = self.asked.notified();
            let acts = self.acts();
            if acts.len() >= count {
                return acts;
            }
            asked.await;
        }
    }

    async fn work(&self, work: &dyn Work) {
        loop {
            let told = self.told.notified();
            let next = self.state.lock().unwrap().inbox.pop_front();
            match next {
                Some((event, taken)) => {
                    work.take(Batch::of(event)).await.unwrap();
                    taken.send(()).unwrap();
                }
                None => told.await,
            }
        }
    }

    fn send(&self, outgoing: &Outgoing) -> Sent {
        let mut state = self.state.lock().unwrap();
        let (name, ids) = match &outgoing.act {
            Act::Say => ("say", &[][..]),
            Act::Reply { to } => ("reply", &to[..]),
            Act::Edit { of } => ("edit", &of[..]),
            Act::Recall { of } => ("recall", &of[..]),
            Act::React { to } => ("react", &to[..]),
            Act::RemoveReaction { from } => ("remove", &from[..]),
            act => panic!("{act:?}"),
        };
        let words = [name.to_owned(), ids.join("+")];
        let words = words.into_iter().filter(|word| !word.is_empty());
        let files = outgoing.attachments.iter();
        let files = files.map(|file| format!("+{}", file.url));
        let text = [format!("{:?}", outgoing.text)];
        let line: Vec<_> = words.chain(text).chain(files).collect();
        state.acts.push(line.join(" "));
        let State { acts, file, .. } = &mut *state;
        if let (Some(file), Some(act)) = (file, acts.last()) {
            // At once whole, whenever the process dies.
            file.write_all(format!("{act}\n").as_bytes()).unwrap();
        }
        state.keys.push(outgoing.key.clone());
        let id = format!("p{}", state.acts.len());
        let is_message = matches!(outgoing.act, Act::Say | Act::Reply { .. });
        let platform_ids = match is_message && !state.is_silent {
            true => vec![id],
            false => Vec::new(),
        };
        self.asked.notify_waiters();
        Sent { platform_ids }
    }
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The hub that it is connected to.
    hub: String,
}

macro_rules! platform {
    ($driver:ident, $name:literal, $features:expr) => {
        pub(crate) struct $driver(Arc<Hub>);

        impl Driver for $driver {
            type Settings = Settings;

            const INFO: DriverInfo = DriverInfo::new($name, "a platform of tests")
                .address_keys(&[AddressKey::new("room", "the room")]);

            fn capabilities(_: &Settings) -> Capabilities {
                let mut capabilities = Capabilities::text(60);
                capabilities.inbound = Inbound::Connection;
                capabilities.hears = $features;
                capabilities.shows = $features;
                capabilities
            }

            fn open(settings: Settings, _: Ports) -> Self {
                Self(hub(&settings.hub))
            }

            async fn run(&self, work: &dyn Work) -> Result<(), RunError> {
                work.reached();
                tokio::select! {
                    () = work.stopping() => Ok(()),
                    () = self.0.work(work) => Ok(()),
                }
            }

            async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
                let sent = self.0.send(outgoing);
                match outgoing.text.contains(NO_SIGN) {
                    true => Err(SendError::rejected("react", "there is no such sign")),
                    false => Ok(sent),
                }
            }
        }
    };
}

platform!(Rich, "rich", Features::ALL);
platform!(Plain, "plain", Features::NONE);

pub(crate) fn room() -> Address {
    Address::new([("room", "1")])
}
