//! From a signed callback to the other group, and what happens when that is disturbed.

mod support;

use std::time::Duration;

use bridge_store::LetterFilter;
use dingtalk_sandbox::{Callback, Fault, StatusCode, sign};
use support::{Bed, DEV, PATIENCE, Process, SECRET, payload, payloads};

const TEXT: &str = "张三: 你好，帮我查一下今天的值班表";

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_callback_reaches_the_other_group_once() {
    let bed = Bed::new().await;
    let process = bed.start();
    let callback = Callback::new(&process.url(), payload("text-group-at.json")).unwrap();
    let callback = callback.signed(SECRET);
    for _ in 0..2 {
        let answer = bed.sandbox.post(&callback).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }
    bed.ops.say(&bed.zhang, "and then").await.unwrap();
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), [TEXT, "张三: and then"]);
    assert!(
        bed.ops.transcript().sent_texts().is_empty(),
        "no echo to the source"
    );
    let (status, log) = process.stop();
    assert!(status.success(), "{log}");
    assert!(
        log.contains("\"admitted\":2") && log.contains("\"duplicates\":1"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_right_is_answered_401_and_goes_nowhere() {
    let bed = Bed::new().await;
    let mut process = bed.start();
    let url = process.url();
    let plain = || Callback::new(&url, payload("text-group-at.json")).unwrap();
    let good = plain().signed(SECRET);
    let now: u64 = good.timestamp().unwrap().parse().unwrap();
    let mut flipped = good.sign().unwrap().to_owned().into_bytes();
    flipped[3] = if flipped[3] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let minutes = |minutes: u64| minutes * 60_000;
    let rows = [
        ("missing", plain()),
        ("wrong", plain().signed("another secret")),
        ("wrong", good.clone().with_sign(Some(&flipped))),
        ("missing", good.clone().with_sign(None)),
        ("missing", good.clone().with_timestamp(None)),
        ("stale", plain().signed_at(SECRET, now - minutes(61))),
        ("stale", plain().signed_at(SECRET, now + minutes(61))),
        ("wrong", good.clone().with_sign(Some(&sign("1", SECRET)))),
    ];
    for (reason, callback) in rows {
        let answer = bed.sandbox.post(&callback).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{reason}");
        assert!(
            answer.body.is_empty(),
            "{reason}: the caller is told nothing"
        );
    }
    bed.sandbox
        .post(&plain().signed_at(SECRET, now - minutes(59)))
        .await
        .unwrap();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(bed.dev.transcript().sent_texts(), [TEXT]);
    let log = process.log();
    for reason in ["missing", "wrong", "stale"] {
        let lines = log
            .lines()
            .filter(|line| line.contains(&format!("\"reason\":\"{reason}\"")));
        assert_eq!(
            lines.count(),
            1,
            "one line about {reason}, the others are held back: {log}"
        );
    }
    assert!(!log.contains(SECRET), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_callback_is_answered_200() {
    let bed = Bed::new().await;
    let process = bed.start();
    let mut count = 0;
    for entry in std::fs::read_dir(payloads()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".json") || name == "http-headers.json" {
            continue;
        }
        let callback = Callback::new(&process.url(), payload(&name))
            .unwrap()
            .signed(SECRET);
        let answer = bed.sandbox.post(&callback).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        count += 1;
    }
    assert!(count >= 25, "only {count} payloads were found");
    let (_, log) = process.stop();
    assert!(log.contains("private_chat="), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_get_their_own_status() {
    let mut bed = Bed::new().await;
    bed.config["global"]["server"]["body_limit_bytes"] = 4096.into();
    let process = bed.start();
    let url = process.url();
    let post = |url: &str, body: Vec<u8>| {
        let callback = Callback::new(url, body).unwrap().signed(SECRET);
        let sandbox = bed.sandbox.clone();
        async move { sandbox.post(&callback).await.unwrap().status.as_u16() }
    };
    let good = payload("text-group-at.json");
    assert_eq!(
        post(&format!("{url}/"), good.clone()).await,
        200,
        "a trailing slash"
    );
    assert_eq!(
        post(&url.replace("/event", "/events"), good.clone()).await,
        404
    );
    assert_eq!(post(&format!("{url}//"), good.clone()).await, 404);
    assert_eq!(post(&url, vec![b' '; 5000]).await, 413);
    for body in [&b""[..], b"\xff{}", b"[]", b"1", b"{\"a\":", b"{} {}"] {
        assert_eq!(post(&url, body.to_vec()).await, 400, "{body:?}");
    }
    for body in [
        "{}",
        r#"{"msgtype": 7}"#,
        r#"{"msgtype": "text", "text": []}"#,
    ] {
        assert_eq!(post(&url, body.into()).await, 200, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_survives_a_kill_right_after_the_200() {
    let bed = Bed::new().await;
    bed.write_files();
    let seed = 20;
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut process = Process::start(bed.path());
    for round in 0..20 {
        bed.robot.set_callback(&process.url(), SECRET).unwrap();
        // The platform answers slowly, so that the kill finds sends in every state.
        bed.sandbox
            .faults()
            .until_cleared(Fault::Delay(Duration::from_millis(random.u64(..8))));
        let answer = bed
            .ops
            .say(&bed.zhang, &format!("round {round}"))
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        tokio::time::sleep(Duration::from_micros(random.u64(..12_000))).await;
        process.kill();
        bed.sandbox.faults().clear();
        process = Process::start(bed.path());
        let text = format!("张三: round {round}");
        let arrived = bed.dev.wait_for(
            |transcript| transcript.sent_texts().contains(&&*text),
            PATIENCE,
        );
        arrived
            .await
            .unwrap_or_else(|error| panic!("{text} is lost: {error:?}"));
    }
    let transcript = bed.dev.transcript();
    let mut seen = std::collections::HashSet::new();
    let firsts: Vec<_> = transcript
        .sent_texts()
        .into_iter()
        .filter(|text| seen.insert(*text))
        .collect();
    let expected: Vec<_> = (0..20)
        .map(|round| format!("张三: round {round}"))
        .collect();
    assert_eq!(
        firsts, expected,
        "in order, whatever was repeated after a kill"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_sent_now_is_tried_again_in_order() {
    let bed = Bed::new().await;
    let mut process = bed.start();
    bed.dev.faults().next(1, Fault::DropUnread);
    bed.dev.faults().next(1, Fault::throttle());
    for text in ["one", "two", "three"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    let transcript = bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    assert_eq!(
        transcript.sent_texts(),
        ["张三: one", "张三: two", "张三: three"]
    );
    process.wait_for_line("a send failed and will be tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_becomes_a_dead_letter_and_the_lane_goes_on() {
    let bed = Bed::new().await;
    let mut process = bed.start();
    bed.dev.faults().next(
        1,
        Fault::refuse(StatusCode::BAD_REQUEST, "invalid.openConversationId"),
    );
    for text in ["refused", "taken"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: taken"]);
    process.wait_for_line("a delivery failed for good");
    let (status, _) = process.stop();
    assert!(status.success());
    let dead = bed
        .inspector()
        .dead_letters(&LetterFilter::latest(10))
        .unwrap();
    assert_eq!(dead.len(), 1);
    assert!(
        dead[0].reason.contains("invalid.openConversationId"),
        "{}",
        dead[0].reason
    );
    assert_eq!(dead[0].text.as_deref(), Some("张三: refused"));
    assert!(!dead[0].may_have_been_delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_becomes_a_dead_letter() {
    let mut bed = Bed::new().await;
    bed.rules["rules"][0]["channels"]["dt_main"][1]["max_age"] = "1ms".into();
    bed.sandbox.faults().until_cleared(Fault::server_error());
    let mut process = bed.start();
    bed.ops.say(&bed.zhang, "late").await.unwrap();
    let line = process.wait_for_line("a delivery failed for good");
    assert!(line["reason"].as_str().unwrap().contains("1ms"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_leaves_the_rest_in_the_store_and_a_start_goes_on() {
    let bed = Bed::new().await;
    let process = bed.start();
    bed.dev.faults().until_cleared(Fault::throttle());
    for text in ["one", "two", "three"] {
        assert_eq!(
            bed.ops.say(&bed.zhang, text).await.unwrap().status,
            StatusCode::OK
        );
    }
    let (status, log) = process.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let totals = bed.inspector().totals().unwrap();
    assert_eq!((totals.queued, totals.delivered, totals.dead), (3, 0, 0));
    bed.dev.faults().clear();
    let _process = bed.start();
    let transcript = bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    assert_eq!(
        transcript.sent_texts(),
        ["张三: one", "张三: two", "张三: three"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_send_is_finished_before_the_end() {
    let bed = Bed::new().await;
    let process = bed.start();
    bed.ops.say(&bed.zhang, "warm").await.unwrap();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    bed.dev
        .faults()
        .next(1, Fault::DelayAnswer(Duration::from_millis(500)));
    bed.ops.say(&bed.zhang, "running").await.unwrap();
    bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    let (status, log) = process.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let totals = bed.inspector().totals().unwrap();
    assert_eq!(
        (totals.queued, totals.delivered),
        (0, 2),
        "its end was waited for: {log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_run_side_by_side() {
    let mut bed = Bed::new().await;
    let partner = bed
        .sandbox
        .add_robot("dingpartner", "partner secret", "dingpartner");
    let guests = bed.sandbox.add_group("cidGuests==", "来宾");
    guests.add_robot(&partner);
    let mut second = bed.config["dingtalk"]["dt_main"].clone();
    for (key, value) in [
        ("app_key", "dingpartner"),
        ("robot_code", "dingpartner"),
        ("app_secret", "partner secret"),
        ("signing_secret", "partner secret"),
    ] {
        second[key] = value.into();
    }
    bed.config["dingtalk"]["dt_partner"] = second;
    bed.rules = serde_json::json!({ "rules": [{ "type": "connect", "channels": {
        "dt_main": { "open_conversation_id": DEV },
        "dt_partner": { "open_conversation_id": "cidGuests==",
            "msg": { "msg_format": "<richheader title=\"{user}\" content=\"{from}\"/>{msg}" } } } }] });
    bed.write_files();
    let process = Process::start(bed.path());
    assert_eq!(process.urls.len(), 2);
    for (instance, url) in &process.urls {
        let (robot, secret) = match &**instance {
            "dt_main" => (&bed.robot, SECRET),
            _ => (&partner, "partner secret"),
        };
        robot.set_callback(url, secret).unwrap();
    }
    bed.dev.say(&bed.zhang, "hello").await.unwrap();
    guests
        .say_to(&partner, &bed.zhang, "and back")
        .await
        .unwrap();
    let transcript = guests.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["[张三 · dt_main]\nhello"]);
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: and back"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_secret_is_neither_forwarded_nor_stored() {
    let bed = Bed::new().await;
    let mut process = bed.start();
    bed.ops
        .say(&bed.zhang, &format!("the secret is {SECRET}!"))
        .await
        .unwrap();
    bed.ops.say(&bed.zhang, "harmless").await.unwrap();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: harmless"]);
    let line = process.wait_for_line("a message holds this key's secret");
    assert_eq!(line["key"], "dingtalk.dt_main.app_secret");
    let (_, log) = process.stop();
    assert!(!log.contains(SECRET), "{log}");
    for entry in std::fs::read_dir(bed.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes());
        assert!(!found, "the secret is in the store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_arrives_in_parts_and_in_order() {
    let bed = Bed::new().await;
    let _process = bed.start();
    let paragraphs: Vec<_> = (0..40)
        .map(|n| format!("{n} {}", "段落\"\\".repeat(120)))
        .collect();
    bed.ops
        .say(&bed.zhang, &paragraphs.join("\n\n"))
        .await
        .unwrap();
    bed.ops.say(&bed.zhang, "end").await.unwrap();
    let is_whole = |transcript: &dingtalk_sandbox::Transcript| {
        transcript.sent_texts().last() == Some(&"张三: end")
    };
    let transcript = bed.dev.wait_for(is_whole, PATIENCE).await.unwrap();
    let texts = transcript.sent_texts();
    assert!(texts.len() > 2, "it was cut: {} parts", texts.len());
    let whole = texts[..texts.len() - 1].join("\n\n");
    assert_eq!(whole, format!("张三: {}", paragraphs.join("\n\n")));
}
