//! From a checked setup to a running bridge.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bridge_core::config::settings::StoreSettings;
use bridge_core::config::{Network, Setup};
use bridge_core::id::InstanceId;
use bridge_core::ports::Clock;
use bridge_core::store::{Store, StoreError};
use bridge_http::{
    BindError, BlockingPool, ClientError, InboundOptions, ServerOptions, SystemClock, endpoint,
    serve,
};
use bridge_store::{OpenError, SqliteStore, StoreOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info};

use super::Bridge;
use super::instance::End;
use crate::control::{ControlServer, Desk, Office};
use crate::dispatch::Dispatcher;
use crate::intake::{InstanceIntake, Shared};

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
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Bind(instance, error) => write!(f, "instance \"{instance}\": {error}"),
            Self::Client(instance, error) => write!(f, "instance \"{instance}\": {error}"),
            Self::Read(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl Bridge {
    /// Opens the store, binds every listener, goes on with what the store holds, and only then
    /// accepts requests.
    ///
    /// # Errors
    ///
    /// [`StartError`]; whatever was opened before is closed again.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup {
            global,
            instances,
            rules,
            leaks,
        } = setup;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let dir = PathBuf::from(&global.data_dir);
        let store = SqliteStore::open(&dir, store_options(&global.store), Arc::clone(&clock));
        let store = Arc::new(store.map_err(StartError::Store)?);
        let follows_earlier_run = !store.is_new();
        let rules = Arc::new(rules);
        let shared = Shared {
            rules: Arc::clone(&rules),
            leaks: Arc::new(leaks),
            store: Arc::clone(&store) as Arc<dyn Store>,
            clock: Arc::clone(&clock),
            known: Arc::default(),
        };

        let threads = instances
            .iter()
            .map(|instance| instance.max_in_flight)
            .sum();
        let pool = BlockingPool::new(threads);
        let mut ends = Vec::new();
        let mut targets = HashMap::new();
        for instance in instances {
            let end = End::open(instance, &rules, &pool, &clock, follows_earlier_run)?;
            targets.insert(end.id.clone(), Arc::clone(&end.target));
            ends.push(end);
        }

        let (stop, stopping) = watch::channel(false);
        let dispatcher = Dispatcher::new(
            targets,
            rules,
            Arc::clone(&store) as Arc<dyn Store>,
            clock,
            stopping.clone(),
        );
        let dispatcher = Arc::new(dispatcher);
        store.set_feed(Arc::clone(&dispatcher) as _);
        for channel in store.lanes().await.map_err(StartError::Read)? {
            dispatcher.open_lane(&channel);
        }

        let control = open_control(&dir, &dispatcher, &store);
        let mut bridge = Self {
            control,
            listeners: Vec::new(),
            intakes: Vec::new(),
            servers: JoinSet::new(),
            dispatcher,
            store,
            stop,
            shutdown_timeout: global.server.shutdown_timeout.0,
        };
        let inbound = InboundOptions {
            body_limit_bytes: global.server.body_limit_bytes,
            ..InboundOptions::default()
        };
        let server = ServerOptions {
            max_connections: global.server.max_connections,
            max_connections_per_address: global.server.max_connections_per_address,
            exempt: [&Network::loopback(), &*global.server.trusted_proxies].concat(),
            ..ServerOptions::default()
        };
        for end in ends {
            bridge.listen(end, &shared, &inbound, &server, &stopping);
        }
        Ok(bridge)
    }

    fn listen(
        &mut self,
        end: End,
        shared: &Shared,
        inbound: &InboundOptions,
        server: &ServerOptions,
        stopping: &watch::Receiver<bool>,
    ) {
        let Some((listen, listener, address)) = end.listener else {
            return;
        };
        let intake = InstanceIntake::new(end.id.clone(), end.platform, shared.clone());
        let service = endpoint(
            end.driver,
            &listen,
            Arc::new(intake.clone()),
            inbound.clone(),
        );
        let mut stopping = stopping.clone();
        let stopped = async move {
            // An error means that the bridge is gone, which is a reason to stop as well.
            drop(stopping.wait_for(|stopping| *stopping).await);
        };
        self.servers
            .spawn(serve(listener, service, server.clone(), stopped));
        info!(instance = %end.id, %address, path = listen.path, "listening");
        self.listeners.push((end.id, address));
        self.intakes.push(intake);
    }
}

/// A bridge without the socket does its work all the same.
fn open_control(
    dir: &Path,
    dispatcher: &Arc<Dispatcher>,
    store: &Arc<SqliteStore>,
) -> Option<ControlServer> {
    let dispatcher = Arc::clone(dispatcher);
    let in_flight = Arc::new(move || dispatcher.in_flight());
    let store = Arc::clone(store) as Arc<dyn Store>;
    let desk = Desk::new(Office::of_running(dir, store, in_flight));
    match ControlServer::start(dir, desk) {
        Ok(control) => Some(control),
        Err(error) => {
            error!(%error, "the control socket can't be made; commands that change something will have to wait until this bridge is stopped");
            None
        }
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
