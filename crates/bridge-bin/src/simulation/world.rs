//! A bridge's inner half in a world of its own: what happens in it, step by step.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bridge_core::capability::{Capabilities, Features};
use bridge_core::config::settings::{DeliveryPolicy, OnDead, OnUncertain};
use bridge_core::id::{Address, Channel, InstanceId};
use bridge_core::message::{Content, Quoted};
use bridge_core::ports::Clock;
use bridge_core::purpose::Purpose;
use bridge_core::store::{Admission, NewDelivery, Store, Whereabouts};
use bridge_core::time::Timestamp;
use bridge_http::{OutboundOptions, stack};
use futures_util::FutureExt;
use tokio::sync::watch;

use super::check;
use super::clock::SimClock;
use super::platform::{Platform, Send};
use super::store::FaultyStore;
use crate::dispatch::Dispatcher;
use crate::generation::{End, Generations, Parts};
use crate::lane::Target;

/// How many rooms there are; each is a lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channels(pub(super) usize);

/// Sends that are allowed; 0 for any number.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    /// A second, to all channels together.
    pub(super) per_second: u32,
    /// A minute, to each channel.
    pub(super) per_minute: u32,
}

pub(super) struct World {
    pub(super) clock: SimClock,
    pub(super) platform: Platform,
    pub(super) store: FaultyStore,
    pub(super) policy: DeliveryPolicy,
    pub(super) rates: Rates,
    pub(super) channels: Channels,
    /// What was planned for each channel, in order.
    pub(super) planned: Vec<Vec<String>>,
    /// What answers or changes another text: which.
    pub(super) about: HashMap<String, String>,
    /// What an operator replayed: its order is another matter.
    pub(super) touched: HashSet<String>,
    /// How many sends there were when the bridge died.
    pub(super) crashes: Vec<usize>,
    dispatcher: Option<Dispatch>,
    messages: usize,
    shows: Features,
}

struct Dispatch {
    dispatcher: Arc<Dispatcher>,
    generations: Arc<Generations>,
    _stop: watch::Sender<bool>,
}

fn room(number: usize) -> Channel {
    let address = Address::new([("room", number.to_string())]);
    Channel::new(InstanceId::new("to"), address)
}

fn source() -> Channel {
    Channel::new("from".into(), Address::new([("room", "source")]))
}

impl World {
    pub(super) fn calm(channels: Channels, policy: DeliveryPolicy, rates: Rates) -> Self {
        Self::new(0, false, channels, policy, rates)
    }

    fn new(
        seed: u64,
        is_fickle: bool,
        channels: Channels,
        policy: DeliveryPolicy,
        rates: Rates,
    ) -> Self {
        let clock = SimClock::new();
        let one_in = if is_fickle { 8 } else { 0 };
        let mut world = Self {
            platform: Platform::new(seed, is_fickle, &clock),
            store: FaultyStore::new(seed, one_in, &clock),
            clock,
            policy,
            rates,
            channels,
            planned: vec![Vec::new(); channels.0],
            about: HashMap::new(),
            touched: HashSet::new(),
            crashes: Vec::new(),
            dispatcher: None,
            messages: 0,
            shows: match seed % 3 {
                0 => Features::NONE,
                _ => Features::ALL,
            },
        };
        world.begin_life();
        world
    }

    fn begin_life(&mut self) {
        let life = u32::try_from(self.crashes.len()).expect("few lives");
        self.platform.begin_life(life);
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let options = OutboundOptions {
            max_in_flight: 2,
            rate_per_second: self.rates.per_second,
            follows_earlier_run: life > 0,
        };
        let outbound = stack(Arc::new(self.platform.clone()), options, Arc::clone(&clock));
        let parts = self.parts(Target {
            outbound,
            capabilities: self.capabilities(),
            channel_rate_per_minute: self.rates.per_minute,
            gate: Default::default(),
            in_flight: Default::default(),
            threads: None,
            retirement: Default::default(),
        });
        let (stop, stopping) = watch::channel(false);
        let store: Arc<dyn Store> = Arc::new(self.store.clone());
        let generations = Arc::new(Generations::new(parts));
        let dispatcher = Dispatcher::new(
            Arc::clone(&generations),
            Arc::clone(&store),
            clock,
            stopping,
        );
        let dispatcher = Arc::new(dispatcher);
        store.set_feed(Arc::clone(&dispatcher) as _);
        let lanes = store.lanes().now_or_never().expect("in memory");
        for channel in lanes.expect("lanes") {
            dispatcher.open_lane(&channel);
        }
        let dispatch = Dispatch {
            dispatcher,
            generations,
            _stop: stop,
        };
        self.dispatcher = Some(dispatch);
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::text(1000);
        capabilities.shows = self.shows;
        capabilities
    }

