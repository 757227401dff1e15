//! Merges what waits behind a delivery into it, where its rule wants a digest.

use std::sync::Arc;

use bridge_core::digest::{Digest, may_join};
use bridge_core::store::{Merge, Progress, QueuedDelivery};

use super::queue::Refill;
use super::{Context, Lane, Stopping, report};

impl Lane {
    /// Merges the deliveries that wait behind `first` into it, as many as fit into one send. Says
    /// whether there were any; the merger is written then.
    pub(super) async fn merge_waiting(
        &mut self,
        first: &mut QueuedDelivery,
    ) -> Result<bool, Stopping> {
        let Context {
            channel,
            window,
            generations,
            store,
            clock,
            ..
        } = &self.context;
        let capabilities = &self.target.capabilities;
        let untouched = |progress: Progress| progress.parts_sent == 0 && progress.uncertain == 0;
        // A stale window lacks what was taken out of it for a merger that failed.
        if window.is_stale()
            || !untouched(first.progress)
            || !may_join(&first.content, capabilities)
        {
            return Ok(false);
        }
        let generation = generations.current();
        let mut digest = Digest::of(&first.content);
        let mut merged = Vec::new();
        let mut queued_at = first.queued_at;
        loop {
            while let Some(next) = window.take_if(|next| {
                let policy = generation.policy(&next.rule, channel);
                policy.is_some_and(|policy| policy.digest)
                    && untouched(next.progress)
                    && digest.add(&next.content, capabilities)
            }) {
                merged.push(next.id);
                queued_at = queued_at.max(next.queued_at);
            }
            // What waits in the store waits as well.
            if !matches!(self.context.refill().await, Refill::Read) || window.is_empty() {
                break;
            }
        }
        if merged.is_empty() {
            return Ok(false);
        }
        drop(generation);
        let content = Arc::new(digest.into_content());
        let merge = Merge {
            into: first.id,
            content: Arc::clone(&content),
            queued_at,
            merged,
            at: clock.now(),
        };
        if let Err(error) = store.merge(merge).await {
            report::store_fails(channel, &error);
            // What was taken out of the window is still queued, and is read again in its turn.
            window.reorder();
            return Ok(false);
        }
        first.content = content;
        first.queued_at = queued_at;
        Ok(true)
    }
}
