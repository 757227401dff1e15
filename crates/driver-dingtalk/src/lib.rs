//! The DingTalk driver: group messages to a robot in HTTP mode come in as signed callbacks, text
//! goes out through the Robot v1.0 API.
//!
//! | file | answers for |
//! |---|---|
//! | `settings` | what an operator writes, and what can be wrong with it |
//! | `signature` | whether a callback is DingTalk's |
//! | `inbound` | what a callback brought |
//! | `outbound` | one send |
//! | `token` | the access token |
//! | `errors` | what a refusal means |
//! | `api`, `wire` | requests, and the JSON that DingTalk sends |
//!
//! DingTalk's limits: a robot hears only the group messages that mention it, callbacks need a
//! public address (HTTPS, as the signature does not cover the body), and a send has no idempotency
//! key, so that one whose answer is lost may be shown twice.
#![warn(missing_docs)]

mod api;
mod errors;
mod inbound;
mod outbound;
mod settings;
mod signature;
mod token;
mod wire;

use std::fmt;
use std::sync::Arc;

use bridge_core::capability::Capabilities;
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Identity, Listen, Outgoing, Refusal, Report,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Clock, Ports};
use bytes::Bytes;

pub use settings::Settings;
pub use signature::sign;

use outbound::Outbound;
use signature::Verifier;

/// One DingTalk robot.
pub struct DingTalk {
    robot_code: String,
    /// `None` if the operator set no `signing_secret`: nothing is verified then.
    verifier: Option<Verifier>,
    clock: Arc<dyn Clock>,
    outbound: Outbound,
}

impl fmt::Debug for DingTalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DingTalk")
            .field("robot_code", &self.robot_code)
            .finish_non_exhaustive()
    }
}

impl Driver for DingTalk {
    type Settings = Settings;

    const INFO: DriverInfo = DriverInfo::new(
        "dingtalk",
        "DingTalk group robots: signed HTTP callbacks in, text by the Robot v1.0 API out",
    )
    .address_keys(&[AddressKey::new(
        inbound::ADDRESS_KEY,
        "the group's open conversation id (cid…); mention the robot in the group and `bridge channels` shows it",
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

    fn identity(settings: &Settings) -> Option<Identity> {
        Some(settings.identity())
    }

    fn open(settings: Settings, ports: Ports) -> Self {
        Self {
            robot_code: settings.robot_code.clone(),
            verifier: settings
                .signing_secret
                .as_ref()
                .map(|secrets| Verifier::new(secrets.iter())),
            clock: Arc::clone(&ports.clock),
            outbound: Outbound::new(settings, ports),
        }
    }

    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal> {
        match &self.verifier {
            Some(verifier) => verifier.verify(request.headers(), self.clock.now()),
            None => Ok(()),
        }
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        inbound::decode(raw, &self.robot_code)
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        self.outbound.send(outgoing).await
    }

    async fn probe(&self) -> Result<Option<&'static str>, SendError> {
        self.outbound.probe().await?;
        Ok(Some("fetched an access token"))
    }
}

bridge_core::register_driver!(DingTalk);
