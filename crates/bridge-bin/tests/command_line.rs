//! What an operator types, and what the bridge says to bad input: each its own sentence, and
//! nothing half started.

#[path = "command_line/capabilities.rs"]
mod capabilities;
#[path = "command_line/formats.rs"]
mod formats;
mod support;

use std::path::Path;

use serde_json::json;
use support::{Bed, DEV, PATIENCE, SECRET, run, text};

/// The config snippet of the page that the DingTalk driver was asked for, word for word.
const PAGE_CONFIG: &str = r#"{
  "dingtalk": {
    "dt_main": {
      "app_key": "dingxxxxxxxxxx",
      "app_secret": "your_app_secret",
      "robot_code": "your_robot_code",
      "signing_secret": "your_signing_secret",
      "listen_port": 8082,
      "listen_path": "/dingtalk/event"
    }
  }
}"#;

/// The page's channel snippet, once under `channels` and once under `from` and `to`.
const PAGE_RULES: &str = r#"{ "rules": [
  { "type": "connect", "channels": { "dt_main": [
      { "open_conversation_id": "cidXXXXXXXXXXXXXXX" }, { "open_conversation_id": "cidYYYYYYYYYYYYYYY" } ] } },
  { "from": {
  "dt_main": { "open_conversation_id": "cidXXXXXXXXXXXXXXX" }
}, "to": { "dt_main": { "open_conversation_id": "cidZZZZZZZZZZZZZZZ" } } } ] }"#;

fn write(dir: &Path, config: &str, rules: &str) {
    for (folder, content) in [("config", config), ("rules", rules)] {
        std::fs::create_dir_all(dir.join(folder)).expect("a temporary folder can be written");
        std::fs::write(dir.join(folder).join(format!("{folder}.json")), content)
            .expect("a temporary folder can be written");
    }
}

#[test]
fn the_page_s_snippets_work_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), PAGE_CONFIG, PAGE_RULES);
    let output = run(dir.path(), &["check", "--offline"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("are fine"),
        "{}",
        text(&output.stdout)
    );
    assert!(
        !dir.path().join("data").exists(),
        "a check leaves nothing behind"
    );
}

