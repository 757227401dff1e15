//! What a platform driver must do. Authors implement [`Driver`]; the framework holds its erased
//! twin, [`ErasedDriver`], which every `Driver` is.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::BoxFuture;
use crate::capability::Capabilities;
use crate::id::Address;
use crate::message::Message;
use crate::outcome::{SendError, Sent};
use crate::ports::Ports;

pub use report::Report;

mod report;

/// A platform.
///
/// A driver opens no socket, reads no file and no clock: all of that comes through [`Ports`]. It
/// knows no rule, no store and no other driver.
///
/// The numbered sentences here and at the methods are the contract. `bridge_testkit::driver_contract`
/// holds a driver to them; a check that fails quotes the sentence it holds.
///
/// - N1: Platform and address keys are lower-case words, and address keys are described.
/// - N2: Nothing that a driver logs or reports holds a secret or the text of a message.
pub trait Driver: Sized + Send + Sync + 'static {
    /// The keys below `<platform>.<instance>` of the config. The doc comment of each field is the
    /// key's description for operators. Use `#[serde(deny_unknown_fields)]` and
    /// [`Secret`](crate::secret::Secret) for what must not be shown.
    ///
    /// - S1: A key that is not known is refused, by its name.
    /// - S2: A required key that is missing and a value of another type are refused, by the key's name.
    /// - S3: Every key is described.
    /// - S4: What must not be shown is of a type that hides it: no `Debug`, error or schema shows it.
    type Settings: DeserializeOwned + JsonSchema + fmt::Debug + Send + Sync + 'static;

    /// Names and keys of the platform.
    const INFO: DriverInfo;

    /// Reports what is wrong with settings whose types are right.
    ///
    /// - C1: Pure: the same settings give the same report.
    /// - C2: Settings that work give no error.
    /// - C3: What is reported names a key of the settings.
    /// - Called by `check` and before every start; after an error, [`Driver::open`] is not called.
    fn check(settings: &Self::Settings, report: &mut Report);

    /// Where the platform's callbacks come in; `None` if it has no webhook.
    ///
    /// - L1: The path begins with a slash.
    fn listen(settings: &Self::Settings) -> Option<Listen>;

    /// What a channel of these settings can show.
    ///
    /// - K1: Some text fits, no part counts as more than its whole, and no two parts as less.
    fn capabilities(settings: &Self::Settings) -> Capabilities;

    /// Whom the platform takes an instance with these settings for; `None` if nothing tells, or if
    /// the platform doesn't mind two instances being one. The check warns of two instances with one
    /// identity.
    ///
    /// - I1: Pure, as [`Driver::check`] is. The value is compared and never shown; no secret.
    fn identity(_settings: &Self::Settings) -> Option<Identity> {
        None
    }

    /// Makes the driver of one instance.
    ///
    /// - O1: Does nothing else: no request, no task.
    fn open(settings: Self::Settings, ports: Ports) -> Self;

    /// Says whether a raw request is the platform's; the refusal is for the log.
    ///
    /// - Called once per request to the listener's path with its method, body read whole, and
    ///   before anything is parsed.
    /// - V1: What the platform signed passes.
    /// - V2: All else is refused: anything signed that has changed, a header that is missing or repeated.
    /// - V3: What was signed too long ago is refused, and what was signed in the future, if the platform signs a time.
    /// - V4: Compares raw bytes, in constant time, and parses nothing of the body.
    /// - V5: Pure but for the clock port; must not block.
    /// - V6: A refusal holds neither a secret nor the signature that would have passed.
    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal>;

    /// Says what a request brings; an error is a request that is not of the platform's form.
    ///
    /// - Called only with what [`Driver::verify`] let pass, and by `bridge explain` with a body from
    ///   a file: then without headers.
    /// - D1: What the platform sends becomes the messages that were said, in their order.
    /// - D2: Pure but for the clock port; must not block. The same bytes give the same messages and ids.
    /// - D3: Takes any bytes: what makes no sense is an error or ignored, never a panic.
    /// - D4: A message has something to say, and its address has exactly the platform's address keys, none empty.
    /// - D5: What the instance itself said is no message, unless the capabilities say that it hears its own sends.
    /// - D6: Needs no headers.
    fn decode(&self, request: &http::Request<Bytes>) -> Result<Batch, Refusal>;

    /// Sends one part of a delivery.
    ///
    /// - Called for one part at a time per channel, in order; for several channels at once.
    /// - `outgoing.text` fits [`Driver::capabilities`].
    /// - T1: The text reaches the channel of the address whole, as it is.
    /// - T2: Whatever fits the capabilities can be sent.
    /// - T3: A send is delivered only once the platform has said so; nothing is kept for later.
    /// - T4: Does not retry: the error's advice says what the framework should do. (Refreshing a credential and calling once more is not a retry.)
    /// - T5: If the capabilities promise an idempotent send, each try of a part carries its key, and no other part does.
    /// - T6: Sends to several channels run at once and don't mix.
    /// - T7: May be dropped at any await, and may fail; must then leave the driver usable.
    /// - T8: What is dropped counts as perhaps delivered, unless it was [`Outgoing::preparing`]: then no send was asked for.
    /// - T9: A credential that the platform no longer accepts is replaced.
    /// - T10: An address without the platform's keys is rejected before anything is asked.
    ///
    /// The error tells what became of the send:
    ///
    /// - R1: A request that was never written: not delivered, and tried again.
    /// - R2: A request that was written and not answered: nobody knows, and it is tried again.
    /// - R3: A failure on the platform's side is tried again; one of a gateway in between leaves it unknown.
    /// - R4: An answer of success that makes no sense is no success, and nobody knows.
    /// - R5: What the platform refuses for good is rejected, not delivered, and never tried again.
    /// - R6: What the platform throttles is not delivered and tried again, not before the pause it asks for.
    /// - R7: Refused credentials are told as such; nothing was delivered.
    /// - R8: As long as no send was asked for, nothing was delivered, whatever failed.
    /// - R9: The detail is one line of at most 1000 characters.
    fn send(&self, outgoing: &Outgoing) -> impl Future<Output = Result<Sent, SendError>> + Send;

    /// Tries whether the platform accepts the settings, for `check --online`. Says what was done, as
    /// a clause without a subject: `fetched an access token`; `None` if there is nothing to try.
    ///
    /// - Called on a driver that was just opened and does nothing else.
    /// - P1: Sends no message, and changes nothing that people see.
    /// - P2: Asks the platform itself: nothing that was kept from before counts.
    /// - P3: An error of the kind `Unauthorized` or `Rejected` says that the settings are wrong; its detail names the keys to look at. All others say nothing about the settings.
    fn probe(&self) -> impl Future<Output = Result<Option<&'static str>, SendError>> + Send {
        std::future::ready(Ok(None))
    }
}

