//! What a platform driver must do. Authors implement [`Driver`]; the framework holds its erased
//! twin, [`ErasedDriver`], which every `Driver` is.

use std::fmt;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::BoxFuture;
use crate::capability::Capabilities;
use crate::outcome::{SendError, Sent};
use crate::ports::Ports;

pub use event::{Answer, Batch, Change, ChangeKind, Event, Identified, Ignored, Notice};
pub use info::{AddressKey, DriverInfo, Identity, Listen, MsgForm, MsgKey};
pub use outgoing::{Act, Outgoing};
pub use report::Report;
pub use signed::{decimal, only_header, refuse_stale};
pub use work::{Busy, RunError, Work};

mod event;
mod info;
mod outgoing;
mod report;
mod signed;
mod work;

/// A platform.
///
/// A driver opens no socket, reads no file and no clock: all of that comes through [`Ports`]. It
/// knows no rule, no store and no other driver.
///
/// Every driver has settings, capabilities and a way to send. How messages come in is one of three,
/// or none: callbacks at a listener ([`Driver::listen`], [`Driver::verify`]), a connection that the
/// driver keeps, or a platform that it asks again and again (both [`Driver::run`]). In all of them
/// [`Driver::decode`] says what came. The rest is optional, and claimed in [`Capabilities`].
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
    /// - A secret may be a stand-in: [`Secret::is_stand_in`](crate::secret::Secret::is_stand_in).
    fn check(_settings: &Self::Settings, _report: &mut Report) {}

    /// Where the platform's callbacks come in; `None` if there are none.
    ///
    /// - L1: The path begins with a slash.
    fn listen(_settings: &Self::Settings) -> Option<Listen> {
        None
    }

    /// What an instance with these settings hears, and what its channels can show.
    ///
    /// - K1: Some text fits, no part counts as more than its whole, and no two parts as less.
    /// - K2: The way in is a listener exactly where [`Driver::listen`] gives one.
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

    /// Says whether a raw request is the platform's; the refusal is for the log. Without a listener
    /// there are no requests.
    ///
    /// - Called once per request to the listener's path with its method, body read whole, and
    ///   before anything is parsed.
    /// - V1: What the platform signed passes.
    /// - V2: All else is refused: anything signed that has changed, a header that is missing or repeated.
    /// - V3: What was signed too long ago is refused, and what was signed in the future, if the platform signs a time.
    /// - V4: Compares raw bytes, in constant time, and parses nothing of the body.
    /// - V5: Pure but for the clock port; must not block.
    /// - V6: A refusal holds neither a secret nor the signature that would have passed.
    fn verify(&self, _request: &http::Request<Bytes>) -> Result<(), Refusal> {
        Err(Refusal::new("no_listener", "the driver takes no callbacks"))
    }

    /// Says what the platform's bytes bring: the body of a callback, a frame or a line of a
    /// connection, the answer to a poll. An error is what is not of the platform's form.
    ///
    /// - Called only with the bodies that [`Driver::verify`] let pass, by the driver itself with
    ///   what came over its connection, and by `bridge explain` with a file.
    /// - D1: What the platform sends becomes the messages that were said, in their order.
    /// - D2: Pure but for the clock port; must not block. The same bytes give the same messages and ids.
    /// - D3: Takes any bytes: what makes no sense is an error or ignored, never a panic.
    /// - D4: A message has something to say, and its address has exactly the platform's address keys, none empty.
    /// - D5: What the instance itself said is no message, unless the capabilities say that it hears its own sends.
    /// - D6: What it brings beside text is among what the capabilities claim to hear.
    /// - D7: A callback that wants an answer of its own, such as a challenge that is to be repeated, gets it.
    /// - D8: A change has an id of its own in the channel, if any, and names its message by the id that the message had.
    /// - D9: Of several that one body brings, one that makes no sense hides no other.
    fn decode(&self, _raw: &Bytes) -> Result<Batch, Refusal> {
        Err(Refusal::new("no_inbound", "the driver takes nothing in"))
    }

    /// Adds to what a callback's body brought what only its headers say, such as the id under which
    /// its sender repeats it.
    ///
    /// - Called after [`Driver::decode`] with the same callback, which [`Driver::verify`] let pass.
    /// - Pure; must not block. Adds and takes away no event.
    fn complete(&self, _headers: &http::HeaderMap, _batch: &mut Batch) {}

    /// Asks the platform for what a callback names by an id alone, such as the names of people, and puts
    /// it into the batch.
    ///
    /// - Called after [`Driver::complete`], if the capabilities say
    ///   [`looks_up`](crate::capability::Capabilities::looks_up). What comes over a connection or a poll
    ///   is looked up in [`Driver::run`], before [`Work::take`].
    /// - Callbacks are looked up at once and taken in the order in which they came. So keep what was
    ///   found, with a bound and for a time: nobody should wait twice for one name.
    /// - Dropped after 2 seconds, at any await. What is not known by then stays as it came, and so does
    ///   what the platform does not tell.
    /// - Adds and takes away no event, and changes no id and no address: a callback that is repeated may
    ///   be looked up with another result.
    fn look_up(&self, _batch: &mut Batch) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Answers a question at one of the paths that [`Driver::listen`] names; the refusal is for the
    /// log, and answered 401.
    ///
    /// - Q1: Refuses, before it looks at anything else, whoever does not show the credential of the settings, compared in constant time.
    /// - Q2: Takes any query and any headers: what makes no sense is answered 400, never a panic.
    fn answer(
        &self,
        _request: &http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, Refusal>> + Send {
        std::future::ready(Err(Refusal::new("no_questions", "the driver answers none")))
    }

    /// The instance's own work: keeps a connection, or asks the platform again and again.
    ///
    /// - Called if the capabilities say [`Inbound::Connection`](crate::capability::Inbound::Connection)
    ///   or [`Inbound::Polling`](crate::capability::Inbound::Polling), beside everything else, and
    ///   again after a pause whenever it has ended: the pause grows up to five minutes.
    /// - W1: Ends with an error when the platform is lost; does not connect twice by itself.
    /// - W2: Ends soon after [`Work::stopping`] resolves; may be dropped at any await, and begun anew.
    /// - W3: Tells the platform that something is taken only once [`Work::take`] has taken it, and brings it again as long as it is refused.
    /// - W4: Takes in what came in the order in which it came.
    /// - W5: Notices a platform that has gone silent: on a connection by the clock port, and where it asks by the error of the HTTP port, which ends every request in time.
    /// - W6: Says [`Work::reached`] once the platform has accepted it, not before.
    /// - W7: Tells refused credentials as such.
    /// - W8: Pauses after an answer that brings nothing, however soon it comes.
    /// - W9: Ends with the pause that the platform asks for where it throttles what the driver asks.
    fn run(&self, _work: &dyn Work) -> impl Future<Output = Result<(), RunError>> + Send {
        std::future::pending()
    }

    /// Sends one part of a delivery.
    ///
    /// - Called for one part at a time per channel, in order; for several channels at once.
    /// - `outgoing` asks for nothing that [`Driver::capabilities`] does not claim.
    /// - T1: The text reaches the channel of the address whole, and people see what it says: markup of the platform's is escaped.
    /// - T2: Whatever fits the capabilities can be sent.
    /// - T3: A send is delivered only once the platform has said so; nothing is kept for later.
    /// - T4: Does not retry: the error's advice says what the framework should do. (Refreshing a credential and calling once more is not a retry.)
    /// - T5: If the capabilities promise an idempotent send, each try of a part carries its key, and no other part does.
    /// - T6: Sends to several channels run at once and don't mix.
    /// - T7: May be dropped at any await, and may fail; must then leave the driver usable.
    /// - T8: What is dropped counts as perhaps delivered, unless it was [`Outgoing::preparing`]: then no send was asked for.
    /// - T9: A credential that the platform no longer accepts is replaced.
    /// - T10: An address without the platform's keys is rejected before anything is asked.
    /// - T11: Whatever the capabilities claim to show beside text is asked of the platform as such.
    /// - T12: What is delivered tells the ids that the platform gave what people see of it, in their order and as they are.
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

impl Refusal {
    /// A refusal for this reason.
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

/// A [`Driver`] without its types, as the framework holds it.
pub trait ErasedDriver: Send + Sync {
    /// Authenticates a raw request, then decodes its body, then looks at its headers again: in this
    /// order, whatever the driver.
    fn receive(&self, request: &http::Request<Bytes>) -> Received {
        if let Err(refusal) = self.verify(request) {
            return Received::Unauthorized(refusal);
        }
        match self.decode(request.body()) {
            Ok(mut batch) => {
                self.complete(request.headers(), &mut batch);
                Received::Accepted(batch)
            }
            Err(refusal) => Received::Malformed(refusal),
        }
    }

    /// See [`Driver::verify`].
    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal>;

    /// See [`Driver::decode`].
    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal>;

    /// See [`Driver::complete`].
    fn complete(&self, _headers: &http::HeaderMap, _batch: &mut Batch) {}

    /// See [`Driver::look_up`].
    fn look_up<'a>(&'a self, _batch: &'a mut Batch) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    /// See [`Driver::answer`].
    fn answer<'a>(
        &'a self,
        _request: &'a http::Request<Bytes>,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, Refusal>> {
        let refusal = Refusal::new("no_questions", "the driver answers none");
        Box::pin(std::future::ready(Err(refusal)))
    }

    /// See [`Driver::run`].
    fn run<'a>(&'a self, _work: &'a dyn Work) -> BoxFuture<'a, Result<(), RunError>> {
        Box::pin(std::future::pending())
    }

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

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        Driver::decode(self, raw)
    }

    fn complete(&self, headers: &http::HeaderMap, batch: &mut Batch) {
        Driver::complete(self, headers, batch);
    }

    fn look_up<'a>(&'a self, batch: &'a mut Batch) -> BoxFuture<'a, ()> {
        Box::pin(Driver::look_up(self, batch))
    }

    fn answer<'a>(
        &'a self,
        request: &'a http::Request<Bytes>,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, Refusal>> {
        Box::pin(Driver::answer(self, request))
    }

    fn run<'a>(&'a self, work: &'a dyn Work) -> BoxFuture<'a, Result<(), RunError>> {
        Box::pin(Driver::run(self, work))
    }

    fn send<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(Driver::send(self, outgoing))
    }

    fn probe(&self) -> BoxFuture<'_, Result<Option<&'static str>, SendError>> {
        Box::pin(Driver::probe(self))
    }
}
