//! One send, as a driver is given it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::id::Address;
use crate::message::{Attachment, MsgValues};

/// One send: a part of a delivery, fitted to the channel. Clones are the same send.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outgoing {
    /// The channel to send to.
    pub address: Address,
    /// What is to be done. Only what the capabilities claim to show is asked for.
    pub act: Act,
    /// The text; never larger than the capabilities allow, and without line breaks if they allow
    /// none. Empty only beside attachments, and where nothing is to be said.
    pub text: String,
    /// Files to show; none unless the capabilities claim to show them, or else they stand in the
    /// text as links.
    pub attachments: Vec<Attachment>,
    /// What the rule's `msg` block says at the driver's own [`MsgKey`](super::MsgKey)s.
    pub msg: Arc<MsgValues>,
    /// The same on every try of this part and on no other, of this bridge or of another: the
    /// idempotency key for platforms that take one. At most 64 characters of `a-z`, `0-9`, `.` and `-`.
    pub key: String,
    is_preparing: Arc<AtomicBool>,
}

/// What a send is to do. Ids are those that the platform gave to earlier sends to this channel, or
/// to messages that came from it; at least one each.
///
/// Ids that a send gives are those of messages: only what says something has any. An edit gives none,
/// unless the platform shows it as another message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Says something.
    Say,
    /// Says something as an answer to a message.
    Reply {
        /// Its ids.
        to: Vec<String>,
    },
    /// Has an earlier send say something else: the text.
    Edit {
        /// Its ids.
        of: Vec<String>,
    },
    /// Takes an earlier send back.
    Recall {
        /// Its ids.
        of: Vec<String>,
    },
    /// Puts a sign to a message: the text, such as `👍`.
    React {
        /// Its ids.
        to: Vec<String>,
    },
    /// Takes the sign back: the text.
    RemoveReaction {
        /// Its ids.
        from: Vec<String>,
    },
}

impl Outgoing {
    /// The part `text` of a delivery to `address`.
    pub fn new(address: Address, text: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            address,
            act: Act::Say,
            text: text.into(),
            attachments: Vec::new(),
            msg: Arc::default(),
            key: key.into(),
            is_preparing: Arc::default(),
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
