//! What waits for the writer thread: a bounded line of operations, and the rule that says when it
//! is worth a commit.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bridge_core::id::{Channel, InstanceId};
use bridge_core::store::{
    Admission, Admitted, DeliveryId, Discarded, Identification, Merge, Record, Replayed,
    Settlement, StoreError,
};
use bridge_core::time::Timestamp;
use tokio::sync::{Semaphore, oneshot};

use crate::row::Sealed;

/// Admissions that may wait; one more is refused at once, so that the platform hears of it while it
/// still listens. Far more than connections that wait for an answer.
pub(crate) const ADMISSIONS: usize = 4096;
/// Bytes of encoded deliveries that may wait in admissions: a long message to many targets is many
/// times its size. A single larger admission is taken while no other waits.
const ADMISSION_BYTES: usize = 64 * 1024 * 1024;
/// Records, flushes and what operators ask for that may wait; one more waits for room. What lanes
/// hand over needs none: each lane waits for its own before it goes on.
const ROOM: usize = 4096;
/// Records are written with whatever comes next, or when so many wait …
const LAZY_COUNT: usize = 256;
/// … or when the first of them has waited so long.
const LAZY_DELAY: Duration = Duration::from_millis(5);
/// Operations of one commit at most, so that the first of a burst is not answered with its last.
const BATCH: usize = 1024;

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
    Flush(Answer<()>),
}

impl Operation {
    /// Whether somebody waits for the commit.
    fn is_urgent(&self) -> bool {
        !matches!(self, Self::Record(_) | Self::Quarantine(_))
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

    /// Bytes of its encoded deliveries.
    fn bytes(&self) -> usize {
        match self {
            Self::Admit { sealed, .. } => sealed.bytes(),
            _ => 0,
        }
    }

    /// Whether it took room that must be given back.
    pub(crate) fn has_room(&self) -> bool {
        !matches!(
            self,
            Self::Admit { .. } | Self::Settle { .. } | Self::Merge { .. } | Self::Spend { .. }
        )
    }
}

/// How long the writer waits for work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// Until there is something worth a commit, or until this time: then something else is due.
    Normal(Instant),
    /// Until then, or until something urgent comes: the last commit failed. With `kept`, there is
    /// something to write even if nothing new comes.
    Failing { until: Instant, kept: bool },
}

/// What the writer does next.
#[derive(Debug)]
pub(crate) struct Batch {
    /// In the order in which they were handed over.
    pub(crate) operations: Vec<Operation>,
    /// Nothing comes after this.
    pub(crate) is_last: bool,
}

/// The line of operations. Many hand over, one takes.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    room: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    operations: VecDeque<Operation>,
    admissions: usize,
    admission_bytes: usize,
    urgent: usize,
    /// When the oldest operation that nobody waits for came.
    lazy_since: Option<Instant>,
    is_closed: bool,
}

