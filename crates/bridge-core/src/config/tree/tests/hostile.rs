//! Texts that mean harm, or nothing at all: no panic, no exhausted stack, no secret in a fault.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::super::diagnostic::Place;
use super::*;

const JSON: &str = r#"{ // c
 "chat": {"群": {"app": "x", "secret": "canary", "port": 8082, /* d */ "on": true}},
 "l": [1.5, null, "\u4e2d"]}
"#;

const YAML: &str = r#"# c
chat:
  群: # d
    app: 'x'
    secret: "canary"
    again: canary
    text: |
      canary
    flow: {a: 1, b: [canary, "\u4e2d"]}
l:
- 1.5
-
"#;

const TOML: &str = r#"# c
[chat."群"]
app = 'x' # d
secret = "canary"
a.b = 1
text = """
canary
"""
[[r]]
l = [1.5, "\u4e2d", {c = 'canary'}]
[[r]]
"#;

const SAMPLES: [(Format, &str); 3] = [
    (Format::Json, JSON),
    (Format::Yaml, YAML),
    (Format::Toml, TOML),
];

/// Pieces with a meaning of their own in some format.
const PIECES: &[&str] = &[
    "\"", "'", "{", "}", "[", "]", ",", ":", ": ", "\n", "\r", "\t", " ", "  ", "#", "//", "/*",
    "*", "&", "!", "|", ">", "-", "---", "?", "%", "@", "=", ".", "\\", "\u{0}", "中", "\"\"\"",
    "<<: ",
];

/// Reads the text in every format; whatever comes out stands within the text, and can be shown.
fn look_at(text: &str) {
    for format in FORMATS {
        if !text.trim_start_matches('\u{feff}').trim().is_empty() {
            assert_shown(format, text);
        }
        let Parsed { root, faults } = read(text, format);
        for fault in &faults {
            let is_within = text.get(fault.span.clone()).is_some();
            assert!(is_within, "{format:?} {text:?} {fault:?}");
            let said = format!("{} {}", fault.problem, fault.help);
            assert!(!said.contains("canary"), "{format:?} {text:?} {said}");
        }
        assert!(root.is_some() || !faults.is_empty(), "{format:?} {text:?}");
        if let Some(root) = root {
            assert_within(&root, text);
        }
        for start in comments(text, format) {
            assert!(text.is_char_boundary(start), "{format:?} {text:?} {start}");
        }
    }
}

fn assert_shown(format: Format, text: &str) {
    let mut findings = Findings::new(document(format, text));
    parse(&mut findings);
    for found in findings.finish() {
        let (Place::Span(document, span), Some(first), Some(last)) =
            (&found.place, found.place.start(), found.place.end())
        else {
            panic!("{format:?} {text:?} {found}");
        };
        let excerpt = document.excerpt(first.0..=last.0);
        let shown = excerpt.text.get(excerpt.locate(span));
        assert!(shown.is_some(), "{format:?} {text:?} {found}");
    }
}

fn assert_within(node: &Node, text: &str) {
    assert!(text.get(node.span.clone()).is_some(), "{text:?} {node:?}");
    match &node.value {
        Value::Array(nodes) => nodes.iter().for_each(|node| assert_within(node, text)),
        Value::Object(entries) => entries.iter().for_each(|entry| {
            let is_within = text.get(entry.key_span.clone()).is_some();
            assert!(is_within, "{text:?} {entry:?}");
            assert_within(&entry.node, text);
        }),
        _ => {}
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Insert(&'static str),
    Remove(usize),
    Repeat(usize),
}

fn edited(text: &str, edits: &[(Index, Edit)]) -> String {
    let mut text = text.to_owned();
    for (at, edit) in edits {
        let at = text.floor_char_boundary(at.index(text.len() + 1));
        let end = |count: &usize| text.ceil_char_boundary((at + count).min(text.len()));
        match edit {
            Edit::Insert(piece) => text.insert_str(at, piece),
            Edit::Remove(count) => text.replace_range(at..end(count), ""),
            Edit::Repeat(count) => {
                let piece = text[at..end(count)].to_owned();
                text.insert_str(at, &piece);
            }
        }
    }
    text
}

fn edits() -> impl Strategy<Value = Vec<(Index, Edit)>> {
    let edit = prop_oneof![
        select(PIECES).prop_map(Edit::Insert),
        (1_usize..8).prop_map(Edit::Remove),
        (1_usize..8).prop_map(Edit::Repeat),
    ];
    vec((any::<Index>(), edit), 1..5)
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(chars in vec(any::<char>(), 0..40)) {
        look_at(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn any_pieces_are_read_or_refused(pieces in vec(select(PIECES), 0..40)) {
        look_at(&pieces.concat());
    }

    #[test]
    fn any_edit_of_a_sound_text_is_read_or_refused(edits in edits()) {
        for (_, text) in SAMPLES {
            look_at(&edited(text, &edits));
        }
    }
}

#[test]
fn the_samples_are_sound_and_every_prefix_is_read_or_refused() {
    for (format, text) in SAMPLES {
        let faults = read(text, format).faults;
        assert!(faults.is_empty(), "{format:?} {faults:?}");
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            look_at(&text[..end]);
        }
    }
}

#[test]
fn what_nests_too_deeply_is_refused_before_the_stack_ends() {
    const LEVELS: usize = 100_000;
    let blocks: String = (0..300).map(|level| " ".repeat(level) + "a:\n").collect();
    let rows = [
        (Format::Json, "[".repeat(LEVELS)),
        (Format::Json, "{\"a\":".repeat(LEVELS)),
        (Format::Json, "[".repeat(200) + &"]".repeat(200)),
        (Format::Yaml, "[".repeat(LEVELS)),
        (Format::Yaml, "{a: ".repeat(LEVELS)),
        (Format::Yaml, "- ".repeat(LEVELS)),
        (Format::Yaml, blocks),
        (Format::Toml, in_toml("[", "]", LEVELS)),
        (Format::Toml, in_toml("{a = ", "}", LEVELS)),
        (Format::Toml, "a.".repeat(LEVELS) + "a = 1"),
        (Format::Toml, "[".to_owned() + &"a.".repeat(LEVELS) + "a]"),
    ];
    for (format, text) in rows {
        let Parsed { root, faults } = read(&text, format);
        let start = &text[..20];
        assert!(root.is_none(), "{format:?} {start}");
        let is_said = |fault: &Fault| fault.problem.starts_with("more than 80 lists and objects");
        assert!(faults.iter().any(is_said), "{format:?} {start} {faults:?}");
    }
}

#[test]
fn all_formats_nest_equally_deeply() {
    for (levels, is_fine) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
        let in_json = "[".repeat(levels) + "1" + &"]".repeat(levels);
        let rows = [
            (Format::Json, in_json.clone()),
            (Format::Yaml, in_json),
            // The file itself is an object.
            (Format::Toml, in_toml("[", "]", levels - 1)),
            (Format::Toml, "a.".repeat(levels - 1) + "a = 1"),
        ];
        for (format, text) in rows {
            let Parsed { root, faults } = read(&text, format);
            assert_eq!(root.is_some(), is_fine, "{format:?} {levels} {faults:?}");
        }
    }
    // What is never closed may be told as that, as long as the stack holds.
    for opening in ["[", "{a = "] {
        let text = "a = ".to_owned() + &opening.repeat(100_000);
        assert!(read(&text, Format::Toml).root.is_none());
    }
}

fn in_toml(open: &str, close: &str, levels: usize) -> String {
    format!("a = {}1{}", open.repeat(levels), close.repeat(levels))
}
