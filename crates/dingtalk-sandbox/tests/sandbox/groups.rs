//! Transcripts, waiting, subscriptions, counts.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use dingtalk_sandbox::{Author, Member, Sandbox};
use http::StatusCode;
use serde_json::json;

use crate::support::{City, PATIENCE};

#[tokio::test]
async fn a_transcript_holds_what_people_and_robots_say_in_order() {
    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    let zhang = Member::new("张三", "0425");
    city.ops.chat(&zhang, "早上好");
    let reply = city.send(&token, &city.ops, "早").await;
    city.ops.chat(&zhang, "再见");

    let transcript = city.ops.transcript();
    let texts: Vec<_> = transcript.iter().map(|entry| &*entry.text).collect();
    assert_eq!(texts, ["早上好", "早", "再见"]);
    assert_eq!(transcript.sent_texts(), ["早"]);
    assert_eq!(transcript[0].author, Author::Member(zhang));
    assert_eq!(transcript[0].msg_key, None);
    assert!(transcript[0].id.starts_with("msg"));
    let robot_code: Arc<str> = "dingrobot".into();
    assert_eq!(transcript[1].author, Author::Robot { robot_code });
    assert_eq!(transcript[1].msg_key, Some("sampleText"));
    assert_eq!(reply.json()["processQueryKey"], *transcript[1].id);
    assert_eq!(&*transcript[1].group, city.ops.open_conversation_id());
    assert!(transcript[0].at <= transcript[1].at);
    assert!(city.without_robot.transcript().is_empty());
}

#[tokio::test]
async fn repeated_texts_are_told_per_group() {
    let city = City::start().await;
    city.without_robot.add_robot(&city.robot);
    let token = city.token_of(&city.robot).await;
    for text in ["a", "b", "a", "a"] {
        city.send(&token, &city.ops, text).await;
    }
    city.send(&token, &city.without_robot, "b").await;
    assert_eq!(city.sandbox.transcript().repeated_texts(), ["a"]);
    assert!(city.without_robot.transcript().repeated_texts().is_empty());
}

#[tokio::test]
async fn waiting_ends_when_enough_was_said() {
    let city = City::start().await;
    let li = Member::new("李四", "0426");
    let waiting = city
        .ops
        .wait_for(|transcript| transcript.len() >= 2, PATIENCE);
    let speaking = async {
        city.ops.chat(&li, "one");
        city.ops.chat(&li, "two");
    };
    let (transcript, ()) = tokio::join!(waiting, speaking);
    assert_eq!(transcript.unwrap().len(), 2);
    // What is there already is enough at once.
    let transcript = city
        .ops
        .wait_for(|seen| seen.len() >= 2, Duration::ZERO)
        .await;
    assert_eq!(transcript.unwrap().len(), 2);
}

#[tokio::test]
async fn waiting_in_vain_says_what_was_said() {
    let city = City::start().await;
    city.ops.chat(&Member::external("王五"), "one");
    let patience = Duration::from_millis(20);
    let timeout = city.ops.wait_for_sent(1, patience).await.unwrap_err();
    assert!(timeout.waited >= patience);
    assert_eq!(timeout.transcript.len(), 1);
    assert!(
        timeout.to_string().ends_with("entries so far: 1"),
        "{timeout}"
    );

    let (timeout, ()) = tokio::join!(city.ops.wait_for_sent(1, PATIENCE), city.sandbox.stop());
    assert!(timeout.unwrap_err().waited < PATIENCE);
}

#[tokio::test]
async fn a_subscription_brings_everything_from_now_on_until_the_end() {
    let city = City::start().await;
    let li = Member::new("李四", "0426");
    city.ops.chat(&li, "before");
    let mut all = city.sandbox.subscribe();
    let mut alone = city.without_robot.subscribe();
    city.ops.chat(&li, "one");
    city.without_robot.chat(&li, "two");
    city.ops.chat(&li, "three");
    city.sandbox.stop().await;

    let mut texts = Vec::new();
    while let Some(entry) = all.next().await {
        texts.push(entry.text.clone());
    }
    assert_eq!(texts, ["one", "two", "three"]);
    assert_eq!(alone.next().await.unwrap().text, "two");
    assert!(alone.next().await.is_none());
}

