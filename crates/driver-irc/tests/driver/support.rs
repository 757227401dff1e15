//! A driver at work on a sandbox, and the bridge's side of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Batch, Busy, Driver, Event, Outgoing, RunError, Work};
use bridge_core::id::Address;
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{ByteStream, Clock, Dial, DialError, DialTarget, Ports};
use bridge_testkit::{FakeClock, FakeHttp, fake_ports};
use driver_irc::Irc;
use irc_sandbox::{Builder, Room, Sandbox};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than anything takes that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A driver that runs.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: FakeClock,
    pub(crate) driver: Arc<Irc>,
    pub(crate) work: Arc<FakeWork>,
    pub(crate) dials: Arc<AtomicU64>,
    change: Value,
    ports: Ports,
}

impl World {
    pub(crate) fn new(sandbox: Builder, change: Value) -> Self {
        let clock = FakeClock::default();
        // The network's time is the driver's.
        let time = clock.clone();
        let now_ms = move || u64::try_from(time.now().as_millis()).unwrap();
        let sandbox = sandbox.clock(now_ms).in_memory();
        let dials = Arc::default();
        let dial = SandboxDial {
            sandbox: sandbox.clone(),
            dials: Arc::clone(&dials),
        };
        let http = FakeHttp::new();
        let mut ports = fake_ports(&clock, &http);
        ports.dial = Arc::new(dial);
        let settings = settings(&change);
        Self {
            driver: Arc::new(Irc::open(settings, ports.clone())),
            change,
            ports,
            work: Arc::new(FakeWork::new(&["#ops"])),
            sandbox,
            clock,
            dials,
        }
    }

    /// Runs the driver until it is in `#ops`.
    pub(crate) async fn started() -> (Self, JoinHandle<Result<(), RunError>>) {
        let world = Self::new(Sandbox::builder(), json!({}));
        let running = world.run();
        world
            .ops()
            .wait_for_member("bridge", PATIENCE)
            .await
            .unwrap();
        (world, running)
    }

    /// A second driver with the same settings.
    pub(crate) fn another(&self) -> Irc {
        Irc::open(settings(&self.change), self.ports.clone())
    }

    pub(crate) fn run(&self) -> JoinHandle<Result<(), RunError>> {
        let (driver, work) = (Arc::clone(&self.driver), Arc::clone(&self.work));
        tokio::spawn(async move { driver.run(&*work).await })
    }

    pub(crate) fn ops(&self) -> Room {
        self.sandbox.room("#ops")
    }

    pub(crate) async fn send(&self, channel: &str, text: &str) -> Result<Sent, SendError> {
        self.driver.send(&outgoing(channel, text)).await
    }

    /// A send that is under way.
    pub(crate) fn begin(&self, channel: &str, text: &str) -> JoinHandle<Result<Sent, SendError>> {
        let (driver, outgoing) = (Arc::clone(&self.driver), outgoing(channel, text));
        tokio::spawn(async move { driver.send(&outgoing).await })
    }

    /// Lets time pass in steps, whatever is done meanwhile, until `is_done`.
    pub(crate) async fn advance_until(&self, step: Duration, mut is_done: impl FnMut() -> bool) {
        let mut steps = 0;
        while !is_done() {
            assert!(steps < 1000, "it does not happen");
            steps += 1;
            self.clock.advance(step);
            self.settle().await;
        }
    }

    /// Lets everything happen that can happen without more time.
    pub(crate) async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) fn settings(change: &Value) -> <Irc as Driver>::Settings {
    let mut whole =
        json!({ "server": "localhost", "nick": "bridge", "tls": false, "flood_burst": 1000 });
    for (key, value) in change.as_object().unwrap() {
        whole[key] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

pub(crate) fn outgoing(channel: &str, text: &str) -> Outgoing {
    Outgoing::new(address(channel), text, "key")
}

pub(crate) fn address(channel: &str) -> Address {
    Address::new([("channel", channel)])
}

struct SandboxDial {
    sandbox: Sandbox,
    dials: Arc<AtomicU64>,
}

impl Dial for SandboxDial {
    fn dial(&self, target: DialTarget) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        assert_eq!((&*target.host, target.port), ("localhost", 6667));
        self.dials.fetch_add(1, Ordering::Relaxed);
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let sandbox = self.sandbox.clone();
        tokio::spawn(async move { sandbox.attach(theirs).await });
        Box::pin(async move { Ok(Box::new(ours) as Box<dyn ByteStream>) })
    }
}

/// The bridge's side.
pub(crate) struct FakeWork {
    channels: watch::Sender<Arc<[Address]>>,
    stopping: watch::Sender<bool>,
    pub(crate) reached: watch::Sender<u64>,
    taken: watch::Sender<Vec<String>>,
    /// How many batches are refused before one is taken.
    pub(crate) busy: Mutex<u32>,
}

impl FakeWork {
    fn new(channels: &[&str]) -> Self {
        Self {
            channels: watch::Sender::new(addresses(channels)),
            stopping: watch::Sender::new(false),
            reached: watch::Sender::new(0),
            taken: watch::Sender::new(Vec::new()),
            busy: Mutex::new(0),
        }
    }

    pub(crate) fn name(&self, channels: &[&str]) {
        self.channels.send_replace(addresses(channels));
    }

    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// What was taken, once there are so many: `channel sender: text`, or the reason of what was
    /// ignored.
    pub(crate) async fn taken(&self, count: usize) -> Vec<String> {
        let mut taken = self.taken.subscribe();
        let enough = taken.wait_for(|taken| taken.len() >= count);
        let taken = tokio::time::timeout(PATIENCE, enough).await;
        taken.expect("it is taken in time").unwrap().clone()
    }
}

fn addresses(channels: &[&str]) -> Arc<[Address]> {
    channels.iter().map(|channel| address(channel)).collect()
}

impl Work for FakeWork {
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>> {
        let mut busy = self.busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            let retry_after = Duration::from_secs(1);
            return Box::pin(std::future::ready(Err(Busy { retry_after })));
        }
        let told = batch.events.into_iter().map(|event| match event {
            Event::Message(message) => format!(
                "{} {}: {}",
                message.address.get("channel").unwrap(),
                message.sender.name,
                message.text
            ),
            Event::Ignored(ignored) => ignored.reason.to_owned(),
            event => panic!("{event:?}"),
        });
        self.taken.send_modify(|taken| taken.extend(told));
        Box::pin(std::future::ready(Ok(())))
    }

    fn reached(&self) {
        self.reached.send_modify(|count| *count += 1);
    }

    fn channels(&self) -> Arc<[Address]> {
        Arc::clone(&self.channels.borrow())
    }

    fn channels_changed(&self, known: &Arc<[Address]>) -> BoxFuture<'_, ()> {
        let (mut channels, known) = (self.channels.subscribe(), Arc::clone(known));
        Box::pin(async move {
            drop(channels.wait_for(|now| **now != *known).await);
        })
    }

    fn stopping(&self) -> BoxFuture<'_, ()> {
        let mut stopping = self.stopping.subscribe();
        Box::pin(async move {
            drop(stopping.wait_for(|stop| *stop).await);
        })
    }
}
