//! Fuzz targets that run as ordinary tests: whatever the bytes, nothing panics, every problem has a
//! place in its file, and what is explained is what is planned.
//!
//! More of it: `BRIDGE_FUZZ_CASES=100000 cargo test --release -p bridge-bin --test fuzz`.

#[path = "fuzz/input.rs"]
mod input;

use std::sync::Arc;

use bridge_bin::files::Offline;
use bridge_core::catalog::Catalog;
use bridge_core::config::{Diagnostic, Loaded, Source, check_rules};
use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, Sender};
use bridge_core::rules::Rules;
use input::{File, damaged, examples, feed, is_inside, read};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// So much text at most is made of the small messages here.
const MOST_TEXT: usize = 1 << 20;

/// What a text in a file or in a group may be made of.
const BITS: [&str; 32] = [
    "{",
    "}",
    "{{",
    "}}",
    "{user}",
    "{msg}",
    "{time}",
    "{0}",
    "{1}",
    "{x}",
    "(",
    ")",
    "(?P<x>",
    "[a-z]",
    "[",
    "]",
    "*",
    "+",
    "?",
    "|",
    "^",
    "$",
    "\\",
    "\\d",
    "\\b",
    "(?i)",
    "{3}",
    "a",
    "群",
    "🎉",
    "<richheader title=\"",
    "\"/>",
];

fn text() -> impl Strategy<Value = String> {
    vec(prop::sample::select(&BITS[..]), 0..8).prop_map(|bits| bits.concat())
}

fn check_places(diagnostics: &[Diagnostic], bytes: usize) {
    for found in diagnostics {
        assert!(is_inside(&found.place), "{found:?}");
        assert!(
            found.labels.iter().all(|label| is_inside(&label.place)),
            "{found:?}"
        );
    }
    // A problem has a token of its own; none is reported without end.
    assert!(
        diagnostics.len() <= bytes + 16,
        "{} of {bytes} bytes",
        diagnostics.len()
    );
}

/// What is explained is what is planned, for a message from each channel that the rules know.
fn check_plans(rules: &Rules, said: &str) {
    let known = Address::new([("open_conversation_id", "cidOpsXXXXXXXXXXXXX==")]);
    let mut sources = vec![Channel::new("dt_main".into(), known)];
    sources.extend(rules.targets().cloned());
    for source in sources {
        let sender = Sender::new("monitor-1", said);
        let message = Message::new(source.address.clone(), sender, said);
        let planned: Vec<_> = rules
            .plan("dingtalk", &source, &message)
            .into_iter()
            .map(|one| (one.rule, one.channel, Arc::unwrap_or_clone(one.content)))
            .collect();
        let verdicts = rules.explain("dingtalk", &source, &message);
        let explained: Vec<_> = verdicts
            .iter()
            .flat_map(|verdict| verdict.targets.iter().map(move |target| (verdict, target)))
            .filter_map(|(verdict, target)| {
                let content = target.result.clone().ok()?;
                Some((verdict.rule.clone(), target.channel.clone(), content))
            })
            .collect();
        assert_eq!(planned, explained);
        assert!(
            planned
                .iter()
                .all(|(_, _, content)| content.text.len() < MOST_TEXT)
        );
    }
}

fn check(files: &(File, File), loaded: &Loaded, said: &str) {
    check_places(&loaded.diagnostics, files.0.1.len() + files.1.1.len());
    let is_refused = loaded.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(is_refused, loaded.setup.is_none());
    if let Some(setup) = &loaded.setup {
        check_plans(&setup.rules, said);
    }
}

#[test]
fn the_examples_themselves_pass() {
    for files in examples() {
        let loaded = read(&files);
        assert!(loaded.setup.is_some(), "{}", files.0.0);
        check(
            &files,
            &loaded,
            "告警 https://tracker.example.com/OPS-1 13812345678",
        );
    }
}

#[test]
fn any_config() {
    feed(&(damaged(true), text()), |(files, said)| {
        check(&files, &read(&files), &said)
    });
}

#[test]
fn any_rules() {
    let catalog = Catalog::linked().expect("the drivers are sound");
    feed(&(damaged(false), text()), |(files, said)| {
        check(&files, &read(&files), &said);
        let rules = Source {
            name: files.1.0.clone(),
            content: Ok(files.1.1.clone()),
        };
        check_places(&check_rules(&rules, &catalog), files.1.1.len());
    });
}

/// The first example with one rule, with this in it.
fn with_rule(more: &Value) -> (File, File) {
    let (config, _) = examples().swap_remove(0);
    let mut rule = json!({
        "from": { "dt_main": "*" },
        "to": { "dt_main": { "open_conversation_id": "cidOther" } },
    });
    for (key, value) in more.as_object().expect("an object") {
        rule[key] = value.clone();
    }
    let rules = json!({ "rules": [rule] }).to_string();
    (config, ("rules.json".to_owned(), rules.into_bytes()))
}

#[test]
fn any_template() {
    feed(&(text(), text()), |(format, said)| {
        let files = with_rule(&json!({ "msg": { "msg_format": format } }));
        check(&files, &read(&files), &said);
    });
}

#[test]
fn any_filters_and_replacements() {
    let replacement =
        (text(), text()).prop_map(|(pattern, with)| json!({ "pattern": pattern, "with": with }));
    let condition = (
        text(),
        prop::sample::select(vec!["text", "sender", "sender_id", "kind"]),
    )
        .prop_map(|(value, key)| json!({ key: value }));
    let inputs = (
        vec(replacement, 0..3),
        vec(condition, 0..3),
        any::<bool>(),
        text(),
    );
    feed(&inputs, |(replace, when, is_unless, said)| {
        let key = match is_unless {
            true => "unless",
            false => "when",
        };
        let files = with_rule(&json!({ key: when, "msg": { "replace": replace } }));
        check(&files, &read(&files), &said);
    });
}
