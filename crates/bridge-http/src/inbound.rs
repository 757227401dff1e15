//! The way of one request from the listener to its answer, for one instance.

mod handover;
mod reader;
mod refused;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Answer, Batch, Busy, ErasedDriver, Listen, Received, Refusal};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

use handover::Handover;
use reader::{Asked, Reader, without_slash};
use refused::Refused;

/// Takes what authentic requests brought; implemented by the pipeline behind the listeners.
pub trait Intake: Send + Sync + 'static {
    /// Takes the events and notices of `batch` in.
    ///
    /// - Resolves with `Ok` only when everything that must not be lost is safe: the platform is
    ///   then answered 200 with the batch's answer.
    /// - Called once per batch, not limited by a timeout.
    /// - Runs to its end even if the caller disconnects meanwhile.
    ///
    /// # Errors
    ///
    /// [`Busy`]: nothing can be taken in for now; the platform is answered 503, and told when to
    /// come again in whole seconds, at least one.
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>>;

    /// Hears of every request that was not handed to [`Intake::take`], once, with the status that
    /// answers it and the reason. For counters and rate-limited log lines; must not block.
    fn refused(&self, status: StatusCode, refusal: &Refusal);
}

/// How long a driver may look up what a callback lacks: platforms wait for their answer, some of them
/// for three seconds.
const LONGEST_LOOK_UP: Duration = Duration::from_secs(2);

/// How long a driver may take to answer a question: longer than a reader waits for news.
const LONGEST_ANSWER: Duration = Duration::from_secs(90);

/// What every caller may send without having to ask for room.
pub const SMALL_BODY_BYTES: usize = 64 * 1024;

/// Bounds of an instance's endpoint.
#[derive(Debug, Clone)]
pub struct InboundOptions {
    /// The largest body that is read; a larger one is answered 413.
    pub body_limit_bytes: usize,
    /// How long reading a request may take; a slower one is answered 408. What follows,
    /// [`Intake::take`], is not counted.
    pub timeout: Duration,
    /// Requests at work at once, from when their body is there, those in [`Intake::take`] included;
    /// one more is answered 503. 0 counts as 1.
    pub max_concurrent: usize,
    /// Bodies of more than [`SMALL_BODY_BYTES`] being read at once; one more is answered 503. 0
    /// counts as 1.
    pub max_large_bodies: usize,
    /// Whether the driver looks up what callbacks lack. They are taken in one after the other then.
    pub looks_up: bool,
    /// Turns true when the bridge stops: a question that is not answered by then is answered 503, since
    /// whoever asks may be waiting for news.
    pub stopping: Option<watch::Receiver<bool>>,
}

impl Default for InboundOptions {
    fn default() -> Self {
        Self {
            body_limit_bytes: 1024 * 1024,
            timeout: Duration::from_secs(10),
            max_concurrent: 256,
            max_large_bodies: 64,
            looks_up: false,
            stopping: None,
        }
    }
}

/// The service that answers the callbacks of one instance.
///
/// | answer | when |
/// |---|---|
/// | 200 and the batch's answer | [`Intake::take`] has it |
/// | what the driver answers | a question |
/// | 400, 401 | the driver calls the request malformed, or not authentic |
/// | 404, 405 | another path, another method |
/// | 408, 413 | the body comes too slowly, or is too large |
/// | 503 with `retry-after` | too many requests at work, too many large bodies, the intake is busy, or the bridge stops |
///
/// All others have an empty body: callers are told nothing that helps them to guess. The
/// path of `listen` also answers with one trailing slash more or less.
///
/// Clones share their bounds: make one per instance, clone it per request.
pub fn endpoint<B>(
    driver: Arc<dyn ErasedDriver>,
    listen: &Listen,
    intake: Arc<dyn Intake>,
    options: InboundOptions,
) -> impl Service<
    Request<B>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send + 'static,
>
+ Clone
+ Send
+ 'static
+ use<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let reader = Arc::new(Reader {
        path: without_slash(&listen.path).into(),
        method: listen.method.clone(),
        questions: listen
            .questions
            .iter()
            .map(|path| without_slash(path).into())
            .collect(),
        body_limit_bytes: options.body_limit_bytes,
        large_bodies: Semaphore::new(options.max_large_bodies.max(1)),
    });
    let listener = Arc::clone(&intake);
    let stopping = options.stopping;
    let turns = options.looks_up.then(|| Arc::new(Semaphore::new(1)));
    let work = ServiceBuilder::new()
        // Outside the limit that it sheds for: without a free slot, 503 at once instead of a queue.
        .load_shed()
        // Not around reading: a slot is held only while the bridge works, never while a caller lets
        // it wait, or as many slow callers as there are slots would shut everybody else out.
        .concurrency_limit(options.max_concurrent.max(1))
        .service(service_fn(move |asked| {
            serve_one(
                Arc::clone(&driver),
                Arc::clone(&intake),
                turns.clone(),
                stopping.clone(),
                asked,
            )
        }));
    let stack = ServiceBuilder::new()
        // Outside the timeout: a batch that was handed over is answered with its own result, never
        // with a guess made while its commit was under way.
        .and_then(move |asked: Asked| work.clone().oneshot(asked))
        // Around reading only.
        .timeout(options.timeout)
        .service(service_fn(move |request: Request<B>| {
            let reader = Arc::clone(&reader);
            async move { reader.read(request).await }
        }));
    // Outermost, so that whatever goes wrong inside becomes a status in one place. A function and
    // not a layer, because tower's mapping layers can't turn an error of readiness into an answer.
    service_fn(move |request: Request<B>| {
        let (stack, listener) = (stack.clone(), Arc::clone(&listener));
        async move { Ok(refused::answered(stack.oneshot(request).await, &*listener)) }
    })
}

