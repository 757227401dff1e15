//! A room that fails beside one that does not: which lane waits for what. How long the other one took
//! is printed beside an undisturbed run of the same minute, and not judged.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::time::{Duration, Instant};

use dingtalk_sandbox::{Fault, Group, StatusCode};
use support::{Bed, DEV, OPS, PATIENCE};

const MESSAGES: usize = 40;
const BAD: &str = "cidBad==";

/// A bed in which everything from `ops` goes to a bad room and to `dev`.
async fn bed() -> (Bed, Group) {
    let mut bed = Bed::new().await;
    let bad = bed.sandbox.add_group(BAD, "坏");
    bad.add_robot(&bed.robot);
    bed.rules = serde_json::json!({ "rules": [{
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": [
            { "open_conversation_id": BAD }, { "open_conversation_id": DEV } ] } }] });
    (bed, bad)
}

/// Says one message after the other; the median time from each to its being shown in `dev`.
async fn median(bed: &Bed) -> Duration {
    let mut took = Vec::new();
    for number in 1..=MESSAGES {
        let begun = Instant::now();
        bed.ops.say(&bed.zhang, &number.to_string()).await.unwrap();
        bed.dev.wait_for_sent(number, PATIENCE).await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort();
    took[MESSAGES / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_fails_delays_only_itself() {
    let busy = Fault::refuse(StatusCode::BAD_REQUEST, "send.too.fast");
    let rows = [
        ("slow by 30 s", Fault::Delay(Duration::from_secs(30))),
        ("busy", busy),
        ("500", Fault::server_error()),
        ("an HTML page", Fault::HtmlPage(StatusCode::BAD_GATEWAY)),
        ("closes the connection", Fault::DropUntaken),
    ];
    for (name, fault) in rows {
        let (bed, _) = bed().await;
        let undisturbed = {
            let _process = bed.start();
            median(&bed).await
        };

        let (bed, bad) = self::bed().await;
        bad.faults().until_cleared(fault);
        let mut process = bed.start();
        let disturbed = median(&bed).await;
        println!("{name:<24} median beside it {disturbed:?}, undisturbed {undisturbed:?}");

        let expected: Vec<_> = (1..=MESSAGES).map(|n| format!("张三: {n}")).collect();
        assert_eq!(bed.dev.transcript().sent_texts(), expected, "{name}");
        assert!(bad.transcript().sent_texts().is_empty(), "{name}");
        let log = process.log();
        let waited = log.lines().filter(|line| line.contains("a send failed"));
        for line in waited {
            assert!(line.contains(BAD), "{name}: another lane waited: {line}");
        }
        let totals = bed.inspector().totals().unwrap();
        assert!(
            totals.queued + totals.dead >= MESSAGES as u64,
            "{name}: everything for the bad room waits, or is a dead letter: {totals:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_asked_to_wait_delays_no_other() {
    let (mut bed, _) = bed().await;
    let partner = bed
        .sandbox
        .add_robot("dingpartner", "partner secret", "dingpartner");
    let guests = bed.sandbox.add_group("cidGuests==", "来宾");
    let idle = bed.sandbox.add_group("cidIdle==", "闲");
    guests.add_robot(&partner);
    idle.add_robot(&partner);
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
    bed.rules = serde_json::json!({ "rules": [{
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": { "open_conversation_id": DEV },
                "dt_partner": [
            { "open_conversation_id": "cidGuests==" }, { "open_conversation_id": "cidIdle==" } ] } }] });
    guests
        .faults()
        .next(1, Fault::busy(Duration::from_secs(600)));
    bed.write_files();
    let mut process = support::Process::start(bed.path());
    for (instance, url) in &process.urls {
        if instance == "dt_main" {
            bed.robot.set_callback(url, support::SECRET).unwrap();
        }
    }
    bed.ops.say(&bed.zhang, "first").await.unwrap();
    process.wait_for_line("a send failed and will be tried again");
    for number in 2..=MESSAGES {
        bed.ops.say(&bed.zhang, &number.to_string()).await.unwrap();
        bed.dev.wait_for_sent(number, PATIENCE).await.unwrap();
    }
    assert!(guests.transcript().sent_texts().is_empty());
    // What was on its way when the platform asked is finished.
    let shown = idle.transcript().sent_texts().len();
    assert!(shown <= 1, "the other room of that instance waits as well");
}
