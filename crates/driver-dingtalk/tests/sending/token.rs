//! The token: how long it is kept, who fetches it, what follows when it is refused.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::driver::Driver;
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope, SendError};
use bridge_core::time::Timestamp;
use serde_json::json;

use crate::bench::{Bench, SECOND, SENT_KEY, outgoing, settle};

const INVALID_TOKEN: &str = include_str!("../fixtures/api/invalid-token-400.json");
const BAD_SECRET: &str = include_str!("../fixtures/api/token-400-bad-secret.json");

#[tokio::test]
async fn a_token_is_used_until_its_refresh_and_not_longer() {
    // Its life in seconds, and for how many milliseconds of it it is used.
    let rows = [
        (json!(7200), 7_140_000),
        (json!("7200"), 7_140_000),
        (json!(7200.0), 7_140_000),
        (json!(null), 7_140_000),
        (json!(121), 61_000),
        (json!(120), 60_000),
        (json!(119), 59_500),
        (json!(10), 5_000),
    ];
    for (expire_in, used_ms) in rows {
        let bench = Bench::new();
        bench.push_token("a", expire_in.clone());
        bench.push_sent(2);
        bench.send().await.unwrap();
        bench.clock.advance(Duration::from_millis(used_ms - 1));
        bench.send().await.unwrap();
        assert_eq!(bench.asked(), ["T", "a", "a"], "{expire_in}");
        bench.clock.advance(Duration::from_millis(1));
        bench.push_token("b", json!(7200));
        bench.push_sent(1);
        bench.send().await.unwrap();
        assert_eq!(bench.asked(), ["T", "a", "a", "T", "b"], "{expire_in}");
    }
}

#[tokio::test]
async fn a_token_without_life_serves_only_those_who_waited_for_it() {
    for expire_in in [json!(0), json!(-5)] {
        let bench = Bench::new();
        bench.push_token("a", expire_in);
        bench.push_sent(1);
        bench.send().await.unwrap();
        bench.clock.advance(2 * SECOND);
        bench.push_token("b", json!(7200));
        bench.push_sent(1);
        bench.send().await.unwrap();
        assert_eq!(bench.asked(), ["T", "a", "T", "b"]);
    }
}

#[tokio::test]
async fn one_request_serves_all_who_wait() {
    let bench = Bench::new();
    bench.http.hold();
    bench.push_token("a", json!(7200));
    bench.push_sent(50);
    let sends: Vec<_> = (0..50).map(|_| bench.spawn_send()).collect();
    bench.http.until_asked(1).await;
    settle().await;
    assert_eq!(bench.asked(), ["T"]);
    bench.http.release();
    for send in sends {
        send.await.unwrap().unwrap();
    }
    let asked = bench.asked();
    assert_eq!(asked.len(), 51);
    assert!(asked[1..].iter().all(|token| token == "a"));
}

#[tokio::test]
async fn the_loss_of_the_first_who_waits_does_not_hurt_the_others() {
    let bench = Bench::new();
    bench.http.hold();
    bench.push_token("a", json!(7200));
    let first = bench.spawn_send();
    bench.http.until_asked(1).await;
    let others: Vec<_> = (0..3).map(|_| bench.spawn_send()).collect();
    settle().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    bench.push_sent(3);
    bench.http.release();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(bench.asked(), ["T", "a", "a", "a"]);
}

#[tokio::test]
async fn the_loss_of_all_who_wait_leaves_a_usable_driver() {
    let bench = Bench::new();
    bench.http.hold();
    bench.push_token("lost", json!(7200));
    let sends: Vec<_> = (0..3).map(|_| bench.spawn_send()).collect();
    bench.http.until_asked(1).await;
    settle().await;
    for send in sends {
        send.abort();
        assert!(send.await.unwrap_err().is_cancelled());
    }
    bench.http.release();
    bench.clock.advance(2 * SECOND);
    bench.push_token("b", json!(7200));
    bench.push_sent(1);
    bench.send().await.unwrap();
    assert_eq!(bench.asked(), ["T", "T", "b"]);
}