#[test]
fn files_that_can_not_be_used_end_with_78_and_a_sentence() {
    let rules = r#"{"rules": []}"#;
    let instance = r#""app_key": "k", "app_secret": "s", "robot_code": "r", "signing_secret": "s""#;
    let config = |more: &str| format!(r#"{{"dingtalk": {{"dt_main": {{{instance}{more}}}}}}}"#);
    let good = config("");
    let rows = [
        (
            "",
            rules,
            "the file is empty\n--> config/config.json\n = help: write a JSON object",
        ),
        ("nonsense", rules, "this is not JSON"),
        ("[]", rules, "expected an object of platforms, found a list"),
        (r#"{"dingtlk": {}}"#, rules, "did you mean `dingtalk`?"),
        (
            &config(r#", "listen_prot": 1"#),
            rules,
            "did you mean `listen_port`?",
        ),
        (
            &config(r#", "app_key": "k""#),
            rules,
            "the key \"app_key\" stands here a second time",
        ),
        (
            &config(r#", "listen_port": "80""#),
            rules,
            "expected a whole number, found a string",
        ),
        (
            &config(r#", "listen_path": "x""#),
            rules,
            "\"x\" does not begin with \"/\"\n",
        ),
        (
            &config(r#", "listen_host": "example""#),
            rules,
            "\"example\" is not an IP address\n",
        ),
        (
            &config(r#", "api_base": "http://example.com""#),
            rules,
            "the URL is plain http to another machine",
        ),
        (
            r#"{"dingtalk": {"dt_main": {}}}"#,
            rules,
            "the key \"robot_code\" is missing",
        ),
        (
            &good,
            "",
            "the file is empty\n--> rules/rules.json\n = help: write a JSON object",
        ),
        (
            &good,
            r#"{"rules": {}}"#,
            "expected a list of rules, found an object",
        ),
        (
            &good,
            r#"{"rules": [{"from": {"dt_mian": "*"}, "to": {"dt_main": {"open_conversation_id": "c"}}}]}"#,
            "did you mean `dt_main`?",
        ),
        (
            &good,
            r#"{"rules": [{"from": {"dt_main": "*"}, "to": {"dt_main": {"open_conversation_id": "c", "msg": {"msg_format": "{usr}"}}}}]}"#,
            "unknown placeholder {usr}",
        ),
    ];
    for (config, rules, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), config, rules);
        for command in [&["check", "--offline"][..], &["run"]] {
            let output = run(dir.path(), command);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(78), "{config} {rules}\n{said}");
            assert!(said.contains(expected), "{config} {rules}\n{said}");
            assert!(
                !dir.path().join("data").exists(),
                "{command:?} left something behind"
            );
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["check", "--offline"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(78));
    assert!(
        said.contains("the file does not exist\n--> config/config.json"),
        "{said}"
    );
    assert!(
        said.contains("the file does not exist\n--> rules/rules.json"),
        "{said}"
    );
}

#[test]
fn check_names_both_instances_of_one_port() {
    let instance =
        json!({ "app_key": "k", "app_secret": "s", "robot_code": "r", "signing_secret": "s" });
    let config = json!({ "dingtalk": { "dt_main": instance, "dt_other": instance } });
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &config.to_string(), r#"{"rules": []}"#);
    let output = run(dir.path(), &["check", "--offline"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    let expected =
        "\"dingtalk.dt_other\" and \"dingtalk.dt_main\" listen on the same address: 0.0.0.0:8082";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn no_signing_secret_is_a_warning_that_says_what_to_set() {
    let config =
        r#"{"dingtalk": {"dt_main": {"app_key": "k", "app_secret": "s", "robot_code": "r"}}}"#;
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), config, r#"{"rules": []}"#);
    let output = run(dir.path(), &["check", "--offline"]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    assert!(
        said.contains("set `signing_secret` to the app's Client Secret"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_can_not_be_used_ends_with_1_and_a_sentence() {
    let mut bed = Bed::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    bed.config["dingtalk"]["dt_main"]["listen_port"] = port.into();
    bed.write_files();
    let output = run(bed.path(), &["run"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("127.0.0.1:{port}")) && said.contains("dt_main"),
        "{said}"
    );
    let output = run(bed.path(), &["check"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "a warning in check: {said}");
    assert!(said.contains("can't be bound"), "{said}");

    // A folder below a file can't be made, not even by root.
    bed.config["dingtalk"]["dt_main"]["listen_port"] = 0.into();
    bed.config["global"]["data_dir"] = "config/config.json/data".into();
    bed.write_files();
    let output = run(bed.path(), &["run"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("config/config.json/data") && said.contains("data_dir"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_bridge_on_the_same_data_is_refused_with_one_error() {
    let bed = Bed::new().await;
    let _first = bed.start();
    let output = run(bed.path(), &["run"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let errors: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("error["))
        .collect();
    assert_eq!(errors.len(), 1, "{said}");
    assert!(errors[0].contains("in use by another bridge"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_finds_the_channels() {
    let mut bed = Bed::new().await;
    bed.rules = json!({ "rules": [] });
    let mut process = bed.start();
    bed.dev.say(&bed.zhang, "hello").await.unwrap();
    bed.dev.say(&bed.zhang, "hello again").await.unwrap();
    let line = process.wait_for_line("heard a channel that no rule names");
    let address = format!("{{\"dt_main\": {{\"open_conversation_id\":\"{DEV}\"}}}}");
    assert_eq!(line["address"], address);
    assert_eq!(line["title"], "开发群");
    assert_eq!(line["level"], "INFO");
    let (_, log) = process.stop();
    assert_eq!(
        log.matches("heard a channel that no rule names").count(),
        1,
        "{log}"
    );
    assert!(
        log.contains("there are no rules") && log.contains("no rule uses the instance"),
        "{log}"
    );

    let output = run(bed.path(), &["channels"]);
    let listed = text(&output.stdout);
    assert!(
        listed.starts_with(&address) && listed.contains("开发群"),
        "{listed}"
    );
    assert!(listed.contains("in no rule"), "{listed}");

    // What was logged is what the rules take.
    bed.rules = json!({ "rules": [{ "from": serde_json::from_str::<serde_json::Value>(&address).unwrap(),
        "to": { "dt_main": { "open_conversation_id": support::OPS } } }] });
    let _process = bed.start();
    bed.dev.say(&bed.zhang, "now it works").await.unwrap();
    let transcript = bed.ops.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["张三: now it works"]);
    let beside_a_running_one = run(bed.path(), &["channels"]);
    assert!(text(&beside_a_running_one.stdout).contains("in the rules"));
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_says_so_when_nothing_has_come_yet() {
    let bed = Bed::new().await;
    bed.write_files();
    let output = run(bed.path(), &["channels"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("nothing has come from any channel yet"));
    assert!(!bed.path().join("data").exists(), "looking makes no store");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_the_clause_and_the_text() {
    let bed = Bed::new().await;
    bed.write_files();
    let channel = format!("open_conversation_id={DEV}");
    let explain = |more: &[&str]| {
        let args = [&["explain", "--text", "hi", "--user", "张三"][..], more].concat();
        run(bed.path(), &args)
    };
    let output = explain(&["--from", "dt_main", "--channel", &channel]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        said.contains("rule \"ops-dev\" matches (rules/rules.json:1:"),
        "{said}"
    );
    assert!(
        said.contains("| 张三: hi") && said.contains("it goes to 1 channel"),
        "{said}"
    );
    assert!(
        said.contains("skipped, the message came from here"),
        "{said}"
    );
    let rows = [
        (
            &["--from", "dt_mian", "--channel", &channel][..],
            "known: dt_main",
        ),
        (
            &["--from", "dt_main"],
            "add --channel open_conversation_id=",
        ),
        (
            &[
                "--from",
                "dt_main",
                "--channel",
                &channel,
                "--channel",
                "x=y",
            ],
            "unknown channel key \"x\"",
        ),
    ];
    for (args, expected) in rows {
        let output = explain(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(
            text(&output.stderr).contains(expected),
            "{}",
            text(&output.stderr)
        );
    }
    let usage = explain(&["--from", "dt_main", "--channel", "no equals sign"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn drivers_lists_what_is_linked() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["drivers"]);
    let said = text(&output.stdout);
    let level = bridge_core::API_LEVEL;
    let binary = format!("bridge {}, API level {level}\n", env!("CARGO_PKG_VERSION"));
    assert!(said.starts_with(&binary), "{said}");
    assert!(said.contains("\ndingtalk: "), "{said}");
    let package = format!(
        "\n  driver-dingtalk {}, API level {level}\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(said.contains(&package), "{said}");
    for key in [
        "app_key",
        "app_secret",
        "robot_code",
        "signing_secret",
        "listen_port",
        "listen_path",
        "open_conversation_id",
    ] {
        assert!(said.contains(key), "{said}");
    }
}

#[test]
fn docs_are_of_one_platform_or_of_all() {
    let dir = tempfile::tempdir().unwrap();
    let (one, all) = (
        run(dir.path(), &["docs", "dingtalk"]),
        run(dir.path(), &["docs"]),
    );
    let one = text(&one.stdout);
    assert!(one.starts_with("# dingtalk\n"), "{one}");
    assert!(text(&all.stdout).contains(one.trim_end()), "{one}");
    let none = run(dir.path(), &["docs", "dingtlk"]);
    assert_eq!(none.status.code(), Some(1));
    let said = text(&none.stderr);
    assert!(
        said.contains("driver \"dingtlk\" is not linked into this binary; linked: "),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_may_come_from_the_environment_and_from_files() {
    let mut bed = Bed::new().await;
    std::fs::write(bed.path().join("secret"), format!("{SECRET}\n")).unwrap();
    bed.config["dingtalk"]["dt_main"]["app_secret"] = json!({ "file": "secret" });
    bed.config["dingtalk"]["dt_main"]["signing_secret"] = json!({ "file": "secret" });
    let process = bed.start();
    bed.ops.say(&bed.zhang, "hi").await.unwrap();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    process.kill();
    bed.config["dingtalk"]["dt_main"]["app_secret"] = json!({ "env": "BRIDGE_TEST_NOT_SET" });
    bed.write_files();
    let output = run(bed.path(), &["run"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("BRIDGE_TEST_NOT_SET is not set"), "{said}");
    assert_eq!(
        run(bed.path(), &["check", "--offline"]).status.code(),
        Some(0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_level_with_a_typo_is_refused() {
    let mut bed = Bed::new().await;
    bed.config["global"]["log"] = json!({ "level": "loud" });
    bed.write_files();
    let output = run(bed.path(), &["check", "--offline"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("\"loud\" is no log level"));
}

#[test]
fn without_the_environment_a_proxy_may_be_a_secret_too() {
    let config = r#"{"global": {"proxy": {"env": "BRIDGE_TEST_PROXY"}}, "dingtalk": {"dt_main": {
        "app_key": "k", "app_secret": "s", "robot_code": "r", "signing_secret": "s" }}}"#;
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), config, r#"{"rules": []}"#);
    for command in [&["check", "--offline"][..], &["channels"]] {
        let output = run(dir.path(), command);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_s_title_can_not_forge_a_line() {
    let bed = Bed::new().await;
    let forged = bed.sandbox.add_group("cidForged==", "x\n\u{1b}[31mFAKE");
    forged.add_robot(&bed.robot);
    let process = bed.start();
    forged.say(&bed.zhang, "hi").await.unwrap();
    let (status, log) = process.stop();
    assert!(status.success(), "{log}");
    let listed = text(&run(bed.path(), &["channels"]).stdout);
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(
        !listed.contains('\u{1b}') && listed.contains("FAKE"),
        "{listed}"
    );
}
