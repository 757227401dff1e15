//! What a store in memory holds, and how it changes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bridge_core::id::{Channel, InstanceId};
use bridge_core::retry::perhaps_delivered;
use bridge_core::store::{
    Admission, Admitted, Death, DeliveryId, Discarded, Feed, Merge, Progress, QueuedDelivery,
    Record, Replayed, Settlement, Step, StoreError, Turn,
};
use bridge_core::time::Timestamp;

use super::mailbox::{Identity, Mailboxes};
use super::{Dead, Delivered};

#[derive(Default)]
pub(super) struct State {
    pub(super) last_id: i64,
    pub(super) last_turn: i64,
    pub(super) accepted: HashSet<(Channel, String)>,
    /// By turn, over all lanes.
    pub(super) queue: BTreeMap<Turn, QueuedDelivery>,
    pub(super) parts: HashMap<DeliveryId, Vec<Vec<String>>>,
    /// Those that came later than, or beside, the settlement; by part.
    pub(super) identified: HashMap<(DeliveryId, usize), Vec<String>>,
    pub(super) delivered: Vec<Delivered>,
    pub(super) dead: Vec<Dead>,
    pub(super) expired: Vec<QueuedDelivery>,
    pub(super) not_shown: Vec<(QueuedDelivery, String)>,
    pub(super) merged: Vec<(QueuedDelivery, DeliveryId)>,
    pub(super) discarded: Vec<QueuedDelivery>,
    pub(super) spent: Vec<(Channel, Timestamp)>,
    pub(super) records: Vec<Record>,
    pub(super) feed: Option<Arc<dyn Feed>>,
    pub(super) failure: Option<String>,
    pub(super) lane_backlog: Option<usize>,
    pub(super) mailboxes: Mailboxes,
    pub(super) identity: Identity,
}

impl State {
    pub(super) fn admit(&mut self, admission: Admission) -> Result<Admitted, StoreError> {
        if let Some(reason) = &self.failure {
            return Err(StoreError::Unavailable(reason.clone()));
        }
        if let Some(id) = &admission.message_id
            && !self.accepted.insert((admission.source.clone(), id.clone()))
        {
            return Ok(Admitted::Duplicate);
        }
        let mut committed = Vec::new();
        let mut overflowed = 0;
        for new in admission.deliveries {
            self.last_id += 1;
            let turn = self.next_turn();
            let delivery = QueuedDelivery {
                id: DeliveryId(self.last_id),
                turn,
                source: admission.source.clone(),
                message_id: admission.message_id.clone(),
                received_at: admission.received_at,
                queued_at: admission.received_at,
                channel: new.channel,
                rule: new.rule,
                content: new.content,
                progress: Progress::START,
            };
            if self.is_full(&delivery.channel) {
                overflowed += 1;
                self.dead.push(Dead {
                    death: Death {
                        reason: "its lane is full (lane_backlog)".to_owned(),
                        may_have_been_delivered: false,
                        blocks: false,
                        progress: Progress::START,
                    },
                    at: delivery.received_at,
                    delivery,
                });
                continue;
            }
            self.queue.insert(turn, delivery.clone());
            committed.push(delivery);
        }
        // Under the lock, so that no later commit overtakes this one on its way to the feed.
        if let Some(feed) = &self.feed
            && !committed.is_empty()
        {
            feed.committed(committed);
        }
        Ok(Admitted::New { overflowed })
    }

    fn next_turn(&mut self) -> Turn {
        self.last_turn += 1;
        Turn(self.last_turn)
    }

    fn is_full(&self, channel: &Channel) -> bool {
        let lane = self.queue.values().filter(|d| d.channel == *channel);
        self.lane_backlog.is_some_and(|most| lane.count() >= most)
    }

    fn turn_of(&self, id: DeliveryId) -> Option<Turn> {
        let found = self.queue.values().find(|delivery| delivery.id == id);
        found.map(|delivery| delivery.turn)
    }

    pub(super) fn blocked_by(&self, channel: &Channel) -> Option<DeliveryId> {
        let blocking = self
            .dead
            .iter()
            .filter(|dead| dead.death.blocks && dead.delivery.channel == *channel);
        let oldest = blocking.min_by_key(|dead| dead.delivery.turn)?;
        Some(oldest.delivery.id)
    }

