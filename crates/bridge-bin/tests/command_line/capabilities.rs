//! `bridge capabilities`: which pairs it shows, and that the document shows what it prints.

use serde_json::Value;

use super::support::{root, run, text};
use super::{PAGE_CONFIG, write};

const CONFIG: &str = r#"{ "dingtalk": {
    "a": { "app_key": "k", "app_secret": "secret-1", "robot_code": "r", "signing_secret": "secret-2",
           "listen_port": 8082, "listen_path": "/a", "rate_per_second": 7 },
    "b": { "app_key": "k", "app_secret": "secret-1", "robot_code": "s", "signing_secret": "secret-2",
           "listen_port": 8083, "listen_path": "/b" } } }"#;

const RULES: &str = r#"{ "rules": [
    { "from": { "b": { "open_conversation_id": "cid1" } }, "to": { "a": { "open_conversation_id": "cid2" } } },
    { "type": "connect", "channels": {
        "b": [ { "open_conversation_id": "cid1" }, { "open_conversation_id": "cid3" } ] } } ] }"#;

fn pairs(args: &[&str]) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), CONFIG, RULES);
    let output = run(
        dir.path(),
        &[&["capabilities", "--format=json"], args].concat(),
    );
    let tables: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let name = |table: &Value, key: &str| table[key].as_str().expect("a name").to_owned();
    let pair = |table: &Value| format!("{} → {}", name(table, "from"), name(table, "to"));
    tables.iter().map(pair).collect()
}

#[test]
fn pairs_that_rules_connect_come_first_or_alone() {
    assert_eq!(pairs(&[]), ["b → a", "b → b"]);
    assert_eq!(pairs(&["--all"]), ["b → a", "b → b", "a → a", "a → b"]);
}

#[test]
fn a_table_says_what_becomes_of_what_and_heeds_the_config() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), CONFIG, RULES);
    let output = run(dir.path(), &["capabilities"]);
    let said = text(&output.stdout);
    let (to_a, to_b) = said.split_once("\nb → b\n").expect("two tables");
    assert!(to_a.starts_with("b → a\n"), "{said}");
    for (table, rate) in [(to_a, " 7"), (to_b, " 20")] {
        let row = |what: &str| {
            let mut rows = table.lines();
            let row = rows.find(|row| row.trim_start().starts_with(what));
            row.unwrap_or_else(|| panic!("{what} in {table}"))
        };
        assert!(row("sends a second").ends_with(rate), "{table}");
        assert!(
            row("replies").ends_with("one quoted line above the text"),
            "{table}"
        );
        assert!(row("recalls").ends_with("not heard"), "{table}");
    }
}

#[test]
fn without_rules_there_is_no_pair_and_with_errors_no_table() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), PAGE_CONFIG, r#"{ "rules": [] }"#);
    let output = run(dir.path(), &["capabilities"]);
    assert!(text(&output.stdout).contains("no rule connects two channels"));
    write(dir.path(), PAGE_CONFIG, "{");
    let output = run(dir.path(), &["capabilities"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
}

#[test]
fn the_committed_table_is_that_of_this_binary() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = run(dir.path(), &["capabilities", "--drivers", "--format=json"]);
    let committed = std::fs::read_to_string(root().join("docs/capabilities.json"));
    assert!(
        committed.expect("a committed table") == text(&output.stdout),
        "docs/capabilities.json is out of date; run `cargo xtask generate`"
    );
}
