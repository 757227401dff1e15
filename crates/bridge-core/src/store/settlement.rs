//! What becomes of a delivery: step by step while it is queued, and what an operator does with a
//! dead letter.

use std::sync::Arc;

use super::{DeliveryId, Progress};
use crate::message::Content;
use crate::time::Timestamp;

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: Step,
}

/// A step in the life of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The platform took a part that is not the last; the progress says how many it has now.
    PartSent {
        /// The platform's ids of the part.
        platform_ids: Vec<String>,
        /// The progress from here.
        progress: Progress,
    },
    /// A try failed; another will follow.
    Postponed {
        /// The progress from here.
        progress: Progress,
        /// What went wrong.
        reason: String,
        /// Whether the platform may have taken it all the same.
        uncertain: bool,
    },
    /// The platform took the last part: the delivery leaves the queue.
    Delivered {
        /// The platform's ids of the last part.
        platform_ids: Vec<String>,
    },
    /// It waited for longer than its `expires_after`: the delivery leaves the queue, as its rule
    /// wants it.
    Expired {
        /// Which limit, in a sentence.
        reason: String,
    },
    /// It changes what the channel does not show, or in a way that it can't show: the delivery leaves
    /// the queue, and nothing was sent.
    NotShown {
        /// Why, in a clause.
        reason: String,
    },
    /// The delivery leaves the queue for the dead letters.
    Dead(Death),
}

/// Why a delivery became a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// What went wrong, in a sentence.
    pub reason: String,
    /// Whether the target may have shown it all the same.
    pub may_have_been_delivered: bool,
    /// Whether the lane waits until the letter is replayed or discarded.
    pub blocks: bool,
    /// The progress up to here.
    pub progress: Progress,
}

/// Several deliveries of one lane that become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The delivery that goes on.
    pub into: DeliveryId,
    /// What it shows from here.
    pub content: Arc<Content>,
    /// From when its age counts: that of the youngest, as it is worth sending as long as one is.
    pub queued_at: Timestamp,
    /// The deliveries that end in it; not empty.
    pub merged: Vec<DeliveryId>,
    /// When.
    pub at: Timestamp,
}

/// What [`Store::replay`](super::Store::replay) did with one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// It is queued again.
    Queued,
    /// It was queued already: a replay of it is still waiting to be sent.
    AlreadyQueued,
    /// No dead letter has this number: it was delivered, discarded, or never existed.
    Unknown,
    /// Its stored row is damaged, its content is lost.
    Damaged,
    /// Its lane, or the store, holds as many deliveries as it may: it stays a dead letter.
    Full,
}

/// What [`Store::discard`](super::Store::discard) did with one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// It is gone for good.
    Discarded,
    /// No dead letter has this number.
    Unknown,
}