/// Names and keys of a platform.
#[derive(Debug, Clone, Copy)]
pub struct DriverInfo {
    /// The platform's name: the key in the config under which its instances stand.
    pub platform: &'static str,
    /// One line for `bridge drivers`.
    pub summary: &'static str,
    /// The keys that name a channel; all are needed in `to` and `channels`.
    pub address_keys: &'static [AddressKey],
}

/// A key that names a channel.
#[derive(Debug, Clone, Copy)]
pub struct AddressKey {
    /// As it stands in the rules.
    pub name: &'static str,
    /// What it is and where an operator finds it.
    pub description: &'static str,
}

/// Whom a platform takes an instance for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The settings key that says it.
    pub key: &'static str,
    /// What is equal exactly if the platform sees one robot.
    pub value: String,
    /// What happens to two instances that are one robot, as a clause: `the platform calls only one
    /// of the two`.
    pub consequence: &'static str,
}

/// Where an instance listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address to bind.
    pub host: IpAddr,
    /// The port to bind; 0 lets the kernel choose.
    pub port: u16,
    /// The path, beginning with `/`; it also answers with one trailing slash more or less.
    pub path: String,
    /// The only method that is answered.
    pub method: http::Method,
}

/// What a raw request turned out to be.
#[derive(Debug)]
pub enum Received {
    /// Authentic and understood.
    Accepted(Batch),
    /// Not authentic: answered 401 without a word. The reason is for the log.
    Unauthorized(Refusal),
    /// Authentic, but not of the platform's form: answered 400 without a word.
    Malformed(Refusal),
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A short name by which refusals are counted and their log lines limited, such as `stale`.
    pub reason: &'static str,
    /// The particulars, such as the skew. Never what the caller sent beyond what a log can bear.
    pub detail: String,
}

