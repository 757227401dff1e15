//! Where a message goes, in which order, and what becomes of it when one of the two refuses it.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::driver::{Act, Driver, Outgoing};
use bridge_core::id::Address;
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, SendError, Sent};
use bridge_core::ports::{HttpError, HttpErrorKind, Reached};
use bridge_core::secret::Secret;
use bridge_testkit::fake_http::json as answer;
use bridge_testkit::{FakeClock, FakeHttp, FakeMailbox, fake_ports};
use driver_webhook::{SigningKeys, Webhook};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const URL: &str = "https://bots.example.com/hook?key=canary";

struct Rig {
    driver: Webhook,
    http: FakeHttp,
    mailbox: FakeMailbox,
    clock: FakeClock,
}

fn rig(settings: Value) -> Rig {
    let (clock, http, mailbox) = (
        FakeClock::default(),
        FakeHttp::new(),
        FakeMailbox::default(),
    );
    let mut ports = fake_ports(&clock, &http);
    ports.mailbox = Arc::new(mailbox.clone());
    let settings = serde_json::from_value(settings).expect("settings");
    Rig {
        driver: Webhook::open(settings, ports),
        http,
        mailbox,
        clock,
    }
}

fn outgoing(key: &str) -> Outgoing {
    Outgoing::new(Address::default(), "张三: hi", key)
}

impl Rig {
    async fn send(&self, key: &str) -> Result<Sent, SendError> {
        self.driver.send(&outgoing(key)).await
    }

    fn kept(&self) -> Vec<String> {
        let letters = self.mailbox.letters().into_iter();
        letters.map(|letter| letter.key).collect()
    }
}

fn both() -> Value {
    json!({ "url": URL, "secrets": SECRET, "listen_port": 0, "read_token": "0123456789abcdef" })
}