/// What answers at a listener, without its type.
pub type Endpoint = BoxCloneSyncService<Request<Incoming>, Response<Full<Bytes>>, Infallible>;

/// What is to answer one request.
#[derive(Debug)]
pub struct Chosen<H> {
    /// That.
    pub endpoint: Endpoint,
    /// Kept until the request is answered.
    pub held: H,
}

/// A service that asks for every request what is to answer it, so that it can change while
/// connections are open. Where nothing is, the answer is 503.
pub fn chosen<H: Send + 'static>(
    choose: impl Fn() -> Option<Chosen<H>> + Clone + Send + 'static,
) -> impl Service<
    Request<Incoming>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    service_fn(move |request| {
        let chosen = choose();
        async move {
            let Some(Chosen { endpoint, held }) = chosen else {
                return Ok(refused::closing());
            };
            let answer = endpoint.oneshot(request).await;
            drop(held);
            answer
        }
    })
}

/// What a request that was read whole comes to.
async fn serve_one(
    driver: Arc<dyn ErasedDriver>,
    intake: Arc<dyn Intake>,
    turns: Option<Arc<Semaphore>>,
    stopping: Option<watch::Receiver<bool>>,
    asked: Asked,
) -> Result<Response<Full<Bytes>>, Refused> {
    match asked {
        Asked::Callback(request) => admit(driver, intake, turns, request).await,
        Asked::Question(request) => tokio::select! {
            biased;
            answered = answer(driver, request) => answered,
            () = stopped(stopping) => Err(Refused::Stopping),
        },
    }
}

/// Asks the driver for what the request brings, and hands that over.
async fn admit(
    driver: Arc<dyn ErasedDriver>,
    intake: Arc<dyn Intake>,
    turns: Option<Arc<Semaphore>>,
    request: Request<Bytes>,
) -> Result<Response<Full<Bytes>>, Refused> {
    let mut batch = match driver.receive(&request) {
        Received::Accepted(batch) => batch,
        Received::Unauthorized(refusal) => return Err(Refused::Unauthorized(refusal)),
        Received::Malformed(refusal) => return Err(Refused::Malformed(refusal)),
    };
    // The batch has what is needed of it.
    drop(request);
    // Kept until the batch is taken in: it comes behind those that came before, whoever of them is
    // looked up for longer.
    let _turn = match turns {
        Some(turns) => look_up(&*driver, turns, &mut batch).await,
        None => None,
    };
    let answer = batch.answer.clone();
    match Handover::new(intake.take(batch)).await {
        Ok(()) => Ok(accepted(answer)),
        Err(busy) => Err(Refused::Busy(busy)),
    }
}

/// Has the driver look up what the batch lacks, and waits for its turn meanwhile.
async fn look_up(
    driver: &dyn ErasedDriver,
    turns: Arc<Semaphore>,
    batch: &mut Batch,
) -> Option<OwnedSemaphorePermit> {
    let found = tokio::time::timeout(LONGEST_LOOK_UP, driver.look_up(batch));
    // The turn is asked for first: turns are given in that order.
    let (turn, found) = tokio::join!(biased; turns.acquire_owned(), found);
    if found.is_err() {
        tracing::debug!("looking up what a callback lacks took too long; it is taken in without");
    }
    // The semaphore is never closed.
    turn.ok()
}

/// Has the driver answer what it is asked.
async fn answer(
    driver: Arc<dyn ErasedDriver>,
    request: Request<Bytes>,
) -> Result<Response<Full<Bytes>>, Refused> {
    let answer = tokio::time::timeout(LONGEST_ANSWER, driver.answer(&request)).await;
    match answer {
        Ok(Ok(response)) => Ok(response.map(Full::new)),
        Ok(Err(refusal)) => Err(Refused::Unauthorized(refusal)),
        Err(_) => Err(Refused::Unanswered),
    }
}

/// Resolves when the bridge stops.
async fn stopped(stopping: Option<watch::Receiver<bool>>) {
    if let Some(mut stopping) = stopping
        && stopping.wait_for(|stopping| *stopping).await.is_ok()
    {
        return;
    }
    // Nobody says so any more.
    std::future::pending().await
}

fn accepted(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    if let Ok(content_type) = HeaderValue::from_str(answer.content_type) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    response
}
