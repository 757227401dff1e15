//! What a platform is, as its driver sees it: an API, callbacks, a network behind a connection, a feed.

use std::fmt;
use std::time::Duration;

use bridge_core::driver::{Act, Answer};
use bridge_core::id::Address;
use bridge_core::message::Attachment;
use bridge_core::time::Timestamp;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::ApiError;
use crate::FakeClock;

/// How messages come in.
#[derive(Clone, Copy)]
pub enum WayIn<'a> {
    /// Not at all.
    Nothing,
    /// The platform calls the instance's listener.
    Callbacks(&'a dyn Callbacks),
    /// Over a connection that the driver keeps.
    Connection(&'a dyn Network),
    /// The driver asks again and again, by HTTP requests.
    Polling(&'a dyn Feed),
}

/// How sends go out.
#[derive(Clone, Copy)]
pub enum WayOut<'a> {
    /// Each is an HTTP request.
    Requests(&'a dyn Api),
    /// Over the connection of [`WayIn::Connection`].
    Connection,
}

/// A platform that takes sends as HTTP requests.
pub trait Api {
    /// What a request asks for; `None` if it is no send, such as one for a token.
    fn asked(&self, request: &Request<Bytes>) -> Option<Asked>;

    /// The platform's answer to `request` while all is well, be it a send or another.
    fn accepted(&self, request: &Request<Bytes>) -> Response<Bytes>;

    /// The ids that [`Api::accepted`] gives to what `request` says, a text or a reply; `None` if the
    /// platform gives none.
    fn accepted_ids(&self, request: &Request<Bytes>) -> Option<Vec<String>> {
        let _ = request;
        None
    }

    /// What in an answer tells the driver that a send was taken.
    fn success(&self) -> Success;

    /// What tells it that this act was taken, such as an edit or a recall, where that is something
    /// else than for a text.
    fn success_of(&self, act: &Act) -> Success {
        let _ = act;
        self.success()
    }

    /// The platform's answer to a send that it refuses for good, with `saying` where it has its words
    /// for people.
    fn refused(&self, saying: &str) -> Response<Bytes>;

    /// The platform's answer to a send that comes too soon, and should come again after `pause`,
    /// whole seconds: in the way in which the platform says so, be it a header or a field of the
    /// body. The same answer for each if it has no place for a pause.
    fn throttled(&self, pause: Duration) -> Response<Bytes>;

    /// The platform's answer to any request under credentials that it does not know.
    fn unauthorized(&self) -> Response<Bytes>;

    /// The errors that the API page lists, beside the three above: each that a send can meet, or one of
    /// each kind where there are hundreds. Those first that look alike and are not, such as a 403 for
    /// a token and a 403 for a room.
    fn errors(&self) -> Vec<ApiError> {
        Vec::new()
    }

    /// The platform's answer to a send under a token that has expired; `None` if there are no tokens.
    fn expired(&self) -> Option<Response<Bytes>> {
        None
    }
}

/// What a send asks the platform for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The channel; `None` for a change whose request names none, or not in full, since the id says
    /// where the message stands.
    pub address: Option<Address>,
    /// What is to be done.
    pub act: Act,
    /// The text as people will see it, or the sign; empty where nothing is said.
    pub text: String,
    /// The text as it is written to the platform.
    pub written: String,
    /// Files to show.
    pub attachments: Vec<Attachment>,
    /// The idempotency key; `None` if the platform takes none.
    pub key: Option<String>,
}

impl Asked {
    /// To say `text` in a channel, written as people see it; set the other fields on it.
    pub fn to_say(address: Address, text: impl Into<String>) -> Self {
        Self {
            address: Some(address),
            ..Self::to_change(Act::Say, text)
        }
    }

    /// To do this to an earlier message, wherever that stands: an edit that says `text`, a recall, a
    /// reaction by the sign `text`.
    pub fn to_change(act: Act, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            address: None,
            act,
            written: text.clone(),
            text,
            attachments: Vec::new(),
            key: None,
        }
    }

    /// With the idempotency key, if there is one.
    pub fn keyed(mut self, key: Option<impl Into<String>>) -> Self {
        self.key = key.map(Into::into);
        self
    }
}

/// What tells a driver that a send was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// A status of success, whatever the body.
    Status,
    /// A status of success with a JSON body in which something must stand, such as an id.
    Body,
}

/// A platform that calls a listener.
pub trait Callbacks {
    /// How callbacks are authenticated with the subject's settings; `None` if they are not.
    fn verification(&self) -> Option<Verification>;

    /// The callback with this body as the platform makes it, signed at `at` with the secrets of the
    /// subject's settings.
    fn callback(&self, body: &[u8], at: Timestamp) -> Request<Bytes>;

    /// Bodies of callbacks whose answer the platform reads, each with that answer: a challenge that is to
    /// be repeated. Empty if any success will do.
    fn answers(&self) -> Vec<(Bytes, Answer)> {
        Vec::new()
    }