#[tokio::test]
async fn all_who_wait_share_one_failure_and_the_next_asks_a_second_later() {
    let bench = Bench::new();
    bench.http.hold();
    bench.http.push_json(500, "{}");
    let sends: Vec<_> = (0..10).map(|_| bench.spawn_send()).collect();
    bench.http.until_asked(1).await;
    settle().await;
    bench.http.release();
    for send in sends {
        assert_token_failure(&send.await.unwrap().unwrap_err(), ErrorKind::Unavailable);
    }
    assert_eq!(bench.asked(), ["T"]);

    let next = bench.spawn_send();
    bench.clock.until_sleeping(1).await;
    bench.clock.advance(SECOND);
    settle().await;
    assert_eq!(bench.asked(), ["T"], "a second has not quite passed");
    bench.push_token("a", json!(7200));
    bench.push_sent(1);
    bench.clock.advance(Duration::from_millis(1));
    next.await.unwrap().unwrap();
    assert_eq!(bench.asked(), ["T", "T", "a"]);
}

#[tokio::test]
async fn a_failure_is_not_handed_to_those_who_come_after_it() {
    let bench = Bench::new();
    bench.http.hold();
    bench.http.push_json(500, "{}");
    let send_twice = || {
        let driver = Arc::clone(&bench.driver);
        tokio::spawn(async move {
            driver.send(&outgoing("hi")).await.unwrap_err();
            driver.send(&outgoing("hi")).await
        })
    };
    let sends = [send_twice(), send_twice()];
    bench.http.until_asked(1).await;
    settle().await;
    bench.http.release();
    bench.clock.until_sleeping(1).await;
    settle().await;
    assert!(sends.iter().all(|send| !send.is_finished()));
    bench.push_token("a", json!(7200));
    bench.push_sent(2);
    bench.clock.advance(2 * SECOND);
    for send in sends {
        send.await.unwrap().unwrap();
    }
    assert_eq!(bench.asked(), ["T", "T", "a", "a"]);
}

