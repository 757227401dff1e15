//! Values that were left from an example: `dingxxxxxxxxxx`, `your_app_secret`, `<app key>`.

use std::collections::HashSet;

use super::codes;
use super::key_path::KeyPath;
use super::notes::Notes;
use super::tree::{Entry, Node, Value};
use crate::rules::RULES;

/// How often an `x` must be repeated to stand for something else. In a random id of 24 base64
/// characters that happens once in fifty million.
const CROSSES: usize = 5;

/// How often any other letter must be. (Digits may be repeated in real ids.)
const LETTERS: usize = 8;

/// What examples write where a value is to be put in, without case, `-`, `_` and white space.
const WORDS: [&str; 8] = [
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "placeholder",
    "todo",
    "fixme",
    "tbd",
];

/// Pairs of brackets that hold a name instead of a value.
const BRACKETS: [(&str, &str); 5] = [
    ("<", ">"),
    ("${", "}"),
    ("$(", ")"),
    ("{{", "}}"),
    ("[", "]"),
];

/// Warns of the values below `node` that look like those of an example. What they are is not said:
/// they may be meant as secrets.
pub(super) fn in_config(node: &Node, path: &KeyPath<'_>, notes: &mut Notes<'_>) {
    let Value::Object(entries) = &node.value else {
        return;
    };
    for Entry { key, node, .. } in entries {
        let path = path.key(key);
        match &node.value {
            Value::String(text) if is_placeholder(text) || is_same_word(text, key) => {
                let problem = || format!("`{key}` looks like a value from an example");
                let help = match is_unexpanded(text) {
                    true => "variables are not put in here; for a secret write {\"env\": \"NAME\"}",
                    false => "put your own value in",
                };
                if let Some(found) =
                    notes.report(&codes::PLACEHOLDER_VALUE, &node.span, path, problem)
                {
                    found.help(help);
                }
            }
            // A name of a variable or file is none of the values.
            Value::Object(form) if is_reference(form) => {}
            Value::Object(_) => in_config(node, &path, notes),
            _ => {}
        }
    }
}

fn is_reference(entries: &[Entry]) -> bool {
    matches!(entries, [only] if matches!(&*only.key, "env" | "file"))
}

/// Warns of addresses in a rules file that look like those of an example; of each value once.
pub(crate) fn in_rules(root: &Node, notes: &mut Notes<'_>) {
    let Some(rules) = root.get("rules") else {
        return;
    };
    let Value::Array(rules) = &rules.node.value else {
        return;
    };
    let mut seen = HashSet::new();
    for (index, rule) in rules.iter().enumerate() {
        let path = RULES.index(index);
        for part in ["from", "to", "channels"] {
            let path = path.key(part);
            let instances = rule.get(part).and_then(|part| part.node.as_object());
            for instance in instances.into_iter().flatten() {
                let path = path.key(&instance.key);
                let Value::Array(nodes) = &instance.node.value else {
                    in_address(&instance.node, &path, &mut seen, notes);
                    continue;
                };
                for (position, node) in nodes.iter().enumerate() {
                    in_address(node, &path.index(position), &mut seen, notes);
                }
            }
        }
    }
}

fn in_address<'n>(
    node: &'n Node,
    path: &KeyPath<'_>,
    seen: &mut HashSet<&'n str>,
    notes: &mut Notes<'_>,
) {
    for Entry { key, node, .. } in node.as_object().into_iter().flatten() {
        let Some(text) = node.as_str() else { continue };
        if !is_placeholder(text) || !seen.insert(text) {
            continue;
        }
        let problem = || format!("\"{text}\" looks like a value from an example");
        let code = &codes::PLACEHOLDER_VALUE;
        if let Some(found) = notes.report(code, &node.span, path.key(key), problem) {
            found.help(
                "put the channel's own value in; `bridge channels` lists those that were heard",
            );
        }
    }
}

/// Whether nobody's platform would give such a value.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let in_brackets = |(open, close): (&str, &str)| text.starts_with(open) && text.ends_with(close);
    let is_bare = |word: &&str| bare(text).eq(word.chars());
    let stars_only = !text.is_empty() && text.chars().all(|c| matches!(c, '*' | '.' | '…'));
    BRACKETS.into_iter().any(in_brackets)
        || WORDS.iter().any(is_bare)
        || is_yours(text)
        || repeats(text)
        || stars_only && text != "*"
}

/// `your_app_key`, `YOUR-SECRET`, `<yours>`: the word, and something behind it.
fn is_yours(text: &str) -> bool {
    let rest = text
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case("your"));
    rest.is_some() && text[4..].starts_with(['_', '-', ' '])
}

/// Whether one letter stands in a row so often that nobody drew it by lot.
fn repeats(text: &str) -> bool {
    let mut last = None;
    let mut count = 0;
    text.chars().any(|letter| {
        let letter = letter.to_ascii_lowercase();
        count = if last == Some(letter) { count + 1 } else { 1 };
        last = Some(letter);
        match letter {
            'x' => count >= CROSSES,
            _ => letter.is_ascii_alphabetic() && count >= LETTERS,
        }
    })
}

/// `"app_secret": "APP-SECRET"`
fn is_same_word(text: &str, key: &str) -> bool {
    bare(text).eq(bare(key))
}

fn is_unexpanded(text: &str) -> bool {
    text.trim().starts_with(['$', '{'])
}

fn bare(text: &str) -> impl Iterator<Item = char> {
    let letters = text.chars().filter(|c| !matches!(c, '-' | '_' | ' '));
    letters.map(|letter| letter.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_examples_are_told_from_real_ones() {
        let examples = [
            "dingxxxxxxxxxx",
            "cidXXXXXXXXXXXXXXX",
            "cidOpsXXXXXXXXXXXXX==",
            "dingaaaaaaaaaa",
            "your_app_secret",
            "YOUR-APP-KEY",
            "your secret",
            "changeme",
            "CHANGE_ME",
            "change-this",
            "ReplaceMe",
            "<app key>",
            "${DINGTALK_APP_SECRET}",
            "$(cat secret)",
            "{{ secret }}",
            "[client id]",
            "...",
            "…",
            "********",
            "TODO",
        ];
        for text in examples {
            assert!(is_placeholder(text), "{text}");
        }
        let real = [
            "ciddyW50dFVaPgR3F3f+xLFTw==",
            "dingx7q2m4k9t1b8w5z3",
            "dingoaabbccddeeff0011",
            "cidxxAxxBxxCxxDxxxx1==",
            "-1000000000000",
            "100000000",
            "0000000000000000",
            "!abc:example.org",
            "yourself",
            "your",
            "yourteam@example.org",
            "todo-list",
            "pw",
            "*",
            "",
            "群",
            "群群群群群群群群群群",
            "$1$salt$hash",
            "https://api.dingtalk.com",
            "http://user:password@proxy.example:3128",
            "/dingtalk/event",
        ];
        for text in real {
            assert!(!is_placeholder(text), "{text}");
        }
        assert!(is_same_word("App-Secret", "app_secret"));
        assert!(!is_same_word("secret", "app_secret"));
    }
}
