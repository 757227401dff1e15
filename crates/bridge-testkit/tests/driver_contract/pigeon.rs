//! A driver for a platform that does not exist: sound, unless a fault is present.

mod acts;
mod inbound;
mod letters;
mod markup;
mod outbound;
mod settings;

use std::sync::Arc;

use bridge_core::capability::{Capabilities, Features, Inbound};
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Identity, Listen, Outgoing, Refusal, Report,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Clock, Ports};
use bytes::Bytes;

use crate::fault::Fault;
pub(crate) use inbound::{ids_of_edit, sign};
pub(crate) use markup::{escaped_len, unescape};
use outbound::Outbound;
use settings::Settings;

/// The largest text that the platform takes, in bytes of what is written to it.
pub(crate) const TEXT_LIMIT: usize = 2000;

pub(crate) struct Pigeon {
    settings: Settings,
    clock: Arc<dyn Clock>,
    outbound: Outbound,
}

impl Driver for Pigeon {
    type Settings = Settings;

    const INFO: DriverInfo = DriverInfo::new("pigeon", "A platform for tests")
        .address_keys(&[AddressKey::new("loft", "the loft's number")]);

    fn check(settings: &Settings, report: &mut Report) {
        settings.check(report);
    }

    fn listen(settings: &Settings) -> Option<Listen> {
        Some(settings.listen())
    }

    fn capabilities(_: &Settings) -> Capabilities {
        let mut capabilities = Capabilities::text(match Fault::LimitTooHigh.is_present() {
            true => 2 * TEXT_LIMIT,
            false => TEXT_LIMIT,
        });
        capabilities.inbound = match Fault::ClaimsNoListener.is_present() {
            true => Inbound::Nothing,
            false => Inbound::Listener,
        };
        capabilities.idempotent_send = true;
        capabilities.text_size = match Fault::CountsByHalves.is_present() {
            true => |text| text.len() / 2,
            false => markup::escaped_len,
        };
        capabilities.shows = Features::ALL;
        capabilities.hears.edits = !Fault::HearsUnclaimedEdits.is_present();
        capabilities
    }

    fn identity(settings: &Settings) -> Option<Identity> {
        Some(settings.identity())
    }

    fn open(settings: Settings, ports: Ports) -> Self {
        if Fault::AsksWhenOpened.is_present() {
            drop(ports.clock.sleep(std::time::Duration::from_secs(1)));
            let request = http::Request::get("http://127.0.0.1:9/hello").body(Bytes::new());
            let asked = ports.http.exchange(request.expect("a URL"));
            drop(futures_util::FutureExt::now_or_never(asked));
        }
        if Fault::LogsSecret.is_present() {
            tracing::debug!(hook = settings.hook_secret.expose(), "opened");
        }
        Self {
            clock: Arc::clone(&ports.clock),
            outbound: Outbound::new(settings.clone(), ports),
            settings,
        }
    }

    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal> {
        inbound::verify(&self.settings, request, self.clock.now())
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        if Fault::AsksWhileDecoding.is_present() {
            self.outbound.ask_for_nothing();
        }
        inbound::decode(raw)
    }

    async fn answer(
        &self,
        request: &http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Refusal> {
        letters::answer(&self.settings, request)
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        self.outbound.send(outgoing).await
    }

    async fn probe(&self) -> Result<Option<&'static str>, SendError> {
        if !Fault::ProbesNothing.is_present() {
            self.outbound.probe().await?;
        }
        Ok(Some("fetched a token"))
    }
}
