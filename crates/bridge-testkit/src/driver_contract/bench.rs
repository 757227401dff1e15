//! A driver between a clock that stands still and the platform that its subject describes.

mod requests;
mod running;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge_core::driver::{Driver, Outgoing, RunError};
use bridge_core::id::Address;
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Ports, Reached};
use bridge_core::time::Timestamp;
use bytes::Bytes;
use http::{Request, Response};

use self::requests::{Requests, SharedFeed, Unhurried, broken, lock};
use self::running::{Begun, Run};
use super::context::{Context, Shown, TEXT, credentials_in, credentials_written};
use super::drive::Slow;
use super::line::{Line, Links};
use super::platform::{Api, Asked, Credentials, WayIn, WayOut};
use super::{Stop, Subject};
use crate::fake_http::Answer;
use crate::{FakeClock, FakeHttp, FakeWork, fake_ports};

pub(super) use self::requests::{Ending, PAUSE, page};

/// The channels that rules name.
pub(super) const CHANNELS: usize = 8;

/// How long a driver may take after it has reached the platform, to join its channels.
const SETTLING: Duration = Duration::from_secs(30);

/// How far the clock goes on whenever everybody sleeps.
const STEP: Duration = Duration::from_secs(1);

const MOST_STEPS: usize = 10_000;

/// How a driver is opened.
pub(super) struct Setup {
    pub(super) credentials: Credentials,
    /// Whether ports give way at every step, so that futures can be dropped there.
    pub(super) is_slow: bool,
    pub(super) links: Links,
    /// How long the platform takes to answer a poll.
    pub(super) polls_take: Duration,
    /// Answers all requests in place of the platform that is well.
    pub(super) answer: Option<Box<Handler>>,
}

pub(super) type Handler = dyn Fn(&dyn Api, &Request<Bytes>) -> Answer + Send + Sync;

impl Default for Setup {
    fn default() -> Self {
        Self {
            credentials: Credentials::Known,
            is_slow: false,
            links: Links::Accepted,
            polls_take: STEP,
            answer: None,
        }
    }
}

/// One driver, just opened.
pub(super) struct Bench<S: Subject> {
    pub(super) driver: Arc<S::Driver>,
    pub(super) clock: FakeClock,
    pub(super) http: FakeHttp,
    pub(super) work: FakeWork,
    pub(super) line: Option<Line>,
    /// Whether people see a repeated send once.
    pub(super) is_idempotent: bool,
    /// Whether the work is begun anew whenever it has ended.
    is_supervised: Cell<bool>,
    /// Whether lanes wait until a connection has settled.
    waits_for_settled: Cell<bool>,
    begun: Cell<Begun>,
    ports: Ports,
    feed: Option<SharedFeed>,
    requests: Arc<Mutex<Requests>>,
    run: RefCell<Run>,
    subject: Arc<S>,
    run_errors: Arc<Mutex<Vec<RunError>>>,
    secrets: Vec<String>,
    shown: Arc<Shown>,
}

impl<S: Subject> Bench<S> {
    pub(super) fn open(context: &Context<S>, setup: Setup) -> Result<Self, Stop> {
        let clock = FakeClock::default();
        let subject = Arc::clone(&context.subject);
        let requests = Arc::<Mutex<Requests>>::default();
        let (mut line, mut feed) = (None, None);
        match subject.way_in() {
            WayIn::Connection(network) => {
                let server = network.start(&clock, setup.credentials);
                line = Some(Line::new(server, setup.is_slow));
            }
            WayIn::Polling(platform) => feed = Some(Arc::new(Mutex::new(platform.start()))),
            WayIn::Nothing | WayIn::Callbacks(_) => {}
        }
        let http = {
            let (subject, feed) = (Arc::clone(&subject), feed.clone());
            let (requests, shown) = (Arc::clone(&requests), Arc::clone(&context.shown));
            let (secrets, answer, credentials) =
                (context.secrets(), setup.answer, setup.credentials);
            FakeHttp::with(move |request| {
                let WayOut::Requests(api) = subject.way_out() else {
                    return Err(broken(Reached::No));
                };
                shown.add(credentials_in(api, &secrets, request));
                match &answer {
                    Some(answer) => answer(api, request),
                    None if credentials == Credentials::Unknown => Ok(api.unauthorized()),
                    None => lock(&requests).answer(api, feed.as_ref(), request),
                }
            })
        };
        let mut ports = fake_ports(&clock, &http);
        if setup.is_slow {
            ports.http = Arc::new(Slow(http.clone()));
        }
        ports.http = Arc::new(Unhurried {
            http: ports.http,
            clock: clock.clone(),
            polls_take: setup.polls_take,
        });
        if let Some(line) = &line {
            line.set_links(setup.links);
            ports.dial = Arc::new(line.clone());
        }
        let work = FakeWork::new((0..CHANNELS).map(|number| subject.address(number)));
        Ok(Self {
            driver: Arc::new(context.driver(ports.clone())?),
            clock,
            http,
            work,
            line,
            is_idempotent: context.capabilities()?.idempotent_send,
            is_supervised: Cell::new(false),
            waits_for_settled: Cell::new(false),
            begun: Cell::new(Begun {
                at: Timestamp::EPOCH,
                times_reached: 0,
            }),
            ports,
            feed,
            requests,
            run: RefCell::new(Run::Idle),
            subject,
            run_errors: Arc::clone(&context.run_errors),
            secrets: context.secrets(),
            shown: Arc::clone(&context.shown),
        })
    }

