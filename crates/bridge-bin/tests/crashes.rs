//! A crash at every change of state, one by one: nothing that was acknowledged is lost, at most two
//! deliveries of a lane are repeated, every delivery is accounted for.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use bridge_store::LetterFilter;
use dingtalk_sandbox::{Callback, Fault, StatusCode};
use support::{Bed, PATIENCE, Process, bridge, run, text};

const MESSAGES: usize = 12;

/// A bridge that dies the third time that it comes by a point.
fn start_dying(bed: &Bed, point: &str) -> Process {
    bed.write_files();
    let mut command = bridge(bed.path(), &["run"]);
    command.env("BRIDGE_FAIL_POINT", point);
    let process = Process::start_command(command);
    bed.robot
        .set_callback(&process.url(), support::SECRET)
        .unwrap();
    process
}

/// Posts a callback until it is acknowledged; starts the bridge again when it has died.
async fn insist(bed: &Bed, callback: &Callback, process: &mut Option<Process>) {
    let mut url: Option<String> = None;
    loop {
        let again = match &url {
            None => callback.clone(),
            Some(url) => Callback::new(url, callback.body().clone())
                .unwrap()
                .signed(support::SECRET),
        };
        match bed.sandbox.post(&again).await {
            Ok(answer) if answer.status == StatusCode::OK => return,
            Ok(answer) => panic!("answered {}", answer.status),
            Err(_) => {
                let started = restart(bed, process);
                url = Some(started);
            }
        }
    }
}

/// Waits for the end of a bridge that must have died; says what it means if it has not.
fn ended(mut dead: Process, otherwise: &str) {
    assert!(dead.ends(), "{otherwise}: {}", dead.log());
    let (status, log) = dead.wait();
    assert!(!status.success(), "it has died: {log}");
}

/// Waits for the end of the bridge, which has died, and starts another; its URL.
fn restart(bed: &Bed, process: &mut Option<Process>) -> String {
    if let Some(dead) = process.take() {
        ended(dead, "what is missing is lost");
    }
    let started = bed.start();
    let url = started.url();
    *process = Some(started);
    url
}

