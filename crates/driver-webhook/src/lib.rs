//! The webhook driver: messages go out as JSON, signed as Standard Webhooks asks for, or into a
//! mailbox that a bot reads with a cursor; they come in the same way.
//!
//! | file | answers for |
//! |---|---|
//! | `settings` | what an operator writes, and what can be wrong with it |
//! | `signature` | Standard Webhooks: making and checking signatures |
//! | `bearer` | whether a caller shows the `read_token` |
//! | `payload` | the JSON of one send |
//! | `outbound` | one send |
//! | `errors` | what a receiver's status means |
//! | `inbound` | what a request brought |
//! | `reading` | `GET /messages`: the cursor, long polls |
//!
//! A receiver recognises a repeated send by its id, so sends are idempotent. Nothing that a message
//! holds decides where a request goes.
#![warn(missing_docs)]

mod bearer;
mod errors;
mod inbound;
mod outbound;
mod payload;
mod reading;
mod settings;
mod signature;

use std::fmt;
use std::sync::Arc;

use bridge_core::capability::Capabilities;
use bridge_core::driver::{
    Batch, Driver, DriverInfo, Listen, MsgForm, MsgKey, Outgoing, Refusal, Report,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Clock, Ports};
use bytes::Bytes;

pub use settings::Settings;
pub use signature::{SigningKeys, UnusableSecret};

use bearer::Bearer;
use outbound::Outbound;
use reading::Reading;

/// One webhook.
pub struct Webhook {
    /// Empty if the operator set no `secrets`: callers show the `read_token` then.
    keys: SigningKeys,
    /// `None` without a listener.
    bearer: Option<Bearer>,
    clock: Arc<dyn Clock>,
    outbound: Outbound,
    reading: Reading,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Driver for Webhook {
    type Settings = Settings;

    const INFO: DriverInfo = DriverInfo::new(
        "webhook",
        "any program, both ways: signed JSON by Standard Webhooks, and a mailbox that bots read",
    )
    .msg_keys(&[MsgKey::new(
        "fields",
        MsgForm::Templates,
        "Further keys of the JSON that is sent, each a text with the placeholders of `msg_format`, such as `{\"sender\": \"{user}\"}`.",
    )
    .reserved(payload::KEYS)]);

    fn check(settings: &Settings, report: &mut Report) {
        settings.check(report);
    }

    fn listen(settings: &Settings) -> Option<Listen> {
        settings.listen()
    }

    fn capabilities(settings: &Settings) -> Capabilities {
        outbound::capabilities(settings)
    }

    fn open(settings: Settings, ports: Ports) -> Self {
        let keys = settings.keys();
        Self {
            bearer: settings.read_token.as_ref().map(Bearer::new),
            clock: Arc::clone(&ports.clock),
            reading: Reading::new(&ports),
            outbound: Outbound::new(&settings, keys.clone(), ports),
            keys,
        }
    }

    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal> {
        match (self.keys.is_empty(), &self.bearer) {
            (false, _) => {
                let now = self.clock.now();
                self.keys.verify(request.headers(), request.body(), now)
            }
            (true, Some(bearer)) => bearer.verify(request.headers()),
            // Not even the check let such settings pass.
            (true, None) => Err(Refusal::new("closed", "there is nothing to verify by")),
        }
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        inbound::decode(raw)
    }

    fn complete(&self, headers: &http::HeaderMap, batch: &mut Batch) {
        inbound::complete(headers, batch);
    }

    async fn answer(
        &self,
        request: &http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Refusal> {
        match &self.bearer {
            Some(bearer) => bearer.verify(request.headers())?,
            None => return Err(Refusal::new("closed", "there is no `read_token`")),
        }
        Ok(self.reading.answer(request.uri().query()).await)
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        self.outbound.send(outgoing).await
    }
}

bridge_core::register_driver!(Webhook);
