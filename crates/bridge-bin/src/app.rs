//! A running bridge: store, drivers, lanes and listeners, started together or not at all.

pub(crate) mod outside;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bridge_core::config::settings::{ServerSettings, StoreSettings};
use bridge_core::config::{InstanceSetup, Network, Setup};
use bridge_core::driver::{ErasedDriver, Listen};
use bridge_core::id::InstanceId;
use bridge_core::ports::{Clock, Ports};
use bridge_core::rules::Rules;
use bridge_core::store::{Store, StoreError};
use bridge_http::{
    BindError, BlockingPool, ClientError, InboundOptions, OutboundOptions, ServerOptions,
    SystemClock, bind, endpoint, serve, stack,
};
use bridge_store::{OpenError, SqliteStore, StoreOptions};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::control::{ControlServer, Desk, Office};
use crate::dispatch::Dispatcher;
use crate::intake::{InstanceIntake, Shared};
use crate::lane::Target;

/// A bridge that runs.
pub struct Bridge {
    listeners: Vec<(InstanceId, SocketAddr)>,
    intakes: Vec<InstanceIntake>,
    servers: JoinSet<()>,
    dispatcher: Arc<Dispatcher>,
    store: Arc<SqliteStore>,
    /// `None` if the socket could not be made.
    control: Option<ControlServer>,
    stop: watch::Sender<bool>,
    shutdown_timeout: Duration,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

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

        let bound = ends.iter().filter_map(|end| end.listener.as_ref());
        let addresses = bound.map(|(.., address)| *address).collect();
        let control = open_control(&dir, &dispatcher, &store, addresses);
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
        let server = server_options(&global.server);
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

    /// Where the instances listen.
    pub fn listeners(&self) -> &[(InstanceId, SocketAddr)] {
        &self.listeners
    }

    /// Stops accepting, lets what runs finish within `shutdown_timeout`, and closes the store with
    /// everything that is left in it.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        drop(self.control.take());
        let mut lanes = self.dispatcher.take_tasks();
        let servers = &mut self.servers;
        let finish = async {
            while servers.join_next().await.is_some() {}
            while lanes.join_next().await.is_some() {}
        };
        if tokio::time::timeout(self.shutdown_timeout, finish)
            .await
            .is_err()
        {
            warn!(
                "what still ran at the end of shutdown_timeout was cut off; unsettled deliveries go on at the next start"
            );
        }
        self.servers.shutdown().await;
        lanes.shutdown().await;
        for intake in &self.intakes {
            intake.log_counts();
        }
        if let Err(error) = self.store.close().await {
            warn!(%error, "the store did not close cleanly; nothing that was acknowledged is lost");
        }
        info!("stopped");
    }
}

/// A bridge without the socket does its work all the same.
fn open_control(
    dir: &Path,
    dispatcher: &Arc<Dispatcher>,
    store: &Arc<SqliteStore>,
    addresses: Vec<SocketAddr>,
) -> Option<ControlServer> {
    let dispatcher = Arc::clone(dispatcher);
    let in_flight = Arc::new(move || dispatcher.in_flight());
    let store = Arc::clone(store) as Arc<dyn Store>;
    let listeners = Arc::new(move || addresses.clone());
    let desk = Desk::new(Office::of_running(dir, store, in_flight, listeners));
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

fn server_options(settings: &ServerSettings) -> ServerOptions {
    ServerOptions {
        max_connections: settings.max_connections,
        max_connections_per_address: settings.max_connections_per_address,
        exempt: [&Network::loopback(), &*settings.trusted_proxies].concat(),
        ..ServerOptions::default()
    }
}

/// An instance's ends: its driver with the ways in and out.
struct End {
    id: InstanceId,
    platform: &'static str,
    driver: Arc<dyn ErasedDriver>,
    target: Arc<Target>,
    listener: Option<(Listen, TcpListener, SocketAddr)>,
}

impl End {
    fn open(
        instance: InstanceSetup,
        rules: &Rules,
        pool: &Arc<BlockingPool>,
        clock: &Arc<dyn Clock>,
        follows_earlier_run: bool,
    ) -> Result<Self, StartError> {
        let InstanceSetup {
            id,
            platform,
            driver,
            policy,
            ..
        } = instance;
        let listener = match driver.listen() {
            Some(listen) => {
                let bound = bind(listen.host, listen.port).map(|listener| {
                    let address = listener.local_addr();
                    let address = address.unwrap_or((listen.host, listen.port).into());
                    (listen.clone(), listener, address)
                });
                Some(bound.map_err(|error| StartError::Bind(id.clone(), error))?)
            }
            None => None,
        };
        let longest = rules
            .longest_attempt(&id)
            .unwrap_or_default()
            .max(policy.attempt_timeout);
        let http = outside::client(
            pool,
            longest,
            instance.max_in_flight,
            instance.proxy.as_ref(),
        )
        .map_err(|error| StartError::Client(id.clone(), error))?;
        let capabilities = driver.capabilities();
        let driver = driver.open(Ports {
            http: Arc::new(http),
            clock: Arc::clone(clock),
        });
        let options = OutboundOptions {
            max_in_flight: instance.max_in_flight,
            rate_per_second: instance.rate_per_second,
            follows_earlier_run,
        };
        let outbound = stack(Arc::clone(&driver), options, Arc::clone(clock));
        let channel_rate_per_minute = instance.channel_rate_per_minute;
        let target = Target {
            outbound,
            capabilities,
            channel_rate_per_minute,
            policy,
            gate: Default::default(),
            in_flight: Default::default(),
        };
        Ok(Self {
            id,
            platform,
            driver,
            target: Arc::new(target),
            listener,
        })
    }
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
