use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use bridge_core::capability::Capabilities;
use bridge_core::driver::{Outgoing, Refusal};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::store::Store;
use bridge_http::{OutboundOptions, stack};
use bridge_testkit::{FakeClock, MemoryStore};
use bytes::Bytes;
use tokio::sync::Notify;

use super::*;
use crate::generation::{Generations, Parts};
use crate::intake::Shared;

/// How long a test waits for what must happen.
const SOON: Duration = Duration::from_secs(20);

/// What a run of the driver's work does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Is lost at once.
    Lose,
    /// Reaches the platform, and works until it is told to end.
    Work,
    /// Goes on for ever, whatever it is told.
    Ignore,
    Panic,
    /// Ends without an error.
    End,
    /// Is refused.
    Refused,
}

/// A driver whose runs do what is written down for them.
struct Scripted {
    script: Vec<Run>,
    runs: AtomicUsize,
    running: AtomicUsize,
    named: Mutex<Vec<usize>>,
    seen: Notify,
}

impl Scripted {
    fn new(script: impl Into<Vec<Run>>) -> Arc<Self> {
        Arc::new(Self {
            script: script.into(),
            runs: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            named: Mutex::default(),
            seen: Notify::new(),
        })
    }

    /// Waits until so many runs have begun.
    async fn begun(&self, runs: usize) {
        while self.runs.load(Ordering::SeqCst) < runs {
            self.seen.notified().await;
        }
    }

    async fn told(&self, named: &[usize]) {
        while *self.named.lock().unwrap() != named {
            self.seen.notified().await;
        }
    }
}

/// Counts a run until it has ended or was dropped.
struct Running<'a>(&'a Scripted);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ErasedDriver for Scripted {
    fn verify(&self, _: &http::Request<Bytes>) -> Result<(), Refusal> {
        Err(Refusal::new("none", ""))
    }

    fn decode(&self, _: &Bytes) -> Result<Batch, Refusal> {
        Err(Refusal::new("none", ""))
    }

    fn send<'a>(&'a self, _: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(std::future::ready(Ok(Sent::default())))
    }

    fn run<'a>(&'a self, work: &'a dyn Work) -> BoxFuture<'a, Result<(), RunError>> {
        Box::pin(async move {
            let _running = Running(self);
            let others = self.running.fetch_add(1, Ordering::SeqCst);
            assert_eq!(others, 0, "one run at a time");
            let run = self.script[self.runs.fetch_add(1, Ordering::SeqCst)];
            self.seen.notify_one();
            match run {
                Run::Lose => Err(RunError::new(ErrorKind::Unavailable, "lost")),
                Run::Refused => Err(RunError::new(ErrorKind::Unauthorized, "who are you")),
                Run::End => Ok(()),
                Run::Panic => panic!("in the driver's work"),
                Run::Ignore => std::future::pending().await,
                Run::Work => {
                    work.reached();
                    let mut named = work.channels();
                    loop {
                        self.named.lock().unwrap().push(named.len());
                        self.seen.notify_one();
                        tokio::select! {
                            () = work.stopping() => return Ok(()),
                            () = work.channels_changed(&named) => named = work.channels(),
                        }
                    }
                }
            }
        })
    }
}

fn job(driver: &Arc<Scripted>, clock: &FakeClock) -> Job {
    let driver = Arc::clone(driver) as Arc<dyn ErasedDriver>;
    let clock = Arc::new(clock.clone()) as Arc<dyn Clock>;
    let instance = InstanceId::new("one");
    let options = OutboundOptions {
        max_in_flight: 1,
        rate_per_second: 0,
        follows_earlier_run: false,
    };
    let shared = Shared {
        generations: Arc::new(Generations::new(Parts::default())),
        store: Arc::new(MemoryStore::new()) as Arc<dyn Store>,
        clock: Arc::clone(&clock),
        known: Arc::default(),
    };
    let target = Target {
        outbound: stack(Arc::clone(&driver), options, Arc::clone(&clock)),
        capabilities: Capabilities::text(100),
        channel_rate_per_minute: 0,
        gate: Default::default(),
        in_flight: Default::default(),
        threads: None,
        retirement: Default::default(),
    };
    Job {
        intake: InstanceIntake::new(instance.clone(), "scripted", shared),
        instance,
        driver,
        clock,
        target: Arc::new(target),
    }
}

