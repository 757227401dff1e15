//! `bridge init` writes files that pass the check, and nothing else.

mod support;

use std::os::unix::fs::PermissionsExt;

use support::{run, text};

const SETTINGS: [&str; 6] = [
    "--set",
    "app_key=dingkey",
    "--set",
    "app_secret=env:APP",
    "--set",
    "robot_code=robot",
];

fn init(dir: &std::path::Path, more: &[&str]) -> std::process::Output {
    init_for("dingtalk", dir, more)
}

fn init_for(platform: &str, dir: &std::path::Path, more: &[&str]) -> std::process::Output {
    let start = ["init", "--platform", platform];
    run(dir, &[&start[..], &SETTINGS, more].concat())
}

#[test]
fn what_it_writes_passes_the_check() {
    let rows: [(&[&str], &str); 3] = [
        (&[], "add a rule; the bridge logs the address"),
        (
            &[
                "--set",
                "signing_secret=env:APP",
                "--set",
                "listen_port=9000",
            ],
            "add a rule; the bridge logs the address",
        ),
        (
            &[
                "--channel",
                "open_conversation_id=cidA",
                "--channel",
                "open_conversation_id=cidB",
            ],
            "1 rule",
        ),
    ];
    for (more, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        let output = init(dir.path(), more);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(
            said.contains("put `app_secret` into the environment variable APP"),
            "{said}"
        );
        let checked = run(dir.path(), &["check", "--offline"]);
        let said = text(&checked.stderr) + &text(&checked.stdout);
        assert_eq!(checked.status.code(), Some(0), "{said}");
        assert!(said.contains(expected), "{said}");
        let config = dir.path().join("config/config.json");
        let mode = config.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it may hold secrets");
    }
}

#[test]
fn the_last_step_says_how_channels_of_the_platform_are_named() {
    let rows: [(&str, &[&str], &str); 3] = [
        (
            "dingtalk",
            &SETTINGS,
            "name channels in the rules by `open_conversation_id`: the group's open conversation id",
        ),
        // It is in no channel before a rule names one, so nobody could be heard there.
        (
            "irc",
            &["--set", "server=irc.example.org", "--set", "nick=bridge"],
            "name channels in the rules by `channel`: the channel's name with its sign",
        ),
        (
            "webhook",
            &["--set", "url=https://bots.example.com/hook"],
            "name its one channel in the rules: `\"webhook_main\": {}`",
        ),
    ];
    for (platform, settings, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        let start = ["init", "--platform", platform];
        let output = run(dir.path(), &[&start[..], settings].concat());
        let said = text(&output.stdout);
        assert!(said.contains(expected), "{said}{}", text(&output.stderr));
    }
}

#[test]
fn nothing_is_written_that_would_be_refused_and_nothing_is_overwritten() {
    let rows: [(&[&str], i32, &str); 4] = [
        (
            &["--set", "listen_prot=1"],
            78,
            "did you mean `listen_port`?",
        ),
        (&["--set", "listen_port=x"], 78, "expected a whole number"),
        (
            &["--channel", "open_conversation_id=cidA"],
            78,
            "at least two different channels",
        ),
        (&["--channel", "cidA"], 2, "write KEY=VALUE"),
    ];
    for (more, code, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        let output = init(dir.path(), more);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!dir.path().join("config").exists(), "{more:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let output = init_for("dingtlk", dir.path(), &[]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("linked: dingtalk"), "{said}");

    let args = ["init", "--platform", "dingtalk", "--set", "app_key=k"];
    let output = run(dir.path(), &args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--set app_secret=…") && said.contains("--set robot_code=…"),
        "{said}"
    );

    assert_eq!(init(dir.path(), &[]).status.code(), Some(0));
    let before = std::fs::read(dir.path().join("config/config.json")).unwrap();
    let output = init(dir.path(), &["--set", "listen_port=9000"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("exists and is not touched"));
    let after = std::fs::read(dir.path().join("config/config.json")).unwrap();
    assert_eq!(before, after);
}

#[test]
fn the_names_of_the_files_tell_their_formats() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        "--config",
        "config/config.toml",
        "--rules",
        "rules/rules.yaml",
    ];
    let channels = [
        "--channel",
        "open_conversation_id=cidA",
        "--channel",
        "open_conversation_id=cidB",
    ];
    let output = init(dir.path(), &[&files[..], &channels].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let checked = run(dir.path(), &["check", "--offline"]);
    let said = text(&checked.stderr) + &text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    assert!(
        said.contains("config/config.toml and rules/rules.yaml are fine"),
        "{said}"
    );

    let other = tempfile::tempdir().unwrap();
    let output = init(other.path(), &["--config", "config.ini"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("known endings: .json"));
    assert!(!other.path().join("rules").exists());
}
