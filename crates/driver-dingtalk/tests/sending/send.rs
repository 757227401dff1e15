//! The send itself: what is asked, and what follows from the answer.

use bridge_core::driver::Driver;
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice};
use bridge_core::ports::{HttpError, HttpErrorKind, Reached};
use serde_json::{Value, json};

use crate::bench::{Bench, SENT, SENT_KEY, outgoing};
use crate::token;

const TOKEN_URL: &str = "http://127.0.0.1:9/prefix/v1.0/oauth2/accessToken";
const SEND_URL: &str = "http://127.0.0.1:9/prefix/v1.0/robot/groupMessages/send";

#[tokio::test]
async fn a_send_is_asked_as_documented() {
    let bench = Bench::new();
    bench
        .http
        .push_json(200, include_str!("../fixtures/api/token-200.json"));
    bench.http.push_json(200, SENT);
    let sent = bench.driver.send(&outgoing("\"你\"\n")).await.unwrap();
    assert_eq!(sent.platform_ids, [SENT_KEY]);

    let requests = bench.http.requests();
    let bodies: Vec<Value> = requests
        .iter()
        .map(|request| serde_json::from_slice(request.body()).unwrap())
        .collect();
    assert_eq!(requests[0].uri(), TOKEN_URL);
    assert_eq!(
        bodies[0],
        json!({ "appKey": "key-1", "appSecret": "secret-canary" })
    );
    assert!(
        !requests[0]
            .headers()
            .contains_key("x-acs-dingtalk-access-token")
    );
    assert_eq!(requests[1].uri(), SEND_URL);
    let param = r#"{"content":"\"你\"\n"}"#;
    let expected = json!({
        "robotCode": "robot-1", "openConversationId": "cid/+==", "msgKey": "sampleText",
        "msgParam": param
    });
    assert_eq!(bodies[1], expected);
    let token = "1a7674eb4ee78df7e1ac439a93c3fa8e";
    assert_eq!(requests[1].headers()["x-acs-dingtalk-access-token"], token);
    for request in requests {
        assert_eq!(request.method(), http::Method::POST);
        assert_eq!(request.headers()["content-type"], "application/json");
        assert!(!format!("{:?}", request.headers()).contains(token));
    }
}

fn broken(kind: HttpErrorKind, reached: Reached) -> HttpError {
    let detail = "it broke".to_owned();
    HttpError {
        kind,
        reached,
        detail,
    }
}

#[tokio::test]
async fn a_broken_exchange_is_uncertain_only_for_the_send_itself() {
    let rows = [
        (
            HttpErrorKind::Connect,
            Reached::No,
            ErrorKind::Unavailable,
            Certainty::NotDelivered,
        ),
        (
            HttpErrorKind::Timeout,
            Reached::Perhaps,
            ErrorKind::Timeout,
            Certainty::Unknown,
        ),
        (
            HttpErrorKind::Broken,
            Reached::Perhaps,
            ErrorKind::Unavailable,
            Certainty::Unknown,
        ),
        (
            HttpErrorKind::Protocol,
            Reached::Perhaps,
            ErrorKind::Protocol,
            Certainty::Unknown,
        ),
    ];
    for (kind, reached, expected, certainty) in rows {
        let bench = Bench::new();
        bench.http.push(Err(broken(kind, reached)));
        token::assert_token_failure(&bench.send().await.unwrap_err(), expected);

        let bench = Bench::with_token("a").await;
        bench.http.push(Err(broken(kind, reached)));
        let error = bench.send().await.unwrap_err();
        assert_eq!(error.operation, "groupMessages/send");
        assert_eq!((error.kind, error.certainty), (expected, certainty));
        assert_eq!(error.detail, "it broke");
    }
}

#[tokio::test]
async fn a_refused_send_is_not_repeated_and_keeps_the_token() {
    let bench = Bench::with_token("a").await;
    bench.http.push_json(
        400,
        include_str!("../fixtures/api/group-send-400-robot-not-exist.json"),
    );
    let error = bench.send().await.unwrap_err();
    assert_eq!(
        (error.kind, error.advice),
        (ErrorKind::Rejected, RetryAdvice::Never)
    );
    bench.push_sent(1);
    bench.send().await.unwrap();
    assert_eq!(bench.asked()[2..], ["a", "a"]);
}

#[tokio::test]
async fn an_error_shows_neither_token_nor_secret_nor_text() {
    let bench = Bench::with_token("token-canary").await;
    let echo = json!({
        "code": "something.new",
        "message": "header token-canary, secret-canary, text-canary\n第二行 canary-line"
    });
    bench.http.push_json(400, echo);
    let outgoing = outgoing("text-canary\n 第二行 canary-line ");
    let error = bench.driver.send(&outgoing).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    assert!(!format!("{:?}", bench.driver).contains("canary"));
}
