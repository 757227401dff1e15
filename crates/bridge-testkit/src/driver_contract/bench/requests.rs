//! What becomes of a driver's HTTP requests at a platform that is well, or does what a check tells it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::ports::{Clock, HttpError, HttpErrorKind, HttpExchange, Reached};
use bytes::Bytes;
use http::{Request, Response};

use crate::FakeClock;
use crate::driver_contract::platform::{Api, Asked, Fate, FeedServer};
use crate::fake_http::Answer;

/// What becomes of a send, whatever way it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::driver_contract) enum Ending {
    /// The platform does with it what it does.
    Met(Fate),
    /// The connection breaks before the platform has it.
    Lost,
    /// The platform has it, and the connection breaks before the answer.
    Unanswered,
    /// Its token has expired.
    Expired,
}

/// For how long a platform that throttles does so.
pub(in crate::driver_contract) const PAUSE: Duration = Duration::from_secs(3);

pub(super) type SharedFeed = Arc<Mutex<Box<dyn FeedServer>>>;

/// What becomes of sends that are requests.
#[derive(Default)]
pub(super) struct Requests {
    pub(super) endings: VecDeque<Ending>,
    pub(super) taken: Vec<Asked>,
    /// Whether none reaches the platform.
    pub(super) are_lost: bool,
    /// Whether the platform takes them and says nothing.
    pub(super) are_unanswered: bool,
    /// The answer to polls, in place of the feed's.
    pub(super) polls: Option<Response<Bytes>>,
}

impl Requests {
    pub(super) fn answer(
        &mut self,
        api: &dyn Api,
        feed: Option<&SharedFeed>,
        request: &Request<Bytes>,
    ) -> Answer {
        if self.are_lost {
            return Err(broken(Reached::No));
        }
        if self.are_unanswered {
            return Err(HttpError {
                kind: HttpErrorKind::Timeout,
                reached: Reached::Perhaps,
                detail: "no answer in time".into(),
            });
        }
        if let Some(mut answer) = feed.and_then(|feed| lock(feed).answer(request)) {
            if let Some(other) = &self.polls {
                answer = other.clone();
            }
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
            Ending::Met(Fate::Throttled) => Ok(api.throttled(PAUSE)),
            Ending::Lost => Err(broken(Reached::Perhaps)),
            Ending::Unanswered => {
                self.taken.push(asked);
                Err(broken(Reached::Perhaps))
            }
            Ending::Expired => Ok(api.expired().unwrap_or_else(|| api.unauthorized())),
        }
    }
}

pub(super) fn broken(reached: Reached) -> HttpError {
    HttpError {
        kind: match reached {
            Reached::No => HttpErrorKind::Connect,
            Reached::Perhaps => HttpErrorKind::Broken,
        },
        reached,
        detail: "a scripted failure".into(),
    }
}

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks the answer to a poll.
#[derive(Clone)]
struct Polled;

/// An exchange in which a poll and a silence take their time, so that a driver that asks at once again, as the platform
/// may wait before it answers, does so in time that passes.
pub(super) struct Unhurried {
    pub(super) http: Arc<dyn HttpExchange>,
    pub(super) clock: FakeClock,
    pub(super) polls_take: Duration,
}

impl HttpExchange for Unhurried {
    fn exchange(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let answer = self.http.exchange(request).await;
            let is_poll = |answer: &Response<Bytes>| answer.extensions().get::<Polled>().is_some();
            let takes_time = match &answer {
                Ok(answer) => is_poll(answer),
                Err(error) => error.kind == HttpErrorKind::Timeout,
            };
            if takes_time && !self.polls_take.is_zero() {
                self.clock.sleep(self.polls_take).await;
            }
            answer
        })
    }
}

/// An answer of `status` with a page for people.
pub(in crate::driver_contract) fn page(status: u16) -> Response<Bytes> {
    let body = "<!DOCTYPE html><html><body><h1>Something</h1></body></html>";
    Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "text/html")
        .body(Bytes::from_static(body.as_bytes()))
        .expect("a valid status")
}
