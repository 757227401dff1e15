//! What is said once a batch is committed, or can't be: first to the feed, then to whoever waits.

use std::sync::PoisonError;

use bridge_core::id::Channel;
use bridge_core::store::{Admission, Admitted, Progress, QueuedDelivery, StoreError};

use super::Writing;
use crate::commit::{Committed, Effect, Numbered};
use crate::fail_point::fail_point;
use crate::queue::{Answer, Operation};

impl Writing {
    /// Tells the feed, then whoever waits.
    pub(super) fn publish(&self, operations: Vec<Operation>, committed: Committed) {
        let mut numbered = committed.numbered.into_iter();
        let mut deliveries = Vec::with_capacity(numbered.len());
        let mut answers = Vec::with_capacity(operations.len());
        let mut room = 0;
        for (operation, effect) in operations.into_iter().zip(committed.effects) {
            room += usize::from(operation.has_room());
            answers.extend(self.outcome(operation, effect, &mut numbered, &mut deliveries));
        }
        self.context.queue.give_room(room);
        self.tell_feed(deliveries, committed.reordered);
        fail_point("answer.before");
        for answer in answers {
            answer();
        }
        fail_point("answer.after");
    }

    /// What is to be said to whoever handed the operation over, once the feed has heard.
    fn outcome(
        &self,
        operation: Operation,
        effect: Effect,
        numbered: &mut impl Iterator<Item = Option<Numbered>>,
        deliveries: &mut Vec<QueuedDelivery>,
    ) -> Option<Box<dyn FnOnce()>> {
        if matches!(operation, Operation::Settle { .. }) {
            fail_point("settle.after_commit");
        }
        match (operation, effect) {
            (
                Operation::Admit {
                    admission, answer, ..
                },
                effect,
            ) => {
                let result = match effect {
                    Effect::Duplicate => Ok(Admitted::Duplicate),
                    Effect::Full { limit } => Err(StoreError::Full(format!(
                        "{limit} deliveries wait in it (max_backlog)"
                    ))),
                    Effect::New { overflowed } => {
                        queued(admission, numbered, deliveries);
                        Ok(Admitted::New { overflowed })
                    }
                    _ => Err(StoreError::Closed),
                };
                Some(Box::new(|| reply(answer, result)))
            }
            (Operation::Merge { answer, .. }, Effect::Nothing) => {
                let reason = "a delivery that was to be merged is not queued".to_owned();
                Some(Box::new(|| {
                    reply(answer, Err(StoreError::Unavailable(reason)))
                }))
            }
            (
                Operation::Settle { answer, .. }
                | Operation::Merge { answer, .. }
                | Operation::Spend { answer, .. }
                | Operation::Confirm { answer, .. }
                | Operation::Flush(answer),
                _,
            ) => Some(Box::new(|| reply(answer, Ok(())))),
            (Operation::Identify { answer, .. }, effect) => {
                let is_known = effect == Effect::Written;
                Some(Box::new(move || reply(answer, Ok(is_known))))
            }
            (Operation::Replay { answer, .. }, Effect::Replayed(replayed)) => {
                Some(Box::new(|| reply(answer, Ok(replayed))))
            }
            (Operation::Discard { answer, .. }, Effect::Discarded(discarded)) => {
                Some(Box::new(|| reply(answer, Ok(discarded))))
            }
            (Operation::Park { answer, .. }, Effect::Parked(count)) => {
                Some(Box::new(move || reply(answer, Ok(count))))
            }
            (
                Operation::Post {
                    instance, answer, ..
                },
                effect,
            ) => {
                let result = match effect {
                    Effect::Posted(number) => Ok(number),
                    Effect::MailboxFull { limit } => Err(StoreError::Full(format!(
                        "{limit} entries wait in the mailbox of \"{instance}\" (lane_backlog)"
                    ))),
                    _ => Err(StoreError::Closed),
                };
                Some(Box::new(|| reply(answer, result)))
            }
            (Operation::QuarantineEntry { instance, number }, Effect::Written) => {
                tracing::error!(
                    %instance,
                    %number,
                    "an entry of a mailbox is damaged and was dropped"
                );
                None
            }
            (Operation::Quarantine(delivery), Effect::Written) => {
                tracing::error!(
                    %delivery,
                    "a stored delivery is damaged and was moved to the dead letters"
                );
                None
            }
            _ => None,
        }
    }

    fn tell_feed(&self, deliveries: Vec<QueuedDelivery>, mut reordered: Vec<Channel>) {
        let feed = self.context.feed.lock();
        let feed = feed.unwrap_or_else(PoisonError::into_inner).clone();
        let Some(feed) = feed else { return };
        if !deliveries.is_empty() {
            feed.committed(deliveries);
        }
        reordered.sort();
        reordered.dedup();
        for channel in reordered {
            feed.reordered(&channel);
        }
    }
}

/// Makes the queued deliveries of a committed admission, as they were numbered.
fn queued(
    admission: Admission,
    numbered: &mut impl Iterator<Item = Option<Numbered>>,
    deliveries: &mut Vec<QueuedDelivery>,
) {
    for (delivery, numbered) in admission.deliveries.into_iter().zip(numbered) {
        let Some(Numbered { id, turn }) = numbered else {
            continue;
        };
        deliveries.push(QueuedDelivery {
            id,
            turn,
            source: admission.source.clone(),
            message_id: admission.message_id.clone(),
            received_at: admission.received_at,
            queued_at: admission.received_at,
            channel: delivery.channel,
            rule: delivery.rule,
            content: delivery.content,
            progress: Progress::START,
        });
    }
}

/// Says to whoever handed the operation over that it was not done.
pub(super) fn refuse(operation: Operation, error: &StoreError) {
    let error = error.clone();
    match operation {
        Operation::Admit { answer, .. } => reply(answer, Err(error)),
        Operation::Settle { answer, .. }
        | Operation::Merge { answer, .. }
        | Operation::Spend { answer, .. }
        | Operation::Confirm { answer, .. }
        | Operation::Flush(answer) => reply(answer, Err(error)),
        Operation::Identify { answer, .. } => reply(answer, Err(error)),
        Operation::Replay { answer, .. } => reply(answer, Err(error)),
        Operation::Discard { answer, .. } => reply(answer, Err(error)),
        Operation::Park { answer, .. } => reply(answer, Err(error)),
        Operation::Post { answer, .. } => reply(answer, Err(error)),
        Operation::Record(_) | Operation::Quarantine(_) | Operation::QuarantineEntry { .. } => {}
    }
}

/// Answers whoever may still be listening.
pub(super) fn reply<T>(answer: Answer<T>, result: Result<T, StoreError>) {
    answer.send(result).ok();
}
