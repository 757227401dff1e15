//! A driver between a clock that stands still and the platform that its subject describes.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::capability::Capabilities;
use bridge_core::driver::{Driver, Outgoing};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Clock, HttpExchange, Ports};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::{Brings, SentText, Stop, Subject};
use crate::fake_http::Answer;
use crate::{FakeClock, FakeHttp, fake_ports};

/// A text that occurs nowhere else, so that it is recognised wherever it turns up.
pub(super) const TEXT: &str = "canary text 4c1f: 你好 \"<b>&*_` \\ 👋";

/// Shorter texts turn up anywhere by chance.
const SHORTEST_PRIVATE_CHARS: usize = 4;

/// Headers whose values are no secrets.
const PLAIN_HEADERS: [&str; 5] = [
    "accept",
    "content-type",
    "content-length",
    "host",
    "user-agent",
];

/// The subject, and what was seen of its credentials.
pub(super) struct Context<S> {
    pub(super) subject: Arc<S>,
    /// What drivers have shown to the platform so far: tokens, and secrets of their settings.
    pub(super) credentials: Arc<Credentials>,
}

/// Texts that only the driver and its platform may see.
#[derive(Default)]
pub(super) struct Credentials(Mutex<BTreeSet<String>>);

impl Credentials {
    pub(super) fn list(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().cloned().collect()
    }

    fn add(&self, credentials: impl IntoIterator<Item = String>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(credentials);
    }
}

/// One driver, just opened.
pub(super) struct Bench<S: Subject> {
    pub(super) driver: S::Driver,
    pub(super) clock: FakeClock,
    pub(super) http: FakeHttp,
    subject: Arc<S>,
}

impl<S: Subject> Context<S> {
    pub(super) fn new(subject: S) -> Self {
        Self {
            subject: Arc::new(subject),
            credentials: Arc::default(),
        }
    }

    /// A driver whose platform takes everything.
    pub(super) fn bench(&self) -> Result<Bench<S>, Stop> {
        self.answering(|subject, request| Ok(subject.accepted(request)))
    }

    /// A driver whose platform answers sends with `answer`, and all else as while all is well.
    pub(super) fn sends_answered(
        &self,
        answer: impl Fn(&S, &Request<Bytes>) -> Answer + Send + Sync + 'static,
    ) -> Result<Bench<S>, Stop> {
        self.answering(move |subject, request| match subject.sent(request) {
            Some(_) => answer(subject, request),
            None => Ok(subject.accepted(request)),
        })
    }

    /// A driver whose platform answers everything with `answer`.
    pub(super) fn answering(
        &self,
        answer: impl Fn(&S, &Request<Bytes>) -> Answer + Send + Sync + 'static,
    ) -> Result<Bench<S>, Stop> {
        let (subject, credentials) = (Arc::clone(&self.subject), Arc::clone(&self.credentials));
        let secrets = self.secrets();
        let http = FakeHttp::with(move |request| {
            credentials.add(credentials_in(&*subject, &secrets, request));
            answer(&subject, request)
        });
        let clock = FakeClock::default();
        let driver = self.open(fake_ports(&clock, &http))?;
        let subject = Arc::clone(&self.subject);
        Ok(Bench {
            driver,
            clock,
            http,
            subject,
        })
    }

    /// The driver with the subject's settings.
    pub(super) fn open(&self, ports: Ports) -> Result<S::Driver, Stop> {
        Ok(S::Driver::open(self.settings()?, ports))
    }

    /// The settings that the subject says work.
    pub(super) fn settings(&self) -> Result<<S::Driver as Driver>::Settings, Stop> {
        let settings = serde_json::from_value(self.subject.settings());
        settings.map_err(|error| Stop::Broken(format!("the subject's settings: {error}")))
    }

    pub(super) fn capabilities(&self) -> Result<Capabilities, Stop> {
        Ok(S::Driver::capabilities(&self.settings()?))
    }