    fn parts(&self, target: Target) -> Parts {
        let end = End {
            target: Arc::new(target),
            policy: Arc::new(self.policy.clone()),
        };
        Parts {
            ends: HashMap::from([(InstanceId::new("to"), end)]),
            ..Parts::default()
        }
    }

    /// The instance gets other settings while the bridge runs.
    pub(super) fn reload(&mut self) {
        let generations = &self.dispatcher.as_ref().expect("it lives").generations;
        let current = generations.current();
        let before = &current.parts.ends[&InstanceId::new("to")].target;
        let options = OutboundOptions {
            max_in_flight: 3,
            rate_per_second: self.rates.per_second,
            follows_earlier_run: true,
        };
        let (driver, clock) = (Arc::new(self.platform.clone()), self.clock.clone());
        let parts = self.parts(Target {
            outbound: before
                .outbound
                .succeeded_by(driver, options, Arc::new(clock)),
            capabilities: self.capabilities(),
            channel_rate_per_minute: self.rates.per_minute,
            gate: Arc::clone(&before.gate),
            in_flight: before.in_flight.clone(),
            threads: None,
            retirement: Default::default(),
        });
        generations.replace(parts);
        before.retirement.declare();
    }

    /// The bridge dies and is started again.
    pub(super) fn crash(&mut self) {
        let dead = self.dispatcher.take().expect("it lives");
        // Dropping the tasks ends them where they are.
        drop(dead.dispatcher.take_tasks());
        self.store.crash();
        self.crashes.push(self.platform.sends().len());
        self.begin_life();
    }

    /// A message for these channels, if the store takes it.
    pub(super) fn admit(&mut self, channels: &[usize]) {
        self.admit_as(channels, &Purpose::Say);
    }

    /// A change of the message of this number, or an answer to it, for the channels where it went: as
    /// an intake does it. What is done and in which order is known by the text, which a recall lacks.
    pub(super) fn follow(&mut self, message: usize, purpose: &Purpose) {
        let known = self
            .store
            .inner
            .deliveries_of(&source(), &message.to_string());
        let known = known.now_or_never().expect("in memory").expect("read");
        let went_to = known
            .iter()
            .filter(|one| one.whereabouts != Whereabouts::NotShown)
            .map(|one| one.channel.address.get("room").expect("a room").parse())
            .collect::<Result<Vec<usize>, _>>();
        let went_to = went_to.expect("numbers");
        if went_to.is_empty() {
            return;
        }
        let number = self.messages + 1;
        for channel in &went_to {
            let (new, old) = (
                format!("d{number}.{channel}"),
                format!("d{message}.{channel}"),
            );
            self.about.insert(new, old);
        }
        self.admit_as(&went_to, purpose);
    }

    fn admit_as(&mut self, channels: &[usize], purpose: &Purpose) {
        self.messages += 1;
        let text = |channel: usize| match purpose {
            Purpose::Recall { .. } => String::new(),
            _ => format!("d{}.{channel}", self.messages),
        };
        let deliveries = channels.iter().map(|channel| NewDelivery {
            channel: room(*channel),
            rule: "rule".into(),
            content: Arc::new(Content {
                text: text(*channel),
                purpose: purpose.clone(),
                ..Content::default()
            }),
        });
        let admission = Admission {
            source: source(),
            message_id: Some(self.messages.to_string()),
            received_at: self.clock.now(),
            deliveries: deliveries.collect(),
        };
        let admitted = self.store.admit(admission).now_or_never();
        if admitted.is_some_and(|admitted| admitted.is_ok()) {
            for channel in channels {
                let text = text(*channel);
                self.planned[*channel].push(text);
            }
        }
    }

