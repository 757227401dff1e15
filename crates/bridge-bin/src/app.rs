//! A running bridge: store, drivers, lanes and listeners, started together or not at all, and changed
//! while it runs.
//!
//! ```text
//! start ─▶ site: instances, doors ─▶ generation ◀─ intakes, lanes
//!         └▶ work: Driver::run, supervised ─▶ intake
//! reload (SIGHUP, command, watch) ─▶ load ─▶ site.change: plan, swap ─▶ drain ─▶ answer
//! ```

mod door;
mod drain;
mod instance;
mod mailbox;
pub(crate) mod outside;
mod refusal;
mod reload;
mod site;
mod start;
mod stop;
mod watch;
mod work;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bridge_core::id::InstanceId;
use bridge_store::SqliteStore;
use tokio::sync::watch as watched;
use tokio::task::JoinHandle;

use crate::control::ControlServer;
use crate::dispatch::Dispatcher;

pub(crate) use reload::{Cause, Parked, Reloaded, Reloads};
pub use start::StartError;

/// A bridge that runs.
pub struct Bridge {
    site: Arc<tokio::sync::Mutex<site::Site>>,
    listeners: site::Listeners,
    dispatcher: Arc<Dispatcher>,
    store: Arc<SqliteStore>,
    /// `None` if the socket could not be made.
    control: Option<ControlServer>,
    /// `None` if the bridge does not read its files again.
    reloads: Option<Reloads>,
    reloader: Option<JoinHandle<()>>,
    stop: watched::Sender<bool>,
    shutdown_timeout: Duration,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge")
            .field("listeners", &self.listeners())
            .finish_non_exhaustive()
    }
}

impl Bridge {
    /// Where the instances listen.
    pub fn listeners(&self) -> Vec<(InstanceId, SocketAddr)> {
        let listeners = self.listeners.lock();
        listeners.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the files read again, if they are watched at all; what comes of it is logged.
    pub(crate) fn reload(&self, cause: Cause) {
        if let Some(reloads) = &self.reloads {
            reloads.order(cause);
        }
    }
}
