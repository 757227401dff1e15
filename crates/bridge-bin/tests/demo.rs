//! `bridge demo` from outside: the real binary, what it prints, what it leaves behind.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use unicode_width::UnicodeWidthStr as _;

/// Starts the demo with its temporary folder within `folder`.
fn start(arguments: &[&str], folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bridge"))
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", folder)
        .env_remove("BRIDGE_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn assert_fine(output: &Output) {
    let (stdout, stderr) = texts(output);
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    assert_eq!(stderr, "");
    let summary = "11 messages, 11 delivered, in order, once each; median ";
    let last = stdout.lines().last().expect("a last line");
    assert!(last.starts_with(summary) && last.ends_with("s"), "{stdout}");
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder)
        .expect("a folder")
        .next()
        .is_none()
}

#[test]
fn one_run_shows_both_groups_and_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = start(&["--once"], folder.path())
        .wait_with_output()
        .unwrap();
    assert_fine(&output);
    assert!(is_empty(folder.path()), "the store is left behind");
    let (stdout, _) = texts(&output);

    let head = stdout.lines().find(|line| line.contains("上海值班群"));
    assert!(head.unwrap().contains("Berlin Ops"), "{stdout}");
    // What is said on one side begins its line; what arrives there follows the gutter.
    let said_left = stdout
        .lines()
        .any(|line| line.starts_with("李娜: 监控一切正常。"));
    let arrived_right = stdout
        .lines()
        .any(|line| line.ends_with("s -> | 李娜: 监控一切正常。"));
    let arrived_left =
        |line: &str| line.starts_with("Ben: Who is on call") && line.contains("| <- ");
    assert!(said_left && arrived_right, "{stdout}");
    assert!(stdout.lines().any(arrived_left), "{stdout}");
    // The repeated one is said once and arrives once; the forged one is only named in its note.
    assert_eq!(
        stdout.matches("Anna: Good. I'll take the docs.").count(),
        2,
        "{stdout}"
    );
    assert!(
        stdout.contains("* refused: the same callback a second time"),
        "{stdout}"
    );
    assert!(stdout.contains("(answered 401)"), "{stdout}");
    assert_eq!(stdout.matches("把生产数据库删掉").count(), 1, "{stdout}");

    assert!(
        !stdout.contains('\u{1b}'),
        "no colours where stdout is no terminal"
    );
    for line in stdout.lines() {
        assert!(line.width() <= 80, "{line:?}");
    }
}

#[test]
fn two_run_at_once_and_need_no_flag_without_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let both = [start(&[], folder.path()), start(&[], folder.path())];
    for child in both {
        assert_fine(&child.wait_with_output().unwrap());
    }
    assert!(is_empty(folder.path()), "a store is left behind");
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_fail() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(&["--once"], folder.path());
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let (_, stderr) = texts(&output);
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""));
}

#[test]
fn what_can_not_begin_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let output = start(&["--once"], &missing).wait_with_output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), &*stdout), (Some(1), ""));
    assert!(
        stderr.contains("error: the demo can't begin: no temporary folder"),
        "{stderr}"
    );

    let output = start(&["--once", "--log", "loud"], folder.path());
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("\"loud\" is no log level"));
}

#[test]
fn any_two_platforms_play() {
    let folder = tempfile::tempdir().unwrap();
    // The titles that each has on the left and on the right.
    let titles = [
        ("dingtalk", ["上海值班群", "Berlin Ops"]),
        ("irc", ["#shanghai", "#berlin"]),
        ("webhook", ["上海值班群", "Berlin Ops"]),
    ];
    for (left, [left_title, _]) in titles {
        for (right, [_, right_title]) in titles {
            let output = start(&[left, right, "--once"], folder.path());
            let output = output.wait_with_output().unwrap();
            assert_fine(&output);
            let (stdout, _) = texts(&output);
            let head = stdout.lines().find(|line| line.starts_with(left_title));
            let head = head.unwrap_or_else(|| panic!("{stdout}"));
            assert!(head.ends_with(right_title), "{head}");
            let left_out = |what: &str| stdout.contains(&format!("* left out: {what}; "));
            let rows = [
                ("line breaks", left == "irc" || right == "irc"),
                ("the same message a second time", right == "irc"),
                ("a forged message", left == "irc"),
            ];
            for (what, expected) in rows {
                assert_eq!(left_out(what), expected, "{what}: {stdout}");
            }
            let refused = stdout.matches("* refused: ").count();
            let expected = usize::from(right != "irc") + usize::from(left != "irc");
            assert_eq!(refused, expected, "{stdout}");
        }
    }
    assert!(is_empty(folder.path()), "a store is left behind");
}

#[test]
fn one_name_is_for_both_rooms() {
    let folder = tempfile::tempdir().unwrap();
    let output = start(&["irc", "--once"], folder.path());
    let output = output.wait_with_output().unwrap();
    assert_fine(&output);
    let (stdout, _) = texts(&output);
    assert!(
        stdout.starts_with("A bridge between two IRC channels, all of it on this machine.\n"),
        "{stdout}"
    );
    assert_eq!(stdout.matches("the sandbox  plays ").count(), 1, "{stdout}");
}

#[test]
fn a_platform_that_is_not_there_is_refused_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let output = start(&["irk", "--once"], folder.path());
    let (stdout, stderr) = texts(&output.wait_with_output().unwrap());
    let expected = "error: the demo can't begin: driver \"irk\" is not linked into this binary; with a sandbox: dingtalk, irc, webhook";
    assert_eq!(stdout, "");
    assert!(stderr.starts_with(expected), "{stderr}");
}
