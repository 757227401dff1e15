//! A driver between a clock that stands still and the platform that its subject describes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Driver, Outgoing, RunError};
use bridge_core::id::Address;
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Clock, HttpError, HttpErrorKind, HttpExchange, Ports, Reached};
use bridge_core::time::Timestamp;
use bytes::Bytes;
use http::{Request, Response};

use super::context::{Context, Shown, TEXT, credentials_in, credentials_written};
use super::drive::{Slow, Woken};
use super::line::{Line, Links};
use super::platform::{Api, Asked, Credentials, Fate, FeedServer, WayIn, WayOut};
use super::{Stop, Subject};
use crate::fake_http::Answer;
use crate::{FakeClock, FakeHttp, FakeWork, fake_ports};

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
            answer: None,
        }
    }
}

/// What becomes of a send, whatever way it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The platform does with it what it does.
    Met(Fate),
    /// The connection breaks before the platform has it.
    Lost,
    /// The platform has it, and the connection breaks before the answer.
    Unanswered,
    /// Its token has expired.
    Expired,
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

type SharedFeed = Arc<Mutex<Box<dyn FeedServer>>>;

/// What becomes of sends that are requests.
#[derive(Default)]
struct Requests {
    endings: VecDeque<Ending>,
    taken: Vec<Asked>,
    /// Whether none reaches the platform.
    are_lost: bool,
}

/// How things stood when the work was begun.
#[derive(Clone, Copy)]
struct Begun {
    at: Timestamp,
    times_reached: usize,
}

/// The driver's own work.
enum Run {
    Idle,
    Going(Pin<Box<dyn Future<Output = Result<(), RunError>>>>),
    Ended(Result<(), RunError>),
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

    /// Begins the driver's own work, or begins it anew.
    pub(super) fn start(&self) {
        let (driver, work) = (Arc::clone(&self.driver), self.work.clone());
        let run = async move { Driver::run(&*driver, &work).await };
        *self.run.borrow_mut() = Run::Going(Box::pin(run));
        self.begun.set(Begun {
            at: self.clock.now(),
            times_reached: self.work.times_reached(),
        });
    }

    /// Has the work begun anew from now on, a moment after it has ended.
    pub(super) fn supervise(&self) {
        self.is_supervised.set(true);
    }

    /// Has lanes wait with each send until a connection has settled.
    pub(super) fn send_only_when_settled(&self) {
        self.waits_for_settled.set(true);
    }

    /// Resolves once a lane may send.
    pub(super) async fn settled(&self) {
        while self.waits_for_settled.get() && !self.has_settled() {
            self.clock.sleep(STEP).await;
        }
    }

    fn has_settled(&self) -> bool {
        let begun = self.begun.get();
        let over_requests = matches!(self.subject.way_out(), WayOut::Requests(_));
        let is_going = matches!(&*self.run.borrow(), Run::Going(_));
        let is_reached = is_going && self.work.times_reached() > begun.times_reached;
        over_requests || is_reached && self.clock.now().since(begun.at) >= SETTLING
    }

    /// Ends the driver where it stands; another one takes its place at the same platform.
    pub(super) fn open_anew(&mut self, context: &Context<S>) -> Result<(), Stop> {
        self.drop_run();
        self.driver = Arc::new(context.driver(self.ports.clone())?);
        Ok(())
    }

    /// Drops the driver's own work where it stands.
    pub(super) fn drop_run(&self) {
        *self.run.borrow_mut() = Run::Idle;
    }

    /// Where sends go over a connection: begins the work and waits until it can send.
    pub(super) fn connect(&self) -> Result<(), Stop> {
        if let WayOut::Requests(_) = self.subject.way_out() {
            return Ok(());
        }
        self.reach()
    }

