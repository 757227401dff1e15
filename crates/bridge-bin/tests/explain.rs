//! `bridge explain`, as it is called and as it answers: in sentences, in JSON, by its exit code.

mod support;

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use support::{DEV, OPS, SECRET, payload, payloads, run, text};

/// A folder with a config of two robots and these rules.
fn folder(rules: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let robot = |port: u16| {
        json!({ "app_key": "dingkey", "app_secret": SECRET, "robot_code": "dingx7q2m4k9t1b8w5z3",
                "signing_secret": SECRET, "listen_host": "127.0.0.1", "listen_port": port })
    };
    let config = json!({ "dingtalk": { "dt_main": robot(8082), "dt_partner": robot(8083) } });
    for (name, content) in [("config", config.to_string()), ("rules", rules.to_owned())] {
        let folder = dir.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join(name).with_extension("json"), content).expect("a file");
    }
    dir
}

/// From `OPS`: alarms go to the partner and stop, the rest but the robot's goes to `DEV`.
fn rules() -> String {
    format!(
        r##"{{ "rules": [
  {{ "id": "alarms",
    "from": {{ "dt_main": {{ "open_conversation_id": "{OPS}" }} }},
    "to": {{ "dt_partner": {{ "open_conversation_id": "cidPartner==" }} }},
    "when": {{ "text": "^告警" }},
    "stop": true,
    "msg": {{ "msg_format": "{{msg}}", "replace": [{{ "pattern": "\\d{{4,}}", "with": "#" }}] }} }},
  {{ "id": "both", "type": "connect",
    "channels": {{ "dt_main": [{{ "open_conversation_id": "{OPS}" }}, {{ "open_conversation_id": "{DEV}" }}] }},
    "unless": {{ "sender_id": "robot" }} }} ] }}"##
    )
}

fn explain(dir: &Path, more: &[&str]) -> Output {
    run(dir, &[&["explain", "--from", "dt_main"], more].concat())
}

fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_clause_that_decided_is_shown_with_its_place() {
    let dir = folder(&rules());
    let channel = format!("open_conversation_id={OPS}");
    let said = |more: &[&str]| {
        printed(&explain(
            dir.path(),
            &[&["--channel", &channel, "--user", "n"][..], more].concat(),
        ))
    };
    let rows: [(&[&str], &[&str]); 3] = [
        (
            &["--text", "告警：电话 13800138000"],
            &[
                "rule \"alarms\" matches (rules/rules.json:2:3)",
                "  when: text matches \"^告警\" (rules/rules.json:5:15)",
                "  -> {\"dt_partner\": {\"open_conversation_id\":\"cidPartner==\"}}: 1 part, size 17 of 14986",
                "     | 告警：电话 #",
                "rule \"both\" does not match (rules/rules.json:8:3)",
                "  rule \"alarms\" took the message and stops (rules/rules.json:6:5)",
                "it goes to 1 channel",
            ],
        ),
        (
            &["--text", "hello"],
            &[
                "rule \"alarms\" does not match (rules/rules.json:2:3)",
                "  when: text does not match \"^告警\" (rules/rules.json:5:15)",
                "  unless: sender_id is \"\", not \"robot\" (rules/rules.json:10:17)",
                "skipped, the message came from here",
                "     | n: hello",
                "it goes to 1 channel",
            ],
        ),
        (
            &["--text", "hello", "--user-id", "robot", "--kind", "file"],
            &[
                "rule \"both\" does not match (rules/rules.json:8:3)",
                "  unless: sender_id is \"robot\" (rules/rules.json:10:17)",
                "it goes nowhere",
            ],
        ),
    ];
    for (args, expected) in rows {
        let said = said(args);
        for line in expected {
            assert!(said.contains(line), "`{line}` is not in:\n{said}");
        }
    }
}

#[test]
fn sizes_are_told_for_each_part_and_what_is_empty_is_said() {
    let dir = folder(
        &rules()
            .replace(r"\\d{4,}", "(?s).+")
            .replace("\"#\"", "\"\""),
    );
    let channel = format!("open_conversation_id={OPS}");
    let ask = |said: &str| {
        printed(&explain(
            dir.path(),
            &["--channel", &channel, "--text", said],
        ))
    };
    assert!(ask("告警").contains("nothing is left to send; it becomes a dead letter"));
    let long = ask(&"x".repeat(20_000));
    assert!(
        long.contains(": 2 parts, size 14986 + 5023 of 14986"),
        "{}",
        &long[..900]
    );
}

