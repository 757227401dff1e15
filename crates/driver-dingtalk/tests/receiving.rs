//! Callbacks of any bytes: nothing panics, and what is signed is accepted or malformed.

use bridge_core::driver::{Driver, ErasedDriver, Event, Received};
use bridge_core::ports::Clock;
use bridge_testkit::{FakeClock, FakeHttp, fake_ports};
use bytes::Bytes;
use driver_dingtalk::{DingTalk, sign};
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &str = "dingtalk-app-secret_+/=";

const FIXTURES: [&str; 7] = [
    include_str!("fixtures/audio.json"),
    include_str!("fixtures/reply-quote.json"),
    include_str!("fixtures/reply-quote-richtext.json"),
    include_str!("fixtures/richtext-group-at.json"),
    include_str!("fixtures/text-custom-robot.json"),
    include_str!("fixtures/text-group-at.json"),
    include_str!("fixtures/text-group-http-minimal.json"),
];

/// A driver with the given signing secret, and its time as a header.
fn driver(signing_secret: Option<&str>) -> (DingTalk, String) {
    let clock = FakeClock::default();
    let settings = json!({
        "app_key": "k", "app_secret": "another secret", "robot_code": "dingx7q2m4k9t1b8w5z3",
        "signing_secret": signing_secret
    });
    let settings = serde_json::from_value(settings).expect("readable settings");
    let ports = fake_ports(&clock, &FakeHttp::new());
    let driver = DingTalk::open(settings, ports);
    (driver, clock.now().as_millis().to_string())
}

fn request(headers: &[(&str, &str)], body: &[u8]) -> Request<Bytes> {
    let mut request = Request::post("/dingtalk/event");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Bytes::copy_from_slice(body);
    request.body(body).expect("a header takes printable text")
}

/// What a driver makes of `body` under a valid signature.
fn signed(body: &[u8]) -> Received {
    let (driver, timestamp) = driver(Some(SECRET));
    let sign = sign(SECRET, &timestamp);
    driver.receive(&request(
        &[("timestamp", &timestamp), ("sign", &sign)],
        body,
    ))
}

fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|value: Value| value.is_object())
}

#[test]
fn the_signing_secret_is_the_key_and_never_the_app_secret() {
    let (driver, timestamp) = driver(Some(SECRET));
    for (secret, accepted) in [(SECRET, true), ("another secret", false)] {
        let sign = sign(secret, &timestamp);
        let request = request(&[("Timestamp", &timestamp), ("SIGN", &sign)], b"{}");
        let received = driver.receive(&request);
        assert_eq!(matches!(received, Received::Accepted(_)), accepted);
        assert_eq!(matches!(received, Received::Unauthorized(_)), !accepted);
    }
}

#[test]
fn without_a_signing_secret_nothing_is_verified() {
    let (driver, _) = driver(None);
    let body = FIXTURES[5].as_bytes();
    for headers in [&[][..], &[("timestamp", "1"), ("sign", "x")]] {
        let Received::Accepted(batch) = driver.receive(&request(headers, body)) else {
            panic!("not accepted");
        };
        assert!(matches!(&batch.events[..], [Event::Message(_)]));
        assert_eq!(batch.answer.body, "{}");
        assert!(batch.notices.is_empty());
    }
}

#[test]
fn every_prefix_of_a_callback_is_malformed() {
    for body in FIXTURES {
        let body = body.trim_end().as_bytes();
        for end in 0..body.len() {
            assert!(
                matches!(signed(&body[..end]), Received::Malformed(_)),
                "{end}"
            );
        }
        assert!(matches!(signed(body), Received::Accepted(_)));
    }
}

#[test]
fn every_field_may_be_missing_or_of_any_type() {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5),
        json!(""),
        json!("x"),
        json!([]),
        json!(["x"]),
        json!({}),
        json!({ "content": 5 }),
        json!({ "content": { "content": "x" } }),
    ];
    for body in FIXTURES {
        let body: Value = serde_json::from_str(body).unwrap();
        for name in body.as_object().unwrap().keys() {
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(name);
            assert!(
                matches!(
                    signed(without.to_string().as_bytes()),
                    Received::Accepted(_)
                ),
                "{name}"
            );
            for odd in &odd {
                let mut changed = body.clone();
                changed[name] = odd.clone();
                let received = signed(changed.to_string().as_bytes());
                assert!(matches!(received, Received::Accepted(_)), "{name} {odd}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_signed_bytes_are_accepted_if_they_are_an_object_and_else_malformed(
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert_eq!(matches!(signed(&body), Received::Accepted(_)), is_object(&body));
    }

    #[test]
    fn any_signed_json_is_accepted_if_it_is_an_object_and_else_malformed(
        body in "[\\[\\]{}:,\"0-9a-c\\\\ \n-]{0,40}",
    ) {
        let body = body.as_bytes();
        let received = signed(body);
        prop_assert!(!matches!(received, Received::Unauthorized(_)));
        // What a strict reader takes is taken; the driver takes a little more (half surrogates).
        prop_assert!(!is_object(body) || matches!(received, Received::Accepted(_)));
    }

    #[test]
    fn a_callback_with_changed_bytes_never_panics(
        fixture in 0..FIXTURES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut body = FIXTURES[fixture].as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let received = signed(&body);
        prop_assert!(!matches!(received, Received::Unauthorized(_)));
        prop_assert!(!is_object(&body) || matches!(received, Received::Accepted(_)));
    }

    #[test]
    fn any_headers_are_refused(timestamp in "[ -~]{0,30}", sign in "[ -~]{0,60}") {
        let (driver, _) = driver(Some(SECRET));
        let request = request(&[("timestamp", &timestamp), ("sign", &sign)], b"{}");
        prop_assert!(matches!(driver.receive(&request), Received::Unauthorized(_)));
    }
}
