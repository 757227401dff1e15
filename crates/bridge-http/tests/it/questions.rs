//! Questions to an instance, at paths of its own listener.

use std::sync::Arc;

use bridge_core::BoxFuture;
use bridge_core::driver::{Batch, ErasedDriver, Notice, Outgoing, Refusal};
use bridge_core::outcome::{SendError, Sent};
use bridge_http::{InboundOptions, endpoint};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

use crate::support::{FakeIntake, listen, soon};

/// Answers whoever says `please`, and lets whoever says `wait` do so.
struct Oracle;

impl ErasedDriver for Oracle {
    fn verify(&self, _: &Request<Bytes>) -> Result<(), Refusal> {
        Ok(())
    }

    fn decode(&self, _: &Bytes) -> Result<Batch, Refusal> {
        let mut batch = Batch::default();
        batch.notices.push(Notice {
            key: "body".to_owned(),
            text: String::new(),
        });
        Ok(batch)
    }

    fn answer<'a>(
        &'a self,
        request: &'a Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, Refusal>> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let answer = Response::builder()
            .status(203)
            .header("x-told", "yes")
            .body(Bytes::from(format!("asked: {query}")))
            .unwrap();
        if query.contains("wait") {
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(match query.contains("please") {
            true => Ok(answer),
            false => Err(Refusal::new("impolite", "no please")),
        }))
    }

    fn send<'a>(&'a self, _: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        Box::pin(std::future::ready(Ok(Sent::default())))
    }
}

/// Why the intake heard that something was refused.
fn first_refusal(intake: &FakeIntake) -> Option<&'static str> {
    let refusals = intake.refusals.lock().unwrap();
    refusals.first().map(|(_, refusal)| refusal.reason)
}

#[tokio::test]
async fn a_question_is_answered_by_the_driver_and_a_callback_is_taken_in() {
    let (get, post) = (Method::GET, Method::POST);
    // Method and path, the status, its `allow`, what the intake hears of it.
    let rows = [
        (&get, "/ask?please", 203, None, None),
        (&get, "/ask/?please", 203, None, None),
        (&get, "/ask", 401, None, Some("impolite")),
        (&post, "/ask?please", 405, Some("GET"), Some("wrong_method")),
        (&get, "/in?please", 203, None, None),
        (&post, "/in", 200, None, None),
        (&Method::PUT, "/in", 405, Some("POST"), Some("wrong_method")),
        (&get, "/other?please", 404, None, Some("unknown_path")),
    ];
    for (method, path, status, allow, reason) in rows {
        let (intake, _taken) = FakeIntake::new(1, None);
        let mut listen = listen("/in");
        // One of them is also the path of callbacks: the method decides.
        listen.questions = vec!["/ask".to_owned(), "/in".to_owned()];
        let options = InboundOptions::default();
        let service = endpoint(Arc::new(Oracle), &listen, intake.clone(), options);
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let response = soon(service.oneshot(request)).await.unwrap();

        let row = format!("{method} {path}");
        assert_eq!(response.status(), status, "{row}");
        let allowed = response.headers().get(header::ALLOW);
        assert_eq!(allowed.map(|value| value.to_str().unwrap()), allow, "{row}");
        assert_eq!(first_refusal(&intake), reason, "{row}");
        if status == 203 {
            assert_eq!(response.headers()["x-told"], "yes", "{row}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "asked: please", "{row}");
        }
    }
}

#[tokio::test]
async fn whoever_waits_for_news_does_not_hold_up_the_end() {
    let (intake, _taken) = FakeIntake::new(1, None);
    let mut listen = listen("/in");
    listen.questions = vec!["/ask".to_owned()];
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let options = InboundOptions {
        stopping: Some(stopping),
        ..InboundOptions::default()
    };
    let service = endpoint(Arc::new(Oracle), &listen, intake.clone(), options);
    let ask = |query: &str| {
        let request = Request::get(format!("/ask?{query}"));
        service
            .clone()
            .oneshot(request.body(Full::<Bytes>::default()).unwrap())
    };
    let mut waiting = Box::pin(ask("wait"));
    assert!(waiting.as_mut().now_or_never().is_none());
    stop.send_replace(true);
    let response = soon(waiting).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    assert_eq!(response.headers()[header::CONNECTION], "close");
    assert_eq!(first_refusal(&intake), None);
    // What can be answered at once still is.
    assert_eq!(soon(ask("please")).await.unwrap().status(), 203);
}
