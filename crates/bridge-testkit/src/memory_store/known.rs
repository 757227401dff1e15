//! What a store in memory knows of earlier messages.

use bridge_core::carriage::Counterpart;
use bridge_core::id::Channel;
use bridge_core::purpose::Purpose;
use bridge_core::store::{
    DeliveryId, Identification, KnownDelivery, Origin, QueuedDelivery, Whereabouts,
};

use super::state::State;

impl State {
    pub(super) fn deliveries_of(&self, source: &Channel, message_id: &str) -> Vec<KnownDelivery> {
        let mut all: Vec<_> = self.all().collect();
        all.sort_by_key(|delivery| delivery.id);
        let here = all.into_iter().filter(|delivery| {
            delivery.source == *source
                && delivery.message_id.as_deref() == Some(message_id)
                && delivery.content.purpose.change_of().is_none()
        });
        here.map(|delivery| KnownDelivery {
            channel: delivery.channel.clone(),
            rule: delivery.rule.clone(),
            whereabouts: match self.whereabouts(delivery.id) {
                Whereabouts::Shown(counterpart) => Whereabouts::Shown(Counterpart {
                    edits: self.edits(delivery),
                    ..counterpart
                }),
                other => other,
            },
        })
        .collect()
    }

    pub(super) fn origin_of(&self, channel: &Channel, platform_id: &str) -> Option<Origin> {
        let there = self.all().filter(|delivery| delivery.channel == *channel);
        let named = there.filter(|delivery| {
            let mut parts = self.parts_of(delivery.id).into_iter();
            parts.any(|ids| ids.iter().any(|id| id == platform_id))
        });
        let latest = named.max_by_key(|delivery| delivery.id)?;
        if self.is_digest(latest.id) {
            return None;
        }
        let changed = latest.content.purpose.change_of();
        Some(Origin {
            source: latest.source.clone(),
            message_id: changed.or(latest.message_id.as_deref())?.to_owned(),
        })
    }

    pub(super) fn identify(&mut self, identification: Identification) -> bool {
        let Identification {
            instance,
            delivery,
            part,
            platform_ids,
        } = identification;
        let is_known = self
            .all()
            .any(|one| one.id == delivery && one.channel.instance == instance);
        if is_known {
            let part = usize::try_from(part).unwrap_or(usize::MAX);
            self.identified.insert((delivery, part), platform_ids);
        }
        is_known
    }

    fn all(&self) -> impl Iterator<Item = &QueuedDelivery> {
        let queued = self.queue.values();
        let delivered = self.delivered.iter().map(|one| &one.delivery);
        let dead = self.dead.iter().map(|one| &one.delivery);
        let merged = self.merged.iter().map(|(one, _)| one);
        let not_shown = self.not_shown.iter().map(|(one, _)| one);
        queued
            .chain(delivered)
            .chain(dead)
            .chain(merged)
            .chain(not_shown)
            .chain(&self.expired)
            .chain(&self.discarded)
    }

    fn whereabouts(&self, id: DeliveryId) -> Whereabouts {
        if let Some((_, into)) = self.merged.iter().find(|(one, _)| one.id == id) {
            return self.whereabouts(*into);
        }
        if self.queue.values().any(|one| one.id == id) {
            return Whereabouts::Queued;
        }
        if self.delivered.iter().any(|one| one.delivery.id == id) {
            return Whereabouts::Shown(Counterpart {
                parts: self.parts_of(id),
                edits: Vec::new(),
                is_shared: self.is_digest(id),
            });
        }
        Whereabouts::NotShown
    }

    /// What was sent for edits of the message to the same channel.
    fn edits(&self, of: &QueuedDelivery) -> Vec<Vec<String>> {
        let delivered = self.delivered.iter().map(|one| &one.delivery);
        let mut edits: Vec<_> = delivered
            .filter(|one| one.source == of.source && one.channel == of.channel)
            .filter(|one| matches!(&one.content.purpose, Purpose::Edit { of: id } if Some(id) == of.message_id.as_ref()))
            .collect();
        edits.sort_by_key(|edit| edit.id);
        let parts = edits.into_iter().map(|edit| self.parts_of(edit.id));
        parts.flatten().collect()
    }

    fn parts_of(&self, id: DeliveryId) -> Vec<Vec<String>> {
        let parts = self.parts.get(&id).into_iter().flatten().enumerate();
        parts
            .map(|(part, ids)| self.identified.get(&(id, part)).unwrap_or(ids).clone())
            .collect()
    }

    fn is_digest(&self, id: DeliveryId) -> bool {
        self.merged.iter().any(|(_, into)| *into == id)
    }
}
