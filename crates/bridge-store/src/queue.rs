//! What waits for the writer thread: a bounded line of operations, and the rule that says when it
//! is worth a commit.

mod operation;

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bridge_core::store::StoreError;
use tokio::sync::Semaphore;

pub(crate) use self::operation::{Answer, Operation};

/// Admissions that may wait, and posts and confirmations; one more is refused at once, so that the
/// platform hears of it while it still listens. Far more than connections that wait for an answer.
const WAITING: usize = 4096;
/// Bytes of encoded deliveries that may wait in admissions, and of entries in posts: a long message to
/// many targets is many times its size. A single larger one is taken while no other waits.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Records, flushes and what operators ask for that may wait; one more waits for room. What lanes
/// hand over needs none: each lane waits for its own before it goes on.
const ROOM: usize = 4096;
/// Records are written with whatever comes next, or when so many wait …
const LAZY_COUNT: usize = 256;
/// … or when the first of them has waited so long.
const LAZY_DELAY: Duration = Duration::from_millis(5);
/// Operations of one commit at most, so that the first of a burst is not answered with its last.
const BATCH: usize = 1024;

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
    admissions: Waiting,
    /// Posts and confirmations, which must not keep messages out.
    mail: Waiting,
    urgent: usize,
    /// When the oldest operation that nobody waits for came.
    lazy_since: Option<Instant>,
    is_closed: bool,
}

impl State {
    fn lazy(&self) -> usize {
        self.operations.len() - self.urgent
    }

    /// Where an operation is counted, if it is of those that are refused when too many wait.
    fn waiting(&mut self, operation: &Operation) -> Option<&mut Waiting> {
        match operation {
            Operation::Admit { .. } => Some(&mut self.admissions),
            Operation::Post { .. } | Operation::Confirm { .. } => Some(&mut self.mail),
            _ => None,
        }
    }
}

/// How many operations wait, and their bytes.
#[derive(Debug, Default)]
struct Waiting {
    operations: usize,
    bytes: usize,
}

impl Waiting {
    /// Counts one more, if there is room.
    fn add(&mut self, bytes: usize) -> Result<(), StoreError> {
        if self.operations >= WAITING {
            let reason = format!("{WAITING} messages wait for the disk; try again later");
            return Err(StoreError::Unavailable(reason));
        }
        let sum = self.bytes.saturating_add(bytes);
        if self.operations > 0 && sum > WAITING_BYTES {
            let reason = format!("{WAITING_BYTES} bytes wait for the disk; try again later");
            return Err(StoreError::Unavailable(reason));
        }
        self.operations += 1;
        self.bytes = sum;
        Ok(())
    }

    fn remove(&mut self, bytes: usize) {
        self.operations -= 1;
        self.bytes -= bytes;
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

    /// Hands over at once: what a lane waits for, since each lane has one at a time; admissions,
    /// posts and confirmations if there is room.
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
            if let Some(waiting) = state.waiting(operation) {
                waiting.remove(operation.bytes());
            }
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
        if let Some(waiting) = state.waiting(&operation) {
            waiting.add(operation.bytes())?;
        }
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
    use bridge_core::id::{Address, Channel, InstanceId};
    use bridge_core::store::{Admission, NewEntry};
    use bridge_core::time::Timestamp;
    use tokio::sync::oneshot;

    use super::*;
    use crate::mailbox::EntrySeal;
    use crate::row::Sealed;

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
        queue.hand_over_now(Operation::Admit {
            admission,
            sealed,
            answer,
        })
    }

    fn post(queue: &Queue, bytes: usize) -> Result<(), StoreError> {
        let entry = NewEntry {
            key: String::new(),
            body: "x".repeat(bytes),
            at: Timestamp::EPOCH,
        };
        let instance = InstanceId::new("a");
        let (answer, _) = oneshot::channel();
        queue.hand_over_now(Operation::Post {
            seal: EntrySeal::new(instance.as_str(), &entry),
            instance,
            entry,
            answer,
        })
    }

    fn take(queue: &Queue) -> usize {
        let batch = queue.take(Patience::Normal(Instant::now()));
        batch.operations.len()
    }

    #[test]
    fn bytes_that_wait_are_bounded_and_a_large_message_alone_is_taken() {
        for hand_over in [admit, post] {
            let queue = Queue::new();
            assert_eq!(hand_over(&queue, WAITING_BYTES + 1), Ok(()));
            let refused = hand_over(&queue, 1).unwrap_err();
            assert!(refused.to_string().contains("bytes wait"), "{refused}");
            assert_eq!(take(&queue), 1);
            assert_eq!(hand_over(&queue, WAITING_BYTES), Ok(()));
            assert!(hand_over(&queue, 1).is_err());
        }
    }

    #[test]
    fn posts_that_wait_are_bounded_and_keep_no_message_out() {
        let queue = Queue::new();
        for _ in 0..WAITING {
            assert_eq!(post(&queue, 1), Ok(()));
        }
        assert!(post(&queue, 1).is_err());
        assert_eq!(admit(&queue, 1), Ok(()));
        assert_eq!(take(&queue), BATCH);
        assert_eq!(post(&queue, 1), Ok(()));
    }
}
