//! Each fault: what the caller sees, and whether the group saw the message.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dingtalk_sandbox::{Fault, Faults};
use http::StatusCode;

use crate::support::{City, PATIENCE, SEND_PATH, text_to};

/// What a caller sees of a fault.
#[derive(Debug, PartialEq)]
enum Seen {
    Answer(u16, String),
    Html(u16),
    NoAnswer,
}

async fn send(city: &City, token: &str, text: &str) -> Seen {
    match city.try_send(token, &city.ops, text).await {
        Ok(reply) if reply.headers["content-type"] == "text/html; charset=utf-8" => {
            Seen::Html(reply.status.as_u16())
        }
        Ok(reply) => Seen::Answer(reply.status.as_u16(), reply.code()),
        Err(error) => {
            assert!(!error.is_connect(), "{error}");
            Seen::NoAnswer
        }
    }
}

fn answer(status: u16, code: &str) -> Seen {
    Seen::Answer(status, code.to_owned())
}

/// The fault, what the caller sees, whether the message appears.
fn rows() -> Vec<(Fault, Seen, bool)> {
    let throttled = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi";
    vec![
        (
            Fault::refuse(StatusCode::BAD_REQUEST, "bot.stopped"),
            answer(400, "bot.stopped"),
            false,
        ),
        (Fault::throttle(), answer(403, throttled), false),
        (
            Fault::busy(Duration::from_millis(1500)),
            answer(429, "system.busy"),
            false,
        ),
        (Fault::server_error(), answer(500, "system.error"), false),
        (
            Fault::HtmlPage(StatusCode::FORBIDDEN),
            Seen::Html(403),
            false,
        ),
        (
            Fault::RevokeTokens,
            answer(400, "InvalidAuthentication"),
            false,
        ),
        (Fault::DropUnread, Seen::NoAnswer, false),
        (Fault::DropUntaken, Seen::NoAnswer, false),
        (Fault::DropTaken, Seen::NoAnswer, true),
        (Fault::FailTaken, answer(500, "system.error"), true),
        (
            Fault::Delay(Duration::from_millis(1)),
            answer(200, ""),
            true,
        ),
        (
            Fault::DelayAnswer(Duration::from_millis(1)),
            answer(200, ""),
            true,
        ),
    ]
}

async fn check(switch: fn(&City) -> &Faults) {
    for (fault, seen, is_taken) in rows() {
        let city = City::start().await;
        let token = city.token_of(&city.robot).await;
        switch(&city).next(1, fault.clone());
        assert_eq!(send(&city, &token, "first").await, seen, "{fault:?}");
        let taken: &[&str] = if is_taken { &["first"] } else { &[] };
        assert_eq!(city.ops.transcript().sent_texts(), taken, "{fault:?}");

        let counters = city.sandbox.counters();
        assert_eq!(counters.sends_accepted, u64::from(is_taken), "{fault:?}");
        assert_eq!(
            counters.dropped,
            u64::from(seen == Seen::NoAnswer),
            "{fault:?}"
        );
        let refused = counters.sends_refused.into_iter().collect::<Vec<_>>();
        match seen {
            Seen::Answer(200, _) | Seen::NoAnswer => assert_eq!(refused, []),
            Seen::Answer(_, code) => assert_eq!(refused, [(code, 1)]),
            Seen::Html(_) => assert_eq!(refused, [("html".to_owned(), 1)]),
        }

        let token = city.token_of(&city.robot).await;
        assert_eq!(
            send(&city, &token, "second").await,
            answer(200, ""),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn each_fault_of_the_sandbox_happens_once_and_is_over() {
    check(|city| city.sandbox.faults()).await;
}

#[tokio::test]
async fn each_fault_of_a_group_happens_once_and_is_over() {
    check(|city| city.ops.faults()).await;
}

#[tokio::test]
async fn retry_after_is_rounded_up() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    city.sandbox
        .faults()
        .next(1, Fault::busy(Duration::from_millis(1500)));
    let reply = city.send(&token, &city.ops, "hi").await;
    assert_eq!(reply.headers["retry-after"], "2");
}

#[tokio::test]
async fn revoked_tokens_stay_invalid() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    city.sandbox.faults().next(1, Fault::RevokeTokens);
    for _ in 0..2 {
        assert_eq!(
            send(&city, &token, "hi").await,
            answer(400, "InvalidAuthentication")
        );
    }
}

#[tokio::test]
async fn a_switch_is_drawn_from_in_order() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    let faults = city.sandbox.faults();
    faults.sometimes(1.0, 7, Fault::refuse(StatusCode::BAD_REQUEST, "sometimes"));
    faults.until_cleared(Fault::refuse(StatusCode::BAD_REQUEST, "steady"));
    faults.next(1, Fault::refuse(StatusCode::BAD_REQUEST, "one"));
    faults.next(0, Fault::refuse(StatusCode::BAD_REQUEST, "never"));
    faults.next(2, Fault::refuse(StatusCode::BAD_REQUEST, "two"));
    for code in ["one", "two", "two", "steady", "steady"] {
        assert_eq!(send(&city, &token, "hi").await, answer(400, code));
    }
    faults.clear();
    assert_eq!(send(&city, &token, "hi").await, answer(200, ""));
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    let faults = city.sandbox.faults();
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        faults.clear();
        faults.sometimes(0.5, seed, Fault::throttle());
        let mut run = Vec::new();
        for _ in 0..40 {
            run.push(send(&city, &token, "hi").await == answer(200, ""));
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&true) && runs[0].contains(&false));
    faults.clear();
    faults.sometimes(0.0, 1, Fault::throttle());
    assert_eq!(send(&city, &token, "hi").await, answer(200, ""));
}

