//! A file as a tree of values that know where they stand, whatever format it was written in.

mod json;
mod number;
mod toml;
mod write;
mod yaml;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use compact_str::CompactString;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::codes::{self, Code};
use super::diagnostic::Findings;
use super::disclosure::{looks_secret, named};
use super::format::Format;

pub(crate) use write::write;

/// How deep lists and objects may stand in each other, in every format, so that no file can
/// exhaust the stack. The TOML parser knows this bound, too.
pub(crate) const MAX_DEPTH: usize = 80;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(CompactString),
    Array(Vec<Node>),
    Object(Vec<Entry>),
}

/// A key, where it stands, and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: CompactString,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

/// What a parser made of a text. All spans are in bytes of the text.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The tree; `None` if a fault leaves open what a value is. Of a key that stands twice, the
    /// first one holds.
    pub(crate) root: Option<Node>,
    /// All that is wrong, in the order of the text.
    pub(crate) faults: Vec<Fault>,
}

/// Something that the format, or our use of it, does not allow.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Range<usize>,
    pub(crate) kind: FaultKind,
    /// The path of the key, as far as it is known.
    pub(crate) path: String,
    /// What is wrong. Never text of the file other than keys and single punctuation characters: it
    /// may stand within a secret.
    pub(crate) problem: String,
    pub(crate) help: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// There is no value at all.
    Empty,
    /// The text is not of its format.
    Syntax,
    /// Something of the format that has no place in these files.
    Unsupported,
    /// A key stands a second time; the first one is here, if that is known.
    Duplicate(Option<Range<usize>>),
}

impl FaultKind {
    fn code(&self) -> &'static Code {
        match self {
            Self::Empty => &codes::EMPTY,
            Self::Syntax => &codes::SYNTAX,
            Self::Unsupported => &codes::UNSUPPORTED,
            Self::Duplicate(_) => &codes::DUPLICATE_KEY,
        }
    }
}

impl Fault {
    fn empty(span: Range<usize>) -> Self {
        Self {
            kind: FaultKind::Empty,
            ..Self::syntax(span, "the file holds only comments", "write `{}`")
        }
    }

    fn syntax(span: Range<usize>, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            span,
            kind: FaultKind::Syntax,
            path: String::new(),
            problem: problem.into(),
            help: help.into(),
        }
    }

    fn unsupported(
        span: Range<usize>,
        path: impl fmt::Display,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            span,
            kind: FaultKind::Unsupported,
            path: path.to_string(),
            problem: problem.into(),
            help: help.into(),
        }
    }

    fn duplicate(
        span: Range<usize>,
        path: impl fmt::Display,
        key: &str,
        first: Option<Range<usize>>,
    ) -> Self {
        Self {
            span,
            kind: FaultKind::Duplicate(first),
            path: path.to_string(),
            problem: format!("the key \"{}\" stands here a second time", named(key)),
            help: "keep one of the two".to_owned(),
        }
    }

    fn too_deep(span: Range<usize>) -> Self {
        let problem = format!("more than {MAX_DEPTH} lists and objects stand in each other here");
        Self::unsupported(span, "", problem, "config and rules need fewer than ten")
    }
}

/// Reads a text in its format.
pub(crate) fn read(text: &str, format: Format) -> Parsed {
    let mut parsed = match format {
        Format::Json => json::parse(text),
        Format::Yaml => yaml::parse(text),
        Format::Toml => toml::parse(text),
    };
    parsed.faults.sort_by_key(|fault| fault.span.start);
    parsed
}

/// Where the comments of a text begin, in its order; as far as it can be read.
pub(crate) fn comments(text: &str, format: Format) -> Vec<usize> {
    match format {
        Format::Json => json::comments(text),
        Format::Yaml => yaml::comments(text),
        Format::Toml => toml::comments(text),
    }
}

/// Reads the document and reports what is wrong with it.
pub(crate) fn parse(findings: &mut Findings) -> Option<Node> {
    let document = Arc::clone(&findings.document);
    let Parsed { root, faults } = read(document.text(), document.format());
    for fault in faults {
        let first = match &fault.kind {
            FaultKind::Duplicate(Some(first)) => Some(findings.at(first)),
            _ => None,
        };
        let is_duplicate = matches!(fault.kind, FaultKind::Duplicate(_));
        if root.is_some() && is_duplicate && !looks_secret(&document.text()[fault.span.clone()]) {
            findings.show(&fault.span);
        }
        let diagnostic =
            findings.report(fault.kind.code(), &fault.span, &fault.path, fault.problem);
        diagnostic.help(fault.help);
        if let Some(first) = first {
            diagnostic.label(first, "the first one stands here");
        }
    }
    root
}

impl Node {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// Every key below it.
    pub(crate) fn keys(&self, each: &mut impl FnMut(&Range<usize>)) {
        match &self.value {
            Value::Array(nodes) => nodes.iter().for_each(|node| node.keys(each)),
            Value::Object(entries) => {
                for entry in entries {
                    each(&entry.key_span);
                    entry.node.keys(each);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.as_object()?.iter().find(|entry| entry.key == key)
    }

    /// Where it begins: the brace of an object, or its first key where it has none; the whole of
    /// anything else.
    pub(crate) fn opening(&self) -> Range<usize> {
        match &self.value {
            Value::Object(entries) => match entries.first().map(|entry| &entry.key_span) {
                Some(key) if key.start == self.span.start => key.clone(),
                _ => self.span.start..self.span.end.min(self.span.start + 1),
            },
            _ => self.span.clone(),
        }
    }

    /// What to do about a value of another type than `expected`.
    pub(crate) fn hint(&self, expected: &str) -> &'static str {
        match (&self.value, expected) {
            (Value::Number(_) | Value::Bool(_), "a string") => "put it in quotes",
            (Value::String(text), "a whole number" | "a number" | "true or false")
                if text.parse::<f64>().is_ok() || matches!(&**text, "true" | "false") =>
            {
                "remove the quotes"
            }
            (_, "true or false") => "write true or false, without quotes",
            (Value::Number(_), "a whole number") => "write it without a fraction",
            (_, "an object") => "write keys and values in braces: { … }",
            (_, "a list") => "write it in square brackets: [ … ]",
            _ => "",
        }
    }

    /// The value's type as operators call it, with an article.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.clone().into(),
            Value::String(text) => text.as_str().into(),
            Value::Array(elements) => elements.iter().map(Self::to_json).collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|entry| (entry.key.to_string(), entry.node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// The same data in the same order, wherever it stands.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// The same key and data, wherever it stands.
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.node == other.node
    }
}

/// In the order of the file.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => number.serialize(serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(elements) => serializer.collect_seq(elements),
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for Entry { key, node, .. } in entries {
                    map.serialize_entry(key.as_str(), node)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