fn totals(bed: &Bed) -> serde_json::Value {
    let output = run(bed.path(), &["trace", "--totals", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn check_point(point: &str) {
    let bed = Bed::new().await;
    let mut process = Some(start_dying(&bed, &format!("{point}:3")));
    let mut expected = Vec::new();
    let url = process.as_ref().unwrap().url();
    let mut is_first = true;
    for number in 0..MESSAGES {
        let said = format!("m{number}");
        let callback = bed.ops.callback(&bed.zhang, &said).unwrap();
        insist(&bed, &callback, &mut process).await;
        expected.push(format!("张三: {said}"));
        // A bridge that died after the answer is noticed by the next one who speaks.
        let moved = process.as_ref().is_some_and(|process| process.url() != url);
        is_first &= !moved;
    }
    // It may die late, by what is sent after the last answer.
    let everything = |transcript: &dingtalk_sandbox::Transcript| {
        let shown: HashSet<_> = transcript.sent_texts().into_iter().collect();
        expected.iter().all(|text| shown.contains(text.as_str()))
    };
    if bed
        .dev
        .wait_for(everything, Duration::from_secs(3))
        .await
        .is_err()
    {
        restart(&bed, &mut process);
        is_first = false;
    }
    let transcript = bed.dev.wait_for(everything, PATIENCE).await;
    let transcript = transcript.unwrap_or_else(|error| panic!("{point}: lost: {error:?}"));
    assert!(!is_first, "{point}: it never died, so nothing was shown");

    let shown = transcript.sent_texts();
    let mut seen = HashSet::new();
    let firsts: Vec<_> = shown.iter().filter(|text| seen.insert(**text)).collect();
    assert_eq!(
        firsts,
        expected.iter().collect::<Vec<_>>(),
        "{point}: in order"
    );
    let repeated = shown.len() - firsts.len();
    assert!(repeated <= 2, "{point}: {repeated} repeated: {shown:?}");
    process.take().unwrap().stop();
    let totals = totals(&bed);
    assert_eq!(totals["planned"], totals["accounted"], "{point}: {totals}");
    assert_eq!(totals["planned"], MESSAGES, "{point}: {totals}");
    assert_eq!(totals["queued"], 0, "{point}: {totals}");
    println!("{point:<24} nothing lost, {repeated} repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_on_the_way_of_a_message_loses_nothing() {
    for point in [
        "admit.before_insert",
        "admit.after_insert",
        "commit.before",
        "commit.after",
        "answer.before",
        "answer.after",
        "intake.before_answer",
        "send.before",
        "send.after",
        "settle.handed_over",
        "settle.before_write",
        "settle.after_commit",
    ] {
        check_point(point).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_a_letter_is_written_loses_nothing() {
    let rows = [
        ("dead.before_write", true),
        ("dead.between_tables", true),
        ("settle.after_commit", false),
    ];
    for (point, dies_again) in rows {
        let bed = Bed::new().await;
        bed.dev.faults().next(
            4,
            Fault::refuse(StatusCode::BAD_REQUEST, "invalid.openConversationId"),
        );
        let mut process = Some(start_dying(&bed, point));
        let callback = bed.ops.callback(&bed.zhang, "a").unwrap();
        insist(&bed, &callback, &mut process).await;
        ended(process.take().unwrap(), point);
        let mut process = bed.start();
        if dies_again {
            process.wait_for_line("a delivery failed for good");
        }
        let (_, log) = process.stop();
        let died = log.contains("a delivery failed for good");
        assert_eq!(died, dies_again, "{point}: {log}");
        let letters = bed
            .inspector()
            .dead_letters(&LetterFilter::latest(9))
            .unwrap();
        assert_eq!(letters.len(), 1, "{point}: {letters:?}");
        let totals = totals(&bed);
        assert_eq!(totals["planned"], 1, "{point}: {totals}");
        assert_eq!(totals["dead"], 1, "{point}: {totals}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_a_letter_is_replayed_leaves_it_in_one_place() {
    let bed = Bed::new().await;
    bed.dev.faults().next(
        1,
        Fault::refuse(StatusCode::BAD_REQUEST, "invalid.openConversationId"),
    );
    let mut process = bed.start();
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    process.wait_for_line("a delivery failed for good");
    process.stop();
    let process = start_dying(&bed, "replay.between_tables");
    let output = run(bed.path(), &["dead", "replay", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    ended(process, "it came by the point of a replay");
    let before = totals(&bed);
    assert_eq!((&before["dead"], &before["queued"]), (&1.into(), &0.into()));
    let _process = bed.start();
    let output = run(bed.path(), &["dead", "replay", "1"]);
    assert_eq!(text(&output.stdout), "1  queued again\n");
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_an_older_store_is_migrated_leaves_the_old_or_the_new() {
    let fixture = include_str!("../../bridge-store/tests/store/version-1.sql");
    for point in [
        "migrate.before_copy",
        "migrate.after_copy",
        "migrate.before_commit",
        "migrate.after_commit",
    ] {
        let bed = Bed::new().await;
        bed.write_files();
        let data = bed.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let old = rusqlite::Connection::open(data.join("store.db")).unwrap();
        old.execute_batch(fixture).unwrap();
        drop(old);
        let mut command = bridge(bed.path(), &["run"]);
        let died = command.env("BRIDGE_FAIL_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}: {}", text(&died.stderr));
        // The store names instances that this config does not have; their deliveries stay.
        bed.start().stop();
        let totals = totals(&bed);
        assert_eq!(totals["planned"], 8, "{point}: {totals}");
        assert_eq!(totals["accounted"], 8, "{point}: {totals}");
        let checked = run(bed.path(), &["store", "check"]);
        assert_eq!(text(&checked.stdout), "the store is whole\n", "{point}");
        assert!(data.join("store.db.version-1").exists(), "{point}");
    }
}
