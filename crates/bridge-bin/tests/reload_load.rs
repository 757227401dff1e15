//! Two hundred reloads under load, good and bad in turn: no request fails, nothing is lost, and each
//! message is routed by exactly one generation.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use dingtalk_sandbox::{Fault, Group, Member, StatusCode, Transcript};
use serde_json::{Value, json};
use support::{Bed, OPS, PATIENCE, Process, SECRET, bridge, run, text};

const RELOADS: usize = 200;
const SENDERS: usize = 4;
/// Targets of every message; `LEFT` and `RIGHT` of those of even and odd generations.
const ALWAYS: &str = "cidAlways==";
const LEFT: &str = "cidLeft==";
const RIGHT: &str = "cidRight==";
/// The target of another instance, which no reload touches.
const ASIDE: &str = "cidAside==";

/// The rules of the reading `number`: each message says by which it was routed.
fn rules(number: usize) -> Value {
    let room = |id: &str| json!({ "open_conversation_id": id });
    let side = if number.is_multiple_of(2) {
        LEFT
    } else {
        RIGHT
    };
    json!({ "rules": [{
        "from": { "dt_main": room(OPS) },
        "to": { "dt_main": [room(ALWAYS), room(side)], "dt_aside": room(ASIDE) },
        "msg": { "msg_format": format!("{number}|{{msg}}") } }] })
}

/// Says `s-0`, `s-1`, … until it is told to stop; every one must be answered 200.
async fn talk(group: Group, sender: usize, stop: Arc<AtomicBool>) -> usize {
    let member = Member::new("张三", "042531297");
    let mut said = 0;
    while !stop.load(Relaxed) {
        let answer = group.say(&member, &format!("{sender}-{said}")).await;
        assert_eq!(answer.expect("no request fails").status, StatusCode::OK);
        said += 1;
    }
    said
}

/// By which reading each message came here, by sender and number. Each came once, and those of one
/// sender in their order.
fn heard(transcript: &Transcript) -> HashMap<(usize, usize), usize> {
    let mut heard = HashMap::new();
    let mut next = HashMap::new();
    for text in transcript.sent_texts() {
        let (reading, message) = text.split_once('|').expect("a reading");
        let (sender, number) = message.split_once('-').expect("a message");
        let message = (sender.parse().unwrap(), number.parse().unwrap());
        let earlier = heard.insert(message, reading.parse().unwrap());
        assert_eq!(earlier, None, "{message:?} came twice");
        let last = next.insert(message.0, message.1);
        assert!(last < Some(message.1), "{message:?} came after {last:?}");
    }
    heard
}

/// Reads the files again with `bridge reload`.
fn reload(dir: &Path) -> (Option<i32>, String) {
    let output = run(dir, &["reload"]);
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_reloads_under_load_lose_nothing_and_mix_nothing() {
    let mut bed = Bed::new().await;
    let rooms = [ALWAYS, LEFT, RIGHT, ASIDE].map(|id| bed.sandbox.add_group(id, id));
    for room in &rooms {
        room.add_robot(&bed.robot);
    }
    let [always, left, right, aside] = rooms;
    bed.config["dingtalk"]["dt_aside"] = bed.config["dingtalk"]["dt_main"].clone();
    bed.rules = rules(0);
    bed.write_files();
    let mut process = Process::start_command(bridge(bed.path(), &["run", "--no-watch"]));
    let main = process
        .urls
        .iter()
        .find(|(instance, _)| instance == "dt_main");
    bed.robot.set_callback(&main.unwrap().1, SECRET).unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let talking: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(talk(bed.ops.clone(), sender, Arc::clone(&stop))))
        .collect();
    // The lane that is not touched waits for one answer all the while.
    aside.wait_for_sent(1, PATIENCE).await.unwrap();
    aside
        .faults()
        .next(1, Fault::DelayAnswer(Duration::from_secs(5)));

    for number in 1..=RELOADS {
        let is_good = number.is_multiple_of(2);
        let reading = number / 2;
        bed.rules = match is_good {
            true => rules(reading),
            // What is wrong with it would lead everything elsewhere.
            false => json!({ "rules": [{ "from": { "dt_main": { "open_conversation_id": OPS } },
                "to": { "dt_main": { "open_conversation_id": LEFT, "room": "x" } } }] }),
        };
        // Every third one changes the instance through which everything comes and goes, and every
        // fourth one brings or removes an instance.
        bed.config["dingtalk"]["dt_main"]["max_in_flight"] = (8 + reading / 3).into();
        match reading % 4 {
            0 => drop(
                bed.config["dingtalk"]
                    .as_object_mut()
                    .unwrap()
                    .remove("dt_more"),
            ),
            _ => bed.config["dingtalk"]["dt_more"] = bed.config["dingtalk"]["dt_aside"].clone(),
        }
        bed.write_files();
        let dir = bed.path().to_owned();
        let (code, said) = tokio::task::spawn_blocking(move || reload(&dir))
            .await
            .unwrap();
        assert_eq!(code, Some(if is_good { 0 } else { 78 }), "{said}");
    }
    stop.store(true, Relaxed);
    let mut said = 0;
    for talking in talking {
        said += talking.await.expect("no request fails");
    }

    for room in [&always, &aside] {
        room.wait_for_sent(said, PATIENCE).await.unwrap();
    }
    let both = |room: &Group| room.transcript().sent().count();
    left.wait_for(|sent| sent.sent().count() + both(&right) >= said, PATIENCE)
        .await
        .unwrap();
    let log = process.log();
    let (status, _) = process.stop();
    assert!(status.success());

    let always = heard(&always.transcript());
    assert_eq!(always.len(), said, "nothing is lost");
    assert_eq!(heard(&aside.transcript()), always, "and nothing mixed");
    let (left, right) = (heard(&left.transcript()), heard(&right.transcript()));
    for (message, reading) in &always {
        let sides = match reading.is_multiple_of(2) {
            true => (Some(reading), None),
            false => (None, Some(reading)),
        };
        assert_eq!(
            (left.get(message), right.get(message)),
            sides,
            "{message:?}"
        );
    }
    let readings: std::collections::BTreeSet<_> = always.values().collect();
    assert!(readings.len() > RELOADS / 4, "the load met {readings:?}");
    assert!(!log.contains("a send failed"), "{log}");
    assert_eq!(log.matches("\"reloaded\"").count(), RELOADS / 2);
    let totals = bed.inspector().totals().unwrap();
    let expected = u64::try_from(3 * said).unwrap();
    assert_eq!(
        (totals.planned, totals.delivered),
        (expected, expected),
        "{totals:?}"
    );
}
