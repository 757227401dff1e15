//! What sends and the connection have in common: a queue of lines, and who waits for an answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::wire::Answer;
use crate::fault::Fault;

/// Lines that wait to be written.
const QUEUE: usize = 16;

/// What the platform says of a send.
#[derive(Debug)]
pub(super) enum Reply {
    Taken,
    Refused(String),
    Throttled,
}

/// A line to write.
pub(super) enum Job {
    Line(String),
    Send {
        key: String,
        line: String,
        reply: oneshot::Sender<Reply>,
        is_written: Arc<AtomicBool>,
    },
}

/// The connection, as sends see it.
#[derive(Default)]
pub(super) struct Link {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    /// What the faults remember.
    pub(super) is_taken: AtomicBool,
    pub(super) later: Mutex<Vec<String>>,
}

/// The link is open for as long as this lives.
pub(super) struct Open<'a> {
    link: &'a Link,
    pub(super) jobs: mpsc::Sender<Job>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Reply>>>,
}

impl Link {
    pub(super) fn open(&self) -> (Open<'_>, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        *lock(&self.jobs) = Some(jobs.clone());
        let open = Open {
            link: self,
            jobs,
            waiting: Mutex::default(),
        };
        (open, queue)
    }

    /// Where lines are queued; `None` while there is no connection.
    pub(super) fn jobs(&self) -> Option<mpsc::Sender<Job>> {
        lock(&self.jobs).clone()
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        *lock(&self.link.jobs) = None;
        if !Fault::StaysTakenWhenDropped.is_present() {
            self.link.is_taken.store(false, Ordering::Relaxed);
        }
    }
}

impl Open<'_> {
    /// The line of a job that is still wanted; from here on it counts as written.
    pub(super) fn begin(&self, job: Job) -> Option<String> {
        match job {
            Job::Line(line) => Some(line),
            Job::Send { reply, .. } if reply.is_closed() => None,
            Job::Send {
                key,
                line,
                reply,
                is_written,
            } => {
                is_written.store(true, Ordering::Relaxed);
                lock(&self.waiting).insert(key, reply);
                Some(line)
            }
        }
    }

    pub(super) fn answer(&self, answer: &Answer, reply: Reply) {
        if let Some(waiting) = lock(&self.waiting).remove(&answer.key) {
            // A send that was given up does not hear it, which is fine.
            waiting.send(reply).ok();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