#[test]
fn a_recorded_callback_is_decoded_without_its_signature() {
    let dir = folder(&rules());
    let event = |name: &str| {
        let path = payloads().join(name);
        explain(dir.path(), &["--event", &path.display().to_string()])
    };
    let said = printed(&event("text-group-at.json"));
    for line in [
        "  user \"张三\", user id \"042531297\", kind text",
        "  | 你好，帮我查一下今天的值班表",
        "     | 张三: 你好，帮我查一下今天的值班表",
        "it goes to 1 channel",
    ] {
        assert!(said.contains(line), "`{line}` is not in:\n{said}");
    }
    // DingTalk shows no answers, so what is answered stands above; it does not say whose that is.
    let said = printed(&event("reply-quote.json"));
    let shown = "     | > 发布窗口改到周四 20:00\n     | 张三: 这个时间定了吗？";
    assert!(said.contains(shown), "{said}");
    let said = printed(&event("picture.json"));
    assert!(said.contains(" is ignored: private_chat"), "{said}");
    assert!(!said.contains("it goes"), "{said}");
    let refused = event("http-headers.json.missing");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("can't be read"));
    std::fs::write(dir.path().join("broken.json"), "[1]").expect("a file");
    let refused = explain(dir.path(), &["--event", "broken.json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr)
            .contains("broken.json is nothing that dingtalk sends: the body is not"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn what_people_wrote_does_not_steer_the_terminal() {
    let dir = folder(&rules());
    let mut body: Value = serde_json::from_slice(&payload("text-group-at.json")).expect("JSON");
    body["text"]["content"] = "a\u{1b}[2J\n\u{202e}b".into();
    body["senderNick"] = "n\u{1b}]0;x\u{7}".into();
    std::fs::write(dir.path().join("event.json"), body.to_string()).expect("a file");
    let said = printed(&explain(dir.path(), &["--event", "event.json"]));
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!said.contains(steers), "{said:?}");
}

#[test]
fn a_message_that_holds_a_secret_is_held_back_and_not_shown() {
    let dir = folder(&rules());
    let channel = format!("open_conversation_id={OPS}");
    for format in ["text", "json"] {
        let said = format!("the password is {SECRET}");
        let args = [
            "--channel",
            &channel,
            "--text",
            &said,
            "--format",
            format,
            "--expect",
            "none",
        ];
        let said = printed(&explain(dir.path(), &args));
        assert!(said.contains("dingtalk.dt_main."), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[test]
fn the_json_form_says_all_that_is_said_in_sentences() {
    let dir = folder(&rules());
    let channel = format!("open_conversation_id={OPS}");
    let output = explain(
        dir.path(),
        &[
            "--channel",
            &channel,
            "--text",
            "告警 12345",
            "--format",
            "json",
        ],
    );
    let said: Value = serde_json::from_str(&printed(&output)).expect("JSON");
    let file = "rules/rules.json";
    let expected = json!({
        "messages": [{
            "from": { "instance": "dt_main", "address": { "open_conversation_id": OPS } },
            "user": "someone", "user_id": "", "kind": "text", "text": "告警 12345", "held_back": null,
            "rules": [
                {
                    "id": "alarms", "file": file, "line": 2, "column": 3, "matched": true,
                    "clauses": [
                        { "kind": "source", "file": file, "line": 3, "column": 26,
                          "text": format!("takes from {{\"dt_main\": {{\"open_conversation_id\":\"{OPS}\"}}}}") },
                        { "kind": "when", "file": file, "line": 5, "column": 15, "text": "when: text matches \"^告警\"" },
                    ],
                    "targets": [{
                        "instance": "dt_partner", "address": { "open_conversation_id": "cidPartner==" },
                        "skipped": null, "parts": [{ "text": "告警 #", "size": 8 }], "limit": 14986,
                    }],
                },
                {
                    "id": "both", "file": file, "line": 8, "column": 3, "matched": false,
                    "clauses": [{ "kind": "stop", "file": file, "line": 6, "column": 5,
                                  "text": "rule \"alarms\" took the message and stops" }],
                    "targets": [],
                },
            ],
        }],
        "ignored": [], "notices": [],
    });
    assert_eq!(said, expected);
    let path = payloads().join("picture.json").display().to_string();
    let output = explain(dir.path(), &["--event", &path, "--format", "json"]);
    let said: Value = serde_json::from_str(&printed(&output)).expect("JSON");
    assert_eq!(said["messages"], json!([]));
    assert_eq!(said["ignored"][0]["reason"], "private_chat");
}

#[test]
fn a_difference_from_what_is_expected_ends_with_1() {
    let dir = folder(&rules());
    let channel = format!("open_conversation_id={OPS}");
    let (dev, ops) = (
        format!("dt_main:open_conversation_id={DEV}"),
        format!("dt_main:open_conversation_id={OPS}"),
    );
    let ask = |said: &str, expected: &[&str]| {
        let mut args = vec!["--channel", &channel, "--text", said];
        args.extend(expected.iter().flat_map(|expected| ["--expect", expected]));
        explain(dir.path(), &args)
    };
    let rows: [(&str, &[&str], i32, &[&str]); 9] = [
        ("hello", &[&dev], 0, &[]),
        (
            "告警",
            &["dt_partner:open_conversation_id=cidPartner=="],
            0,
            &[],
        ),
        ("hello", &[&dev, &dev], 0, &[]),
        (
            "hello",
            &["none"],
            1,
            &[
                "it does not go where --expect says",
                "\n  not expected: {\"dt_main\"",
            ],
        ),
        (
            "hello",
            &[&dev, &ops],
            1,
            &["\n  missing: {\"dt_main\": {\"open_conversation_id\":\"ciddyW"],
        ),
        (
            "hello",
            &[&dev, "none"],
            1,
            &["--expect none can't stand beside another --expect"],
        ),
        (
            "hello",
            &["dt_mian:x=y"],
            1,
            &[
                "names no instance of the config",
                "known: dt_main, dt_partner",
            ],
        ),
        (
            "hello",
            &["dt_main"],
            1,
            &["names no channel; write dt_main:open_conversation_id=…"],
        ),
        (
            "hello",
            &["dt_main:room=1"],
            1,
            &["names no channel; write dt_main:open_conversation_id=…"],
        ),
    ];
    for (said, expected, code, errors) in rows {
        let output = ask(said, expected);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{expected:?}: {stderr}");
        for error in errors {
            assert!(stderr.contains(error), "`{error}` is not in {stderr}");
        }
        assert_eq!(stderr.is_empty(), code == 0, "{stderr}");
    }
}

#[test]
fn options_that_do_not_go_together_are_wrong_usage() {
    let dir = folder(&rules());
    for args in [
        &["--channel", "open_conversation_id=x"][..],
        &["--text", "x", "--event", "y"],
        &["--event", "y", "--channel", "open_conversation_id=x"],
        &["--event", "y", "--user", "x"],
        &["--text", "x", "--kind", "txt"],
        &["--text", "x", "--format", "yaml"],
    ] {
        let output = explain(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
