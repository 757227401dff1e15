//! A listening address: opened, served with whatever the current generation answers there, closed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bridge_core::driver::Listen;
use bridge_core::id::InstanceId;
use bridge_http::{BindError, Chosen, ServerOptions, bind, chosen, serve_then};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::generation::{DoorNumber, Generations};

/// What a door is known by: the address as it is configured, so that another instance that is to
/// listen there takes it over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DoorKey {
    pub(super) host: IpAddr,
    pub(super) port: u16,
    /// Set where the kernel chose the port: nobody else can ask for it.
    owner: Option<InstanceId>,
}

impl DoorKey {
    pub(super) fn of(listen: &Listen, instance: &InstanceId) -> Self {
        Self {
            host: listen.host,
            port: listen.port,
            owner: (listen.port == 0).then(|| instance.clone()),
        }
    }
}

/// A bound address at which nothing is accepted yet; what comes waits in the kernel.
pub(super) struct BoundDoor {
    pub(super) number: DoorNumber,
    pub(super) address: SocketAddr,
    listener: TcpListener,
}

impl BoundDoor {
    pub(super) fn bind(key: &DoorKey, number: DoorNumber) -> Result<Self, BindError> {
        let listener = bind(key.host, key.port)?;
        let configured = (key.host, key.port).into();
        let address = listener.local_addr().unwrap_or(configured);
        Ok(Self {
            number,
            address,
            listener,
        })
    }

    /// Begins to accept: until the door is closed, or `stopping` turns true.
    pub(super) fn open(
        self,
        user: InstanceId,
        generations: Arc<Generations>,
        options: ServerOptions,
        mut stopping: watch::Receiver<bool>,
    ) -> Door {
        let Self {
            number,
            address,
            listener,
        } = self;
        let choose = move || {
            let generation = generations.current();
            let endpoint = generation.parts.endpoints.get(&number)?.clone();
            // Held, so that what the request brings can be routed by it, and is waited for.
            Some(Chosen {
                endpoint,
                held: generation,
            })
        };
        let (close, mut closing) = watch::channel(false);
        let stopped = async move {
            // An error means that the other side is gone, which is a reason to stop as well.
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        };
        let (free, freed) = oneshot::channel();
        let free = move || {
            // Whoever waits for the port may have gone.
            free.send(()).ok();
        };
        let service = chosen(choose);
        let task = tokio::spawn(serve_then(listener, service, options, stopped, free));
        Door {
            number,
            address,
            user,
            close,
            freed: Some(freed),
            task: Some(task),
        }
    }
}

/// An address at which requests are answered.
pub(super) struct Door {
    pub(super) number: DoorNumber,
    pub(super) address: SocketAddr,
    /// Who listens here, or did last.
    pub(super) user: InstanceId,
    close: watch::Sender<bool>,
    freed: Option<oneshot::Receiver<()>>,
    /// `None` once it has ended.
    task: Option<JoinHandle<()>>,
}

impl Door {
    /// Gives the port free at once, and lets running requests be answered.
    pub(super) fn close(&self) {
        self.close.send_replace(true);
    }

    /// Waits until the port of a door that was closed can be opened again.
    pub(super) async fn freed(&mut self) {
        if let Some(freed) = self.freed.take() {
            // An error means that its task has ended, and the port is free as well.
            freed.await.ok();
        }
    }

    /// Whether every connection has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.task.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until every connection has ended. May be dropped.
    pub(super) async fn ended(&mut self) {
        if let Some(task) = &mut self.task {
            // An error means that it was cut off, or panicked, which has been reported.
            task.await.ok();
            self.task = None;
        }
    }

    /// Cuts off every connection that is left.
    pub(super) async fn cut_off(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.ended().await;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
