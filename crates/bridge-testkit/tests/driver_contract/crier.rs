//! A driver that asks a platform that does not exist again and again: sound, unless a fault is present.

pub(crate) mod subject;

use std::sync::Arc;
use std::time::Duration;

use bridge_core::capability::{Capabilities, Inbound};
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Event, Outgoing, Refusal, RunError, Work,
};
use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::{Clock, HttpError, HttpErrorKind, Ports};
use bridge_core::secret::Secret;
use bytes::Bytes;
use http::{Request, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::Fault;

const NAMES: [&str; 2] = ["crier", "CRIER"];

const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The key of the API.
    key: Secret,
}

/// What a driver is called is a constant, which no fault can change: this one has another name if it
/// shouts.
pub(crate) struct Crier<const SHOUTS: bool = false> {
    settings: Settings,
    ports: Ports,
}

impl<const SHOUTS: bool> Driver for Crier<SHOUTS> {
    type Settings = Settings;

    const INFO: DriverInfo = DriverInfo::new(NAMES[SHOUTS as usize], "A platform for tests")
        .address_keys(&[AddressKey::new("square", "the square's name")]);

    fn capabilities(_: &Settings) -> Capabilities {
        let mut capabilities = Capabilities::text(1000);
        capabilities.inbound = Inbound::Polling;
        capabilities
    }

    fn open(settings: Settings, ports: Ports) -> Self {
        Self { settings, ports }
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        let body: Value = serde_json::from_slice(raw).map_err(|_| Refusal::new("not_json", ""))?;
        let cried = body["cried"].as_array().into_iter().flatten();
        let events = cried.filter_map(|cried| {
            let text = |key: &str| cried[key].as_str().filter(|text| !text.trim().is_empty());
            let address = Address::new([("square", text("square")?)]);
            let message = Message::new(address, Sender::default(), text("text")?);
            Some(Event::Message(message))
        });
        let mut events: Vec<_> = events.collect();
        if Fault::CriesBackwards.is_present() {
            events.reverse();
        }
        Ok(Batch {
            events,
            ..Batch::default()
        })
    }

    async fn run(&self, work: &dyn Work) -> Result<(), RunError> {
        if Fault::PollsWhenTold.is_present() {
            return self.poll(work).await;
        }
        tokio::select! {
            ended = self.poll(work) => ended,
            () = work.stopping() => Ok(()),
        }
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let square = outgoing.address.get("square");
        let square = square.ok_or_else(|| SendError::rejected("cry", "no `square`"))?;
        let body = json!({ "square": square, "text": outgoing.text }).to_string();
        let answer = self
            .ask(Request::post("http://127.0.0.1:9/cry"), body)
            .await;
        let answer = answer.map_err(|error| SendError {
            operation: "cry",
            ..error.into()
        })?;
        match answer.status().as_u16() {
            200 => Ok(Sent::default()),
            401 => Err(unauthorized()),
            429 => Err(SendError::temporary(
                ErrorKind::Throttled,
                pause(&answer),
                "cry",
                "too loud",
            )),
            300..=499 => Err(SendError::rejected("cry", "refused")),
            _ => Err(SendError {
                certainty: Certainty::Unknown,
                ..SendError::uncertain(ErrorKind::Unavailable, "cry", "it fails")
            }),
        }
    }
}

fn unauthorized() -> SendError {
    let advice = RetryAdvice::Backoff(Scope::Instance);
    SendError::temporary(ErrorKind::Unauthorized, advice, "cry", "look at `key`")
}

fn pause(answer: &Response<Bytes>) -> RetryAdvice {
    let header = answer.headers().get(http::header::RETRY_AFTER);
    let text = header.and_then(|value| value.to_str().ok());
    let secs = text.map(|text| match text.parse::<u64>() {
        Err(error) if Fault::PanicsOnOddRetryAfter.is_present() => panic!("{error}"),
        read => read.ok(),
    });
    match secs.flatten() {
        Some(secs) if !Fault::IgnoresRetryAfter.is_present() => {
            RetryAdvice::After(Duration::from_secs(secs.max(1)), Scope::Instance)
        }
        _ => RetryAdvice::Backoff(Scope::Instance),
    }
}

fn throttled(answer: &Response<Bytes>) -> RunError {
    let throttled = RunError::new(ErrorKind::Throttled, "asked too often");
    match pause(answer) {
        RetryAdvice::After(pause, _) if !Fault::DropsThePause.is_present() => {
            throttled.after(pause)
        }
        _ => throttled,
    }
}

impl<const SHOUTS: bool> Crier<SHOUTS> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.ports.clock
    }

    async fn ask(
        &self,
        request: http::request::Builder,
        body: String,
    ) -> Result<Response<Bytes>, HttpError> {
        let request = request.header("x-crier-key", self.settings.key.expose());
        let request = request.body(Bytes::from(body)).expect("plain headers");
        self.ports.http.exchange(request).await
    }

    async fn poll(&self, work: &dyn Work) -> Result<(), RunError> {
        let mut after = 0;
        if Fault::ReachedBeforeAsking.is_present() {
            work.reached();
        }
        loop {
            let asked = Request::get(format!("http://127.0.0.1:9/cried?after={after}"));
            let answer = match self.ask(asked, String::new()).await {
                Ok(answer) => answer,
                Err(_) if Fault::AsksForever.is_present() => {
                    self.clock().sleep(PAUSE).await;
                    continue;
                }
                Err(error)
                    if Fault::TakesSilenceForQuiet.is_present()
                        && error.kind == HttpErrorKind::Timeout =>
                {
                    continue;
                }
                Err(error) => return Err(RunError::new(ErrorKind::Unavailable, error.detail)),
            };
            if answer.status() == 401 {
                let kind = match Fault::HidesRefusedKey.is_present() {
                    true => ErrorKind::Protocol,
                    false => ErrorKind::Unauthorized,
                };
                return Err(RunError::new(kind, "look at `key`"));
            }
            if answer.status() == 429 {
                return Err(throttled(&answer));
            }
            work.reached();
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            let next = body["next"].as_u64().unwrap_or(after);
            if Fault::AsksPastEarly.is_present() && next > after {
                let asked = Request::get(format!("http://127.0.0.1:9/cried?after={next}"));
                self.ask(asked, String::new()).await.ok();
            }
            let batch = || {
                let batch = Driver::decode(self, answer.body());
                batch.map_err(|_| RunError::new(ErrorKind::Protocol, "no JSON"))
            };
            while let Err(busy) = work.take(batch()?).await {
                if Fault::ForgetsRefused.is_present() {
                    break;
                }
                self.clock().sleep(busy.retry_after).await;
            }
            if next == after && !Fault::AsksAtOnce.is_present() {
                self.clock().sleep(PAUSE).await;
            }
            after = next;
        }
    }
}
