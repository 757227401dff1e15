//! How a delivery is carried out at the channel: what it answers or changes is looked up when its turn
//! has come, so that what was sent before it is known.

use bridge_core::carriage::{Carriage, Counterpart, carry, needs_counterpart};
use bridge_core::id::Channel;
use bridge_core::store::{KnownDelivery, QueuedDelivery, Step, StoreError, Whereabouts};

use super::{Context, Lane, STORE_AGAIN_AFTER, Stopping, report};

impl Lane {
    /// What is to be sent for the delivery; `None` if the channel can't show it, which is settled then.
    pub(super) async fn carriage(
        &mut self,
        delivery: &QueuedDelivery,
    ) -> Result<Option<Carriage>, Stopping> {
        let content = &delivery.content;
        let mut counterpart = None;
        if needs_counterpart(&content.purpose, &self.target.capabilities) {
            counterpart = self.counterpart(delivery).await?;
        }
        match carry(content, counterpart.as_ref(), &self.target.capabilities) {
            Ok(carriage) => Ok(Some(carriage)),
            Err(reason) => {
                self.settle(delivery, Step::NotShown { reason }).await?;
                Ok(None)
            }
        }
    }

    /// Asks the store until it can tell.
    async fn counterpart(
        &mut self,
        delivery: &QueuedDelivery,
    ) -> Result<Option<Counterpart>, Stopping> {
        // It may be what was sent right before.
        if let Err(error) = self.settling.written().await {
            report::store_fails(&self.context.channel, &error);
            return Err(Stopping);
        }
        loop {
            match self.context.counterpart(delivery).await {
                Ok(counterpart) => return Ok(counterpart),
                Err(error) => report::store_fails(&self.context.channel, &error),
            }
            let pause = self.context.clock.sleep(STORE_AGAIN_AFTER);
            self.pause(pause).await?;
        }
    }
}

impl Context {
    /// What this channel shows of the message that the delivery answers or changes.
    async fn counterpart(
        &self,
        delivery: &QueuedDelivery,
    ) -> Result<Option<Counterpart>, StoreError> {
        let purpose = &delivery.content.purpose;
        let Some(id) = purpose.about() else {
            return Ok(None);
        };
        let (source, store) = (&delivery.source, &self.store);
        let shown = shown(store.deliveries_of(source, id).await?, &self.channel);
        if shown.is_some() || !purpose.is_said() {
            return Ok(shown);
        }
        // What is answered may be what the bridge has said at the source.
        let Some(origin) = store.origin_of(source, id).await? else {
            return Ok(None);
        };
        if origin.source == self.channel {
            return Ok(Some(Counterpart {
                parts: vec![vec![origin.message_id]],
                ..Counterpart::default()
            }));
        }
        let known = store.deliveries_of(&origin.source, &origin.message_id);
        Ok(self::shown(known.await?, &self.channel))
    }
}

fn shown(known: Vec<KnownDelivery>, channel: &Channel) -> Option<Counterpart> {
    let mut here = known.into_iter().filter(|one| one.channel == *channel);
    here.find_map(|one| match one.whereabouts {
        Whereabouts::Shown(counterpart) => Some(counterpart),
        Whereabouts::Queued | Whereabouts::NotShown => None,
    })
}