    /// Ends the driver where it stands; another one takes its place at the same platform.
    pub(super) fn open_anew(&mut self, context: &Context<S>) -> Result<(), Stop> {
        self.drop_run();
        self.driver = Arc::new(context.driver(self.ports.clone())?);
        Ok(())
    }

    /// From now on the platform can't be reached, and the connection to it is broken.
    pub(super) fn lose_platform(&self) {
        lock(&self.requests).are_lost = true;
        if let Some(line) = &self.line {
            line.set_links(Links::Refused);
            line.cut();
        }
    }

    /// From now on the platform is silent: the port ends every request without an answer.
    pub(super) fn answer_no_request(&self) {
        lock(&self.requests).are_unanswered = true;
    }

    /// From now on polls are answered like this, whatever was said.
    pub(super) fn answer_polls(&self, answer: Response<Bytes>) {
        lock(&self.requests).polls = Some(answer);
    }

    /// Sends [`TEXT`] to channel 0.
    pub(super) fn send(&self) -> Result<Result<Sent, SendError>, Stop> {
        self.send_this(&self.outgoing(0, TEXT, "contract-key-0"))
    }

    pub(super) fn send_this(&self, outgoing: &Outgoing) -> Result<Result<Sent, SendError>, Stop> {
        self.drive(self.driver.send(outgoing))
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
        Outgoing::new(self.address(channel), text, key)
    }

    pub(super) fn address(&self, channel: usize) -> Address {
        self.subject.address(channel)
    }

    /// What becomes of the next send. False if the platform does no such thing.
    pub(super) fn next_send(&self, ending: Ending) -> bool {
        match (self.subject.way_out(), &self.line) {
            (WayOut::Connection, Some(line)) => match ending {
                Ending::Met(fate) => return line.next_send(fate),
                Ending::Lost => line.lose_next(),
                Ending::Unanswered => line.cut_once_taken(),
                Ending::Expired => return false,
            },
            _ => lock(&self.requests).endings.push_back(ending),
        }
        true
    }

    /// What the platform was asked to send, in order: by requests; or what came to it over the
    /// connection, and was shown.
    pub(super) fn sent(&self) -> Vec<Asked> {
        match (self.subject.way_out(), &self.line) {
            (WayOut::Requests(api), _) => {
                let requests = self.http.requests();
                requests
                    .iter()
                    .filter_map(|request| api.asked(request))
                    .collect()
            }
            (WayOut::Connection, Some(line)) => line.taken(),
            (WayOut::Connection, None) => Vec::new(),
        }
    }

    /// What people have seen, in order: of a platform that shows a repeated key once, once.
    pub(super) fn seen(&self) -> Vec<Asked> {
        let mut seen = match self.subject.way_out() {
            WayOut::Requests(_) => lock(&self.requests).taken.clone(),
            WayOut::Connection => self.sent(),
        };
        if self.is_idempotent {
            let mut keys = BTreeSet::new();
            seen.retain(|asked| keys.insert(asked.key.clone()));
        }
        seen
    }

    /// How often the driver has turned to the platform: requests, and connections.
    pub(super) fn times_asked(&self) -> usize {
        let dialled = self.line.as_ref().map_or(0, |line| line.targets().len());
        self.http.requests().len() + dialled
    }

    /// Somebody says this in a channel, where the driver will hear it by itself.
    pub(super) fn say(&self, channel: usize, text: &str) {
        let address = self.address(channel);
        match (&self.line, &self.feed) {
            (Some(line), _) => line.say(&address, text),
            (None, Some(feed)) => lock(feed).say(&address, text),
            (None, None) => {}
        }
    }

    /// How much of it the platform was told is taken.
    pub(super) fn acknowledged(&self) -> Option<usize> {
        match (&self.line, &self.feed) {
            (Some(line), _) => line.acknowledged(),
            (None, Some(feed)) => lock(feed).acknowledged(),
            (None, None) => None,
        }
    }
}

/// What the driver has shown of its credentials over the connection is remembered.
impl<S: Subject> Drop for Bench<S> {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            let written = credentials_written(&self.secrets, &line.written());
            self.shown.add(written);
        }
    }
}
