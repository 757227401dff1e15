//! A running bridge: store, drivers, lanes and listeners, started together or not at all.

mod instance;
mod outside;
mod start;
mod stop;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::id::InstanceId;
use bridge_store::SqliteStore;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::control::ControlServer;
use crate::dispatch::Dispatcher;
use crate::intake::InstanceIntake;

pub use start::StartError;

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

impl Bridge {
    /// Where the instances listen.
    pub fn listeners(&self) -> &[(InstanceId, SocketAddr)] {
        &self.listeners
    }
}
