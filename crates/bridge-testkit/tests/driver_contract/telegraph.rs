//! A driver that keeps a connection to a platform that does not exist: sound, unless a fault is present.

mod connection;
mod lines;
mod link;
pub(crate) mod office;
mod outbound;
pub(crate) mod subject;
mod wire;

use std::sync::Arc;

use bridge_core::capability::{Capabilities, Inbound};
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Outgoing, Refusal, RunError, Work,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{DialTarget, Ports, Security};
use bridge_core::secret::Secret;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fault::Fault;
use link::Link;

/// The largest text that the platform takes, in bytes.
pub(crate) const TEXT_LIMIT: usize = 400;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The office.
    pub(crate) server: String,
    /// What the office knows the instance by.
    pub(crate) token: Secret,
}

pub(crate) struct Telegraph {
    settings: Settings,
    ports: Ports,
    link: Link,
}

impl Driver for Telegraph {
    type Settings = Settings;

    const INFO: DriverInfo = DriverInfo::new("telegraph", "A platform for tests")
        .address_keys(&[AddressKey::new("town", "the town's name")]);

    fn capabilities(_: &Settings) -> Capabilities {
        let mut capabilities = Capabilities::text(TEXT_LIMIT);
        capabilities.inbound = match Fault::ClaimsPolling.is_present() {
            true => Inbound::Polling,
            false => Inbound::Connection,
        };
        capabilities.idempotent_send = true;
        capabilities.line_breaks = false;
        capabilities.shows.recalls = true;
        capabilities
    }

    fn open(settings: Settings, ports: Ports) -> Self {
        if Fault::ConnectsWhenOpened.is_present() {
            let dialled = ports.dial.dial(target(&settings));
            drop(futures_util::FutureExt::now_or_never(dialled));
        }
        Self {
            settings,
            ports,
            link: Link::default(),
        }
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        wire::decode(raw)
    }

    async fn run(&self, work: &dyn Work) -> Result<(), RunError> {
        connection::run(self, work).await
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        outbound::send(self, outgoing).await
    }

    async fn probe(&self) -> Result<Option<&'static str>, SendError> {
        connection::probe(self).await?;
        Ok(Some("was welcomed by the office"))
    }
}

fn target(settings: &Settings) -> DialTarget {
    DialTarget {
        host: settings.server.clone(),
        port: 7000,
        security: Security::Tls,
    }
}

impl Telegraph {
    fn clock(&self) -> &Arc<dyn bridge_core::ports::Clock> {
        &self.ports.clock
    }
}
