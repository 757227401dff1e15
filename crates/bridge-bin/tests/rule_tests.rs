//! `bridge test`: files of tests for rules, what is said of wrong ones, and of rules that do
//! something else.

mod support;

use support::{root, run, text};

const PAIR: [&str; 4] = [
    "--config",
    "config/two-robots.example.json",
    "--rules",
    "rules/two-robots.example.json",
];

/// Runs the text as tests of the example: the code, stdout and stderr.
fn test(tests: &str) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("t.json");
    std::fs::write(&file, tests).expect("a temporary folder can be written");
    let file = file.to_str().expect("a temporary path is UTF-8");
    let output = run(&root(), &[&["test"][..], &PAIR, &[file]].concat());
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output.status.code(), stdout, stderr)
}

fn case(keys: &str) -> String {
    let from = r#""from": { "dt_main": { "open_conversation_id": "cidMainXXXXXXXXXXXX==" } }"#;
    format!(r#"{{ "tests": [ {{ "name": "n", {from}, {keys} }} ] }}"#)
}

#[test]
fn the_example_s_tests_pass_without_being_named() {
    let output = run(&root(), &[&["test"][..], &PAIR].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "3 tests passed\n");
}

#[test]
fn what_the_rules_do_otherwise_is_shown_line_by_line() {
    let partner = r#"{ "dt_partner": { "open_conversation_id": "cidPartnerXXXXXXXXX==" } }"#;
    let other = r#"{ "dt_partner": { "open_conversation_id": "cidOther" } }"#;
    let rows = [
        (
            format!(
                r#""text": "a", "user": "u", "expect": [{{ "to": {partner}, "text": "[u · dt_main]\nb" }}]"#
            ),
            "      [u · dt_main]\n    - b\n    + a\n",
        ),
        (
            format!(r#""text": "a", "expect": [{{ "to": {partner} }}, {{ "to": {other} }}]"#),
            "\"cidOther\"}}: expected, but no rule sends it there",
        ),
        (
            r#""text": "a", "expect": []"#.to_owned(),
            "not expected, but rule \"with-the-partner\" sends it there (rules/two-robots.example.json:5:5)",
        ),
    ];
    for (keys, expected) in rows {
        let (code, stdout, stderr) = test(&case(&keys));
        assert_eq!(code, Some(1), "{stdout}{stderr}");
        assert!(stdout.contains(expected), "{stdout}");
        assert!(stderr.contains("1 of 1 test failed"), "{stderr}");
    }
}

#[test]
fn a_file_of_tests_that_is_wrong_is_said_to_be() {
    let partner = r#"{ "dt_partner": { "open_conversation_id": "c" } }"#;
    let expecting = |to: &str| case(&format!(r#""text": "a", "expect": [{{ "to": {to} }}]"#));
    let rows = [
        (String::new(), "E0103"),
        ("{".to_owned(), "E0104"),
        (r#"{ "test": [] }"#.to_owned(), "did you mean `tests`?"),
        (
            case(r#""text": 5, "expect": []"#),
            "expected a string, found a number",
        ),
        (case(r#""text": "a""#), "the key \"expect\" is missing"),
        (case(r#""text": "a", "time": "now", "expect": []"#), "E0206"),
        (expecting(r#"{ "dt_main": "*" }"#), "E0304"),
        (expecting(r#"{ "dt_mian": {} }"#), "did you mean `dt_main`?"),
        (expecting(r#"{ "dt_main": {} }"#), "E0303"),
        (
            case(&format!(
                r#""text": "a", "expect": [{{ "to": {partner} }}, {{ "to": {partner} }}]"#
            )),
            "this channel is expected twice",
        ),
        (
            expecting(r#"{ "dt_main": { "open_conversation_id": "c", "msg": {} } }"#),
            "\"msg\" belongs to a rule, not to a test",
        ),
        (
            expecting(
                r#"{ "dt_main": [{ "open_conversation_id": "c" }, { "open_conversation_id": "d" }] }"#,
            ),
            "\"to\" of a test names one channel",
        ),
    ];
    for (tests, expected) in rows {
        let (code, stdout, stderr) = test(&tests);
        assert_eq!(code, Some(78), "{tests}\n{stdout}{stderr}");
        assert!(stderr.contains(expected), "{tests}\n{stderr}");
    }
}
