//! From a checked setup to a running bridge.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use bridge_core::config::settings::{ServerSettings, StoreSettings};
use bridge_core::config::{Network, Setup};
use bridge_core::id::InstanceId;
use bridge_core::ports::Clock;
use bridge_core::store::{Store, StoreError};
use bridge_http::{
    BindError, BlockingPool, ClientError, InboundOptions, ServerOptions, SystemClock,
};
use bridge_store::{OpenError, SqliteStore, StoreOptions};
use tokio::sync::{Mutex, watch};
use tracing::error;

use super::Bridge;
use super::instance::Workshop;
use super::refusal::Refusal;
use super::reload::{Reloader, Reloads};
use super::site::{Fixed, Listeners, Site};
use crate::control::{ControlServer, Desk, Office};
use crate::dispatch::Dispatcher;
use crate::files::Origin;
use crate::generation::{Generations, Parts};
use crate::intake::Shared;

/// Why a bridge can't start. Nothing runs then.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The data directory can't be used.
    Store(OpenError),
    /// An instance's address can't be bound.
    Bind(InstanceId, BindError),
    /// An instance's HTTP client can't be made.
    Client(InstanceId, ClientError),
    /// The store can't say what it holds.
    Read(StoreError),
    /// Something else, in a sentence.
    Other(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Bind(instance, error) => write!(f, "instance \"{instance}\": {error}"),
            Self::Client(instance, error) => write!(f, "instance \"{instance}\": {error}"),
            Self::Read(error) => write!(f, "{error}"),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for StartError {}

impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Bind(instance, error) => Self::Bind(instance, error),
            Refusal::Client(instance, error) => Self::Client(instance, error),
            Refusal::Read(error) => Self::Read(error),
            refusal => Self::Other(refusal.to_string()),
        }
    }
}

impl Bridge {
    /// Opens the store, binds every listener, goes on with what the store holds, and only then
    /// accepts requests.
    ///
    /// # Errors
    ///
    /// [`StartError`]; whatever was opened before is closed again.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        Self::start_with(setup, None).await
    }

    /// [`start`](Self::start), with files that are read again when they change, on SIGHUP (see
    /// [`reload`](Self::reload)) and when asked at the control socket.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub(crate) async fn start_from(setup: Setup, origin: Origin) -> Result<Self, StartError> {
        Self::start_with(setup, Some(origin)).await
    }

    async fn start_with(setup: Setup, origin: Option<Origin>) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let global = setup.global.clone();
        let dir = PathBuf::from(&global.data_dir);
        let store = SqliteStore::open(&dir, store_options(&global.store), Arc::clone(&clock));
        let store = Arc::new(store.map_err(StartError::Store)?);
        let follows_earlier_run = !store.is_new();

        let (stop, stopping) = watch::channel(false);
        let generations = Arc::new(Generations::new(Parts::default()));
        let dispatcher = Arc::new(Dispatcher::new(
            Arc::clone(&generations),
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&clock),
            stopping.clone(),
        ));
        store.set_feed(Arc::clone(&dispatcher) as _);
        let workshop = Workshop {
            shared: Shared {
                generations: Arc::clone(&generations),
                store: Arc::clone(&store) as Arc<dyn Store>,
                clock: Arc::clone(&clock),
                known: Arc::default(),
            },
            // Each instance brings its own share of threads.
            pool: BlockingPool::new(0),
            clock,
            inbound: InboundOptions {
                body_limit_bytes: global.server.body_limit_bytes,
                stopping: Some(stopping.clone()),
                ..InboundOptions::default()
            },
        };
        let listeners = Listeners::default();
        let mut site = Site {
            workshop,
            generations,
            dispatcher: Arc::clone(&dispatcher),
            store: Arc::clone(&store) as Arc<dyn Store>,
            stopping: stopping.clone(),
            server: server_options(&global.server),
            fixed: Fixed::of(&global),
            instances: BTreeMap::new(),
            doors: HashMap::new(),
            closing: Vec::new(),
            leaving: Vec::new(),
            next_door: 0,
            listeners: Arc::clone(&listeners),
        };
        site.change(setup, follows_earlier_run).await?;

        let site = Arc::new(Mutex::new(site));
        let (reloads, reloader) = origin
            .map(|origin| Reloader::spawn(Arc::clone(&site), origin, stopping))
            .unzip();
        let control = open_control(&dir, &dispatcher, &store, &listeners, reloads.clone());
        Ok(Self {
            site,
            listeners,
            dispatcher,
            store,
            control,
            reloads,
            reloader,
            stop,
            shutdown_timeout: global.server.shutdown_timeout.0,
        })
    }
}

/// A bridge without the socket does its work all the same.
fn open_control(
    dir: &Path,
    dispatcher: &Arc<Dispatcher>,
    store: &Arc<SqliteStore>,
    listeners: &Listeners,
    reloads: Option<Reloads>,
) -> Option<ControlServer> {
    let dispatcher = Arc::clone(dispatcher);
    let in_flight = Arc::new(move || dispatcher.in_flight());
    let store = Arc::clone(store) as Arc<dyn Store>;
    let listeners = Arc::clone(listeners);
    let addresses = Arc::new(move || {
        let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().map(|(_, address)| *address).collect()
    });
    let office = Office::of_running(dir, store, in_flight, addresses, reloads);
    let desk = Desk::new(office);
    match ControlServer::start(dir, desk) {
        Ok(control) => Some(control),
        Err(error) => {
            error!(%error, "the control socket can't be made; commands that change something will have to wait until this bridge is stopped");
            None
        }
    }
}

fn server_options(settings: &ServerSettings) -> ServerOptions {
    ServerOptions {
        max_connections: settings.max_connections,
        max_connections_per_address: settings.max_connections_per_address,
        exempt: [&Network::loopback(), &*settings.trusted_proxies].concat(),
        ..ServerOptions::default()
    }
}

fn store_options(settings: &StoreSettings) -> StoreOptions {
    let mut options = StoreOptions::default();
    options.retain_bodies = settings.retain_bodies.0;
    options.retain_ids = settings.retain_ids.0;
    options.lane_backlog = settings.lane_backlog;
    options.max_backlog = settings.max_backlog;
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_has_the_bounds_of_the_config() {
        let settings = ServerSettings {
            max_connections: 3,
            max_connections_per_address: 2,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..ServerSettings::default()
        };
        let options = server_options(&settings);
        assert_eq!(options.max_connections, 3);
        assert_eq!(options.max_connections_per_address, 2);
        // Address, and whether it is exempt.
        for (address, expected) in [("10.1.2.3", true), ("127.0.0.2", true), ("11.0.0.1", false)] {
            let address = address.parse().unwrap();
            let is_exempt = options.exempt.iter().any(|one| one.contains(address));
            assert_eq!(is_exempt, expected, "{address}");
        }
    }
}
