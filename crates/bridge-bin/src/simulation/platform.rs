//! A platform that takes, refuses, hangs and lies, as its seed says; and remembers everything.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Act, Batch, ErasedDriver, Outgoing, Refusal};
use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use bytes::Bytes;

use super::clock::SimClock;

/// One send, as the platform saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Send {
    pub(super) channel: usize,
    pub(super) text: String,
    /// What it answers or changes: numbers of earlier sends, by the ids that they were given.
    pub(super) about: Vec<usize>,
    pub(super) begun_at: Timestamp,
    pub(super) is_taken: bool,
    /// Whether the bridge was told that it was taken.
    pub(super) is_told: bool,
    /// In which life of the bridge.
    pub(super) life: u32,
}

/// It asked the whole instance to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throttle {
    pub(super) asked_at: Timestamp,
    pub(super) pause: Duration,
    /// Which life of the bridge heard it.
    pub(super) life: u32,
}

#[derive(Clone)]
pub(super) struct Platform {
    state: Arc<Mutex<State>>,
    clock: SimClock,
}

struct State {
    random: fastrand::Rng,
    sends: Vec<Send>,
    throttles: Vec<Throttle>,
    life: u32,
    is_fickle: bool,
    down: HashSet<usize>,
    slow: HashMap<usize, Duration>,
    next: Option<Mood>,
    /// Keys of what was taken, if it shows a repeated send once.
    keys: Option<HashSet<String>>,
}

#[derive(Debug, Clone, Copy)]
enum Mood {
    Take,
    Refuse,
    /// Asks the instance to wait for so long.
    Throttle(Duration),
    Fail,
    TakeAndFail,
    TakeAndHang,
    Hang,
    Reject,
}

impl Platform {
    pub(super) fn new(seed: u64, is_fickle: bool, clock: &SimClock) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                random: fastrand::Rng::with_seed(seed),
                sends: Vec::new(),
                throttles: Vec::new(),
                life: 0,
                is_fickle,
                down: HashSet::new(),
                slow: HashMap::new(),
                next: None,
                keys: None,
            })),
            clock: clock.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on it takes everything.
    pub(super) fn heal(&self) {
        let mut state = self.state();
        state.is_fickle = false;
        state.down.clear();
        state.slow.clear();
    }

    pub(super) fn take_down(&self, channel: usize) {
        self.state().down.insert(channel);
    }

    /// From here on it takes what is sent to this channel, and answers so much later.
    pub(super) fn slow_down(&self, channel: usize, by: Duration) {
        self.state().slow.insert(channel, by);
    }

    pub(super) fn reject_next(&self) {
        self.state().next = Some(Mood::Reject);
    }

    /// From here on it shows what comes with the same key once.
    pub(super) fn be_idempotent(&self) {
        self.state().keys = Some(HashSet::new());
    }

    pub(super) fn throttle_next(&self, pause: Duration) {
        self.state().next = Some(Mood::Throttle(pause));
    }

    pub(super) fn begin_life(&self, life: u32) {
        self.state().life = life;
    }

    pub(super) fn sends(&self) -> Vec<Send> {
        self.state().sends.clone()
    }

    pub(super) fn throttles(&self) -> Vec<Throttle> {
        self.state().throttles.clone()
    }

    pub(super) fn taken_texts(&self, channel: usize) -> Vec<String> {
        let state = self.state();
        let taken = state.sends.iter().filter(|send| send.is_taken);
        let here = taken.filter(|send| send.channel == channel);
        here.map(|send| send.text.clone()).collect()
    }

    /// Remembers the send and decides what becomes of it, and how long that and the answer take.
    fn begin(&self, outgoing: &Outgoing) -> (usize, Mood, [Duration; 2]) {
        let mut state = self.state();
        let channel = outgoing.address.get("room").expect("a room");
        let channel = channel.parse().expect("a number");
        let mood = state.mood(channel);
        let latency = Duration::from_millis(state.random.u64(..400));
        let slow = state.slow.get(&channel).copied();
        let life = state.life;
        state.sends.push(Send {
            channel,
            text: outgoing.text.clone(),
            about: about(&outgoing.act),
            begun_at: self.clock.now(),
            is_taken: false,
            is_told: false,
            life,
        });
        let delay = slow.unwrap_or(latency / 2);
        (state.sends.len() - 1, mood, [latency, delay])
    }

    async fn answer(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let (number, mood, [latency, delay]) = self.begin(outgoing);
        self.clock.sleep(latency).await;
        if matches!(mood, Mood::Take | Mood::TakeAndFail | Mood::TakeAndHang) {
            self.state().take(number, &outgoing.key);
        }
        self.clock.sleep(delay).await;
        let temporary =
            |kind, advice| Err(SendError::temporary(kind, advice, "send", "on purpose"));
        match mood {
            Mood::Take => {
                self.state().sends[number].is_told = true;
                let platform_ids = vec![number.to_string()];
                Ok(Sent { platform_ids })
            }
            Mood::Refuse => temporary(ErrorKind::Unavailable, RetryAdvice::Backoff(Scope::Message)),
            Mood::Throttle(pause) => {
                let mut state = self.state();
                let (asked_at, life) = (self.clock.now(), state.life);
                state.throttles.push(Throttle {
                    asked_at,
                    pause,
                    life,
                });
                temporary(
                    ErrorKind::Throttled,
                    RetryAdvice::After(pause, Scope::Instance),
                )
            }
            Mood::Fail | Mood::TakeAndFail => Err(SendError::uncertain(
                ErrorKind::Unavailable,
                "send",
                "on purpose",
            )),
            Mood::Hang | Mood::TakeAndHang => {
                self.clock.sleep(Duration::from_secs(86_400)).await;
                Ok(Sent::default())
            }
            Mood::Reject => Err(SendError::rejected("send", "on purpose")),
        }
    }
}

impl State {
    fn take(&mut self, number: usize, key: &str) {
        let is_new = match &mut self.keys {
            Some(keys) => keys.insert(key.to_owned()),
            None => true,
        };
        self.sends[number].is_taken = is_new;
    }

    fn mood(&mut self, channel: usize) -> Mood {
        if let Some(mood) = self.next.take() {
            return mood;
        }
        if self.down.contains(&channel) {
            return Mood::Refuse;
        }
        if !self.is_fickle {
            return Mood::Take;
        }
        match self.random.u32(..16) {
            0 => Mood::Refuse,
            1 => Mood::Throttle(Duration::from_secs(5)),
            2 => Mood::Fail,
            3 => Mood::TakeAndFail,
            4 => Mood::TakeAndHang,
            5 => Mood::Hang,
            6 => Mood::Reject,
            _ => Mood::Take,
        }
    }
}

fn about(act: &Act) -> Vec<usize> {
    let ids = match act {
        Act::Reply { to: ids }
        | Act::Edit { of: ids }
        | Act::Recall { of: ids }
        | Act::React { to: ids }
        | Act::RemoveReaction { from: ids } => &ids[..],
        _ => &[],
    };
    let numbers = ids.iter().map(|id| id.parse().expect("an id of this one"));
    numbers.collect()
}

/// The simulation admits by itself.
fn refusal() -> Refusal {
    Refusal {
        reason: "simulated",
        detail: String::new(),
    }
}

impl ErasedDriver for Platform {
    fn verify(&self, _: &http::Request<Bytes>) -> Result<(), Refusal> {
        Err(refusal())
    }

    fn decode(&self, _: &Bytes) -> Result<Batch, Refusal> {
        Err(refusal())
    }

    fn send<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(self.answer(outgoing))
    }
}