    /// Begins the work, and waits until the driver has reached the platform and joined its channels.
    pub(super) fn reach(&self) -> Result<(), Stop> {
        let before = self.work.times_reached();
        self.start();
        self.pass(SETTLING)?;
        if let Some(ended) = self.ended() {
            return Err(Stop::Broken(format!(
                "the work ends although all is well: {ended:?}"
            )));
        }
        ensure!(
            self.work.times_reached() > before,
            "the platform has accepted it, and it does not say `reached`"
        );
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

    /// Polls the work so often; whether it waits for more than time and the platform then.
    pub(super) fn run_for(&self, polls: usize) -> bool {
        let woken = Arc::new(Woken::default());
        let waker = woken.waker();
        for _ in 0..polls {
            self.poll_run(&mut Task::from_waker(&waker));
            if !woken.take() {
                return false;
            }
        }
        true
    }

    /// How the work ended, if it has.
    pub(super) fn ended(&self) -> Option<Result<(), RunError>> {
        match &*self.run.borrow() {
            Run::Ended(ended) => Some(ended.clone()),
            Run::Idle | Run::Going(_) => None,
        }
    }

    /// How the work ends within this time; `None` if it does not.
    pub(super) fn ends_within(&self, time: Duration) -> Result<Option<Result<(), RunError>>, Stop> {
        let until = self.clock.now().plus(time);
        self.quiet()?;
        while self.ended().is_none() && self.clock.now() < until {
            self.clock.advance(STEP);
            self.quiet()?;
        }
        Ok(self.ended())
    }

    /// Lets this much time pass.
    pub(super) fn pass(&self, time: Duration) -> Result<(), Stop> {
        let until = self.clock.now().plus(time);
        self.quiet()?;
        while self.clock.now() < until {
            self.clock.advance(STEP);
            self.quiet()?;
        }
        Ok(())
    }

    /// As [`Bench::pass`], and begins the work anew whenever it has ended.
    pub(super) fn pass_supervised(&self, time: Duration) -> Result<(), Stop> {
        let until = self.clock.now().plus(time);
        self.quiet()?;
        while self.clock.now() < until {
            self.clock.advance(STEP);
            if self.ended().is_some() {
                self.start();
            }
            self.quiet()?;
        }
        Ok(())
    }

    /// Polls the work until it waits for time or for the platform.
    fn quiet(&self) -> Result<(), Stop> {
        let woken = Arc::new(Woken::default());
        let waker = woken.waker();
        self.pump();
        for _ in 0..MOST_STEPS {
            self.poll_run(&mut Task::from_waker(&waker));
            if !woken.take() {
                return Ok(());
            }
        }
        Err(Stop::Broken("the driver's work never waits".into()))
    }

    fn pump(&self) {
        if let Some(line) = &self.line {
            line.pump();
        }
    }

    /// Polls the work once.
    pub(super) fn poll_run(&self, task: &mut Task<'_>) {
        let mut run = self.run.borrow_mut();
        let Run::Going(future) = &mut *run else {
            return;
        };
        if let Poll::Ready(ended) = future.as_mut().poll(task) {
            lock(&self.run_errors).extend(ended.clone().err());
            *run = Run::Ended(ended);
        }
    }

    /// Ends `future`, polling the work beside it and moving the clock on whenever both sleep.
    pub(super) fn drive<T>(&self, future: impl Future<Output = T>) -> Result<T, Stop> {
        let mut future = pin!(future);
        for _ in 0..MOST_STEPS {
            if let Poll::Ready(value) = self.step(future.as_mut())? {
                return Ok(value);
            }
        }
        Err(Stop::Broken("the driver's work does not end".into()))
    }

    /// Polls the work and then `future`, once each; moves the clock on if both sleep.
    pub(super) fn step<T>(
        &self,
        future: Pin<&mut impl Future<Output = T>>,
    ) -> Result<Poll<T>, Stop> {
        let woken = Arc::new(Woken::default());
        let waker = woken.waker();
        let mut task = Task::from_waker(&waker);
        self.poll_run(&mut task);
        let polled = future.poll(&mut task);
        if polled.is_pending() && !woken.take() {
            ensure!(
                self.clock.sleepers() > 0,
                "the driver waits for something that did not come through its ports"
            );
            self.clock.advance(STEP);
            self.pump();
            if self.is_supervised.get() && self.ended().is_some() {
                self.start();
            }
        }
        Ok(polled)
    }

    /// Polls the work and `future` so often; whether it has ended then.
    pub(super) fn drive_for(
        &self,
        steps: usize,
        future: impl Future<Output = ()>,
    ) -> Result<bool, Stop> {
        let mut future = pin!(future);
        for _ in 0..steps {
            if self.step(future.as_mut())?.is_ready() {
                return Ok(true);
            }
        }
        Ok(false)
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

impl Requests {
    fn answer(
        &mut self,
        api: &dyn Api,
        feed: Option<&SharedFeed>,
        request: &Request<Bytes>,
    ) -> Answer {
        if self.are_lost {
            return Err(broken(Reached::No));
        }
        if let Some(mut answer) = feed.and_then(|feed| lock(feed).answer(request)) {
            answer.extensions_mut().insert(Polled);
            return Ok(answer);
        }
        let Some(asked) = api.asked(request) else {
            return Ok(api.accepted(request));
        };
        let ending = self.endings.pop_front();
        match ending.unwrap_or(Ending::Met(Fate::Taken)) {
            Ending::Met(Fate::Taken) => {
                let answer = api.accepted(request);
                if answer.status().is_success() {
                    self.taken.push(asked);
                }
                Ok(answer)
            }
            Ending::Met(Fate::Refused(saying)) => Ok(api.refused(&saying)),
            Ending::Met(Fate::Throttled) => Ok(api.throttled()),
            Ending::Lost => Err(broken(Reached::Perhaps)),
            Ending::Unanswered => {
                self.taken.push(asked);
                Err(broken(Reached::Perhaps))
            }
            Ending::Expired => Ok(api.expired().unwrap_or_else(|| api.unauthorized())),
        }
    }
}

fn broken(reached: Reached) -> HttpError {
    HttpError {
        kind: match reached {
            Reached::No => HttpErrorKind::Connect,
            Reached::Perhaps => HttpErrorKind::Broken,
        },
        reached,
        detail: "a scripted failure".into(),
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks the answer to a poll.
#[derive(Clone)]
struct Polled;

/// An exchange in which a poll takes a second, so that a driver that asks at once again does so in
/// time that passes.
struct Unhurried {
    http: Arc<dyn HttpExchange>,
    clock: FakeClock,
}

impl HttpExchange for Unhurried {
    fn exchange(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let answer = self.http.exchange(request).await;
            let is_poll = |answer: &Response<Bytes>| answer.extensions().get::<Polled>().is_some();
            if answer.as_ref().is_ok_and(is_poll) {
                self.clock.sleep(STEP).await;
            }
            answer
        })
    }
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
