//! Takes in what happened to earlier messages, and ids that come later than the sends they are of.

use bridge_core::driver::{Change, Identified};
use bridge_core::id::Channel;
use bridge_core::secret::LeakGuard;
use bridge_core::store::{Admission, Identification, KnownDelivery, StoreError, Whereabouts};

use super::Inner;
use crate::generation::{Generation, Parts};
use crate::lane::read_key;

impl Inner {
    /// Queues a change for the channels where its message went, as a message of its own.
    pub(super) async fn take_change(
        &self,
        change: Change,
        generation: &Generation,
    ) -> Result<(), StoreError> {
        let Parts { rules, leaks, .. } = &generation.parts;
        if let Some(key) = find_leak(leaks, &change) {
            self.report_leak(key, Some(&change.of));
            return self.not_changed("holds_secret", change).await;
        }
        let channel = Channel::new(self.instance.clone(), change.address.clone());
        let known = self.known(&channel, &change.of).await?;
        if known.is_empty() {
            let own = self.shared.store.origin_of(&channel, &change.of).await?;
            let reason = match own {
                Some(_) => "own_message",
                None => "unknown_message",
            };
            return self.not_changed(reason, change).await;
        }
        let went_to: Vec<_> = known
            .iter()
            .filter(|one| one.whereabouts != Whereabouts::NotShown)
            .map(|one| (&one.channel, &one.rule))
            .collect();
        if went_to.is_empty() {
            return self.not_changed("not_shown", change).await;
        }
        let deliveries = rules.plan_change(self.platform, &channel, &change, went_to);
        if deliveries.is_empty() {
            return self.not_changed("no_rule", change).await;
        }
        self.admit(Admission {
            source: channel,
            message_id: change.id,
            received_at: self.shared.clock.now(),
            deliveries,
        })
        .await
    }

    /// The deliveries of an earlier message of the channel.
    async fn known(&self, channel: &Channel, id: &str) -> Result<Vec<KnownDelivery>, StoreError> {
        let store = &self.shared.store;
        let known = store.deliveries_of(channel, id).await?;
        if !known.is_empty() {
            return Ok(known);
        }
        // The message may be on its way to the disk.
        store.flush().await?;
        store.deliveries_of(channel, id).await
    }

    /// What is recorded is found by the id of the message that was to be changed.
    async fn not_changed(&self, reason: &'static str, change: Change) -> Result<(), StoreError> {
        self.not_forwarded(reason, Some(change.of), Some(change.address))
            .await
    }

    /// Sets the ids of a send.
    pub(super) async fn identify(&self, identified: Identified) -> Result<(), StoreError> {
        let is_known = match read_key(&self.shared.store.identity(), &identified.key) {
            Some((delivery, part)) => {
                let identification = Identification {
                    instance: self.instance.clone(),
                    delivery,
                    part,
                    platform_ids: identified.platform_ids,
                };
                self.shared.store.identify(identification).await?
            }
            None => false,
        };
        match is_known {
            true => Ok(()),
            false => self.not_forwarded("unknown_send", None, None).await,
        }
    }
}

/// The key whose secret the change would carry on.
fn find_leak<'a>(leaks: &'a LeakGuard, change: &Change) -> Option<&'a str> {
    let sender = &change.sender;
    let texts = [
        change.kind.text(),
        &*sender.name,
        &*sender.id,
        &*sender.avatar,
    ];
    texts.into_iter().find_map(|text| leaks.find(text))
}