#[tokio::test]
async fn without_a_transcript_only_counts_are_kept() {
    let city = City::of(Sandbox::builder().without_transcript()).await;
    let token = city.token_of(&city.robot).await;
    city.ops.chat(&Member::new("张三", "0425"), "hi");
    let sending = async {
        for _ in 0..5 {
            city.send(&token, &city.ops, "hi").await;
        }
    };
    let (three, five, ()) = tokio::join!(
        city.sandbox.wait_for_accepted(3, PATIENCE),
        city.sandbox.wait_for_accepted(5, PATIENCE),
        sending
    );
    three.unwrap();
    five.unwrap();
    assert!(city.sandbox.transcript().is_empty());
    assert_eq!(city.ops.accepted(), 5);
    let counters = city.sandbox.counters();
    assert_eq!(counters.sends_accepted, 5);
    assert_eq!(counters.exchanges, 6);
    let sixth = city.sandbox.wait_for_accepted(6, Duration::from_millis(20));
    assert!(sixth.await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_all_taken_and_all_books_agree_on_the_order() {
    let city = Arc::new(City::start().await);
    let token: Arc<str> = city.token_of(&city.robot).await.into();
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..8 {
        let (city, token) = (Arc::clone(&city), Arc::clone(&token));
        senders.spawn(async move {
            for number in 0..25 {
                let text = format!("{sender}/{number}");
                let reply = city.send(&token, &city.ops, &text).await;
                assert_eq!(reply.status, StatusCode::OK);
            }
        });
    }
    let (waited, _) = tokio::join!(
        city.sandbox.wait_for_accepted(200, PATIENCE),
        senders.join_all()
    );
    waited.unwrap();
    let (group, whole) = (city.ops.transcript(), city.sandbox.transcript());
    assert_eq!(group.sent_texts(), whole.sent_texts());
    assert_eq!(group.len(), 200);
    assert!(group.repeated_texts().is_empty());
    let keys: std::collections::HashSet<_> = group.iter().map(|entry| &entry.id).collect();
    assert_eq!(keys.len(), 200);
}

#[tokio::test]
async fn a_sandbox_stops_with_its_last_handle() {
    let sandbox = Sandbox::start().await.unwrap();
    let group = sandbox.add_group("cidA==", "A");
    let mut entries = group.subscribe();
    let second = sandbox.clone();
    drop(sandbox);
    let mut caller = TcpStream::connect(second.address()).unwrap();
    caller.set_read_timeout(Some(PATIENCE)).unwrap();
    drop(second);
    // The end of the entries is the last thing to happen: by then all connections are closed.
    assert!(entries.next().await.is_none());
    let ending = caller.read(&mut [0]).map_err(|error| error.kind());
    assert!(
        matches!(ending, Ok(0) | Err(ErrorKind::ConnectionReset)),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_robot_takes_back_what_it_has_sent_and_nothing_else() {
    const PATH: &str = "/v1.0/robot/groupMessages/recall";
    let city = City::start().await;
    city.ops.add_robot(&city.other_robot);
    let token = city.token_of(&city.robot).await;
    let other_token = city.token_of(&city.other_robot).await;
    let sent = city.send(&token, &city.ops, "早").await.json();
    let key = sent["processQueryKey"].as_str().unwrap();
    let recall = async |token: &str, robot: &str, keys: &[&str]| {
        let body = json!({
            "robotCode": robot, "openConversationId": city.ops.open_conversation_id(),
            "processQueryKeys": keys,
        });
        let request = city
            .post(PATH)
            .header("content-type", "application/json")
            .header("x-acs-dingtalk-access-token", token);
        city.request(request, &body.to_string()).await
    };
    let failed = json!({ "successResult": [], "failedResult": { key: "invalid.processQueryKey" } });
    let (robot, other) = ("dingrobot", "dingotherrobot");
    assert_eq!(recall(&other_token, other, &[key]).await.json(), failed);
    assert!(!city.ops.is_recalled(key));
    let done = json!({ "successResult": [key], "failedResult": {} });
    assert_eq!(recall(&token, robot, &[key]).await.json(), done);
    assert!(city.ops.is_recalled(key));
    assert_eq!(recall(&token, robot, &[key]).await.json(), failed, "twice");

    let over = "invalidParameter.processQueryKeys.overMax";
    assert_eq!(recall(&token, robot, &["k"; 21]).await.code(), over);
    assert_eq!(
        recall(&token, robot, &[]).await.code(),
        "miss.processQueryKeys"
    );
    assert_eq!(
        recall("x", robot, &[key]).await.code(),
        "InvalidAuthentication"
    );
}