impl State {
    fn lazy(&self) -> usize {
        self.operations.len() - self.urgent
    }
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            ready: Condvar::new(),
            room: Semaphore::new(ROOM),
        }
    }

    /// Hands an admission over, if there is room.
    pub(crate) fn admit(
        &self,
        admission: Admission,
        sealed: Sealed,
        answer: Answer<Admitted>,
    ) -> Result<(), StoreError> {
        let operation = Operation::Admit {
            admission,
            sealed,
            answer,
        };
        let mut state = self.state();
        if state.admissions >= ADMISSIONS {
            let reason = format!("{ADMISSIONS} messages wait for the disk; try again later");
            return Err(StoreError::Unavailable(reason));
        }
        let bytes = state.admission_bytes.saturating_add(operation.bytes());
        if state.admissions > 0 && bytes > ADMISSION_BYTES {
            let reason = format!("{ADMISSION_BYTES} bytes wait for the disk; try again later");
            return Err(StoreError::Unavailable(reason));
        }
        self.push(&mut state, operation)
    }

    /// Hands over what a lane waits for: at once, since each lane has one at a time.
    pub(crate) fn hand_over_now(&self, operation: Operation) -> Result<(), StoreError> {
        self.push(&mut self.state(), operation)
    }

    /// Hands anything else over, as soon as there is room.
    pub(crate) async fn hand_over(&self, operation: Operation) -> Result<(), StoreError> {
        let room = self.room.acquire().await;
        let room = room.map_err(|_| StoreError::Closed)?;
        self.push(&mut self.state(), operation)?;
        // The writer gives it back once the operation is done.
        room.forget();
        Ok(())
    }

    /// Gives back the room of `operations` that are done.
    pub(crate) fn give_room(&self, operations: usize) {
        self.room.add_permits(operations);
    }

    /// Takes what is worth a commit; waits until there is something, or until it is time for
    /// something else, and may take nothing then.
    pub(crate) fn take(&self, patience: Patience) -> Batch {
        let mut state = self.state();
        while let Some(wait) = Self::wait(&state, patience) {
            state = match wait {
                Wait::ForWork => self
                    .ready
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Wait::AtMost(duration) => {
                    let woken = self.ready.wait_timeout(state, duration);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let count = state.operations.len().min(BATCH);
        let operations: Vec<_> = state.operations.drain(..count).collect();
        for operation in &operations {
            state.urgent -= usize::from(operation.is_urgent());
            state.admissions -= usize::from(matches!(operation, Operation::Admit { .. }));
            state.admission_bytes -= operation.bytes();
        }
        if state.lazy() == 0 {
            state.lazy_since = None;
        }
        Batch {
            operations,
            is_last: state.is_closed && state.operations.is_empty(),
        }
    }

    /// Takes no more operations; those that are there will still be taken.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.room.close();
        self.ready.notify_one();
    }

    /// Closes the line and drops what is in it, whose callers then hear that the store is closed.
    pub(crate) fn abandon(&self) {
        self.close();
        let abandoned = std::mem::take(&mut self.state().operations);
        drop(abandoned);
    }

    fn push(&self, state: &mut State, operation: Operation) -> Result<(), StoreError> {
        if state.is_closed {
            return Err(StoreError::Closed);
        }
        let is_urgent = operation.is_urgent();
        state.admissions += usize::from(matches!(operation, Operation::Admit { .. }));
        state.admission_bytes += operation.bytes();
        state.urgent += usize::from(is_urgent);
        state.operations.push_back(operation);
        let is_worth_a_wake = if is_urgent {
            state.urgent == 1
        } else {
            // The first one makes the writer set its alarm.
            state.lazy_since.get_or_insert_with(Instant::now);
            matches!(state.lazy(), 1 | LAZY_COUNT)
        };
        if is_worth_a_wake {
            self.ready.notify_one();
        }
        Ok(())
    }

    fn wait(state: &State, patience: Patience) -> Option<Wait> {
        if state.is_closed || state.urgent > 0 {
            return None;
        }
        let until = match patience {
            Patience::Normal(_) if state.lazy() >= LAZY_COUNT => return None,
            Patience::Normal(due) => match state.lazy_since {
                Some(since) => due.min(since + LAZY_DELAY),
                None => due,
            },
            Patience::Failing { until, kept } if kept || state.lazy() > 0 => until,
            Patience::Failing { .. } => return Some(Wait::ForWork),
        };
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(Wait::AtMost(left))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Wait {
    ForWork,
    AtMost(Duration),
}

#[cfg(test)]
mod tests {
    use bridge_core::id::{Address, Channel};
    use bridge_core::time::Timestamp;

    use super::*;

    fn admit(queue: &Queue, bytes: usize) -> Result<(), StoreError> {
        let admission = Admission {
            source: Channel::new("a".into(), Address::new([("room", "1")])),
            message_id: None,
            received_at: Timestamp::EPOCH,
            deliveries: Vec::new(),
        };
        let sealed = Sealed {
            bodies: vec!["x".repeat(bytes)],
            deliveries: Vec::new(),
        };
        let (answer, _) = oneshot::channel();
        queue.admit(admission, sealed, answer)
    }

    #[test]
    fn bytes_that_wait_are_bounded_and_a_large_message_alone_is_taken() {
        let queue = Queue::new();
        assert_eq!(admit(&queue, ADMISSION_BYTES + 1), Ok(()));
        let refused = admit(&queue, 1).unwrap_err();
        assert!(refused.to_string().contains("bytes wait"), "{refused}");
        assert_eq!(
            queue
                .take(Patience::Normal(Instant::now()))
                .operations
                .len(),
            1
        );
        assert_eq!(admit(&queue, ADMISSION_BYTES), Ok(()));
        assert!(admit(&queue, 1).is_err());
    }
}