#[tokio::test]
async fn a_broken_group_breaks_no_other() {
    let city = City::start().await;
    city.without_robot.add_robot(&city.robot);
    let token = city.token_of(&city.robot).await;
    city.ops.faults().until_cleared(Fault::server_error());
    assert_eq!(send(&city, &token, "hi").await, answer(500, "system.error"));
    let reply = city.send(&token, &city.without_robot, "hi").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!((city.ops.accepted(), city.without_robot.accepted()), (0, 1));
}

#[tokio::test]
async fn requests_for_a_token_have_their_own_switch() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    city.sandbox.token_faults().next(1, Fault::throttle());
    assert_eq!(send(&city, &token, "hi").await, answer(200, ""));
    let reply = city.ask_token("dingkey", "app secret").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let reply = city.ask_token("dingkey", "app secret").await;
    assert_eq!(reply.json()["accessToken"], *token);
}

#[tokio::test]
async fn a_delay_takes_its_time() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    let delay = Duration::from_millis(60);
    for fault in [Fault::Delay(delay), Fault::DelayAnswer(delay)] {
        city.sandbox.faults().next(1, fault);
        let started = Instant::now();
        assert_eq!(send(&city, &token, "hi").await, answer(200, ""));
        assert!(started.elapsed() >= delay);
    }
}

#[tokio::test]
async fn a_held_answer_holds_up_nobody_and_ends_with_the_sandbox() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    city.sandbox
        .faults()
        .next(1, Fault::DelayAnswer(Duration::from_secs(3600)));
    let both = async {
        city.ops.wait_for_sent(1, PATIENCE).await.unwrap();
        assert_eq!(send(&city, &token, "second").await, answer(200, ""));
        city.sandbox.stop().await;
    };
    let (held, ()) = tokio::join!(send(&city, &token, "first"), both);
    assert_eq!(held, Seen::NoAnswer);
    assert_eq!(city.ops.transcript().sent_texts(), ["first", "second"]);
}

#[tokio::test]
async fn a_delayed_message_is_taken_though_its_caller_gave_up() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    city.sandbox
        .faults()
        .next(1, Fault::Delay(Duration::from_millis(20)));
    let body = text_to(city.ops.open_conversation_id(), "hi").to_string();
    let request = format!(
        "POST {SEND_PATH} HTTP/1.1\r\nhost: sandbox\r\ncontent-type: application/json\r\n\
         x-acs-dingtalk-access-token: {token}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(city.sandbox.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    drop(stream);
    let transcript = city.ops.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["hi"]);
}