    pub(super) fn settle(&mut self, settlement: Settlement) {
        let Settlement { delivery, at, step } = settlement;
        let Some(turn) = self.turn_of(delivery) else {
            return;
        };
        match step {
            Step::PartSent {
                platform_ids,
                progress,
            } => {
                self.set_progress(turn, progress);
                self.parts.entry(delivery).or_default().push(platform_ids);
            }
            Step::Postponed { progress, .. } => self.set_progress(turn, progress),
            Step::Delivered { platform_ids } => {
                let parts = self.parts.entry(delivery).or_default();
                parts.push(platform_ids);
                let platform_ids = parts.concat();
                self.delivered
                    .extend(self.queue.remove(&turn).map(|delivery| Delivered {
                        delivery,
                        platform_ids,
                        at,
                    }));
            }
            Step::Expired { .. } => {
                self.expired.extend(self.queue.remove(&turn));
            }
            Step::NotShown { reason } => {
                let delivery = self.queue.remove(&turn);
                self.not_shown
                    .extend(delivery.map(|delivery| (delivery, reason)));
            }
            Step::Dead(death) => {
                self.set_progress(turn, death.progress);
                self.dead
                    .extend(self.queue.remove(&turn).map(|delivery| Dead {
                        delivery,
                        death,
                        at,
                    }));
            }
        }
    }

    fn set_progress(&mut self, turn: Turn, progress: Progress) {
        if let Some(queued) = self.queue.get_mut(&turn) {
            queued.progress = progress;
        }
    }

    pub(super) fn merge(&mut self, merge: Merge) -> Result<(), StoreError> {
        let turns: Option<Vec<_>> = merge.merged.iter().map(|id| self.turn_of(*id)).collect();
        let (Some(into), Some(turns)) = (self.turn_of(merge.into), turns) else {
            let reason = "a delivery that was to be merged is not queued";
            return Err(StoreError::Unavailable(reason.to_owned()));
        };
        if let Some(queued) = self.queue.get_mut(&into) {
            queued.content = merge.content;
            queued.queued_at = merge.queued_at;
        }
        for turn in turns {
            let merged = self.queue.remove(&turn);
            self.merged.extend(merged.map(|one| (one, merge.into)));
        }
        Ok(())
    }

    pub(super) fn replay(&mut self, id: DeliveryId, at: Timestamp) -> (Replayed, Option<Channel>) {
        let Some(place) = self.dead.iter().position(|dead| dead.delivery.id == id) else {
            let is_queued = self.turn_of(id).is_some();
            let unknown = if is_queued {
                Replayed::AlreadyQueued
            } else {
                Replayed::Unknown
            };
            return (unknown, None);
        };
        let channel = &self.dead[place].delivery.channel;
        let blocks = self.blocked_by(channel) == Some(id);
        if !blocks && self.is_full(channel) {
            return (Replayed::Full, None);
        }
        let mut delivery = self.dead.remove(place).delivery;
        if !blocks {
            delivery.turn = self.next_turn();
        }
        delivery.queued_at = at;
        delivery.progress = Progress {
            parts_sent: delivery.progress.parts_sent,
            ..Progress::START
        };
        let channel = delivery.channel.clone();
        self.queue.insert(delivery.turn, delivery);
        (Replayed::Queued, Some(channel))
    }

    pub(super) fn discard(&mut self, id: DeliveryId) -> (Discarded, Option<Channel>) {
        let Some(place) = self.dead.iter().position(|dead| dead.delivery.id == id) else {
            return (Discarded::Unknown, None);
        };
        let dead = self.dead.remove(place);
        let channel = dead.delivery.channel.clone();
        self.discarded.push(dead.delivery);
        (Discarded::Discarded, Some(channel))
    }

    pub(super) fn park(
        &mut self,
        instance: &InstanceId,
        reason: &str,
        limit: usize,
        at: Timestamp,
    ) -> usize {
        let here = self.queue.iter();
        let here = here.filter(|(_, delivery)| delivery.channel.instance == *instance);
        let turns: Vec<_> = here.map(|(turn, _)| *turn).take(limit).collect();
        for turn in &turns {
            self.dead
                .extend(self.queue.remove(turn).map(|delivery| Dead {
                    death: Death {
                        reason: reason.to_owned(),
                        may_have_been_delivered: perhaps_delivered(delivery.progress),
                        blocks: false,
                        progress: delivery.progress,
                    },
                    delivery,
                    at,
                }));
        }
        turns.len()
    }

    pub(super) fn tell_reordered(&self, channels: impl IntoIterator<Item = Channel>) {
        for channel in channels {
            if let Some(feed) = &self.feed {
                feed.reordered(&channel);
            }
        }
    }
}