#[tokio::test]
async fn a_clock_set_back_does_not_stretch_the_pause() {
    let bench = Bench::new();
    bench.http.push_json(500, "{}");
    bench.send().await.unwrap_err();
    bench.clock.set(Timestamp::from_millis(5));
    let next = bench.spawn_send();
    bench.clock.until_sleeping(1).await;
    bench.push_token("a", json!(7200));
    bench.push_sent(1);
    bench.clock.advance(2 * SECOND);
    next.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_send_done_once_more_at_once() {
    for (status, body) in [(400, INVALID_TOKEN), (401, "{}"), (401, "<html>")] {
        let bench = Bench::with_token("old").await;
        bench.http.push_json(status, body);
        bench.push_token("new", json!(7200));
        bench.push_sent(1);
        assert_eq!(bench.send().await.unwrap().platform_ids, [SENT_KEY]);
        assert_eq!(bench.asked()[2..], ["old", "T", "new"]);
    }
}

#[tokio::test]
async fn a_token_refused_within_a_second_waits_for_the_second_to_pass() {
    let bench = Bench::new();
    bench.push_token("old", json!(7200));
    bench.http.push_json(400, INVALID_TOKEN);
    bench.push_token("new", json!(7200));
    bench.push_sent(1);
    let send = bench.spawn_send();
    bench.clock.until_sleeping(1).await;
    assert_eq!(bench.asked(), ["T", "old"]);
    bench.clock.advance(2 * SECOND);
    send.await.unwrap().unwrap();
    assert_eq!(bench.asked(), ["T", "old", "T", "new"]);
}

#[tokio::test]
async fn a_token_refused_twice_pauses_the_instance_and_is_given_up() {
    let bench = Bench::with_token("old").await;
    bench.http.push_json(400, INVALID_TOKEN);
    bench.push_token("new", json!(7200));
    bench.http.push_json(400, INVALID_TOKEN);
    let error = bench.send().await.unwrap_err();
    assert_eq!(error.operation, "groupMessages/send");
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(error.advice, RetryAdvice::Backoff(Scope::Instance));
    assert_eq!(error.certainty, Certainty::NotDelivered);

    bench.clock.advance(2 * SECOND);
    bench.push_token("newer", json!(7200));
    bench.push_sent(1);
    bench.send().await.unwrap();
    assert_eq!(bench.asked()[2..], ["old", "T", "new", "T", "newer"]);
}

#[tokio::test]
async fn sends_that_failed_with_the_same_token_share_one_renewal() {
    // DingTalk may answer the same text again: tokens are told apart by more than that.
    for renewed in ["new", "old"] {
        let bench = Bench::with_token("old").await;
        bench.http.hold();
        for _ in 0..10 {
            bench.http.push_json(400, INVALID_TOKEN);
        }
        bench.push_token(renewed, json!(7200));
        bench.push_sent(10);
        let sends: Vec<_> = (0..10).map(|_| bench.spawn_send()).collect();
        bench.http.until_asked(12).await;
        bench.http.release();
        for send in sends {
            send.await.unwrap().unwrap();
        }
        let asked = bench.asked();
        assert_eq!(asked.len(), 2 + 10 + 1 + 10);
        assert_eq!(asked.iter().filter(|token| *token == "T").count(), 2);
        assert!(
            asked[13..].iter().all(|token| token == renewed),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_does_not_cost_the_new_one() {
    let bench = Bench::with_token("old").await;
    bench.http.hold();
    bench.http.push_json(400, INVALID_TOKEN);
    let late = bench.spawn_send();
    bench.http.until_asked(3).await;
    // Meanwhile the old one reaches its refresh.
    bench.clock.advance(Duration::from_secs(3600));
    bench.push_token("new", json!(7200));
    bench.push_sent(2);
    let other = bench.spawn_send();
    bench.http.until_asked(4).await;
    bench.http.release();
    late.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(bench.asked()[2..], ["old", "T", "new", "new"]);
}

#[track_caller]
pub(crate) fn assert_token_failure(error: &SendError, kind: ErrorKind) {
    assert_eq!(error.operation, "oauth2/accessToken");
    assert_eq!(error.kind, kind, "{error}");
    assert_eq!(
        error.advice,
        RetryAdvice::Backoff(Scope::Instance),
        "{error}"
    );
    assert_eq!(error.certainty, Certainty::NotDelivered, "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[tokio::test]
async fn without_a_token_nothing_was_delivered_whatever_went_wrong() {
    let rows = [
        (400, BAD_SECRET, ErrorKind::Unauthorized),
        (400, r#"{"code":"something.new"}"#, ErrorKind::Rejected),
        (401, "", ErrorKind::Unauthorized),
        (
            403,
            r#"{"code":"Forbidden.AccessDenied.IpNotInWhiteList"}"#,
            ErrorKind::Unauthorized,
        ),
        (403, "<html>", ErrorKind::Throttled),
        (500, "secret-canary", ErrorKind::Unavailable),
        (
            400,
            r#"{"code":"x","message":"secret-canary"}"#,
            ErrorKind::Rejected,
        ),
        (200, "", ErrorKind::Protocol),
        (200, "{}", ErrorKind::Protocol),
        (200, "[]", ErrorKind::Protocol),
        (
            200,
            r#"{"accessToken":"","expireIn":7200}"#,
            ErrorKind::Protocol,
        ),
        (
            200,
            r#"{"accessToken":"a\nb","expireIn":7200}"#,
            ErrorKind::Protocol,
        ),
        (
            200,
            r#"{"accessToken":7,"expireIn":7200}"#,
            ErrorKind::Protocol,
        ),
    ];
    for (status, body, kind) in rows {
        let bench = Bench::new();
        bench.http.push_json(status, body);
        assert_token_failure(&bench.send().await.unwrap_err(), kind);
        assert_eq!(bench.asked(), ["T"]);
    }
}

#[tokio::test]
async fn a_throttled_token_request_pauses_the_instance() {
    let bench = Bench::new();
    bench
        .http
        .push_json(403, include_str!("../fixtures/api/throttle-403.json"));
    let error = bench.send().await.unwrap_err();
    assert_eq!(error.advice, RetryAdvice::After(SECOND, Scope::Instance));
    assert_eq!(error.certainty, Certainty::NotDelivered);
}
