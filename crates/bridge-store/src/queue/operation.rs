//! What the writer does: each operation with what it needs, and where its result goes.

use bridge_core::id::{Channel, InstanceId};
use bridge_core::store::{
    Admission, Admitted, DeliveryId, Discarded, EntryNumber, Identification, Merge, NewEntry,
    Record, Replayed, Settlement, StoreError,
};
use bridge_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::mailbox::EntrySeal;
use crate::row::Sealed;

/// Where the result of an operation goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer does.
#[derive(Debug)]
pub(crate) enum Operation {
    Admit {
        admission: Admission,
        sealed: Sealed,
        answer: Answer<Admitted>,
    },
    Settle {
        settlement: Settlement,
        answer: Answer<()>,
    },
    Merge {
        merge: Merge,
        answer: Answer<()>,
    },
    /// Writes down a used permission of a rate budget.
    Spend {
        channel: Channel,
        at: Timestamp,
        answer: Answer<()>,
    },
    /// Sets the ids of a send.
    Identify {
        identification: Identification,
        answer: Answer<bool>,
    },
    Record(Record),
    /// Moves a damaged delivery to the dead letters.
    Quarantine(DeliveryId),
    Replay {
        letters: Vec<DeliveryId>,
        at: Timestamp,
        answer: Answer<Vec<Replayed>>,
    },
    Discard {
        letters: Vec<DeliveryId>,
        at: Timestamp,
        answer: Answer<Vec<Discarded>>,
    },
    Park {
        instance: InstanceId,
        reason: String,
        limit: usize,
        at: Timestamp,
        answer: Answer<usize>,
    },
    Post {
        instance: InstanceId,
        entry: NewEntry,
        seal: EntrySeal,
        answer: Answer<EntryNumber>,
    },
    Confirm {
        instance: InstanceId,
        up_to: EntryNumber,
        answer: Answer<()>,
    },
    /// Drops a damaged entry.
    QuarantineEntry {
        instance: InstanceId,
        number: EntryNumber,
    },
    Flush(Answer<()>),
}

impl Operation {
    /// Whether somebody waits for the commit.
    pub(super) fn is_urgent(&self) -> bool {
        !matches!(
            self,
            Self::Record(_) | Self::Quarantine(_) | Self::QuarantineEntry { .. }
        )
    }

    /// Whether it is answered only once it is synced.
    pub(crate) fn needs_sync(&self) -> bool {
        matches!(
            self,
            Self::Admit { .. }
                | Self::Replay { .. }
                | Self::Discard { .. }
                | Self::Park { .. }
                | Self::Flush(_)
        )
    }

    /// Bytes of its encoded deliveries or its entry.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Admit { sealed, .. } => sealed.bytes(),
            Self::Post { entry, .. } => entry.key.len() + entry.body.len(),
            _ => 0,
        }
    }

    /// Whether it took room that must be given back.
    pub(crate) fn has_room(&self) -> bool {
        !matches!(
            self,
            Self::Admit { .. }
                | Self::Settle { .. }
                | Self::Merge { .. }
                | Self::Spend { .. }
                | Self::Post { .. }
                | Self::Confirm { .. }
        )
    }
}
