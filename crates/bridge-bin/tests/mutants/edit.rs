//! What can be done to a word by one key press, and to a file by one bad move.

use std::ops::Range;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// What may be typed by mistake.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz_";

/// Every word that one slip makes of this one: a character left out, doubled or swapped with the
/// next, another one in its place or before it.
pub(crate) fn misspellings(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    let mut words = Vec::new();
    let mut add = |chars: &[char]| {
        let made: String = chars.iter().collect();
        if made != word && !words.contains(&made) {
            words.push(made);
        }
    };
    for at in 0..=chars.len() {
        for typed in ALPHABET.chars() {
            let inserted = [&chars[..at], &[typed], &chars[at..]].concat();
            add(&inserted);
            if at < chars.len() {
                let replaced = [&chars[..at], &[typed], &chars[at + 1..]].concat();
                add(&replaced);
            }
        }
        if at < chars.len() {
            add(&[&chars[..at], &chars[at + 1..]].concat());
        }
        if at + 1 < chars.len() {
            let mut swapped = chars.clone();
            swapped.swap(at, at + 1);
            add(&swapped);
        }
    }
    words
}

/// A file to which something was done.
#[derive(Debug)]
pub(crate) struct Mutant {
    pub(crate) what: String,
    pub(crate) text: String,
    /// Where an error about it may be.
    pub(crate) offsets: Vec<usize>,
    /// Within it, too: where a change takes away what stands beside it.
    pub(crate) around: Range<usize>,
    pub(crate) is_removal: bool,
}

/// Each entry of each object removed, doubled, and with values of other types.
pub(crate) fn structural(text: &str) -> Vec<Mutant> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    let value = parsed.expect("an example is JSON").value.expect("a value");
    let mut mutants = Vec::new();
    walk(text, &value, &[], &mut mutants);
    mutants
}

fn walk(text: &str, value: &Value<'_>, above: &[usize], mutants: &mut Vec<Mutant>) {
    match value {
        Value::Object(object) => entries(text, object, above, mutants),
        Value::Array(array) => {
            for element in &array.elements {
                walk(text, element, above, mutants);
            }
        }
        _ => {}
    }
}

fn entries(text: &str, object: &Object<'_>, above: &[usize], mutants: &mut Vec<Mutant>) {
    let opening = object.range().start;
    let around: Vec<usize> = above.iter().copied().chain([opening]).collect();
    for (position, property) in object.properties.iter().enumerate() {
        let key = property.name.as_str();
        let (name, value) = (property.name.range(), property.value.range());
        let entry = &text[name.start..value.end];

        // With the comma behind it, or the one before it if it is the last.
        let next = object.properties.get(position + 1);
        let (from, to) = match (next, position) {
            (Some(next), _) => (name.start, next.name.range().start),
            (None, 0) => (name.start, value.end),
            (None, _) => {
                let before = object.properties[position - 1].value.range().end;
                (before, value.end)
            }
        };
        let mut removed = text.to_owned();
        removed.replace_range(from..to, "");
        let holder: Vec<usize> = around.clone();
        mutants.push(Mutant {
            what: format!("{key} removed"),
            text: removed,
            offsets: holder.clone(),
            around: 0..0,
            is_removal: true,
        });

        let mut doubled = text.to_owned();
        doubled.insert_str(value.end, &format!(", {entry}"));
        mutants.push(Mutant {
            what: format!("{key} doubled"),
            text: doubled,
            offsets: vec![value.end + 2],
            around: 0..0,
            is_removal: false,
        });

        for other in ["null", "17", "true", "\"\"", "[]", "[[]]", "{}", "\"x\""] {
            let mut replaced = text.to_owned();
            replaced.replace_range(value.start..value.end, other);
            // A pattern has the groups that the text beside it uses.
            let around = match key {
                "pattern" => opening..object.range().end - (value.end - value.start) + other.len(),
                _ => 0..0,
            };
            mutants.push(Mutant {
                what: format!("{key} as {other}"),
                text: replaced,
                // Where the value or its inside is, or the key, or what holds it and now lacks
                // something.
                offsets: [&[value.start, value.start + 1, name.start], &holder[..]].concat(),
                around,
                // An empty object has lost what stood in it.
                is_removal: other == "{}",
            });
        }
        walk(
            text,
            &property.value,
            &[&around[..], &[name.start]].concat(),
            mutants,
        );
    }
}
