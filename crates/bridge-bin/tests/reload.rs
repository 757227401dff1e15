//! Other files while the bridge runs: what changes, what does not, and what is said about it.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use dingtalk_sandbox::{Callback, Fault, StatusCode};
use serde_json::{Value, json};
use support::{
    Bed, DEV, OPS, PATIENCE, Process, SECRET, bridge, free_port, payload, replace, run, text,
};

/// `bridge reload`: what it printed and its exit code.
fn reload(bed: &Bed) -> (String, Option<i32>) {
    bed.write_files();
    let output = run(bed.path(), &["reload"]);
    let printed = text(&output.stdout) + &text(&output.stderr);
    (printed, output.status.code())
}

/// Starts the bridge so that it reads its files again only when it is told to.
fn start(bed: &Bed) -> Process {
    bed.write_files();
    let process = Process::start_command(bridge(bed.path(), &["run", "--no-watch"]));
    bed.robot.set_callback(&process.url(), SECRET).unwrap();
    process
}

/// Rules that send what is said in `OPS` to `DEV`, with `mark` before it.
fn marked(mark: &str) -> Value {
    json!({ "rules": [{
        "id": "ops-dev",
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": { "open_conversation_id": DEV } },
        "msg": { "msg_format": format!("{mark}{{msg}}") } }] })
}

