//! The one thread that writes: takes what waits, commits it, tells the feed, answers. Through a
//! failure of the disk it refuses admissions and keeps settlements.

mod answers;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bridge_core::ports::Clock;
use bridge_core::store::{Feed, StoreError};
use tokio::sync::watch;

use self::answers::{refuse, reply};
use crate::commit::{Database, Failure};
use crate::mend;
use crate::queue::{Batch, Operation, Patience, Queue};
use crate::retention::{Retention, Tidied};
use crate::salvage::is_damage;

/// The pause after a first failure; it doubles with each further one …
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// … up to this. An admission or a flush ends it early.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a commit may stay unsynced.
const SYNC_DELAY: Duration = Duration::from_millis(100);
/// The pause between two rounds of tidying, and between two steps of a round.
const TIDY_ROUND: Duration = Duration::from_secs(60);
const TIDY_STEP: Duration = Duration::from_millis(20);

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
    pub(crate) retention: Retention,
    /// The write-ahead log, for syncing it.
    pub(crate) log_path: PathBuf,
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
    /// When the log must be synced.
    sync_at: Option<Instant>,
    /// When something that is too old is to be looked for.
    tidy_at: Instant,
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
            sync_at: None,
            tidy_at: Instant::now() + TIDY_STEP,
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
            self.do_what_is_due();
        }
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        if self.sync_at.is_some_and(|due| due <= now) {
            self.sync_at = match sync(&self.context.log_path) {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(%error, "the store's log can't be synced; trying again");
                    Some(now + LONGEST_PAUSE)
                }
            };
        }
        let is_healthy = matches!(self.health, Health::Good);
        if self.tidy_at <= now && is_healthy {
            self.tidy_at = now + self.tidy();
        }
    }

    /// Removes a little of what is too old; how long to wait before the next step.
    fn tidy(&mut self) -> Duration {
        let now = self.context.clock.now();
        match self.context.retention.step(&mut self.context.database, now) {
            Ok(Tidied::More { is_changed }) => {
                if is_changed {
                    self.sync_at.get_or_insert(Instant::now() + SYNC_DELAY);
                }
                TIDY_STEP
            }
            Ok(Tidied::Done) => TIDY_ROUND,
            Err(error) => {
                tracing::error!(%error, "can't remove what is too old from the store; trying again");
                TIDY_ROUND
            }
        }
    }

    fn patience(&self) -> Patience {
        match self.health {
            Health::Good => {
                let due = self.sync_at.map_or(self.tidy_at, |at| at.min(self.tidy_at));
                Patience::Normal(due)
            }
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
                    self.sync_at = match operations.iter().any(Operation::needs_sync) {
                        true => None,
                        false => self.sync_at.or(Some(Instant::now() + SYNC_DELAY)),
                    };
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

    /// After a failed commit: refuses what can be asked for again, keeps what can't.
    fn give_back(&mut self, operations: Vec<Operation>, error: &StoreError) {
        let mut room = 0;
        for operation in operations {
            match operation {
                Operation::Settle { .. } => self.kept.push(operation),
                Operation::Quarantine(_) | Operation::QuarantineEntry { .. } => {
                    self.kept.push(operation);
                }
                operation => {
                    room += usize::from(operation.has_room());
                    refuse(operation, error);
                }
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
            Operation::Settle { settlement, answer } => {
                let delivery = settlement.delivery;
                tracing::error!(%delivery, %error, "can't write what became of a delivery; after a restart it is sent again");
                // The lane has to go on; nothing that it could do would change this.
                reply(answer, Ok(()));
            }
            Operation::Quarantine(delivery) => {
                tracing::error!(%delivery, %error, "a stored delivery is damaged beyond being moved to the dead letters");
            }
            Operation::QuarantineEntry { instance, number } => {
                tracing::error!(%instance, %number, %error, "an entry of a mailbox is damaged beyond being dropped");
            }
            Operation::Record(_) => tracing::error!(%error, "can't write a record; dropped it"),
            operation => {
                let reason = format!("it does not take this: {error}");
                refuse(operation, &StoreError::Unavailable(reason));
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
        if is_damage(error) {
            mend::mark(&self.context.dir);
        }
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
            // Their lanes are told that the store is closed.
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

/// Syncs what was written to the log; without a log there is nothing to sync.
fn sync(log: &Path) -> io::Result<()> {
    match File::open(log) {
        Ok(file) => file.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
