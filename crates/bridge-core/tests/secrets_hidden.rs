//! Whatever becomes of a config that holds a secret, nothing that is said of it shows the secret,
//! nor as much as six characters of it in a row.

mod support;

use bridge_core::config::{Diagnostic, Loaded, Place};
use proptest::collection::vec;
use proptest::prelude::*;
use support::load_texts;

/// As a platform makes secrets up: letters and digits in turn.
const CANARY: &str = "Zq7Xk2Vw9Lm4Tb6Yh3Np8Rd5";

/// So many characters in a row give a secret away.
const MOST_SHOWN: usize = 5;

const RULES: &str = r#"{"rules": []}"#;

fn config() -> String {
    format!(
        r#"{{
  "global": {{ "proxy": "http://user:{CANARY}@proxy.example:3128", "delivery": {{ "max_age": "24h" }} }},
  "chat": {{
    "a": {{ "app": "x", "password": "{CANARY}", "port": 8082, "on_uncertain": "park" }},
    // The one that is still good: {CANARY}
    "b": {{
      "app": "x",
      "password": "{CANARY}",
      "max_age": "24h"
    }}
  }},
  "pipe": {{ "p": {{ "app": "x", "password": "{CANARY}", "passes": {{ "X-Pass": "{CANARY}", "Y": {{ "env": "PASSWORD" }} }} }} }}
}}
"#
    )
}

/// Everything that anybody may print of it: each text, and every line of every file that a snippet
/// could show.
fn said(loaded: &Loaded) -> String {
    let mut said = format!("{loaded:?}");
    for diagnostic in &loaded.diagnostics {
        let Diagnostic {
            path,
            problem,
            help,
            place,
            labels,
            ..
        } = diagnostic;
        said += &format!("{diagnostic}\n{path}\n{problem}\n{help}\n");
        let labelled = labels.iter().map(|label| {
            said += &label.text;
            &label.place
        });
        let places: Vec<_> = labelled.chain([place]).collect();
        for place in places {
            if let Place::Span(document, _) = place {
                // Past its end the last line counts.
                let (last, _) = document.place(usize::MAX);
                said += &document.excerpt(1..=last).text;
            }
        }
    }
    said
}

/// The part of the canary that stands in the text.
fn part_in(text: &str) -> Option<&'static str> {
    let starts = 0..CANARY.len() - MOST_SHOWN;
    let mut parts = starts.map(|start| &CANARY[start..=start + MOST_SHOWN]);
    parts.find(|part| text.contains(part))
}

/// Whether a part of the canary stands in a key with an object. That may be an instance, which is
/// called by its name.
fn names_an_object(config: &str) -> bool {
    let before = config.split('{').rev().skip(1).map(str::trim_end);
    let mut keys = before.filter_map(|before| {
        let before = before.strip_suffix(':')?.trim_end().strip_suffix('"')?;
        Some(before.rsplit('"').next().unwrap_or(before))
    });
    keys.any(|key| part_in(key).is_some())
}

#[derive(Debug, Clone)]
enum Edit {
    Remove(prop::sample::Index, usize),
    Insert(prop::sample::Index, &'static str),
    Double(prop::sample::Index, usize),
}

const PIECES: [&str; 22] = [
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    " ",
    "\": \"",
    "\", \"",
    "\": {\"",
    "//",
    "/*",
    "*/",
    "null",
    "7",
    "\\",
    "\\u",
    "=",
    "password: ",
];

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at(), prop::sample::select(&PIECES[..])).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (at(), 1..60_usize).prop_map(|(at, length)| Edit::Double(at, length)),
    ]
}

