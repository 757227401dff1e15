//! An HTTP exchange that answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::ports::{HttpError, HttpExchange};
use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::watch;

/// What an exchange brings.
pub type Answer = Result<Response<Bytes>, HttpError>;

type Handler = dyn Fn(&Request<Bytes>) -> Answer + Send + Sync;

/// The other side of a driver's requests, for tests. Clones are the same one.
///
/// Each request takes the oldest answer that was pushed, or else the handler's. A request for which
/// there is neither panics: the test asked for less than the driver did.
#[derive(Clone)]
pub struct FakeHttp {
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    handler: Option<Box<Handler>>,
    /// Whether answers are held back.
    held: watch::Sender<bool>,
    /// How many requests came.
    asked: watch::Sender<usize>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    requests: Vec<Request<Bytes>>,
}

impl FakeHttp {
    /// One that knows only what is pushed.
    pub fn new() -> Self {
        Self::build(None)
    }

    /// One that asks `handler` whenever nothing is pushed. The handler must not call the fake.
    pub fn with(handler: impl Fn(&Request<Bytes>) -> Answer + Send + Sync + 'static) -> Self {
        Self::build(Some(Box::new(handler)))
    }

    fn build(handler: Option<Box<Handler>>) -> Self {
        Self {
            shared: Arc::new(Shared {
                script: Mutex::default(),
                handler,
                held: watch::Sender::new(false),
                asked: watch::Sender::new(0),
            }),
        }
    }

    /// Adds an answer behind those already there.
    pub fn push(&self, answer: Answer) {
        self.script().answers.push_back(answer);
    }

    /// Adds an answer of JSON text with `status`.
    ///
    /// # Panics
    ///
    /// If `status` is no HTTP status.
    pub fn push_json(&self, status: u16, body: impl fmt::Display) {
        self.push(Ok(json(status, body)));
    }

    /// All requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request<Bytes>> {
        self.script().requests.clone()
    }

    /// Holds back the answers of this and all later requests until [`FakeHttp::release`]. Requests
    /// are recorded, and take their answers from the script, as they come.
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets the held answers go.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Resolves when at least `count` requests have come.
    pub async fn until_asked(&self, count: usize) {
        let mut asked = self.shared.asked.subscribe();
        // The sender lives in `self`, so the wait can't fail.
        drop(asked.wait_for(|requests| *requests >= count).await);
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        let script = self.shared.script.lock();
        script.unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: Request<Bytes>) -> Answer {
        let mut script = self.script();
        script.requests.push(request.clone());
        let pushed = script.answers.pop_front();
        self.shared.asked.send_replace(script.requests.len());
        drop(script);
        match (pushed, &self.shared.handler) {
            (Some(answer), _) => answer,
            (None, Some(handler)) => handler(&request),
            (None, None) => panic!(
                "no answer is scripted for {} {}; push one before the driver asks",
                request.method(),
                request.uri()
            ),
        }
    }
}

impl Default for FakeHttp {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FakeHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.script();
        f.debug_struct("FakeHttp")
            .field("answers", &script.answers.len())
            .field("requests", &script.requests.len())
            .finish_non_exhaustive()
    }
}

impl HttpExchange for FakeHttp {
    fn exchange(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let mut held = self.shared.held.subscribe();
            let answer = self.answer(request);
            // The sender lives in `self`, so the wait can't fail.
            drop(held.wait_for(|held| !held).await);
            answer
        })
    }
}

/// An answer of JSON text with `status`.
///
/// # Panics
///
/// If `status` is no HTTP status.
pub fn json(status: u16, body: impl fmt::Display) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("a test names a valid status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Request<Bytes> {
        Request::get(path).body(Bytes::new()).unwrap()
    }

    fn body(answer: Answer) -> Bytes {
        answer.unwrap().into_body()
    }

    #[tokio::test]
    async fn answers_come_in_order_and_then_from_the_handler() {
        let http = FakeHttp::with(|request| Ok(json(200, request.uri().path())));
        http.push_json(200, "1");
        http.push_json(500, "2");
        assert_eq!(body(http.exchange(get("/a")).await), "1");
        assert_eq!(http.exchange(get("/b")).await.unwrap().status(), 500);
        assert_eq!(body(http.exchange(get("/c")).await), "/c");
        let paths: Vec<_> = http
            .requests()
            .iter()
            .map(|r| r.uri().to_string())
            .collect();
        assert_eq!(paths, ["/a", "/b", "/c"]);
    }

    #[tokio::test]
    async fn a_held_answer_waits_for_its_release() {
        let http = FakeHttp::new();
        http.push_json(200, "late");
        http.hold();
        let asking = tokio::spawn({
            let http = http.clone();
            async move { http.exchange(get("/")).await }
        });
        http.until_asked(1).await;
        tokio::task::yield_now().await;
        assert!(!asking.is_finished());
        http.release();
        assert_eq!(body(asking.await.unwrap()), "late");
    }

    #[tokio::test]
    #[should_panic(expected = "no answer is scripted for GET /lonely")]
    async fn an_unscripted_request_is_a_failed_test() {
        drop(FakeHttp::new().exchange(get("/lonely")).await);
    }
}
