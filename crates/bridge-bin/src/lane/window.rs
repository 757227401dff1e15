//! The next deliveries of a lane, in memory. The store is the truth and holds the rest: what does
//! not fit is read from there when its turn comes.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bridge_core::message::MsgValue;
use bridge_core::store::{QueuedDelivery, Turn};
use tokio::sync::Notify;

/// Deliveries that a lane holds in memory at most.
const MOST: usize = 256;

/// Bytes of text that a lane holds in memory at most; a single larger delivery is held alone.
const MOST_BYTES: usize = 1024 * 1024;

/// Deliveries that are read from the store at once.
pub(crate) const REFILL: usize = 64;

/// A bounded queue that knows whether the store holds more.
#[derive(Debug, Default)]
pub(crate) struct Window {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<QueuedDelivery>,
    bytes: usize,
    /// The newest delivery that was in the queue.
    last: Turn,
    /// Whether the store holds deliveries after `last`. A new window knows nothing, so it asks.
    behind: bool,
    /// Counts the deliveries that were left to the store, so that one that comes while the store
    /// is read is not forgotten.
    left_to_store: u64,
    /// Whether the order in the store was changed, so that what is here may be wrong.
    is_stale: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            last: Turn::ZERO,
            behind: true,
            left_to_store: 0,
            is_stale: false,
        }
    }
}

/// What must be read from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Deliveries after this one.
    pub(crate) after: Turn,
    left_to_store: u64,
}

impl Window {
    /// Takes a delivery that was just committed. Deliveries come in the order of their turns.
    pub(crate) fn push(&self, delivery: QueuedDelivery) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The store shows a commit before the feed tells of it, so it may have been read already.
        if delivery.turn <= state.last {
            return;
        }
        let is_full = state.queue.len() >= MOST || state.bytes >= MOST_BYTES;
        if state.behind || is_full {
            state.behind = true;
            state.left_to_store += 1;
        } else {
            state.add(delivery);
        }
        self.changed.notify_one();
    }

    /// The oldest delivery.
    pub(crate) fn take(&self) -> Option<QueuedDelivery> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let delivery = state.queue.pop_front()?;
        state.bytes -= size(&delivery);
        Some(delivery)
    }

    /// The oldest delivery, if `accept` says so.
    pub(crate) fn take_if(
        &self,
        accept: impl FnOnce(&QueuedDelivery) -> bool,
    ) -> Option<QueuedDelivery> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let delivery = state.queue.pop_front_if(|delivery| accept(delivery))?;
        state.bytes -= size(&delivery);
        Some(delivery)
    }

    /// Says that the order in the store was changed, or that the lane is blocked or no longer is.
    pub(crate) fn reorder(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_stale = true;
        self.changed.notify_one();
    }

    /// Whether [`reorder`](Self::reorder) was called since [`forget`](Self::forget) was.
    pub(crate) fn is_stale(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_stale
    }

    /// Drops everything, to be read from the store anew. What was taken from here must be settled
    /// by now, or it would be read again.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State::default();
    }

    /// Whether nothing is left to take.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.queue.is_empty()
    }

    /// What must be read from the store before the lane may rest; to be asked when nothing is left
    /// to take.
    pub(crate) fn gap(&self) -> Option<Gap> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = Gap {
            after: state.last,
            left_to_store: state.left_to_store,
        };
        (state.behind && state.queue.is_empty()).then_some(gap)
    }

    /// Adds what was read for `gap`, at most [`REFILL`] deliveries.
    pub(crate) fn refill(&self, deliveries: Vec<QueuedDelivery>, gap: Gap) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_all = deliveries.len() < REFILL && state.left_to_store == gap.left_to_store;
        for delivery in deliveries {
            state.add(delivery);
        }
        state.behind = !was_all;
    }

    /// Resolves when something was pushed since it last did.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl State {
    fn add(&mut self, delivery: QueuedDelivery) {
        self.last = delivery.turn;
        self.bytes += size(&delivery);
        self.queue.push_back(delivery);
    }
}

/// Bytes of what people can make as long as they like.
fn size(delivery: &QueuedDelivery) -> usize {
    let content = &delivery.content;
    let of_value = |value: &MsgValue| match value {
        MsgValue::Text(text) => text.len(),
        MsgValue::Texts(texts) => texts.values().map(String::len).sum(),
        _ => 0,
    };
    let values = content.msg.values().map(of_value);
    let files = content.attachments.iter();
    let files = files.map(|file| file.name.len() + file.url.len());
    let header = content.header.iter();
    let header = header.map(|header| header.title.len() + header.content.len());
    let about = content.purpose.about().map(str::len);
    content.text.len()
        + values
            .chain(files)
            .chain(header)
            .chain(about)
            .sum::<usize>()
}

#[cfg(test)]
mod tests;
