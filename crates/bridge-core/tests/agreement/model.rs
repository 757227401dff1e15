//! Rules as plain data, and how they are written as JSON.

use bridge_core::message::MessageKind;
use serde_json::{Map, Value, json};

/// Instances and their address keys, as in the config.
pub(crate) const INSTANCES: [(&str, &[&str]); 4] = [
    ("a", &["room"]),
    ("b", &["room"]),
    ("g", &["guild", "room"]),
    ("p", &[]),
];

/// A pattern, and whether a text matches it, said without regular expressions.
pub(crate) type Pattern = (&'static str, fn(&str) -> bool);

pub(crate) const PATTERNS: [Pattern; 6] = [
    ("x", |text| text.contains('x')),
    ("^y", |text| text.starts_with('y')),
    ("中$", |text| text.ends_with('中')),
    ("(?i)xy", |text| text.to_lowercase().contains("xy")),
    (r"\d", |text| text.contains(|c: char| c.is_ascii_digit())),
    ("x|中", |text| text.contains(['x', '中'])),
];

/// A pattern, what to put in its place, and the same without regular expressions.
pub(crate) type Change = (&'static str, &'static str, fn(&str) -> String);

pub(crate) const CHANGES: [Change; 6] = [
    ("x", "yy", |text| text.replace('x', "yy")),
    ("y", "<{0}>", |text| text.replace('y', "<y>")),
    ("(x)(?<second>y)", "{second}{1}", |text| {
        text.replace("xy", "yx")
    }),
    (r"\d", "", |text| {
        text.replace(|c: char| c.is_ascii_digit(), "")
    }),
    ("中", "{{msg}}", |text| text.replace('中', "{msg}")),
    ("^", "> ", |text| format!("> {text}")),
];

pub(crate) const FORMATS: [&str; 3] = ["{user}: {msg}", "[{from}] {msg}", "{user_id} {msg} {msg}"];

/// A channel, or a pattern of one: an instance and the values that its keys must have; `None` for
/// any channel.
pub(crate) type End = (usize, Option<Vec<(&'static str, String)>>);

#[derive(Debug, Clone)]
pub(crate) struct Alternative {
    pub(crate) sender_id: Option<Vec<&'static str>>,
    pub(crate) sender: Option<Vec<&'static str>>,
    pub(crate) kind: Option<Vec<MessageKind>>,
    pub(crate) text: Option<Vec<usize>>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Looks {
    pub(crate) format: Option<usize>,
    pub(crate) changes: Option<Vec<usize>>,
    /// At the key of one platform alone, by [`FORMATS`].
    pub(crate) title: Option<usize>,
    /// The same under names.
    pub(crate) fields: Option<Vec<(&'static str, usize)>>,
}

/// The instance whose platform has keys of `msg` of its own.
pub(crate) const WITH_VALUES: usize = 3;

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) is_connect: bool,
    pub(crate) sources: Vec<End>,
    pub(crate) targets: Vec<(End, Looks)>,
    pub(crate) looks: Looks,
    pub(crate) when: Option<Vec<Alternative>>,
    pub(crate) unless: Option<Vec<Alternative>>,
    pub(crate) stop: bool,
}

fn one_or_list<T: Clone>(values: &[T], write: impl Fn(&T) -> Value) -> Value {
    match values {
        [one] => write(one),
        _ => values.iter().map(write).collect(),
    }
}

impl Alternative {
    pub(crate) fn write(&self) -> Value {
        let mut keys = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            keys.extend(value.map(|value| (key.to_owned(), value)));
        };
        let strings = |values: &Vec<&str>| one_or_list(values, |value| json!(value));
        put("sender_id", self.sender_id.as_ref().map(strings));
        put("sender", self.sender.as_ref().map(strings));
        let kinds = |kinds: &Vec<MessageKind>| one_or_list(kinds, |kind| json!(kind.name()));
        put("kind", self.kind.as_ref().map(kinds));
        let patterns = |all: &Vec<usize>| one_or_list(all, |one| json!(PATTERNS[*one].0));
        put("text", self.text.as_ref().map(patterns));
        keys.into()
    }
}

impl Looks {
    pub(crate) fn write(&self) -> Value {
        let mut msg = Map::new();
        msg.extend(
            self.format
                .map(|format| ("msg_format".into(), json!(FORMATS[format]))),
        );
        msg.extend(self.changes.as_ref().map(|changes| {
            let changes = changes.iter().map(|change| {
                let (pattern, with, _) = CHANGES[*change];
                json!({ "pattern": pattern, "with": with })
            });
            ("replace".into(), changes.collect())
        }));
        let title = self.title;
        msg.extend(title.map(|format| ("title".into(), json!(FORMATS[format]))));
        msg.extend(self.fields.as_ref().map(|fields| {
            let fields = fields.iter();
            let fields = fields.map(|(name, format)| ((*name).to_owned(), json!(FORMATS[*format])));
            ("fields".into(), fields.collect::<Map<_, _>>().into())
        }));
        msg.into()
    }
}

/// An object of instances, each with one channel or a list.
fn write_ends(ends: &[(End, Looks)]) -> Value {
    let mut instances = Map::new();
    for (number, (name, _)) in INSTANCES.iter().enumerate() {
        let here: Vec<_> = ends
            .iter()
            .filter(|((instance, _), _)| *instance == number)
            .collect();
        let write = |(end, looks): &&(End, Looks)| match &end.1 {
            None => json!("*"),
            Some(pairs) => {
                let mut channel: Map<_, _> = pairs
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), json!(value)))
                    .collect();
                let looks = looks.write();
                if looks != json!({}) {
                    channel.insert("msg".into(), looks);
                }
                channel.into()
            }
        };
        // "*" stands alone.
        match here.iter().find(|(end, _)| end.1.is_none()) {
            Some(any) => instances.insert((*name).into(), write(any)),
            None if here.is_empty() => None,
            None => instances.insert((*name).into(), one_or_list(&here, write)),
        };
    }
    instances.into()
}

impl Rule {
    pub(crate) fn write(&self) -> Value {
        let mut rule = Map::new();
        if self.is_connect {
            rule.insert("type".into(), "connect".into());
            rule.insert("channels".into(), write_ends(&self.targets));
        } else {
            let sources: Vec<_> = self
                .sources
                .iter()
                .map(|end| (end.clone(), Looks::default()))
                .collect();
            rule.insert("from".into(), write_ends(&sources));
            rule.insert("to".into(), write_ends(&self.targets));
        }
        for (key, condition) in [("when", &self.when), ("unless", &self.unless)] {
            let written = condition
                .as_ref()
                .map(|all| one_or_list(all, Alternative::write));
            rule.extend(written.map(|written| (key.into(), written)));
        }
        rule.insert("stop".into(), self.stop.into());
        rule.insert("msg".into(), self.looks.write());
        rule.into()
    }
}
