//! What the tests put in the places of the platform, the pipeline and the clock.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::Busy;
use bridge_core::driver::{Answer, Batch, ErasedDriver, Listen, Notice, Outgoing, Refusal};
use bridge_core::id::Address;
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use bridge_http::Intake;
use bytes::Bytes;
use http::StatusCode;
use tokio::sync::{Semaphore, mpsc, watch};

/// How long a test waits for what must happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The output of `future`, which must come.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(SOON, future).await;
    waited.expect("it happens in time")
}

pub(crate) const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(crate) fn listen(path: &str) -> Listen {
    Listen::new(LOCALHOST, 0, path)
}

pub(crate) fn outgoing(text: &str) -> Outgoing {
    Outgoing::new(Address::new([("room", "1")]), text, "key")
}

/// A platform whose requests carry `sign: good`, and whose sends wait for a permit of `gate`.
pub(crate) struct FakeDriver {
    pub(crate) gate: Semaphore,
    pub(crate) sends: mpsc::UnboundedSender<String>,
    pub(crate) seen: Mutex<Vec<http::Request<Bytes>>>,
}

impl FakeDriver {
    /// The driver and the texts that it was asked to send.
    pub(crate) fn new(permits: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<String>) {
        let (sends, sent) = mpsc::unbounded_channel();
        let driver = Self {
            gate: Semaphore::new(permits),
            sends,
            seen: Mutex::default(),
        };
        (Arc::new(driver), sent)
    }
}

/// What tells a request's body, and is answered `{}`.
pub(crate) fn batch_of(body: &Bytes) -> Batch {
    Batch {
        events: Vec::new(),
        answer: Answer::json("{}"),
        notices: vec![Notice {
            key: "body".into(),
            text: String::from_utf8_lossy(body).into_owned(),
        }],
    }
}

fn refusal(reason: &'static str) -> Refusal {
    Refusal {
        reason,
        detail: "for the log only".into(),
    }
}

impl ErasedDriver for FakeDriver {
    fn verify(&self, request: &http::Request<Bytes>) -> Result<(), Refusal> {
        self.seen.lock().unwrap().push(request.clone());
        match request.headers().get("sign") {
            Some(sign) if sign == "good" => Ok(()),
            _ => Err(refusal("wrong_sign")),
        }
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        if raw == "garbage" {
            return Err(refusal("no_json"));
        }
        Ok(batch_of(raw))
    }

    fn send<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(async move {
            self.sends.send(outgoing.text.clone()).unwrap();
            self.gate.acquire().await.unwrap().forget();
            Ok(Sent::default())
        })
    }
}

/// Takes a batch when a permit of `gate` allows, and tells what happens.
pub(crate) struct FakeIntake {
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) busy: Option<Busy>,
    pub(crate) refusals: Mutex<Vec<(StatusCode, Refusal)>>,
    events: mpsc::UnboundedSender<Taking>,
}

/// What happened to the batch of the request with this body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    Started(String),
    Finished(String),
}

impl FakeIntake {
    /// The intake and what happens to its batches.
    pub(crate) fn new(
        permits: usize,
        busy: Option<Busy>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Taking>) {
        let (events, takings) = mpsc::unbounded_channel();
        let intake = Self {
            gate: Arc::new(Semaphore::new(permits)),
            busy,
            refusals: Mutex::default(),
            events,
        };
        (Arc::new(intake), takings)
    }
}

impl Intake for FakeIntake {
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>> {
        let (gate, busy, events) = (Arc::clone(&self.gate), self.busy, self.events.clone());
        Box::pin(async move {
            let body = batch.notices[0].text.clone();
            // A test that does not look at what happens has dropped the other end.
            events.send(Taking::Started(body.clone())).ok();
            gate.acquire().await.unwrap().forget();
            events.send(Taking::Finished(body)).ok();
            busy.map_or(Ok(()), Err)
        })
    }

    fn refused(&self, status: StatusCode, refusal: &Refusal) {
        self.refusals
            .lock()
            .unwrap()
            .push((status, refusal.clone()));
    }
}

/// A clock that moves only when it is told to.
pub(crate) struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Timestamp::from_millis(1_000_000))))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.0.send_modify(|now| *now = now.plus(duration));
    }

    /// How many sleeps have not ended.
    pub(crate) fn sleepers(&self) -> usize {
        self.0.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut time = self.0.subscribe();
        let end = self.now().plus(duration);
        Box::pin(async move {
            time.wait_for(|now| *now >= end).await.unwrap();
        })
    }
}
