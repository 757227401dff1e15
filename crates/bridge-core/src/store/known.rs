//! What the store knows of messages that were taken in before: what changes and answers are about.

use super::DeliveryId;
use crate::carriage::Counterpart;
use crate::id::{Channel, InstanceId, RuleId};

/// A delivery of an earlier message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDelivery {
    /// The target.
    pub channel: Channel,
    /// The rule that chose it.
    pub rule: RuleId,
    /// Where it is.
    pub whereabouts: Whereabouts,
}

/// Where an earlier message's delivery is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// It waits, by itself or in a digest that waits.
    Queued,
    /// The platform took it, by itself or in a digest.
    Shown(Counterpart),
    /// It ended otherwise, or is a dead letter.
    NotShown,
}

/// Where something that the bridge has sent came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The channel that the message came from.
    pub source: Channel,
    /// Its id there. Of what was sent for an edit, it is the id of the edited message.
    pub message_id: String,
}

/// The ids that a send has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// The instance that told them; it knows of its own sends only.
    pub instance: InstanceId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// Which of its parts, from 0.
    pub part: u32,
    /// All ids that it has now, instead of those that were known.
    pub platform_ids: Vec<String>,
}