fn channels(count: usize) -> Arc<[Address]> {
    let numbers = 0..count;
    numbers
        .map(|number| Address::new([("room", number.to_string())]))
        .collect()
}

/// The output of `future`, which must come; the clock is moved on whenever somebody sleeps.
async fn soon<T>(clock: &FakeClock, future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let waited = tokio::time::timeout(SOON, async {
        loop {
            tokio::select! {
                biased;
                done = &mut future => return done,
                () = tokio::task::yield_now() => {}
            }
            if clock.sleepers() > 0 {
                clock.advance(Duration::from_secs(1));
            }
        }
    });
    waited.await.expect("it happens in time")
}

#[tokio::test]
async fn work_that_ends_is_begun_anew_and_ends_when_told() {
    let script = [Run::Lose, Run::Panic, Run::End, Run::Refused, Run::Work];
    let (driver, clock) = (Scripted::new(script), FakeClock::default());
    let mut worker = Worker::start(job(&driver, &clock), channels(1), None);
    soon(&clock, driver.begun(script.len())).await;
    soon(&clock, driver.told(&[1])).await;

    worker.name(channels(1));
    worker.name(channels(3));
    soon(&clock, driver.told(&[1, 3])).await;

    soon(&clock, worker.end()).await;
    assert_eq!(driver.running.load(Ordering::SeqCst), 0);
    assert_eq!(driver.runs.load(Ordering::SeqCst), script.len());
}

#[tokio::test]
async fn work_that_does_not_end_is_cut_off() {
    let (driver, clock) = (Scripted::new([Run::Ignore]), FakeClock::default());
    let mut worker = Worker::start(job(&driver, &clock), channels(0), None);
    soon(&clock, driver.begun(1)).await;
    let before = clock.now();
    soon(&clock, worker.end()).await;
    assert!(clock.now().since(before) >= GOODBYE);
    assert_eq!(driver.running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn work_goes_on_until_the_sends_that_run_have_ended() {
    let (driver, clock) = (Scripted::new([Run::Work]), FakeClock::default());
    let job = job(&driver, &clock);
    let send = job.target.in_flight.begin();
    let mut worker = Worker::start(job, channels(0), None);
    soon(&clock, driver.begun(1)).await;
    {
        let mut end = std::pin::pin!(worker.end());
        for _ in 0..100 {
            tokio::select! {
                biased;
                () = &mut end => panic!("a send runs"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    assert_eq!(driver.running.load(Ordering::SeqCst), 1);
    drop(send);
    soon(&clock, worker.end()).await;
    assert_eq!(driver.running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_next_of_an_instance_begins_after_the_one_before() {
    // One driver for both, since it counts how many run at once.
    let (driver, clock) = (Scripted::new([Run::Work, Run::Work]), FakeClock::default());
    let first = job(&driver, &clock);
    let send = first.target.in_flight.begin();
    let before = Worker::start(first, channels(1), None);
    soon(&clock, driver.told(&[1])).await;

    let mut after = Worker::start(job(&driver, &clock), channels(2), Some(before));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(driver.runs.load(Ordering::SeqCst), 1);
    drop(send);
    soon(&clock, driver.told(&[1, 2])).await;
    soon(&clock, after.end()).await;
}

#[tokio::test]
async fn an_instance_that_waits_for_its_platform_ends_at_once() {
    let (driver, clock) = (Scripted::new([Run::Refused]), FakeClock::default());
    let mut worker = Worker::start(job(&driver, &clock), channels(0), None);
    // Without moving the clock: the pause does not end.
    let ended = tokio::time::timeout(SOON, async {
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        worker.end().await;
    });
    ended.await.expect("it ends in its pause");
}
