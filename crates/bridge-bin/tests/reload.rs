//! Other files while the bridge runs: when they are read, what they change at once, and what is said
//! about them.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::path::Path;

use dingtalk_sandbox::{Fault, StatusCode};
use serde_json::{Value, json};
use support::{Bed, DEV, PATIENCE, Process, SECRET, marked, replace, run, text};

#[tokio::test(flavor = "multi_thread")]
async fn other_rules_are_in_force_at_once_and_a_digest_says_which() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = bed.start_unwatched();
    let first = process.wait_for_line("started")["digest"].clone();
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    bed.rules = marked("2 ");
    let (said, code) = bed.reload();
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
    let (again, code) = bed.reload();
    assert!(again.starts_with("nothing was changed"), "{again}");
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_change_nothing_and_are_reported_in_full() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = bed.start_unwatched();
    let good = (bed.config.clone(), bed.rules.clone());
    bed.config["dingtalk"]["dt_main"]["listen_prot"] = 1.into();
    bed.config["dingtalk"]["dt_new"] = json!({ "app_key": "k" });
    bed.rules = marked("2 ");
    bed.rules["rules"][0]["to"] = json!({ "dt_mian": { "open_conversation_id": DEV } });
    let (said, code) = bed.reload();
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
    let (said, code) = bed.reload();
    assert!(said.starts_with("nothing was changed"), "{said}");
    assert_eq!(code, Some(0));
}

/// As at the start: 78 is for what stands in the files.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_changes_nothing_and_is_not_blamed_on_the_files() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = bed.start_unwatched();
    bed.rules = marked("2 ");
    bed.config["dingtalk"]["dt_main"]["app_secret"] = json!({ "env": "BRIDGE_TEST_NOT_SET" });
    let (said, code) = bed.reload();
    assert_eq!(code, Some(1), "{said}");
    for expected in [
        "error[E0501]: the environment variable BRIDGE_TEST_NOT_SET is not set",
        "nothing was changed: secrets are missing",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let line = process.wait_for_line("the files can't be applied; nothing was changed");
    assert_eq!(line["reason"], "secrets are missing");
    bed.config["dingtalk"]["dt_main"]["listen_prot"] = 1.into();
    let (said, code) = bed.reload();
    assert_eq!(code, Some(78), "{said}");
    for expected in ["E0501", "E0203", "the files have errors"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["1 a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bridge_nothing_is_reloaded() {
    let bed = Bed::new().await;
    let (said, code) = bed.reload();
    assert!(said.contains("no bridge runs"), "{said}");
    assert_eq!(code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_keeps_what_was_decided_when_it_was_accepted() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = bed.start_unwatched();
    bed.dev.faults().until_cleared(Fault::server_error());
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    process.wait_for_line("a send failed and will be tried again");
    bed.rules = json!({ "rules": [] });
    assert_eq!(bed.reload().1, Some(0));
    bed.ops.say(&bed.zhang, "nobody hears this").await.unwrap();
    bed.dev.faults().clear();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    process.stop();
    assert_eq!(bed.dev.transcript().sent_texts(), ["1 a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_whole_process_wait_for_a_restart() {
    let mut bed = Bed::new().await;
    bed.rules = marked("1 ");
    let mut process = bed.start_unwatched();
    bed.rules = marked("2 ");
    bed.config["global"]["log"]["level"] = "debug".into();
    bed.config["global"]["server"] = json!({ "max_connections": 7 });
    for _ in 0..2 {
        let (said, code) = bed.reload();
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
    let mut process = bed.start_unwatched();
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
