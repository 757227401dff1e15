//! The Parrot driver: callbacks with a shared token come in, text goes out. The platform does not
//! exist; the driver shows what one out of tree looks like.
//!
//! | file | answers for |
//! |---|---|
//! | `settings` | what an operator writes, and what can be wrong with it |
//! | `inbound` | whether a callback is the platform's, and what it brought |
//! | `outbound` | one send, and what a refusal means |
//! | `sandbox` | a Parrot on this machine, for `bridge demo` |
#![warn(missing_docs)]

mod inbound;
mod outbound;
mod sandbox;
mod settings;

use std::fmt;

use bridge_core::capability::Capabilities;
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Listen, Outgoing, Refusal, Report,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::Ports;
use bytes::Bytes;

pub use settings::Settings;

use outbound::Outbound;

/// The key that names a channel.
const ADDRESS_KEY: &str = "perch";

/// One instance of Parrot.
pub struct Parrot {
    outbound: Outbound,
}

impl fmt::Debug for Parrot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parrot").finish_non_exhaustive()
    }
}

impl Driver for Parrot {
    type Settings = Settings;

    const INFO: DriverInfo = DriverInfo::new("parrot", "Parrot: callbacks in, text out")
        .address_keys(&[AddressKey::new(
            ADDRESS_KEY,
            "the perch's name, as `bridge channels` shows it",
        )]);

    fn check(settings: &Settings, report: &mut Report) {
        settings.check(report);
    }

    fn listen(settings: &Settings) -> Option<Listen> {
        settings.listen()
    }

    fn capabilities(_: &Settings) -> Capabilities {
        outbound::capabilities()
    }

    fn open(settings: Settings, ports: Ports) -> Self {
        Self {
            outbound: Outbound::new(settings, ports),
        }
    }

    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal> {
        inbound::verify(&self.outbound.settings.callback_token, request)
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        inbound::decode(raw)
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        self.outbound.send(outgoing).await
    }
}

bridge_core::register_driver!(Parrot);
