//! What came in, as a driver understood it.

use bytes::Bytes;

use crate::id::Address;
use crate::message::{Message, Sender};
use crate::time::Timestamp;

/// What an authentic request, a frame or an answer to a poll brought.
#[derive(Debug, Default)]
pub struct Batch {
    /// In the order in which they happened; may be empty.
    pub events: Vec<Event>,
    /// What a webhook's caller wants to hear once all of it is safe. Always sent with status 200.
    pub answer: Answer,
    /// Things the operator should know once.
    pub notices: Vec<Notice>,
}

impl Batch {
    /// One event, and an empty answer.
    pub fn of(event: Event) -> Self {
        Self {
            events: vec![event],
            ..Self::default()
        }
    }
}

/// One thing that happened on the platform.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Something was said.
    Message(Message),
    /// Something happened to a message that was said before.
    Changed(Change),
    /// A send has got its ids only now.
    Identified(Identified),
    /// Something that can't be forwarded.
    Ignored(Ignored),
}

/// What happened to an earlier message of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The platform's own id of the change, by which a repeated one is recognised; `None` if it
    /// gives none. Never the id of a message or of another change of the channel: it would be taken
    /// for a repetition of that.
    pub id: Option<String>,
    /// The id of the message that it happened to, as [`Message::id`] was.
    pub of: String,
    /// The channel.
    pub address: Address,
    /// Who did it.
    pub sender: Sender,
    /// What happened.
    pub kind: ChangeKind,
    /// The platform's time of it; never used for deadlines.
    pub at: Option<Timestamp>,
}

impl Change {
    /// A change with only what every change has; set the other fields on it.
    pub fn new(of: impl Into<String>, address: Address, sender: Sender, kind: ChangeKind) -> Self {
        Self {
            id: None,
            of: of.into(),
            address,
            sender,
            kind,
            at: None,
        }
    }
}

/// What can happen to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It says something else now: this.
    Edited(String),
    /// It was taken back.
    Recalled,
    /// Somebody put a sign to it, such as `👍`.
    Reacted(String),
    /// Somebody took the sign back.
    ReactionRemoved(String),
}

impl ChangeKind {
    /// The new text, or the sign; empty if it is about neither.
    pub fn text(&self) -> &str {
        match self {
            Self::Edited(text) | Self::Reacted(text) | Self::ReactionRemoved(text) => text,
            Self::Recalled => "",
        }
    }
}

/// The platform's ids of a send that was told as delivered without, or with fewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The send's [`Outgoing::key`](super::Outgoing::key).
    pub key: String,
    /// All ids that it has now.
    pub platform_ids: Vec<String>,
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

/// `{}`, which is what most platforms ignore.
impl Default for Answer {
    fn default() -> Self {
        Self::json("{}")
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
