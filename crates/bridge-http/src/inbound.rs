//! The way of one request from the listener to its answer, for one instance.

mod handover;
mod refused;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Answer, Batch, ErasedDriver, Listen, Received, Refusal};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

use handover::Handover;
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
    /// [`Busy`]: nothing can be taken in for now; the platform is answered 503.
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>>;

    /// Hears of every request that was not handed to [`Intake::take`], once, with the status that
    /// answers it and the reason. For counters and rate-limited log lines; must not block.
    fn refused(&self, status: StatusCode, refusal: &Refusal);
}

/// The intake can't take anything for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// When the platform should come again; told to it in whole seconds, at least one.
    pub retry_after: Duration,
}

/// Bounds of an instance's endpoint.
#[derive(Debug, Clone)]
pub struct InboundOptions {
    /// The largest body that is read; a larger one is answered 413.
    pub body_limit_bytes: usize,
    /// How long reading and decoding a request may take; a slower one is answered 408. What
    /// follows, [`Intake::take`], is not counted.
    pub timeout: Duration,
    /// Requests at work at once, those in [`Intake::take`] included; one more is answered 503.
    /// 0 counts as 1.
    pub max_concurrent: usize,
}

impl Default for InboundOptions {
    fn default() -> Self {
        Self {
            body_limit_bytes: 1024 * 1024,
            timeout: Duration::from_secs(10),
            max_concurrent: 256,
        }
    }
}

/// The service that answers the callbacks of one instance.
///
/// | answer | when |
/// |---|---|
/// | 200 and the batch's answer | [`Intake::take`] has it |
/// | 400, 401 | the driver calls the request malformed, or not authentic |
/// | 404, 405 | another path, another method |
/// | 408, 413 | the body comes too slowly, or is too large |
/// | 503 with `retry-after` | too many requests at work, or the intake is busy |
///
/// All but the first have an empty body: callers are told nothing that helps them to guess. The
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
        driver,
        path: without_slash(&listen.path).into(),
        method: listen.method.clone(),
        body_limit_bytes: options.body_limit_bytes,
    });
    let listener = Arc::clone(&intake);
    let stack = ServiceBuilder::new()
        // Outside the limit that it sheds for: without a free slot, 503 at once instead of a queue.
        .load_shed()
        // Around everything that holds memory or time: bodies being read and batches being taken.
        .concurrency_limit(options.max_concurrent.max(1))
        // Outside the timeout: a batch that was handed over is answered with its own result, never
        // with a guess made while its commit was under way.
        .and_then(move |batch| take(Arc::clone(&intake), batch))
        // Around reading and decoding only: a caller that trickles its body loses its slot.
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

/// Everything that happens to a request before it is handed over.
struct Reader {
    driver: Arc<dyn ErasedDriver>,
    path: Box<str>,
    method: Method,
    body_limit_bytes: usize,
}

impl Reader {
    /// Routes, then reads, then asks the driver: what is cheap to refuse is refused first.
    async fn read<B>(&self, request: Request<B>) -> Result<Batch, Refused>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        if without_slash(request.uri().path()) != &*self.path {
            return Err(Refused::UnknownPath);
        }
        if request.method() != self.method {
            return Err(Refused::WrongMethod(self.method.clone()));
        }
        let (head, body) = request.into_parts();
        let body = self.read_body(body).await?;
        match self.driver.receive(&Request::from_parts(head, body)) {
            Received::Accepted(batch) => Ok(batch),
            Received::Unauthorized(refusal) => Err(Refused::Unauthorized(refusal)),
            Received::Malformed(refusal) => Err(Refused::Malformed(refusal)),
        }
    }

    async fn read_body<B>(&self, body: B) -> Result<Bytes, Refused>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let limit = self.body_limit_bytes;
        // A declared length is refused unread; a client that asks first (`expect: 100-continue`)
        // then does not even send it.
        if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(Refused::TooLarge);
        }
        match Limited::new(body, limit).collect().await {
            Ok(read) => Ok(read.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Refused::TooLarge),
            Err(error) => Err(Refused::Broken(error.to_string())),
        }
    }
}

/// The path without one trailing slash; `/` becomes empty, which no other path does.
fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

async fn take(intake: Arc<dyn Intake>, batch: Batch) -> Result<Response<Full<Bytes>>, BoxError> {
    let answer = batch.answer.clone();
    match Handover::new(intake.take(batch)).await {
        Ok(()) => Ok(accepted(answer)),
        Err(busy) => Err(Refused::Busy(busy).into()),
    }
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