#[tokio::test]
async fn a_request_is_made_as_documented() {
    let rig = rig(json!({
        "url": URL, "method": "PUT", "headers": { "Authorization": "Bearer canary" }, "secrets": [SECRET, "another secret"],
    }));
    rig.http.push_json(202, "");
    let sent = rig.send("a1-7.0").await.expect("taken");
    assert_eq!(sent.platform_ids, ["a1-7.0"]);
    let request = &rig.http.requests()[0];
    assert_eq!(
        (request.method().as_str(), request.uri().to_string()),
        ("PUT", URL.to_owned())
    );
    let header = |name: &str| request.headers()[name].to_str().expect("visible ASCII");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("authorization"), "Bearer canary");
    assert_eq!(header("webhook-id"), "a1-7.0");
    assert_eq!(header("webhook-timestamp"), "1772366400");
    let secrets = [Secret::new(SECRET), Secret::new("another secret")];
    let keys = SigningKeys::new(&secrets).expect("two secrets");
    let signature = keys.sign("a1-7.0", "1772366400", request.body());
    assert_eq!(
        Some(&request.headers()["webhook-signature"]),
        signature.as_ref()
    );
    let body: Value = serde_json::from_slice(request.body()).expect("JSON");
    let expected = json!({
        "id": "a1-7.0", "event": "message", "text": "张三: hi", "channel": {}, "attachments": [],
        "timestamp": "2026-03-01T12:00:00.000Z",
    });
    assert_eq!(body, expected);
    assert_eq!(rig.kept(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_signed_without_secrets() {
    let rig = rig(json!({ "url": URL }));
    rig.http.push_json(200, "");
    rig.send("a1-7.0").await.expect("taken");
    let requests = rig.http.requests();
    assert!(!requests[0].headers().contains_key("webhook-signature"));
    assert!(requests[0].headers().contains_key("webhook-id"));
}

#[tokio::test]
async fn the_mailbox_keeps_what_the_receiver_took_once() {
    let rig = rig(both());
    for _ in 0..2 {
        rig.http.push_json(200, "");
        rig.send("a1-7.0").await.expect("taken");
    }
    assert_eq!(rig.kept(), ["a1-7.0"]);
    let ids: Vec<_> = rig
        .http
        .requests()
        .iter()
        .map(|one| one.headers()["webhook-id"].clone())
        .collect();
    assert_eq!(ids, ["a1-7.0", "a1-7.0"]);
    rig.http.push_json(500, "");
    rig.send("a1-8.0").await.expect_err("refused");
    assert_eq!(rig.kept(), ["a1-7.0"]);
    let letter = &rig.mailbox.letters()[0];
    let body: Value = serde_json::from_str(&letter.body).expect("JSON");
    assert_eq!(body["text"], "张三: hi");
}

#[tokio::test]
async fn without_a_receiver_the_mailbox_alone_settles_a_send() {
    let rig = rig(json!({ "listen_port": 0, "read_token": "0123456789abcdef" }));
    let mut edit = outgoing("a1-9.0");
    edit.act = Act::Edit {
        of: vec!["a1-7.0".to_owned()],
    };
    rig.driver.send(&edit).await.expect("kept");
    let body: Value = serde_json::from_str(&rig.mailbox.letters()[0].body).expect("JSON");
    assert_eq!(
        (&body["event"], &body["refers_to"]),
        (&json!("edited"), &json!(["a1-7.0"]))
    );
    rig.mailbox.break_down();
    let error = rig.send("a1-10.0").await.expect_err("not kept");
    assert_eq!(
        (error.kind, error.certainty),
        (ErrorKind::Unavailable, Certainty::NotDelivered)
    );
    assert!(matches!(error.advice, RetryAdvice::Backoff(_)));
}

#[tokio::test]
async fn what_the_receiver_took_and_the_mailbox_did_not_is_uncertain() {
    let rig = rig(both());
    rig.mailbox.break_down();
    rig.http.push_json(200, "");
    let error = rig.send("a1-7.0").await.expect_err("not kept");
    assert_eq!(
        (error.operation, error.certainty),
        ("mailbox", Certainty::Unknown)
    );
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_for_a_while() {
    let rig = rig(json!({ "url": URL, "secrets": SECRET }));
    rig.http.push_json(410, "");
    for key in ["a1-7.0", "a1-8.0", "a1-9.0"] {
        let error = rig.send(key).await.expect_err("gone");
        assert_eq!(
            (error.kind, error.advice),
            (ErrorKind::Rejected, RetryAdvice::Never)
        );
        assert!(error.detail.contains("wants no more messages"), "{error}");
        rig.clock.advance(Duration::from_secs(90));
    }
    assert_eq!(rig.http.requests().len(), 1);
    rig.http.push_json(200, "");
    rig.send("a1-10.0").await.expect_err("still left alone");
    rig.clock.advance(Duration::from_secs(30));
    rig.send("a1-10.0").await.expect("asked again");
}

#[tokio::test]
async fn an_exchange_that_fails_says_whether_the_message_may_have_been_taken() {
    for (reached, certainty) in [
        (Reached::No, Certainty::NotDelivered),
        (Reached::Perhaps, Certainty::Unknown),
    ] {
        let rig = rig(both());
        let detail = "https://bots.example.com: no answer".to_owned();
        rig.http.push(Err(HttpError {
            kind: HttpErrorKind::Timeout,
            reached,
            detail,
        }));
        let error = rig.send("a1-7.0").await.expect_err("no answer");
        assert_eq!((error.operation, error.certainty), ("url", certainty));
        assert_eq!(rig.kept(), [""; 0]);
    }
}

#[tokio::test]
async fn an_error_repeats_nothing_that_is_private() {
    let rig = rig(json!({
        "url": URL, "headers": { "Authorization": "Bearer token-canary" }, "secrets": SECRET,
        "listen_port": 0, "read_token": "read-token-canary",
    }));
    let echo = "no: /hook?key=canary token-canary read-token-canary 张三: hi whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    rig.http.push(Ok(answer(400, echo)));
    let error = rig.send("a1-7.0").await.expect_err("refused");
    let told = format!("{error} {error:?}");
    for private in ["canary", "hi", "MfKQ"] {
        assert!(!told.contains(private), "{told}");
    }
    assert!(told.contains("no: [withheld]"), "{told}");
}
