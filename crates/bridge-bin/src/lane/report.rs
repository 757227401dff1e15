//! What a lane says in the log.

use bridge_core::id::Channel;
use bridge_core::outcome::{Certainty, RetryAdvice, SendError};
use bridge_core::store::{Progress, QueuedDelivery, Step, StoreError};
use tracing::{debug, error, info, warn};

/// A try failed and another will follow.
pub(super) fn failed(
    channel: &Channel,
    delivery: &QueuedDelivery,
    error: &SendError,
    progress: Progress,
) {
    let uncertain = error.certainty == Certainty::Unknown;
    let asked = matches!(error.advice, RetryAdvice::After(..));
    let (delivery, again_at) = (delivery.id, progress.not_before);
    if progress.attempts == 1 {
        warn!(
            %channel, %delivery, %error, uncertain, asked, %again_at,
            "a send failed and will be tried again"
        );
    } else {
        let attempts = progress.attempts;
        info!(
            %channel, %delivery, %error, uncertain, asked, attempts, %again_at,
            "a send failed again"
        );
    }
}

/// A delivery left the queue, or came a step further.
pub(super) fn settled(channel: &Channel, delivery: &QueuedDelivery, step: &Step) {
    let delivery = delivery.id;
    match step {
        Step::Delivered { .. } => debug!(%channel, %delivery, "delivered"),
        Step::Expired { reason } => info!(%channel, %delivery, reason, "a delivery expired"),
        Step::NotShown { reason } => debug!(%channel, %delivery, reason, "a change is not shown"),
        Step::Dead(death) => error!(
            %channel, %delivery, reason = death.reason,
            may_have_been_delivered = death.may_have_been_delivered, blocks = death.blocks,
            "a delivery failed for good; it is kept as a dead letter"
        ),
        Step::PartSent { .. } | Step::Postponed { .. } => {}
    }
}

/// The store can't do what the lane needs.
pub(super) fn store_fails(channel: &Channel, error: &StoreError) {
    match error {
        StoreError::Closed => debug!(%channel, "the store is closed"),
        error => error!(%channel, %error, "the store fails the lane"),
    }
}
