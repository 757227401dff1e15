//! What an operator sees and cures: dead letters, traces, totals, checks and copies; beside a
//! running bridge, and without one.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::os::unix::fs::PermissionsExt;

use dingtalk_sandbox::{Callback, Fault, StatusCode};
use serde_json::Value;
use support::{Bed, OPS, PATIENCE, run, text};

/// Runs `bridge` in the bed's folder; what it printed and its exit code.
fn bridge(bed: &Bed, args: &[&str]) -> (String, Option<i32>) {
    let output = run(bed.path(), args);
    let printed = text(&output.stdout) + &text(&output.stderr);
    (printed, output.status.code())
}

fn json(bed: &Bed, args: &[&str]) -> Value {
    let output = run(bed.path(), args);
    let printed = text(&output.stdout);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

fn message_id(callback: &Callback) -> String {
    let body: Value = serde_json::from_slice(callback.body()).unwrap();
    body["msgId"].as_str().unwrap().to_owned()
}

/// Sends that are refused for good.
fn refusal() -> Fault {
    Fault::refuse(StatusCode::BAD_REQUEST, "invalid.openConversationId")
}

/// The numbers of the dead letters, the newest first.
fn letters(bed: &Bed) -> Vec<i64> {
    let letters = json(bed, &["dead", "list", "--json"]);
    let letters = letters.as_array().unwrap().iter();
    letters
        .map(|letter| letter["id"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_seen_and_sent_again_beside_a_running_bridge() {
    let bed = Bed::new().await;
    let mut process = bed.start();
    bed.dev.faults().next(1, refusal());
    bed.ops.say(&bed.zhang, "first\nline").await.unwrap();
    bed.ops.say(&bed.zhang, "second").await.unwrap();
    process.wait_for_line("a delivery failed for good");
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();

    let (listed, code) = bridge(&bed, &["dead", "list"]);
    assert_eq!(code, Some(0), "{listed}");
    assert!(listed.contains("invalid.openConversationId"), "{listed}");
    assert!(listed.contains("| 张三: first…"), "{listed}");
    let [id] = letters(&bed)[..] else {
        panic!("one letter: {listed}");
    };
    let id = id.to_string();
    let (shown, _) = bridge(&bed, &["dead", "show", &id]);
    assert!(shown.contains("  | 张三: first\n  | line\n"), "{shown}");

    let (replayed, code) = bridge(&bed, &["dead", "replay", &id]);
    assert_eq!(
        (&*replayed, code),
        (&*format!("{id}  queued again\n"), Some(0))
    );
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(
        transcript.sent_texts(),
        ["张三: second", "张三: first\nline"]
    );

    let (again, code) = bridge(&bed, &["dead", "replay", &id]);
    assert!(again.contains("no dead letter has this number"), "{again}");
    assert_eq!(code, Some(1));
    let (traced, _) = bridge(&bed, &["trace", &id]);
    assert!(traced.contains("part 1 failed: "), "{traced}");
    assert!(traced.contains("replayed by an operator"), "{traced}");
    let (none, code) = bridge(&bed, &["dead", "list"]);
    assert_eq!((&*none, code), ("no dead letters\n", Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_a_stopped_bridge_are_sent_at_its_next_start() {
    let bed = Bed::new().await;
    let mut process = bed.start();
    bed.dev.faults().next(3, refusal());
    for text in ["a", "b", "c"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    bed.ops.say(&bed.zhang, "d").await.unwrap();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    process.wait_for_line("a delivery failed for good");
    process.stop();
    let [c, ..] = letters(&bed)[..] else {
        panic!("letters");
    };
    let (discarded, code) = bridge(&bed, &["dead", "discard", &c.to_string()]);
    assert_eq!(
        (&*discarded, code),
        (&*format!("{c}  discarded\n"), Some(0))
    );
    let (refused, code) = bridge(&bed, &["dead", "discard", "--all"]);
    assert!(refused.contains("say --yes"), "{refused}");
    assert_eq!(code, Some(1));
    let all = [
        "dead",
        "replay",
        "--all",
        "--instance",
        "dt_main",
        "--since",
        "1h",
    ];
    let (replayed, code) = bridge(&bed, &all);
    assert_eq!(code, Some(0), "{replayed}");
    assert!(replayed.contains("sent when it is started"), "{replayed}");
    let (again, code) = bridge(&bed, &["dead", "replay", "1"]);
    assert!(again.contains("is queued already"), "{again}");
    assert_eq!(code, Some(1));

    let _process = bed.start();
    let transcript = bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: d", "张三: a", "张三: b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_makes_dead_letters_and_takes_back_what_fits() {
    let mut bed = Bed::new().await;
    bed.config["global"]["store"]["lane_backlog"] = 3.into();
    bed.rules["rules"][0] = serde_json::json!({
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": [
            { "open_conversation_id": support::DEV }, { "open_conversation_id": "cidOther==" }] } });
    let other = bed.sandbox.add_group("cidOther==", "其他");
    other.add_robot(&bed.robot);
    let mut process = bed.start();
    // A room that is busy stops its own lane only.
    let busy = Fault::refuse(StatusCode::BAD_REQUEST, "send.too.fast");
    bed.dev.faults().until_cleared(busy);
    for (number, text) in ["a", "b", "c", "d", "e", "f", "g"].into_iter().enumerate() {
        let answer = bed.ops.say(&bed.zhang, text).await.unwrap();
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{text} goes to its other target"
        );
        // Two of this lane may not be written yet.
        other.wait_for_sent(number + 1, PATIENCE).await.unwrap();
    }
    process.wait_for_line("the lane of a target is full (lane_backlog)");
    let (listed, _) = bridge(&bed, &["dead", "list"]);
    assert_eq!(
        listed.matches("its lane is full: 3 deliveries").count(),
        4,
        "{listed}"
    );
    let (refused, code) = bridge(&bed, &["dead", "replay", "--all"]);
    assert_eq!(
        refused.matches("it stays a dead letter").count(),
        4,
        "{refused}"
    );
    assert_eq!(code, Some(1));

    // Without a bridge the bounds of the config hold as well.
    process.stop();
    let (refused, _) = bridge(&bed, &["dead", "replay", "--all"]);
    assert_eq!(
        refused.matches("it stays a dead letter").count(),
        4,
        "{refused}"
    );
    bed.dev.faults().clear();
    let process = bed.start();
    bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    process.stop();
    let (replayed, code) = bridge(&bed, &["dead", "replay", "--all"]);
    assert_eq!(replayed.matches("queued again").count(), 3, "{replayed}");
    assert_eq!(code, Some(1), "one found no room: {replayed}");
    let totals = json(&bed, &["trace", "--totals", "--json"]);
    assert_eq!(totals["planned"], 14, "{totals}");
    assert_eq!((&totals["queued"], &totals["dead"]), (&3.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_blocks_waits_for_the_operator_and_keeps_its_order() {
    let mut bed = Bed::new().await;
    bed.config["dingtalk"]["dt_main"]["on_dead"] = "block".into();
    let mut process = bed.start();
    bed.dev.faults().next(1, refusal());
    for text in ["a", "b"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    process.wait_for_line("the lane is blocked by this dead letter");
    // It is blocked after a restart as well.
    process.stop();
    let mut process = bed.start();
    process.wait_for_line("the lane is blocked by this dead letter");
    assert_eq!(bed.dev.transcript().sent_texts(), [""; 0]);
    let (listed, _) = bridge(&bed, &["dead", "list"]);
    assert!(listed.contains("[blocks its lane]"), "{listed}");
    let (replayed, _) = bridge(&bed, &["dead", "replay", "1"]);
    assert!(replayed.contains("queued again"), "{replayed}");
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: a", "张三: b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_says_what_became_of_every_message() {
    let mut bed = Bed::new().await;
    bed.rules["rules"][0] = serde_json::json!({
        "id": "one way",
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": { "open_conversation_id": support::DEV } } });
    let process = bed.start();
    let callback = bed.ops.callback(&bed.zhang, "hello").unwrap();
    let id = message_id(&callback);
    for _ in 0..3 {
        let answer = bed.sandbox.post(&callback).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    let unheard = bed.dev.callback(&bed.zhang, "nobody hears this").unwrap();
    bed.sandbox.post(&unheard).await.unwrap();

    for is_running in [true, false] {
        let (traced, code) = bridge(&bed, &["trace", &id]);
        assert_eq!(code, Some(0), "{traced}");
        for expected in [
            "came again, 2 times in all",
            "by rule \"one way\"",
            "part 1 was taken: ",
            "| 张三: hello",
            "机器人测试群",
        ] {
            assert!(traced.contains(expected), "{is_running}: {traced}");
        }
        assert!(!traced.contains('\u{1b}'), "{traced}");
        let (ignored, _) = bridge(&bed, &["trace", &message_id(&unheard)]);
        assert!(ignored.contains("no rule took it"), "{ignored}");
        let (unknown, code) = bridge(&bed, &["trace", "msgNobodyKnows=="]);
        assert!(unknown.contains("nothing is known of"), "{unknown}");
        assert_eq!(code, Some(1));
        let totals = json(&bed, &["trace", "--totals", "--json"]);
        assert_eq!(totals["planned"], 1, "{totals}");
        assert_eq!(totals["delivered"], 1, "{totals}");
        assert_eq!(totals["accounted"], 1, "{totals}");
        let (totals, code) = bridge(&bed, &["trace", "--totals"]);
        assert!(
            totals.contains("1 deliveries were planned, 1 are"),
            "{totals}"
        );
        assert_eq!(code, Some(0));
        if is_running {
            let socket = bed.path().join("data/control.sock");
            let mode = socket.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            process.terminate();
            while socket.exists() {
                tokio::task::yield_now().await;
            }
        }
    }
    process.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_tells_digests_parts_and_private_chats_apart() {
    let mut bed = Bed::new().await;
    bed.rules["rules"][0] = serde_json::json!({
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": { "open_conversation_id": support::DEV, "digest": true } } });
    let mut process = bed.start();
    let busy = Fault::refuse(StatusCode::BAD_REQUEST, "send.too.fast");
    bed.dev.faults().until_cleared(busy);
    let mut ids = Vec::new();
    for text in ["a\nA", "b", "c"] {
        let callback = bed.ops.callback(&bed.zhang, text).unwrap();
        let answer = bed.sandbox.post(&callback).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        ids.push(message_id(&callback));
    }
    process.wait_for_line("a send failed and will be tried again");
    let (queued, _) = bridge(&bed, &["trace", &ids[0]]);
    assert!(queued.contains("queued; to be tried again at "), "{queued}");
    bed.dev.faults().clear();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(
        transcript.sent_texts(),
        ["• 张三: a\n  A\n• 张三: b\n• 张三: c"]
    );
    // Two parts: each paragraph is more than half of what one send takes.
    let long = ["x", "y"].map(|letter| letter.repeat(12_000)).join("\n\n");
    let callback = bed.ops.callback(&bed.zhang, &long).unwrap();
    bed.sandbox.post(&callback).await.unwrap();
    let long = message_id(&callback);
    bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    let private = Callback::new(&process.url(), support::payload("text-private.json"));
    let private = private.unwrap().signed(support::SECRET);
    bed.sandbox.post(&private).await.unwrap();
    process.stop();

    let rows = [
        (&ids[0], "part 1 was taken: "),
        (&ids[0], "  | • 张三: c\n"),
        (&ids[1], "merged into delivery 1"),
        (&ids[2], "merged into delivery 1"),
        (&long, "part 1 was taken: "),
        (&long, "part 2 was taken: "),
        (&message_id(&private), "not forwarded: private_chat"),
    ];
    for (id, expected) in rows {
        let (traced, code) = bridge(&bed, &["trace", id]);
        assert_eq!(code, Some(0), "{traced}");
        assert!(traced.contains(expected), "{expected:?} in {traced}");
    }
    let totals = json(&bed, &["trace", "--totals", "--json"]);
    assert_eq!(
        (&totals["delivered"], &totals["merged"]),
        (&2.into(), &2.into())
    );
    assert_eq!(totals["planned"], totals["accounted"], "{totals}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_checked_and_copied_beside_a_running_bridge() {
    let bed = Bed::new().await;
    let process = bed.start();
    bed.ops.say(&bed.zhang, "hello").await.unwrap();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    let (checked, code) = bridge(&bed, &["store", "check"]);
    assert_eq!((&*checked, code), ("the store is whole\n", Some(0)));
    let (copied, code) = bridge(&bed, &["store", "backup", "copy.db"]);
    assert_eq!(code, Some(0), "{copied}");
    let mode = bed.path().join("copy.db").metadata().unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let (refused, code) = bridge(&bed, &["store", "backup", "copy.db"]);
    assert!(refused.contains("nothing is overwritten"), "{refused}");
    assert_eq!(code, Some(1));
    process.kill();

    // The copy is a store.
    let data = bed.path().join("data");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::rename(bed.path().join("copy.db"), data.join("store.db")).unwrap();
    let (checked, _) = bridge(&bed, &["store", "check"]);
    assert_eq!(checked, "the store is whole\n");
    let totals = json(&bed, &["trace", "--totals", "--json"]);
    assert_eq!(totals["planned"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_bridge_leaves_a_socket_that_hinders_nobody() {
    let bed = Bed::new().await;
    bed.start().kill();
    assert!(bed.path().join("data/control.sock").exists());
    let (listed, code) = bridge(&bed, &["dead", "list"]);
    assert_eq!((&*listed, code), ("no dead letters\n", Some(0)));
    let _process = bed.start();
    let (listed, _) = bridge(&bed, &["dead", "list"]);
    assert_eq!(listed, "no dead letters\n");
}

#[test]
fn without_a_store_the_commands_say_what_to_do() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bed = runtime.block_on(Bed::new());
    bed.write_files();
    for args in [&["dead", "list"][..], &["trace", "x"], &["store", "check"]] {
        let (printed, code) = bridge(&bed, args);
        assert!(
            printed.contains("there is no store in \"data\" yet"),
            "{printed}"
        );
        assert_eq!(code, Some(1));
    }
}