/// An instance of the same robot under another name.
fn twin(bed: &Bed) -> Value {
    bed.config["dingtalk"]["dt_main"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_rules_are_in_force_at_once_and_a_digest_says_which() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = start(&bed);
    let first = process.wait_for_line("started")["digest"].clone();
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    bed.rules = marked("2 ");
    let (said, code) = reload(&bed);
    assert_eq!(code, Some(0), "{said}");
    bed.ops.say(&bed.zhang, "b").await.unwrap();
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["1 a", "2 b"]);

    let line = process.wait_for_line("reloaded");
    let digest = line["digest"].as_str().unwrap();
    assert_ne!(first, digest);
    assert_eq!(line["untouched"], 1, "{line}");
    let checked = run(bed.path(), &["check"]);
    let checked = text(&checked.stdout);
    for place in [&said, &checked] {
        assert!(place.contains(&format!("digest {digest}")), "{place}");
    }
    let (again, code) = reload(&bed);
    assert!(again.starts_with("nothing was changed"), "{again}");
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_change_nothing_and_are_reported_in_full() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = start(&bed);
    let good = (bed.config.clone(), bed.rules.clone());
    bed.config["dingtalk"]["dt_main"]["listen_prot"] = 1.into();
    bed.config["dingtalk"]["dt_new"] = json!({ "app_key": "k" });
    bed.rules = marked("2 ");
    bed.rules["rules"][0]["to"] = json!({ "dt_mian": { "open_conversation_id": DEV } });
    let (said, code) = reload(&bed);
    assert_eq!(code, Some(78), "{said}");
    for expected in [
        "unknown key \"listen_prot\"",
        "app_secret",
        "dt_mian",
        "config/config.json:",
        "rules/rules.json:",
        "nothing was changed",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    process.wait_for_line("the files have errors; nothing was changed");
    assert!(process.log().contains("dt_mian"));

    // Not even the place of the bridge can be read out of this one.
    replace(&bed.path().join("config/config.json"), "{");
    let output = run(bed.path(), &["reload"]);
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert!(text(&output.stderr).contains("config/config.json:1:"));

    bed.ops.say(&bed.zhang, "a").await.unwrap();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["1 a"]);
    (bed.config, bed.rules) = good;
    let (said, code) = reload(&bed);
    assert!(said.starts_with("nothing was changed"), "{said}");
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bridge_nothing_is_reloaded() {
    let bed = Bed::new().await;
    let (said, code) = reload(&bed);
    assert!(said.contains("no bridge runs"), "{said}");
    assert_eq!(code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_keeps_what_was_decided_when_it_was_accepted() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = start(&bed);
    bed.dev.faults().until_cleared(Fault::server_error());
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    process.wait_for_line("a send failed and will be tried again");
    bed.rules = json!({ "rules": [] });
    assert_eq!(reload(&bed).1, Some(0));
    bed.ops.say(&bed.zhang, "nobody hears this").await.unwrap();
    bed.dev.faults().clear();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    process.stop();
    assert_eq!(bed.dev.transcript().sent_texts(), ["1 a"]);
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
    let process = start(&bed);
    let mut stream = connect(&process.url());
    let say = |secret: &str, text: &str| {
        let callback = bed.ops.callback(&bed.zhang, text).unwrap();
        callback.signed(secret)
    };
    let (first, late) = (say(SECRET, "a"), say(SECRET, "b"));
    let right = say("another secret", "c");
    assert_eq!(post_on(&mut stream, &first), 200);
    bed.config["dingtalk"]["dt_main"]["signing_secret"] = "another secret".into();
    let (said, code) = reload(&bed);
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
    let mut process = start(&bed);
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
    let (said, code) = reload(&bed);
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
    let (said, code) = reload(&bed);
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_applied_changes_nothing() {
    let mut bed = Bed::new().await;
    let port = free_port();
    bed.config["dingtalk"]["dt_main"]["listen_port"] = port.into();
    bed.rules = marked("1 ");
    let mut process = start(&bed);
    let good = bed.config.clone();
    bed.rules = marked("2 ");
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = held.local_addr().unwrap().port();

    bed.config["dingtalk"]["dt_new"] = twin(&bed);
    bed.config["dingtalk"]["dt_new"]["listen_port"] = taken.into();
    bed.config["dingtalk"]["dt_main"]["rate_per_second"] = 7.into();
    let (said, code) = reload(&bed);
    assert!(said.contains("the port is in use"), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(code, Some(1));
    drop(held);

    bed.config = good.clone();
    bed.config["dingtalk"]["dt_main"]["listen_host"] = "0.0.0.0".into();
    let (said, code) = reload(&bed);
    assert!(
        said.contains("listens on that port at another address"),
        "{said}"
    );
    assert_eq!(code, Some(1));

    bed.config = good;
    bed.config["global"]["data_dir"] = "elsewhere".into();
    let (said, code) = reload(&bed);
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
async fn keys_of_the_whole_process_wait_for_a_restart() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = start(&bed);
    bed.rules = marked("2 ");
    bed.config["global"]["log"]["level"] = "debug".into();
    bed.config["global"]["server"] = json!({ "max_connections": 7 });
    for _ in 0..2 {
        let (said, code) = reload(&bed);
        let waiting = "needs a restart: global.log, global.server";
        assert!(said.contains(waiting), "{said}");
        assert_eq!(code, Some(0));
    }
    let line = process.wait_for_line("these keys were changed and need a restart");
    assert_eq!(line["keys"], "global.log global.server");
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["2 a"], "the rest is in force");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_instance_starts_and_a_removed_one_is_parked_and_comes_back() {
    let mut bed = Bed::new().await;
    let mut process = start(&bed);
    let before = (bed.config.clone(), bed.rules.clone());
    bed.config["dingtalk"]["dt_side"] = twin(&bed);
    bed.config["dingtalk"]["dt_side"]["on_dead"] = "block".into();
    bed.rules = json!({ "rules": [{
        "from": { "dt_main": { "open_conversation_id": OPS }, "dt_side": { "open_conversation_id": OPS } },
        "to": { "dt_side": { "open_conversation_id": DEV } } }] });
    let (said, code) = reload(&bed);
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
    let (said, code) = reload(&bed);
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
    let (said, code) = reload(&bed);
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
    let process = start(&bed);
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
        let (said, code) = reload(&bed);
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
    let mut process = start(&bed);
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    bed.ops.say(&bed.zhang, "b").await.unwrap();
    process.wait_for_line("a send failed and will be tried again");
    bed.config["dingtalk"]["dt_main"]["app_secret"] = SECRET.into();
    assert_eq!(reload(&bed).1, Some(0));
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: a", "张三: b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_renamed_keeps_its_port_and_the_request_that_it_reads() {
    use std::io::{Read, Write};
    let mut bed = Bed::new().await;
    bed.config["dingtalk"]["dt_main"]["listen_port"] = free_port().into();
    bed.rules = marked("1 ");
    let mut process = start(&bed);
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

/// Waits until what is said comes out with this mark.
async fn marked_with(bed: &Bed, process: &mut Process, mark: &str) {
    process.wait_for_next_line("reloaded");
    let before = bed.dev.transcript().sent().count();
    bed.ops.say(&bed.zhang, "x").await.unwrap();
    let sent = bed.dev.wait_for_sent(before + 1, PATIENCE).await.unwrap();
    let last = sent.sent_texts().last().copied().unwrap().to_owned();
    assert_eq!(last, format!("{mark}x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_read_again_on_a_signal_and_when_they_change() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = start(&bed);
    bed.rules = marked("2 ");
    bed.write_files();
    process.hang_up();
    marked_with(&bed, &mut process, "2 ").await;
    process.stop();

    let mut process = bed.start();
    bed.rules = marked("3 ");
    bed.write_files();
    marked_with(&bed, &mut process, "3 ").await;
    // Written in place.
    let rules = bed.path().join("rules/rules.json");
    std::fs::write(&rules, marked("4 ").to_string()).unwrap();
    marked_with(&bed, &mut process, "4 ").await;
    // A bad file is reported once, however often it is looked at, and a good one taken after it.
    replace(&rules, "{");
    process.wait_for_next_line("the files have errors; nothing was changed");
    std::fs::write(bed.path().join("rules/another"), "").unwrap();
    replace(&rules, &marked("5 ").to_string());
    marked_with(&bed, &mut process, "5 ").await;
    let log = process.log();
    assert_eq!(log.matches("the files have errors").count(), 1, "{log}");
}

/// What a Kubernetes volume looks like: files are links into a folder that is itself a link, which is
/// replaced in one step.
#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_folder_behind_links_is_noticed() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    bed.write_files();
    let rules = bed.path().join("rules");
    let publish = |number: usize, content: &Value| {
        let folder = format!("..{number}");
        std::fs::create_dir(rules.join(&folder)).unwrap();
        std::fs::write(rules.join(&folder).join("rules.json"), content.to_string()).unwrap();
        std::os::unix::fs::symlink(&folder, rules.join("..data_tmp")).unwrap();
        std::fs::rename(rules.join("..data_tmp"), rules.join("..data")).unwrap();
    };
    publish(1, &bed.rules);
    std::fs::remove_file(rules.join("rules.json")).unwrap();
    std::os::unix::fs::symlink("..data/rules.json", rules.join("rules.json")).unwrap();
    let mut process = Process::start(bed.path());
    bed.robot.set_callback(&process.url(), SECRET).unwrap();
    publish(2, &marked("2 "));
    marked_with(&bed, &mut process, "2 ").await;
}

/// The folder that is watched has no event then, as on some network and container mounts.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_an_event_is_found_by_looking() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    bed.write_files();
    let rules = bed.path().join("rules/rules.json");
    let elsewhere = tempfile::tempdir().unwrap();
    let real = elsewhere.path().join("rules.json");
    std::fs::rename(&rules, &real).unwrap();
    std::os::unix::fs::symlink(&real, &rules).unwrap();
    let mut process = Process::start(bed.path());
    bed.robot.set_callback(&process.url(), SECRET).unwrap();
    std::fs::write(&real, marked("2 ").to_string()).unwrap();
    marked_with(&bed, &mut process, "2 ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_in_a_file_is_taken() {
    let mut bed = Bed::new().await;
    let secrets = bed.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    let write = |path: &Path, text: &str| replace(path, text);
    let file = secrets.join("signing");
    write(&file, SECRET);
    bed.config["dingtalk"]["dt_main"]["signing_secret"] = json!({ "file": "secrets/signing" });
    let mut process = bed.start();
    let digest = process.wait_for_line("started")["digest"].clone();
    write(&file, "another secret\n");
    let line = process.wait_for_next_line("reloaded");
    assert_eq!(
        (&line["changed"], &line["digest"]),
        (&"dt_main".into(), &digest)
    );
    bed.robot
        .set_callback(&process.url(), "another secret")
        .unwrap();
    let answer = bed.ops.say(&bed.zhang, "a").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!process.log().contains("another secret"));
}