/// What an authentic request brought.
#[derive(Debug)]
pub struct Batch {
    /// In the order in which they were said; may be empty.
    pub events: Vec<Event>,
    /// What the platform wants to hear once all messages are safe. Always sent with status 200.
    pub answer: Answer,
    /// Things the operator should know once.
    pub notices: Vec<Notice>,
}

/// One thing that an authentic request brought.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Something was said.
    Message(Message),
    /// Something that can't be forwarded.
    Ignored(Ignored),
}

/// Something that can't be forwarded, for a reason that is counted and recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// A short name such as `private_chat`; few different ones.
    pub reason: &'static str,
    /// The platform's id of the message, if it has one.
    pub message_id: Option<String>,
    /// The channel, if it has one.
    pub address: Option<Address>,
}

/// The body of a webhook's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// An answer of JSON text.
    pub const fn json(body: &'static str) -> Self {
        Self {
            content_type: "application/json",
            body: Bytes::from_static(body.as_bytes()),
        }
    }
}

/// Something the operator should know; logged once per `key` and run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about; a repeated key is not logged again.
    pub key: String,
    /// The sentence.
    pub text: String,
}

/// One send: a part of a delivery, fitted to the channel. Clones are the same send.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outgoing {
    /// The channel to send to.
    pub address: Address,
    /// The text; never empty, never larger than the capabilities allow.
    pub text: String,
    /// The same on every try of this part and on no other: the idempotency key for platforms that
    /// take one.
    pub key: String,
    is_preparing: Arc<AtomicBool>,
}

impl Outgoing {
    /// The part `text` of a delivery to `address`.
    pub fn new(address: Address, text: impl Into<String>, key: impl Into<String>) -> Self {
        let (text, key, is_preparing) = (text.into(), key.into(), Arc::default());
        Self {
            address,
            text,
            key,
            is_preparing,
        }
    }

    /// For the driver: what is done now, such as fetching a credential, delivers nothing. If the
    /// try is given up meanwhile, it is known not to be delivered.
    pub fn preparing(&self) {
        self.is_preparing.store(true, Relaxed);
    }

    /// For the driver: from here on the platform may take the send.
    pub fn sending(&self) {
        self.is_preparing.store(false, Relaxed);
    }

    /// Whether the driver said that nothing can be delivered yet.
    pub fn is_preparing(&self) -> bool {
        self.is_preparing.load(Relaxed)
    }
}

/// A [`Driver`] without its types, as the framework holds it.
pub trait ErasedDriver: Send + Sync {
    /// Authenticates a raw request, then decodes it: in this order, whatever the driver.
    fn receive(&self, request: &http::Request<Bytes>) -> Received {
        if let Err(refusal) = self.verify(request) {
            return Received::Unauthorized(refusal);
        }
        match self.decode(request) {
            Ok(batch) => Received::Accepted(batch),
            Err(refusal) => Received::Malformed(refusal),
        }
    }

    /// See [`Driver::verify`].
    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal>;

    /// See [`Driver::decode`].
    fn decode(&self, request: &http::Request<Bytes>) -> Result<Batch, Refusal>;

    /// See [`Driver::send`].
    fn send<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>>;

    /// See [`Driver::probe`].
    fn probe(&self) -> BoxFuture<'_, Result<Option<&'static str>, SendError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

impl<D: Driver> ErasedDriver for D {
    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal> {
        Driver::verify(self, request)
    }

    fn decode(&self, request: &http::Request<Bytes>) -> Result<Batch, Refusal> {
        Driver::decode(self, request)
    }

    fn send<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(Driver::send(self, outgoing))
    }

    fn probe(&self) -> BoxFuture<'_, Result<Option<&'static str>, SendError>> {
        Box::pin(Driver::probe(self))
    }
}
