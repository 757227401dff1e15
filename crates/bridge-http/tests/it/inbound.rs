//! From a request to its answer, without a socket.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bridge_core::driver::Busy;
use bridge_http::{InboundOptions, endpoint};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Service, ServiceExt};

use crate::support::{FakeDriver, FakeIntake, Taking, listen, soon};

fn request(method: Method, path: &str, sign: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("sign", sign)
        .header("timestamp", "1772376934909")
        .body(Full::from(body.to_owned()))
        .unwrap()
}

fn good(body: &str) -> Request<Full<Bytes>> {
    request(Method::POST, "/in", "good", body)
}

/// An endpoint at `path` whose intake is `intake`.
fn service<B>(
    path: &str,
    intake: &Arc<FakeIntake>,
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
    let (driver, _) = FakeDriver::new(0);
    endpoint(driver, &listen(path), intake.clone(), options)
}

async fn body_of(response: Response<Full<Bytes>>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

fn header_of(response: &Response<Full<Bytes>>, name: header::HeaderName) -> Option<&str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn statuses_and_reasons() {
    let (get, head, post) = (Method::GET, Method::HEAD, Method::POST);
    // Path of the listener, the request, the status, the reason that the intake hears.
    let rows = [
        ("/in", request(post.clone(), "/in", "good", "x"), 200, None),
        ("/in", request(post.clone(), "/in/", "good", "x"), 200, None),
        ("/in/", request(post.clone(), "/in", "good", "x"), 200, None),
        (
            "/in",
            request(post.clone(), "/in?a=1", "good", "x"),
            200,
            None,
        ),
        ("/", request(post.clone(), "/", "good", "x"), 200, None),
        (
            "/in",
            request(post.clone(), "/in//", "good", "x"),
            404,
            Some("unknown_path"),
        ),
        (
            "/in",
            request(post.clone(), "/", "good", "x"),
            404,
            Some("unknown_path"),
        ),
        (
            "/in",
            request(post.clone(), "/inn", "good", "x"),
            404,
            Some("unknown_path"),
        ),
        (
            "/in",
            request(post.clone(), "/IN", "good", "x"),
            404,
            Some("unknown_path"),
        ),
        (
            "/",
            request(post.clone(), "/in", "good", "x"),
            404,
            Some("unknown_path"),
        ),
        (
            "/",
            request(post.clone(), "//", "good", "x"),
            404,
            Some("unknown_path"),
        ),
        (
            "/in",
            request(get, "/in", "good", ""),
            405,
            Some("wrong_method"),
        ),
        (
            "/in",
            request(head, "/in", "good", ""),
            405,
            Some("wrong_method"),
        ),
        (
            "/in",
            request(post.clone(), "/in", "good", &"x".repeat(64)),
            200,
            None,
        ),
        (
            "/in",
            request(post.clone(), "/in", "good", &"x".repeat(65)),
            413,
            Some("too_large"),
        ),
        (
            "/in",
            request(post.clone(), "/in", "bad", "x"),
            401,
            Some("wrong_sign"),
        ),
        (
            "/in",
            request(post, "/in", "good", "garbage"),
            400,
            Some("no_json"),
        ),
    ];
    for (path, request, status, reason) in rows {
        let (intake, _) = FakeIntake::new(1, None);
        let what = format!("{path}: {} {}", request.method(), request.uri());
        let options = InboundOptions {
            body_limit_bytes: 64,
            ..InboundOptions::default()
        };
        let response = soon(service(path, &intake, options).oneshot(request))
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{what}");
        let allowed = (status == 405).then_some("POST");
        assert_eq!(header_of(&response, header::ALLOW), allowed, "{what}");
        if status == 200 {
            let content_type = header_of(&response, header::CONTENT_TYPE);
            assert_eq!(content_type, Some("application/json"), "{what}");
            assert_eq!(body_of(response).await, "{}", "{what}");
        } else {
            assert!(body_of(response).await.is_empty(), "{what}");
        }
        let refusals = intake.refusals.lock().unwrap();
        let heard: Vec<_> = refusals
            .iter()
            .map(|(status, refusal)| (status.as_u16(), refusal.reason))
            .collect();
        let expected: Vec<_> = reason.map(|reason| (status, reason)).into_iter().collect();
        assert_eq!(heard, expected, "{what}");
    }
}

#[tokio::test]
async fn the_driver_sees_the_request_as_it_came() {
    let (driver, _) = FakeDriver::new(0);
    let (intake, _) = FakeIntake::new(1, None);
    let endpoint = endpoint(
        driver.clone(),
        &listen("/in"),
        intake,
        InboundOptions::default(),
    );
    soon(endpoint.oneshot(good("{\"a\": 1}"))).await.unwrap();
    let seen = driver.seen.lock().unwrap();
    assert_eq!(seen[0].method(), Method::POST);
    assert_eq!(seen[0].uri(), "/in");
    assert_eq!(seen[0].headers()["sign"], "good");
    assert_eq!(seen[0].headers()["timestamp"], "1772376934909");
    assert_eq!(seen[0].body(), "{\"a\": 1}");
}

#[tokio::test]
async fn a_busy_intake_says_when_to_come_again() {
    // What the intake says, what the platform is told.
    let rows = [(0, "1"), (1_000, "1"), (1_001, "2"), (90_000, "90")];
    for (millis, told) in rows {
        let busy = Busy {
            retry_after: Duration::from_millis(millis),
        };
        let (intake, _) = FakeIntake::new(1, Some(busy));
        let service = service("/in", &intake, InboundOptions::default());
        let response = soon(service.oneshot(good("x"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header_of(&response, header::RETRY_AFTER), Some(told));
        assert!(body_of(response).await.is_empty());
        assert!(
            intake.refusals.lock().unwrap().is_empty(),
            "it knows already"
        );
    }
}

/// A body that announces nothing and then never comes, or breaks.
struct Unfinished {
    breaks: bool,
}

impl Body for Unfinished {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.breaks {
            true => Poll::Ready(Some(Err("the peer is gone".into()))),
            false => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[tokio::test]
async fn bodies_that_do_not_end() {
    for (breaks, status, reason) in [(false, 408, "too_slow"), (true, 400, "broken_body")] {
        let (intake, mut takings) = FakeIntake::new(1, None);
        let options = InboundOptions {
            timeout: Duration::from_millis(10),
            ..InboundOptions::default()
        };
        let request = Request::post("/in").header("sign", "good");
        let request = request.body(Unfinished { breaks }).unwrap();
        let response = soon(service("/in", &intake, options).oneshot(request))
            .await
            .unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(header_of(&response, header::CONNECTION), Some("close"));
        assert_eq!(intake.refusals.lock().unwrap()[0].1.reason, reason);
        assert!(takings.try_recv().is_err());
    }
}

#[tokio::test]
async fn one_request_too_many_is_shed_and_the_next_is_not() {
    let (intake, mut takings) = FakeIntake::new(0, None);
    let options = InboundOptions {
        max_concurrent: 1,
        ..InboundOptions::default()
    };
    let service = service("/in", &intake, options);
    let first = tokio::spawn(service.clone().oneshot(good("first")));
    assert_eq!(
        soon(takings.recv()).await,
        Some(Taking::Started("first".into()))
    );

    let shed = soon(service.clone().oneshot(good("second"))).await.unwrap();
    assert_eq!(shed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header_of(&shed, header::RETRY_AFTER), Some("1"));
    assert_eq!(intake.refusals.lock().unwrap()[0].1.reason, "overloaded");

    intake.gate.add_permits(2);
    assert_eq!(soon(first).await.unwrap().unwrap().status(), StatusCode::OK);
    let third = soon(service.oneshot(good("third"))).await.unwrap();
    assert_eq!(third.status(), StatusCode::OK);
}

#[tokio::test]
async fn taking_is_not_limited_by_the_timeout() {
    let (intake, mut takings) = FakeIntake::new(0, None);
    let timeout = Duration::from_millis(5);
    let options = InboundOptions {
        timeout,
        ..InboundOptions::default()
    };
    let answer = tokio::spawn(service("/in", &intake, options).oneshot(good("slow")));
    assert_eq!(
        soon(takings.recv()).await,
        Some(Taking::Started("slow".into()))
    );
    // A commit that takes longer than reading may.
    tokio::time::sleep(timeout * 4).await;
    intake.gate.add_permits(1);
    assert_eq!(
        soon(answer).await.unwrap().unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_batch_is_taken_to_its_end_when_its_caller_goes() {
    let (intake, mut takings) = FakeIntake::new(0, None);
    let service = service("/in", &intake, InboundOptions::default());
    let caller = tokio::spawn(service.oneshot(good("left")));
    assert_eq!(
        soon(takings.recv()).await,
        Some(Taking::Started("left".into()))
    );
    caller.abort();
    assert!(soon(caller).await.unwrap_err().is_cancelled());
    intake.gate.add_permits(1);
    assert_eq!(
        soon(takings.recv()).await,
        Some(Taking::Finished("left".into()))
    );
}
