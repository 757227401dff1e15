//! The one thread that writes: takes what waits, commits it, tells the feed, answers. Through a
//! failure of the disk it refuses admissions and keeps settlements.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bridge_core::ports::Clock;
use bridge_core::store::{
    Admission, Admitted, DeliveryId, Feed, Progress, QueuedDelivery, StoreError,
};
use tokio::sync::watch;

use crate::commit::{Committed, Database, Effect, Failure};
use crate::queue::{Answer, Batch, Operation, Patience, Queue};

/// The pause after a first failure; it doubles with each further one …
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// … up to this. An admission or a flush ends it early.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Who hears of commits.
pub(crate) type FeedSlot = Mutex<Option<Arc<dyn Feed>>>;

/// The writer's thread, from outside. Dropping it writes what waits and ends the thread.
#[derive(Debug)]
pub(crate) struct WriterThread {
    queue: Arc<Queue>,
    end: watch::Receiver<Option<Result<(), StoreError>>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is given.
pub(crate) struct Writer {
    pub(crate) database: Database,
    /// Dropped after the database.
    pub(crate) lock: File,
    /// The data directory, for errors.
    pub(crate) dir: PathBuf,
    pub(crate) queue: Arc<Queue>,
    pub(crate) feed: Arc<FeedSlot>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl WriterThread {
    pub(crate) fn start(writer: Writer) -> io::Result<Self> {
        let queue = Arc::clone(&writer.queue);
        let (end, ended) = watch::channel(None);
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || {
            // Whatever ends the thread, nobody is left waiting.
            let _abandon = AbandonOnExit(Arc::clone(&writer.queue));
            let result = Writing::new(writer).run();
            end.send_replace(Some(result));
        })?;
        Ok(Self {
            queue,
            end: ended,
            thread: Some(thread),
        })
    }

    /// Writes what waits, closes the database and gives the directory free.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.queue.close();
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or(Ok(())),
            Err(_) => Err(StoreError::Unavailable(
                "its writer thread panicked; see the log".to_owned(),
            )),
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer thread panicked");
        }
    }
}

