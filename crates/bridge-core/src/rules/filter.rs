//! `when` and `unless`: what a rule asks of a message beside its channel.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::Regex;

use crate::message::{Message, MessageKind};

/// What a rule asks of a message. Without a part, that part turns nothing away.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Must hold.
    pub(crate) when: Option<Condition>,
    /// Must not hold.
    pub(crate) unless: Option<Condition>,
}

impl Filter {
    /// Whether it turns nothing away.
    pub(crate) fn is_empty(&self) -> bool {
        self.when.is_none() && self.unless.is_none()
    }

    /// Whether the rule takes the message.
    pub(crate) fn passes(&self, message: &Message) -> bool {
        let holds = |condition: &Condition| condition.holding(message).is_some();
        self.when.as_ref().is_none_or(holds) && !self.unless.as_ref().is_some_and(holds)
    }
}

/// Holds if any of its alternatives does.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) alternatives: Vec<Alternative>,
}

impl Condition {
    /// The first alternative that holds.
    pub(crate) fn holding(&self, message: &Message) -> Option<&Alternative> {
        let mut alternatives = self.alternatives.iter();
        alternatives.find(|alternative| alternative.failing(message).is_none())
    }
}

/// Holds if all of its tests do; has at least one.
#[derive(Debug)]
pub(crate) struct Alternative {
    pub(crate) tests: Vec<Test>,
}

impl Alternative {
    /// The first test that fails.
    pub(crate) fn failing(&self, message: &Message) -> Option<&Test> {
        self.tests.iter().find(|test| !test.holds(message))
    }
}

/// One key of a condition: holds if the message has any of its values.
#[derive(Debug)]
pub(crate) struct Test {
    /// Where its key stands in the file, as 1-based line and column.
    pub(crate) place: (usize, usize),
    pub(crate) accepted: Accepted,
}

/// What a key asks for, and the values it takes.
#[derive(Debug)]
pub(crate) enum Accepted {
    SenderId(BTreeSet<Box<str>>),
    Sender(BTreeSet<Box<str>>),
    Text(Vec<Arc<Regex>>),
    Kind(Vec<MessageKind>),
}

impl Test {
    fn holds(&self, message: &Message) -> bool {
        match &self.accepted {
            Accepted::SenderId(ids) => ids.contains(&*message.sender.id),
            Accepted::Sender(names) => names.contains(&*message.sender.name),
            Accepted::Text(patterns) => {
                let mut patterns = patterns.iter();
                patterns.any(|pattern| pattern.is_match(&message.text))
            }
            Accepted::Kind(kinds) => kinds.contains(&message.kind),
        }
    }

    /// What it makes of the message: `sender_id is "u1"`, `kind is "text", not "file" or "audio"`.
    pub(crate) fn describe(&self, message: &Message) -> String {
        let holds = self.holds(message);
        let compared = |key: &str, actual: &str, valid: Vec<&str>| match holds {
            true => format!("{key} is {actual:?}"),
            false => format!("{key} is {actual:?}, not {}", alternatives(&valid)),
        };
        match &self.accepted {
            Accepted::SenderId(ids) => {
                let ids = ids.iter().map(|id| &**id).collect();
                compared("sender_id", &message.sender.id, ids)
            }
            Accepted::Sender(names) => {
                let names = names.iter().map(|name| &**name).collect();
                compared("sender", &message.sender.name, names)
            }
            Accepted::Kind(kinds) => {
                let kinds = kinds.iter().map(|kind| kind.name()).collect();
                compared("kind", message.kind.name(), kinds)
            }
            Accepted::Text(patterns) => {
                let matching = patterns.iter().find(|known| known.is_match(&message.text));
                match matching {
                    Some(pattern) => format!("text matches {:?}", pattern.as_str()),
                    None => {
                        let patterns: Vec<_> =
                            patterns.iter().map(|known| known.as_str()).collect();
                        format!("text does not match {}", alternatives(&patterns))
                    }
                }
            }
        }
    }
}

/// `"a", "b" or "c"`, the first few of them.
fn alternatives(values: &[&str]) -> String {
    const MOST: usize = 4;
    let mut shown: Vec<_> = values
        .iter()
        .take(MOST)
        .map(|value| format!("{value:?}"))
        .collect();
    if let Some(more @ 1..) = values.len().checked_sub(MOST) {
        shown.push(format!("{more} more"));
    }
    let last = shown.pop().unwrap_or_default();
    match shown.is_empty() {
        true => last,
        false => format!("{} or {last}", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_listed_as_a_sentence() {
        let rows: [(&[&str], &str); 4] = [
            (&["a"], r#""a""#),
            (&["a", "b", "\u{202e}"], r#""a", "b" or "\u{202e}""#),
            (&["a", "b", "c", "d"], r#""a", "b", "c" or "d""#),
            (
                &["a", "b", "c", "d", "e", "f"],
                r#""a", "b", "c", "d" or 2 more"#,
            ),
        ];
        for (values, expected) in rows {
            assert_eq!(alternatives(values), expected);
        }
    }
}
