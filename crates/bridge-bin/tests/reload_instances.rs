//! Instances that change, come, go and are renamed while the bridge runs.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use dingtalk_sandbox::{Callback, Fault, StatusCode};
use serde_json::{Value, json};
use support::{Bed, DEV, OPS, PATIENCE, SECRET, bridge, free_port, marked, payload, run, text};

/// An instance of the same robot under another name.
fn twin(bed: &Bed) -> Value {
    bed.config["dingtalk"]["dt_main"].clone()
}

/// Sends a signed callback on an open connection; the status of the answer.
fn post_on(stream: &mut TcpStream, callback: &Callback) -> u16 {
    use std::io::{Read, Write};
    let body = callback.body();
    let (timestamp, sign) = (callback.timestamp().unwrap(), callback.sign().unwrap());
    let length = body.len();
    let head = format!(
        "POST /dingtalk/event HTTP/1.1\r\nhost: a\r\ntimestamp: {timestamp}\r\nsign: {sign}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    let head = text(&answer);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let length: usize = length.unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).unwrap();
    head[9..12].parse().unwrap()
}

fn connect(url: &str) -> TcpStream {
    let authority = url.trim_start_matches("http://").split('/').next();
    TcpStream::connect(authority.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_instance_answers_on_the_connections_that_are_open() {
    let mut bed = Bed::new().await;
    let process = bed.start_unwatched();
    let mut stream = connect(&process.url());
    let say = |secret: &str, text: &str| {
        let callback = bed.ops.callback(&bed.zhang, text).unwrap();
        callback.signed(secret)
    };
    let (first, late) = (say(SECRET, "a"), say(SECRET, "b"));
    let right = say("another secret", "c");
    assert_eq!(post_on(&mut stream, &first), 200);
    bed.config["dingtalk"]["dt_main"]["signing_secret"] = "another secret".into();
    let (said, code) = bed.reload();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("changed    dt_main"), "{said}");
    assert!(!said.contains("another secret"), "{said}");
    assert_eq!(post_on(&mut stream, &late), 401);
    assert_eq!(post_on(&mut stream, &right), 200);
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: a", "张三: c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_port_is_opened_before_the_old_one_closes() {
    use std::io::{Read, Write};
    let mut bed = Bed::new().await;
    let (old, new) = (free_port(), free_port());
    bed.config["dingtalk"]["dt_main"]["listen_port"] = old.into();
    let mut process = bed.start_unwatched();
    // A request that is at work during the change.
    let callback = bed.ops.callback(&bed.zhang, "begun before").unwrap();
    let (body, mut stream) = (callback.body().clone(), connect(&process.url()));
    let head = format!(
        "POST /dingtalk/event HTTP/1.1\r\nhost: a\r\ntimestamp: {}\r\nsign: {}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        callback.timestamp().unwrap(),
        callback.sign().unwrap(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .read_exact(&mut [0; 25])
        .expect("the body is awaited");

    bed.config["dingtalk"]["dt_main"]["listen_port"] = new.into();
    let (said, code) = bed.reload();
    assert_eq!(code, Some(0), "{said}");
    process.wait_for_line("no longer listening");
    TcpStream::connect(("127.0.0.1", old)).expect_err("the old port is closed");
    let url = format!("http://127.0.0.1:{new}/dingtalk/event");
    bed.robot.set_callback(&url, SECRET).unwrap();
    bed.ops.say(&bed.zhang, "at the new port").await.unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    let expected = ["张三: at the new port", "张三: begun before"];
    assert_eq!(transcript.sent_texts(), expected);
    // And back again: the old port is free.
    bed.config["dingtalk"]["dt_main"]["listen_port"] = old.into();
    let (said, code) = bed.reload();
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_applied_changes_nothing() {
    let mut bed = Bed::new().await;
    let port = free_port();
    bed.config["dingtalk"]["dt_main"]["listen_port"] = port.into();
    bed.rules = marked("1 ");
    let mut process = bed.start_unwatched();
    let good = bed.config.clone();
    bed.rules = marked("2 ");
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = held.local_addr().unwrap().port();

    bed.config["dingtalk"]["dt_new"] = twin(&bed);
    bed.config["dingtalk"]["dt_new"]["listen_port"] = taken.into();
    bed.config["dingtalk"]["dt_main"]["rate_per_second"] = 7.into();
    let (said, code) = bed.reload();
    assert!(said.contains("the port is in use"), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(code, Some(1));
    drop(held);

    bed.config = good.clone();
    bed.config["dingtalk"]["dt_main"]["listen_host"] = "0.0.0.0".into();
    let (said, code) = bed.reload();
    assert!(
        said.contains("listens on that port at another address"),
        "{said}"
    );
    assert_eq!(code, Some(1));

    bed.config = good;
    bed.config["global"]["data_dir"] = "elsewhere".into();
    let (said, code) = bed.reload();
    assert!(said.contains("no bridge runs"), "{said}");
    assert_eq!(code, Some(1));
    process.hang_up();
    for reason in [
        "port is in use",
        "another address",
        "`data_dir` can't change",
    ] {
        let line = process.wait_for_next_line("the files can't be applied; nothing was changed");
        assert!(line["reason"].to_string().contains(reason), "{line}");
    }

    bed.ops.say(&bed.zhang, "a").await.unwrap();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["1 a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_instance_starts_and_a_removed_one_is_parked_and_comes_back() {
    let mut bed = Bed::new().await;
    let mut process = bed.start_unwatched();
    let before = (bed.config.clone(), bed.rules.clone());
    bed.config["dingtalk"]["dt_side"] = twin(&bed);
    bed.config["dingtalk"]["dt_side"]["on_dead"] = "block".into();
    bed.rules = json!({ "rules": [{
        "from": { "dt_main": { "open_conversation_id": OPS }, "dt_side": { "open_conversation_id": OPS } },
        "to": { "dt_side": { "open_conversation_id": DEV } } }] });
    let (said, code) = bed.reload();
    assert!(said.contains("new        dt_side"), "{said}");
    assert_eq!(code, Some(0));
    bed.ops.say(&bed.zhang, "to the new one").await.unwrap();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    // It hears as well.
    let listening = process.wait_for_next_line("listening");
    assert_eq!(listening["instance"], "dt_side");
    let url = format!(
        "http://{}/dingtalk/event",
        listening["address"].as_str().unwrap()
    );
    let heard = Callback::new(&url, payload("text-group-at.json")).unwrap();
    let answer = bed.sandbox.post(&heard.signed(SECRET)).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();

    bed.dev.faults().until_cleared(Fault::server_error());
    for text in ["a", "b", "c"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    process.wait_for_line("a send failed and will be tried again");
    let with_side = std::mem::replace(&mut bed.config, before.0);
    let side_rules = std::mem::replace(&mut bed.rules, before.1);
    let (said, code) = bed.reload();
    let parked = "dt_side; dead letters now: 3 (bridge dead list --instance dt_side)";
    assert!(said.contains(parked), "{said}");
    assert_eq!(code, Some(0));
    let address = listening["address"].as_str().unwrap();
    TcpStream::connect(address).expect_err("it no longer listens");
    let listed = text(&run(bed.path(), &["dead", "list"]).stdout);
    let reason = "its instance was removed from the config";
    assert_eq!(listed.matches(reason).count(), 3, "{listed}");

    // What waits in the store does not come back by itself, a replay brings it in its order.
    bed.dev.faults().clear();
    (bed.config, bed.rules) = (with_side, side_rules);
    let (said, code) = bed.reload();
    assert!(said.contains("new        dt_side"), "{said}");
    assert_eq!(code, Some(0));
    bed.ops.say(&bed.zhang, "d").await.unwrap();
    bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    let replayed = run(
        bed.path(),
        &["dead", "replay", "--all", "--instance", "dt_side"],
    );
    assert!(replayed.status.success(), "{replayed:?}");
    let transcript = bed.dev.wait_for_sent(6, PATIENCE).await.unwrap();
    let last: Vec<_> = transcript.sent_texts().split_off(2);
    assert_eq!(last, ["张三: d", "张三: a", "张三: b", "张三: c"]);
    assert_eq!(bed.inspector().check().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_runs_is_finished_by_a_changed_and_by_a_removed_instance() {
    let mut bed = Bed::new().await;
    bed.config["dingtalk"]["dt_side"] = twin(&bed);
    bed.rules = json!({ "rules": [{
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_side": { "open_conversation_id": DEV } } }] });
    let process = bed.start_unwatched();
    let main = process
        .urls
        .iter()
        .find(|(instance, _)| instance == "dt_main");
    bed.robot.set_callback(&main.unwrap().1, SECRET).unwrap();
    let slow = Fault::DelayAnswer(Duration::from_secs(1));
    for (number, change) in ["changed", "removed"].into_iter().enumerate() {
        bed.dev.faults().next(1, slow.clone());
        bed.ops.say(&bed.zhang, change).await.unwrap();
        // The platform has it, and has not said so.
        bed.dev.wait_for_sent(number + 1, PATIENCE).await.unwrap();
        match change {
            "changed" => bed.config["dingtalk"]["dt_side"]["max_in_flight"] = 3.into(),
            _ => {
                bed.config["dingtalk"]
                    .as_object_mut()
                    .unwrap()
                    .remove("dt_side");
                bed.rules = marked("");
            }
        }
        let (said, code) = bed.reload();
        assert!(said.contains(&format!("{change}    dt_side")), "{said}");
        assert_eq!(code, Some(0));
    }
    bed.ops.say(&bed.zhang, "afterwards").await.unwrap();
    bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    process.stop();
    assert_eq!(bed.dev.transcript().sent().count(), 3, "none came twice");
    let totals = bed.inspector().totals().unwrap();
    assert_eq!((totals.planned, totals.delivered), (3, 3), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_by_the_instance_as_it_is_corrected() {
    let mut bed = Bed::new().await;
    bed.config["dingtalk"]["dt_main"]["app_secret"] = "a wrong one".into();
    bed.config["global"]["delivery"] = json!({ "backoff_max": "2s" });
    let mut process = bed.start_unwatched();
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    bed.ops.say(&bed.zhang, "b").await.unwrap();
    process.wait_for_line("a send failed and will be tried again");
    bed.config["dingtalk"]["dt_main"]["app_secret"] = SECRET.into();
    assert_eq!(bed.reload().1, Some(0));
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: a", "张三: b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_renamed_keeps_its_port_and_the_request_that_it_reads() {
    use std::io::{Read, Write};
    let mut bed = Bed::new().await;
    bed.config["dingtalk"]["dt_main"]["listen_port"] = free_port().into();
    bed.rules = marked("1 ");
    let mut process = bed.start_unwatched();
    let callback = bed.ops.callback(&bed.zhang, "begun before").unwrap();
    let mut stream = connect(&process.url());
    let head = format!(
        "POST /dingtalk/event HTTP/1.1\r\nhost: a\r\ntimestamp: {}\r\nsign: {}\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        callback.timestamp().unwrap(),
        callback.sign().unwrap(),
        callback.body().len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .read_exact(&mut [0; 25])
        .expect("the body is awaited");

    let text = bed.config.to_string().replace("dt_main", "dt_new");
    bed.config = serde_json::from_str(&text).unwrap();
    let text = marked("2 ").to_string().replace("dt_main", "dt_new");
    bed.rules = serde_json::from_str(&text).unwrap();
    bed.write_files();
    let mut command = bridge(bed.path(), &["reload"]);
    let mut reloading = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The new name is in force while the old one still waits for its request.
    process.wait_for_line("reloaded");
    let answer = bed.ops.say(&bed.zhang, "at the same port").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let sent = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(sent.sent_texts(), ["2 at the same port"]);
    assert_eq!(
        reloading.try_wait().unwrap(),
        None,
        "the old one is waited for"
    );
    stream.write_all(callback.body()).unwrap();
    let mut answered = String::new();
    stream.read_to_string(&mut answered).unwrap();
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    let output = reloading.wait_with_output().unwrap();
    let said = self::text(&output.stdout);
    assert!(output.status.success(), "{said}");
    // It was routed by the rules that knew the instance that had received it; by then the target
    // was gone.
    assert!(said.contains("dt_main; dead letters now: 1 "), "{said}");
}