    /// The values of the subject's secrets.
    pub(super) fn secrets(&self) -> Vec<String> {
        let settings = self.subject.settings();
        let of_key = |key: &&str| match settings.get(*key) {
            Some(Value::Array(list)) => list.clone(),
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        let values = self.subject.secret_keys().iter().flat_map(of_key);
        values
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    }

    /// The texts that pass through the driver: its log must not hold them.
    pub(super) fn texts(&self) -> Vec<String> {
        let recorded = self.subject.recorded().into_iter();
        let heard =
            recorded
                .flat_map(|recorded| recorded.brings)
                .filter_map(|brings| match brings {
                    Brings::Message(message) => Some(message.text),
                    Brings::Ignored(_) => None,
                });
        heard
            .filter(|text| text.chars().count() >= SHORTEST_PRIVATE_CHARS)
            .chain(["canary text 4c1f".to_owned()])
            .collect()
    }
}

/// The credentials that `request` shows: the secrets in it, and the values of headers that are neither
/// usual nor the send's idempotency key.
pub(super) fn credentials_in<S: Subject>(
    subject: &S,
    secrets: &[String],
    request: &Request<Bytes>,
) -> Vec<String> {
    const SHORTEST: usize = 12;
    let key = subject.sent(request).and_then(|sent| sent.key);
    let body = String::from_utf8_lossy(request.body());
    let in_body = secrets.iter().filter(|secret| body.contains(*secret));
    let headers = request.headers().iter();
    let in_headers = headers
        .filter(|(name, _)| !PLAIN_HEADERS.contains(&name.as_str()))
        .filter_map(|(_, value)| value.to_str().ok())
        .map(|value| value.strip_prefix("Bearer ").unwrap_or(value).to_owned())
        .filter(|value| value.len() >= SHORTEST && Some(value) != key.as_ref());
    in_headers.chain(in_body.cloned()).collect()
}

impl<S: Subject> Bench<S> {
    /// Sends [`TEXT`] to channel 0.
    pub(super) fn send(&self) -> Result<Result<Sent, SendError>, Stop> {
        self.send_this(&self.outgoing(0, TEXT, "contract-key-0"))
    }

    pub(super) fn send_this(&self, outgoing: &Outgoing) -> Result<Result<Sent, SendError>, Stop> {
        drive(&self.clock, self.driver.send(outgoing))
    }

    /// The error of [`Bench::send`], which must not be a success.
    pub(super) fn failed_send(&self, what: &str) -> Result<SendError, Stop> {
        match self.send()? {
            Err(error) => Ok(error),
            Ok(sent) => Err(Stop::Broken(format!(
                "{what}: {sent:?} is said to be delivered"
            ))),
        }
    }

    pub(super) fn outgoing(&self, channel: usize, text: &str, key: &str) -> Outgoing {
        Outgoing::new(self.subject.address(channel), text, key)
    }

    /// What the platform was asked to send, in order.
    pub(super) fn sent(&self) -> Vec<SentText> {
        let requests = self.http.requests();
        let sent = requests
            .iter()
            .filter_map(|request| self.subject.sent(request));
        sent.collect()
    }

    /// `body` as a callback that is signed now.
    pub(super) fn callback(&self, body: &[u8]) -> Request<Bytes> {
        self.subject.callback(body, self.clock.now())
    }
}

/// Ends `future`, moving the clock on whenever it sleeps. Without a runtime: what a driver waits for
/// comes through its ports, or never.
pub(super) fn drive<T>(clock: &FakeClock, future: impl Future<Output = T>) -> Result<T, Stop> {
    const STEP: Duration = Duration::from_secs(1);
    const MOST_STEPS: usize = 10_000;
    let mut future = pin!(future);
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = std::task::Context::from_waker(&waker);
    for _ in 0..MOST_STEPS {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Ok(value);
        }
        if woken.0.swap(false, Ordering::Relaxed) {
            continue;
        }
        ensure!(
            clock.sleepers() > 0,
            "the driver waits for something that did not come through its ports"
        );
        clock.advance(STEP);
    }
    Err(Stop::Broken("the driver's work does not end".into()))
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An exchange that waits once before it asks and once before it answers, so that a future can be
/// dropped at each of its awaits.
pub(super) struct Slow(pub(super) FakeHttp);

impl HttpExchange for Slow {
    fn exchange(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            pause().await;
            let answer = self.0.exchange(request).await;
            pause().await;
            answer
        })
    }
}

/// Gives way once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An answer of `status` with a page for people.
pub(super) fn page(status: u16) -> Response<Bytes> {
    let body = "<!DOCTYPE html><html><body><h1>Something</h1></body></html>";
    Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "text/html")
        .body(Bytes::from_static(body.as_bytes()))
        .expect("a valid status")
}