    pub(super) fn texts_for(&self, channel: usize) -> Vec<String> {
        self.planned[channel].clone()
    }

    /// An operator replays every dead letter.
    pub(super) fn replay_all(&mut self) {
        let dead = self.store.inner.dead();
        let letters: Vec<_> = dead.iter().map(|letter| letter.delivery.id).collect();
        for letter in &dead {
            let words = letter.delivery.content.text.split_whitespace();
            self.touched.extend(words.map(str::to_owned));
        }
        let replayed = self.store.replay(letters, self.clock.now()).now_or_never();
        replayed.expect("in memory").expect("replayed");
    }

    /// Lets so much time pass, checking at every step what must hold at any moment.
    pub(super) async fn pass(&mut self, duration: Duration) {
        let end = self.clock.now().plus(duration);
        while self.clock.step(end).await {
            check::at_any_moment(self);
        }
    }

    /// Checks what must hold in the end.
    pub(super) fn check(&self) {
        check::at_any_moment(self);
        check::order(self);
        check::repeats(self);
        check::pauses(self);
        check::budgets(self);
        check::about(self);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// An answer to the message of this number, or a change of it.
fn purpose(random: &mut fastrand::Rng, message: usize) -> Purpose {
    let id = message.to_string();
    match random.u32(..5) {
        0 => Purpose::Edit { of: id },
        1 => Purpose::Recall { of: id },
        2 => Purpose::React { to: id },
        3 => Purpose::RemoveReaction { from: id },
        _ => {
            let mut quoted = Quoted::new(id);
            "quoted".clone_into(&mut quoted.text);
            Purpose::Reply(quoted)
        }
    }
}

fn policy(random: &mut fastrand::Rng) -> DeliveryPolicy {
    DeliveryPolicy {
        attempt_timeout: Duration::from_secs(3),
        backoff_max: Duration::from_secs(60),
        on_uncertain: match random.bool() {
            true => OnUncertain::Resend,
            false => OnUncertain::Park,
        },
        on_dead: match random.u32(..4) {
            0 => OnDead::Block,
            _ => OnDead::Park,
        },
        expires_after: (random.u32(..4) == 0).then_some(Duration::from_secs(120)),
        max_age: match random.bool() {
            true => Duration::from_secs(300),
            false => Duration::from_secs(86_400),
        },
        digest: random.u32(..3) == 0,
        ..DeliveryPolicy::default()
    }
}

/// A world by chance: messages, faults, crashes, reloads; then peace. Every send that there was.
pub(super) async fn history(seed: u64) -> Vec<Send> {
    // The lanes spread their pauses by the thread's generator.
    fastrand::seed(seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let channels = Channels(random.usize(1..4));
    let rates = Rates {
        per_second: if random.u32(..3) == 0 { 2 } else { 0 },
        per_minute: if random.u32(..3) == 0 { 4 } else { 0 },
    };
    let policy = policy(&mut random);
    let mut world = World::new(seed, true, channels, policy, rates);
    for _ in 0..random.usize(3..16) {
        for _ in 0..random.usize(..4) {
            let all: Vec<_> = (0..channels.0).filter(|_| random.bool()).collect();
            if !all.is_empty() {
                world.admit(&all);
            }
            if world.messages > 0 && random.u32(..3) == 0 {
                let message = random.usize(..world.messages) + 1;
                world.follow(message, &purpose(&mut random, message));
            }
        }
        let pause = random.u64(..8_000);
        world.pass(Duration::from_millis(pause)).await;
        match random.u32(..8) {
            0 => world.crash(),
            1 => world.replay_all(),
            2 => world.reload(),
            _ => {}
        }
    }
    world.platform.heal();
    world.store.heal();
    // Blocked lanes need a person, perhaps several times: what waited there may be dead as well.
    for _ in 0..40 {
        world.pass(Duration::from_secs(600)).await;
        if world.store.inner.waiting().is_empty() {
            break;
        }
        world.replay_all();
    }
    assert_eq!(
        world.store.inner.waiting(),
        [],
        "the queue drains once nothing fails"
    );
    world.check();
    world.platform.sends()
}
