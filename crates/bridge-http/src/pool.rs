//! Threads for calls that block: few, named, started when they are needed.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread without work is kept.
const IDLE_LIFETIME: Duration = Duration::from_secs(30);

/// Stack of each thread. A call over TLS in an unoptimised build overflows 128 KiB and fits 256;
/// twice that is on the safe side, and what is not touched costs no memory.
const STACK_BYTES: usize = 512 * 1024;

/// A piece of blocking work.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// A bounded pool of threads named `outbound-N` for blocking calls, shared by all instances.
///
/// - A thread is started when there is more work than free threads, up to the bound; one that found
///   nothing to do for half a minute ends.
/// - A job that panics takes nothing but itself along.
/// - The queue has no bound of its own: only [`HttpClient`](crate::HttpClient) submits, and each
///   client holds a permit per job, so it is never longer than the sum of their `max_in_flight`.
/// - Dropping the pool waits for nobody: threads end once the queue is empty. A blocking call can't
///   be interrupted, so the process must not wait for one either.
pub struct BlockingPool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    idle_lifetime: Duration,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Threads that may exist; 0 counts as 1.
    max_threads: usize,
    /// Threads that exist, or are being started.
    threads: usize,
    /// Those of them without a job; each looks into the queue before it sleeps.
    free: usize,
    /// Those of them asleep.
    sleeping: usize,
    /// A sleeper was notified and has not come up yet. It will wake the next one itself, so a burst
    /// of submissions costs one wake at a time instead of a stampede on the lock.
    waking: bool,
    closed: bool,
    /// Threads started so far, for their names.
    started: u64,
}

impl BlockingPool {
    /// A pool of at most `max_threads` threads, none of them started yet. 0 counts as 1.
    pub fn new(max_threads: usize) -> Arc<Self> {
        Self::with_idle_lifetime(max_threads, IDLE_LIFETIME)
    }

    fn with_idle_lifetime(max_threads: usize, idle_lifetime: Duration) -> Arc<Self> {
        let state = State {
            max_threads,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            idle_lifetime,
        });
        Arc::new(Self { shared })
    }

    /// Lets the pool have so many threads more for as long as the result lives: what an instance
    /// brings along that comes while the bridge runs.
    pub fn share(&self, threads: usize) -> PoolShare {
        self.shared.lock().max_threads += threads;
        PoolShare {
            threads,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Threads that exist now.
    pub fn threads(&self) -> usize {
        self.shared.lock().threads
    }

    /// Runs `job` on one of the threads, jobs being started in the order of their submission.
    ///
    /// # Errors
    ///
    /// If the pool has no thread at all and the system refuses to start one; the job is dropped.
    pub(crate) fn submit(&self, job: Job) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.queue.push_back(job);
        if state.queue.len() <= state.free || state.threads >= state.max_threads.max(1) {
            self.shared.wake_one(&mut state);
            return Ok(());
        }
        state.threads += 1;
        state.free += 1;
        state.started += 1;
        let name = format!("outbound-{}", state.started);
        // Starting a thread takes far longer than what the lock is for.
        drop(state);

        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().name(name).stack_size(STACK_BYTES);
        match builder.spawn(move || shared.work_until_idle()) {
            Ok(_) => Ok(()),
            Err(error) => self.without_the_thread(error),
        }
    }

    /// Takes back what was counted for a thread that could not be started. With others alive the
    /// job waits for one of them.
    fn without_the_thread(&self, error: io::Error) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.threads -= 1;
        state.free -= 1;
        if state.threads > 0 {
            self.shared.wake_one(&mut state);
            return Ok(());
        }
        let stranded = std::mem::take(&mut state.queue);
        drop(state);
        drop(stranded);
        Err(error)
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("max_threads", &self.shared.lock().max_threads)
            .field("threads", &self.threads())
            .finish()
    }
}

/// What one user of a pool may take of it. Dropping it gives it back; jobs that run then are
/// finished, and further ones wait for the threads that are left.
pub struct PoolShare {
    threads: usize,
    shared: Arc<Shared>,
}

impl Drop for PoolShare {
    fn drop(&mut self) {
        self.shared.lock().max_threads -= self.threads;
    }
}

impl fmt::Debug for PoolShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolShare").field(&self.threads).finish()
    }
}

impl Shared {
    /// No job runs under the lock, so nothing can leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_one(&self, state: &mut State) {
        if state.sleeping > 0 && !state.waking {
            state.waking = true;
            self.work.notify_one();
        }
    }

    /// The life of a thread: counted as free when it begins and whenever it holds no job.
    fn work_until_idle(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.free -= 1;
                if !state.queue.is_empty() {
                    self.wake_one(&mut state);
                }
                drop(state);
                run(job);
                state = self.lock();
                state.free += 1;
                continue;
            }
            if state.closed {
                break;
            }
            state.sleeping += 1;
            let (woken, waited) = self
                .work
                .wait_timeout(state, self.idle_lifetime)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.sleeping -= 1;
            state.waking = false;
            if waited.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.free -= 1;
        state.threads -= 1;
    }
}

/// Runs the job and survives it. Whoever waits for its result sees the channel closed.
fn run(job: Job) {
    if catch_unwind(AssertUnwindSafe(job)).is_err() {
        tracing::error!("an outbound call panicked; its delivery counts as uncertain");
    }
}

#[cfg(test)]
mod tests;