    /// Callbacks that somebody else has signed: those that the platform's page prints, with the secret,
    /// or recorded ones. They alone tell that [`Callbacks::callback`] signs as the platform does; empty
    /// if there are none.
    fn published(&self) -> Vec<Published> {
        Vec::new()
    }
}

/// A callback that the author of the driver has not signed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Published {
    /// Settings with the secret that it was signed with.
    pub settings: Value,
    /// When it was signed; of no account if no time is.
    pub at: Timestamp,
    /// The request, signature and all.
    pub request: Request<Bytes>,
}

impl Published {
    /// One that passes at `at` under these settings.
    pub fn new(settings: Value, at: Timestamp, request: Request<Bytes>) -> Self {
        Self {
            settings,
            at,
            request,
        }
    }
}

/// How a platform authenticates its callbacks.
#[derive(Debug, Clone, Copy)]
pub struct Verification {
    /// The header that holds the signature.
    pub signature: &'static str,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The other headers without which a callback is not authentic, all of which the signature covers:
    /// the time of signing, an id.
    pub other_headers: &'static [&'static str],
    /// How far the time of signing may lie from the clock, either way; `None` if none is signed.
    pub window: Option<Duration>,
    /// What is signed.
    pub covers: Covers,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As text in which every character counts: base64, a shared token.
    Text,
    /// As hexadecimal digits of either case.
    Hex,
}

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The body, perhaps with headers.
    Body,
    /// Headers only.
    Headers,
}

/// A platform behind a connection.
pub trait Network {
    /// A new one, to which nobody is connected yet. It knows the credentials of the subject's
    /// settings, or does not.
    fn start(&self, clock: &FakeClock, credentials: Credentials) -> Box<dyn Server>;
}

/// Whether a platform knows the credentials of the subject's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// It does.
    Known,
    /// It does not, and refuses them as it does others.
    Unknown,
}

/// A running platform as a state machine: bytes in, bytes out, no socket. There is one connection at
/// a time, and TLS is not seen.
///
/// The suite refuses and breaks connections, loses what was written and keeps the platform silent by
/// itself.
pub trait Server: Send {
    /// A connection comes.
    fn connect(&mut self);

    /// Bytes come on it, in pieces of any size.
    fn receive(&mut self, bytes: &[u8]);

    /// Takes what there is to send on it.
    fn output(&mut self) -> Bytes;

    /// Whether the platform keeps it open; once it does not, the rest of its output is still read.
    fn is_open(&self) -> bool {
        true
    }

    /// It has ended, on either side.
    fn disconnect(&mut self) {}

    /// Somebody who is not the instance says this in a channel. A platform that is told what was
    /// taken keeps it until then, and brings it again on the next connection.
    fn say(&mut self, address: &Address, text: &str);

    /// How many of those it was told were taken; `None` if it is not told.
    fn acknowledged(&self) -> Option<usize> {
        None
    }

    /// All sends that it has shown to people, in order; none if sends go another way.
    fn taken(&self) -> Vec<Asked> {
        Vec::new()
    }

    /// Has the next send meet this fate, and those after it be taken. False if the platform does no
    /// such thing.
    fn next_send(&mut self, fate: Fate) -> bool {
        let _ = fate;
        false
    }
}

/// What a [`Server`] does with a send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fate {
    /// Shows it.
    #[default]
    Taken,
    /// Refuses it for good, with these words where it has words for people.
    Refused(String),
    /// Refuses it, since it comes too soon.
    Throttled,
}

/// A platform that is asked again and again, by HTTP requests.
pub trait Feed {
    /// A new one, of which nothing was read yet.
    fn start(&self) -> Box<dyn FeedServer>;

    /// The platform's answer to a request for what was said that comes too soon, with the pause that it
    /// asks for written as it does, in whole seconds; `None` if it throttles no such request, or names
    /// no pause.
    fn throttled_poll(&self, pause: Duration) -> Option<Response<Bytes>> {
        let _ = pause;
        None
    }
}

/// A running feed.
pub trait FeedServer: Send {
    /// The answer to a request that asks for what was said; `None` for all others.
    fn answer(&mut self, request: &Request<Bytes>) -> Option<Response<Bytes>>;

    /// Somebody who is not the instance says this in a channel. It is brought with every answer until
    /// the driver says that it is taken.
    fn say(&mut self, address: &Address, text: &str);

    /// How many of those the platform was told were taken; `None` if it is not told.
    fn acknowledged(&self) -> Option<usize> {
        None
    }
}

impl fmt::Debug for WayIn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Callbacks(_) => "Callbacks",
            Self::Connection(_) => "Connection",
            Self::Polling(_) => "Polling",
        })
    }
}

impl fmt::Debug for WayOut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests(_) => "Requests",
            Self::Connection => "Connection",
        })
    }
}
