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

/// A platform.
///
/// A driver opens no socket, reads no file and no clock: all of that comes through [`Ports`]. It
/// knows no rule, no store and no other driver.
pub trait Driver: Sized + Send + Sync + 'static {
    /// The keys below `<platform>.<instance>` of the config. The doc comment of each field is the
    /// key's description for operators. Use `#[serde(deny_unknown_fields)]` and
    /// [`Secret`](crate::secret::Secret) for what must not be shown.
    type Settings: DeserializeOwned + JsonSchema + fmt::Debug + Send + Sync + 'static;

    /// Names and keys of the platform.
    const INFO: DriverInfo;

    /// Reports what is wrong with settings whose types are right.
    ///
    /// - Pure: the same settings give the same report.
    /// - Called by `check` and before every start; after an error, [`Driver::open`] is not called.
    fn check(settings: &Self::Settings, report: &mut Report);

    /// Where the platform's callbacks come in; `None` if it has no webhook.
    fn listen(settings: &Self::Settings) -> Option<Listen>;

    /// What a channel of these settings can show.
    fn capabilities(settings: &Self::Settings) -> Capabilities;

    /// Whom the platform takes an instance with these settings for; `None` if nothing tells, or if
    /// the platform doesn't mind two instances being one. The check warns of two instances with one
    /// identity.
    ///
    /// - Pure, as [`Driver::check`] is. The value is compared and never shown; no secret.
    fn identity(_settings: &Self::Settings) -> Option<Identity> {
        None
    }

    /// Makes the driver of one instance. Does nothing else: no request, no task.
    fn open(settings: Self::Settings, ports: Ports) -> Self;

    /// Says whether a raw request is the platform's; the refusal is for the log.
    ///
    /// - Called once per request to the listener's path with its method, body read whole, and
    ///   before anything is parsed.
    /// - Compares raw bytes, in constant time, and parses nothing of the body.
    /// - Pure but for the clock port; must not block.
    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal>;

    /// Says what a request brings; an error is a request that is not of the platform's form.
    ///
    /// - Called only with what [`Driver::verify`] let pass, and by `bridge explain` with a body from
    ///   a file: then without headers.
    /// - Pure but for the clock port; must not block.
    fn decode(&self, request: &http::Request<Bytes>) -> Result<Batch, Refusal>;

    /// Sends one part of a delivery.
    ///
    /// - Called for one part at a time per channel, in order; for several channels at once.
    /// - `outgoing.text` fits [`Driver::capabilities`].
    /// - Does not retry: the error's advice says what the framework should do. (Refreshing a
    ///   credential and calling once more is not a retry.)
    /// - May be dropped at any await; must then leave the driver usable. What is dropped counts as
    ///   perhaps delivered, unless it was [`Outgoing::preparing`].
    fn send(&self, outgoing: &Outgoing) -> impl Future<Output = Result<Sent, SendError>> + Send;
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

/// Collects what [`Driver::check`] finds.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) findings: Vec<Finding>,
}

/// One thing that [`Driver::check`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) is_error: bool,
    pub(crate) key: &'static str,
    pub(crate) problem: String,
    pub(crate) help: String,
}

impl Report {
    /// What would refuse, lose or leak a message. `key` is the settings key; `problem` says what
    /// is wrong (never a secret's value), `help` what to write instead.
    pub fn error(
        &mut self,
        key: &'static str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(true, key, problem.into(), help.into());
    }

    /// What an operator should know and may live with.
    pub fn warning(
        &mut self,
        key: &'static str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(false, key, problem.into(), help.into());
    }

    /// The problem of every error, for tests of drivers.
    pub fn errors(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.of(true)
    }

    /// The problem of every warning, for tests of drivers.
    pub fn warnings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.of(false)
    }

    fn of(&self, is_error: bool) -> impl Iterator<Item = (&'static str, &str)> {
        let findings = self
            .findings
            .iter()
            .filter(move |finding| finding.is_error == is_error);
        findings.map(|finding| (finding.key, &*finding.problem))
    }

    fn push(&mut self, is_error: bool, key: &'static str, problem: String, help: String) {
        self.findings.push(Finding {
            is_error,
            key,
            problem,
            help,
        });
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
}