struct AbandonOnExit(Arc<Queue>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The writer at work.
struct Writing {
    context: Writer,
    health: Health,
    /// What must be written and could not be: settlements and quarantines, in order.
    kept: Vec<Operation>,
    /// Whether the log says that messages are refused.
    is_reported: bool,
}

/// Whether the last commit succeeded.
#[derive(Debug, Clone, Copy)]
enum Health {
    Good,
    Failing { pause: Duration, until: Instant },
}

impl Writing {
    fn new(context: Writer) -> Self {
        Self {
            context,
            health: Health::Good,
            kept: Vec::new(),
            is_reported: false,
        }
    }

    fn run(mut self) -> Result<(), StoreError> {
        loop {
            let Batch {
                operations,
                is_last,
            } = self.context.queue.take(self.patience());
            // What was kept goes first and alone: it came first, and it may make room on a disk
            // that has none left for new messages.
            let kept = std::mem::take(&mut self.kept);
            match self.write(kept) {
                Ok(()) => drop(self.write(operations)),
                Err(error) => self.give_back(operations, &error),
            }
            if is_last {
                return self.end();
            }
        }
    }

    fn patience(&self) -> Patience {
        match self.health {
            Health::Good => Patience::Normal,
            Health::Failing { until, .. } => Patience::Failing {
                until,
                kept: !self.kept.is_empty(),
            },
        }
    }

    /// Commits `operations`, less those that can't be written at all, and answers them. An error
    /// means that all were answered or kept.
    fn write(&mut self, mut operations: Vec<Operation>) -> Result<(), StoreError> {
        while !operations.is_empty() {
            let now = self.context.clock.now();
            match self.context.database.commit(&operations, now) {
                Ok(committed) => {
                    self.note_success(&operations);
                    self.publish(operations, committed);
                    return Ok(());
                }
                Err(Failure::Operation { index, error }) => {
                    self.refuse(operations.remove(index), &error);
                }
                Err(Failure::Storage(error)) => {
                    let error = self.note_failure(&error);
                    self.give_back(operations, &error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Tells the feed, then whoever waits.
    fn publish(&self, operations: Vec<Operation>, committed: Committed) {
        let mut ids = committed.ids.into_iter();
        let mut deliveries = Vec::with_capacity(ids.len());
        let mut admitted: Vec<(Answer<Admitted>, Admitted)> = Vec::new();
        let mut flushed = Vec::new();
        let mut room = 0;
        for (operation, effect) in operations.into_iter().zip(committed.effects) {
            room += usize::from(operation.has_room());
            match operation {
                Operation::Admit {
                    admission, answer, ..
                } => match effect {
                    Effect::Duplicate => admitted.push((answer, Admitted::Duplicate)),
                    _ => {
                        queued(admission, &mut ids, &mut deliveries);
                        admitted.push((answer, Admitted::New));
                    }
                },
                Operation::Quarantine(delivery) if effect == Effect::Written => tracing::error!(
                    %delivery,
                    "a stored delivery is damaged and was moved to the dead letters"
                ),
                Operation::Flush(answer) => flushed.push(answer),
                Operation::Settle(_) | Operation::Record(_) | Operation::Quarantine(_) => {}
            }
        }
        self.context.queue.give_room(room);
        if !deliveries.is_empty() {
            let feed = self.context.feed.lock();
            let feed = feed.unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(feed) = feed {
                feed.committed(deliveries);
            }
        }
        for (answer, result) in admitted {
            reply(answer, Ok(result));
        }
        for answer in flushed {
            reply(answer, Ok(()));
        }
    }

    /// After a failed commit: refuses what can be asked for again, keeps what can't.
    fn give_back(&mut self, operations: Vec<Operation>, error: &StoreError) {
        let mut room = 0;
        for operation in operations {
            match operation {
                Operation::Admit { answer, .. } => reply(answer, Err(error.clone())),
                Operation::Flush(answer) => {
                    room += 1;
                    reply(answer, Err(error.clone()));
                }
                Operation::Record(_) => room += 1,
                Operation::Settle(_) | Operation::Quarantine(_) => self.kept.push(operation),
            }
        }
        self.context.queue.give_room(room);
    }

    /// Answers an operation that can't be written on any disk.
    fn refuse(&self, operation: Operation, error: &rusqlite::Error) {
        self.context
            .queue
            .give_room(usize::from(operation.has_room()));
        match operation {
            Operation::Admit { answer, .. } => {
                let reason = format!("it does not take this message: {error}");
                reply(answer, Err(StoreError::Unavailable(reason)));
            }
            Operation::Settle(settlement) => {
                let delivery = settlement.delivery;
                tracing::error!(%delivery, %error, "can't write what became of a delivery; after a restart it is sent again");
            }
            Operation::Quarantine(delivery) => {
                tracing::error!(%delivery, %error, "a stored delivery is damaged beyond being moved to the dead letters");
            }
            Operation::Record(_) | Operation::Flush(_) => {
                tracing::error!(%error, "can't write a record; dropped it");
            }
        }
    }

    fn note_success(&mut self, operations: &[Operation]) {
        self.health = Health::Good;
        // Settlements may fit on a disk that is full for messages: only a message tells.
        let takes_messages = operations
            .iter()
            .any(|operation| matches!(operation, Operation::Admit { .. }));
        if self.is_reported && takes_messages {
            self.is_reported = false;
            tracing::warn!(data_dir = %self.context.dir.display(), "the store takes messages again");
        }
    }

    fn note_failure(&mut self, error: &rusqlite::Error) -> StoreError {
        let pause = match self.health {
            Health::Good => FIRST_PAUSE,
            Health::Failing { pause, .. } => (pause * 2).min(LONGEST_PAUSE),
        };
        self.health = Health::Failing {
            pause,
            until: Instant::now() + pause,
        };
        let dir = self.context.dir.display();
        if !self.is_reported {
            self.is_reported = true;
            tracing::error!(%error, data_dir = %dir, "the store can't write and refuses messages; see to the disk");
        }
        StoreError::Unavailable(format!("{error}, in \"{dir}\""))
    }

    fn end(self) -> Result<(), StoreError> {
        let result = if self.kept.is_empty() {
            Ok(())
        } else {
            let settlements = self.kept.len();
            tracing::error!(
                settlements,
                "closed without being able to write what became of some deliveries; after a restart they are sent again"
            );
            Err(StoreError::Unavailable(format!(
                "closed with {settlements} settlements unwritten; their deliveries are sent again after a restart"
            )))
        };
        let Writer { database, lock, .. } = self.context;
        // The last connection takes the log into the database; only then may another bridge come.
        drop(database);
        drop(lock);
        result
    }
}

/// Makes the deliveries of a committed admission, numbered from `ids`.
fn queued(
    admission: Admission,
    ids: &mut impl Iterator<Item = DeliveryId>,
    deliveries: &mut Vec<QueuedDelivery>,
) {
    let numbered = admission.deliveries.into_iter().zip(ids);
    deliveries.extend(numbered.map(|(delivery, id)| QueuedDelivery {
        id,
        source: admission.source.clone(),
        message_id: admission.message_id.clone(),
        received_at: admission.received_at,
        channel: delivery.channel,
        rule: delivery.rule,
        content: delivery.content,
        progress: Progress::START,
    }));
}

/// Answers whoever may still be listening.
fn reply<T>(answer: Answer<T>, result: Result<T, StoreError>) {
    answer.send(result).ok();
}