fn edited(mut text: String, edits: &[Edit]) -> String {
    for edit in edits {
        if text.is_empty() {
            break;
        }
        let (Edit::Remove(at, _) | Edit::Insert(at, _) | Edit::Double(at, _)) = edit;
        let at = at.index(text.len());
        match edit {
            Edit::Remove(_, length) => drop(text.drain(at..(at + length).min(text.len()))),
            Edit::Insert(_, piece) => text.insert_str(at, piece),
            Edit::Double(_, length) => {
                let part = text[at..(at + length).min(text.len())].to_owned();
                text.insert_str(at, &part);
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_edit_of_a_config_brings_its_secrets_to_light(edits in vec(edit(), 1..6)) {
        let config = edited(config(), &edits);
        if names_an_object(&config) {
            return Ok(());
        }
        let said = said(&load_texts(&config, RULES));
        prop_assert_eq!(part_in(&said), None, "{}\n{}", config, said);
    }
}

#[test]
fn a_config_that_is_taken_for_the_rules_shows_nothing_either() {
    let config = config();
    let config = config.replace(&format!("// The one that is still good: {CANARY}"), "");
    let marks = config.match_indices(|c: char| "{}[]\":,".contains(c));
    let damaged = marks.map(|(at, mark)| config[..at].to_owned() + &config[at + mark.len()..]);
    for rules in damaged.chain([config.clone()]) {
        let said = said(&load_texts(support::CONFIG, &rules));
        assert_eq!(part_in(&said), None, "{rules}\n{said}");
    }
}

#[test]
fn secrets_in_the_place_of_names_are_not_named() {
    let instance =
        |password: &str| format!(r#"{{"chat": {{"a": {{"app": "x", "password": {password}}}}}}}"#);
    let top =
        |more: &str| format!(r#"{{{more}, "chat": {{"a": {{"app": "x", "password": "p"}}}}}}"#);
    let configs = [
        instance(&format!(r#"{{"env": "{CANARY}"}}"#)),
        instance(&format!(r#"{{"file": "{CANARY}"}}"#)),
        instance(&format!(r#"{{"{CANARY}": "x"}}"#)),
        instance(&format!(r#"{{"env": "{CANARY}", "x": "{CANARY}"}}"#)),
        instance(&format!(r#"["{CANARY}"]"#)),
        instance(&format!(r#""p", "{CANARY}": 1"#)),
        instance(&format!(r#""p", "{CANARY}": 1, "{CANARY}": 1"#)),
        instance(&format!(r#""p", "pasword": "{CANARY}""#)),
        instance(&format!(r#""p", "on_uncertain": "{CANARY}""#)),
        instance(&format!(r#""p", "max_age": "{CANARY}""#)),
        instance(&format!(r#""p", "port": "{CANARY}""#)),
        instance(&format!(
            r#""p", "max_age": {{"password": "{CANARY}", "x": ["{CANARY}"]}}"#
        )),
        instance(&format!(r#""p", "on_uncertain": ["park", "{CANARY}"]"#)),
        format!(r#"{{"chat": {{"{CANARY}": "x"}}}}"#),
        format!(r#"{{"chat": {{"password {CANARY}": {{"app": "x", "password": "p"}}}}}}"#),
        top(&format!(r#""password": "{CANARY}""#)),
        top(&format!(r#""{CANARY}": {{}}"#)),
        top(&format!(r#""global": {{"password": "{CANARY}"}}"#)),
        top(&format!(
            r#""global": {{"log": {{"password": ["{CANARY}"]}}}}"#
        )),
    ];
    for config in configs {
        let loaded = load_texts(&config, RULES);
        assert!(loaded.setup.is_none(), "{config}");
        let said = said(&loaded);
        assert_eq!(part_in(&said), None, "{config}\n{said}");
    }
    for rules in [
        format!(r#"{{"rules": [], "password": "{CANARY}"}}"#),
        format!(
            r#"{{"rules": [{{"password": "{CANARY}", "from": {{"a": "*"}}, "to": {{"b": {{"room": "1"}}}}}}]}}"#
        ),
        format!("{{\"rules\": [], \"chat\": {{\n\"b\": {{ \"password\":\n\"{CANARY}\" }} }} }}"),
        format!(r#"{{"rules": [] "password": "{CANARY}"}}"#),
    ] {
        let said = said(&load_texts(support::CONFIG, &rules));
        assert_eq!(part_in(&said), None, "{rules}\n{said}");
    }
}
