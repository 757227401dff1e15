//! A platform that takes, refuses, hangs and lies, as its seed says; and remembers everything.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Batch, ErasedDriver, Outgoing, Refusal};
use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use bytes::Bytes;

use super::clock::SimClock;

/// One send, as the platform saw it.
#[derive(Debug, Clone)]
pub(super) struct Send {
    pub(super) channel: usize,
    pub(super) text: String,
    pub(super) begun_at: Timestamp,
    pub(super) is_taken: bool,
    /// Whether the bridge was told that it was taken.
    pub(super) is_told: bool,
    /// In which life of the bridge.
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
    life: u32,
    is_fickle: bool,
    down: HashSet<usize>,
    rejects_next: bool,
}

#[derive(Debug, Clone, Copy)]
enum Mood {
    Take,
    Refuse,
    Throttle,
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
                life: 0,
                is_fickle,
                down: HashSet::new(),
                rejects_next: false,
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
    }

    pub(super) fn take_down(&self, channel: usize) {
        self.state().down.insert(channel);
    }

    pub(super) fn reject_next(&self) {
        self.state().rejects_next = true;
    }

    pub(super) fn begin_life(&self, life: u32) {
        self.state().life = life;
    }

    pub(super) fn sends(&self) -> Vec<Send> {
        self.state().sends.clone()
    }

    pub(super) fn taken_texts(&self, channel: usize) -> Vec<String> {
        let state = self.state();
        let taken = state.sends.iter().filter(|send| send.is_taken);
        let here = taken.filter(|send| send.channel == channel);
        here.map(|send| send.text.clone()).collect()
    }

    /// Remembers the send and decides what becomes of it.
    fn begin(&self, outgoing: &Outgoing) -> (usize, Mood, Duration) {
        let mut state = self.state();
        let channel = outgoing.address.get("room").expect("a room");
        let channel = channel.parse().expect("a number");
        let mood = state.mood(channel);
        let latency = Duration::from_millis(state.random.u64(..400));
        let life = state.life;
        state.sends.push(Send {
            channel,
            text: outgoing.text.clone(),
            begun_at: self.clock.now(),
            is_taken: false,
            is_told: false,
            life,
        });
        (state.sends.len() - 1, mood, latency)
    }

    async fn answer(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let (number, mood, latency) = self.begin(outgoing);
        self.clock.sleep(latency).await;
        if matches!(mood, Mood::Take | Mood::TakeAndFail | Mood::TakeAndHang) {
            self.state().sends[number].is_taken = true;
        }
        self.clock.sleep(latency / 2).await;
        let temporary =
            |kind, advice| Err(SendError::temporary(kind, advice, "send", "on purpose"));
        match mood {
            Mood::Take => {
                self.state().sends[number].is_told = true;
                Ok(Sent::default())
            }
            Mood::Refuse => temporary(ErrorKind::Unavailable, RetryAdvice::Backoff(Scope::Message)),
            Mood::Throttle => temporary(
                ErrorKind::Throttled,
                RetryAdvice::After(Duration::from_secs(5), Scope::Instance),
            ),
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
    fn mood(&mut self, channel: usize) -> Mood {
        if std::mem::take(&mut self.rejects_next) {
            return Mood::Reject;
        }
        if self.down.contains(&channel) {
            return Mood::Refuse;
        }
        if !self.is_fickle {
            return Mood::Take;
        }
        match self.random.u32(..16) {
            0 => Mood::Refuse,
            1 => Mood::Throttle,
            2 => Mood::Fail,
            3 => Mood::TakeAndFail,
            4 => Mood::TakeAndHang,
            5 => Mood::Hang,
            6 => Mood::Reject,
            _ => Mood::Take,
        }
    }
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

    fn decode(&self, _: &http::Request<Bytes>) -> Result<Batch, Refusal> {
        Err(refusal())
    }

    fn send<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(self.answer(outgoing))
    }
}
