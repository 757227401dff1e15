//! A message as it is taken in, and its deliveries while they wait.

use std::fmt;
use std::sync::Arc;

use crate::id::{Channel, RuleId};
use crate::message::Content;
use crate::time::Timestamp;

/// A message that the rules chose, as it is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Where the message came from.
    pub source: Channel,
    /// The platform's id of the message.
    pub message_id: Option<String>,
    /// When the bridge received it; the age of its deliveries counts from here.
    pub received_at: Timestamp,
    /// One for each target that the rules chose; not empty, no channel twice.
    pub deliveries: Vec<NewDelivery>,
}

/// A planned send of a message to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The target.
    pub channel: Channel,
    /// The rule that chose it.
    pub rule: RuleId,
    /// What to send. Deliveries of one message that show the same share it: one `Arc` is stored
    /// once.
    pub content: Arc<Content>,
}

/// What [`Store::admit`](super::Store::admit) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// Everything is synced.
    New {
        /// Deliveries that found their lanes full and became dead letters at once.
        overflowed: usize,
    },
    /// The message was there before.
    Duplicate,
}

/// The number of a delivery: who it is, for good. Grows in the order of admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub i64);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The place of a delivery in its lane: the smallest is sent first. No two of a lane are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Turn(pub i64);

impl Turn {
    /// Before any delivery's.
    pub const ZERO: Self = Self(0);
}

/// A delivery that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedDelivery {
    /// Its number.
    pub id: DeliveryId,
    /// Its place in the lane.
    pub turn: Turn,
    /// Where the message came from.
    pub source: Channel,
    /// The platform's id of the message.
    pub message_id: Option<String>,
    /// When the bridge received the message.
    pub received_at: Timestamp,
    /// From when its age counts: when the message was received, or when it was replayed.
    pub queued_at: Timestamp,
    /// The target.
    pub channel: Channel,
    /// The rule that chose it.
    pub rule: RuleId,
    /// What to send.
    pub content: Arc<Content>,
    /// How far the sending has come.
    pub progress: Progress,
}

/// What waits in a lane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaneWindow {
    /// By turn.
    pub deliveries: Vec<QueuedDelivery>,
    /// The dead letter that blocks the lane; nothing is to be sent until it is replayed or
    /// discarded.
    pub blocked_by: Option<DeliveryId>,
}

/// How far the sending of a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Tries that failed so far.
    pub attempts: u32,
    /// Those among them after which nobody knew whether the platform took the send.
    pub uncertain: u32,
    /// Parts that the platform took: the next try begins with the part of this index.
    pub parts_sent: u32,
    /// Not to be tried again before this.
    pub not_before: Timestamp,
}

impl Progress {
    /// Not tried yet.
    pub const START: Self = Self {
        attempts: 0,
        uncertain: 0,
        parts_sent: 0,
        not_before: Timestamp::EPOCH,
    };
}
