//! A file as a tree of values that know where they stand, whatever format it was written in.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::codes;
use super::diagnostic::Findings;
use super::disclosure::named;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Range<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Entry>),
}

/// A key, where it stands, and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

/// Reads the text as JSON with comments. Duplicate keys are reported and the first one holds;
/// after any other fault there is no tree.
pub(crate) fn parse(findings: &mut Findings) -> Option<Node> {
    let document = Arc::clone(&findings.document);
    let text = document.text();
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &CollectOptions::default(), &options) {
        Ok(result) => match &result.value {
            Some(value) => Some(convert(value, "", findings)),
            None => {
                let whole = 0..text.len();
                findings
                    .report(&codes::EMPTY, &whole, "", "the file holds only comments")
                    .help("write `{}`");
                None
            }
        },
        Err(error) => {
            let span = error.range().start..error.range().end;
            let problem = format!("this is not JSON: {}", as_clause(&error.kind().to_string()));
            let help = "comments (//, /* */) are allowed, trailing commas are not";
            findings
                .report(&codes::SYNTAX, &span, "", problem)
                .help(help);
            None
        }
    }
}

/// A sentence of the parser in our house style: lower case, no full stop.
fn as_clause(sentence: &str) -> String {
    let mut chars = sentence.trim_end_matches('.').chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars.clone()).collect()
}

fn convert(value: &ast::Value<'_>, path: &str, findings: &mut Findings) -> Node {
    let range = value.range();
    let span = range.start..range.end;
    let value = match value {
        ast::Value::StringLit(lit) => Value::String(lit.value.to_string()),
        ast::Value::NumberLit(lit) => match lit.value.parse() {
            Ok(number) => Value::Number(number),
            Err(_) => {
                findings.report(&codes::SYNTAX, &span, path, "this is not a JSON number");
                Value::Null
            }
        },
        ast::Value::BooleanLit(lit) => Value::Bool(lit.value),
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::Array(array) => {
            let elements = array.elements.iter().enumerate();
            let converted = elements
                .map(|(index, element)| convert(element, &join_index(path, index), findings));
            Value::Array(converted.collect())
        }
        ast::Value::Object(object) => Value::Object(convert_entries(object, path, findings)),
    };
    Node { value, span }
}

fn convert_entries(object: &ast::Object<'_>, path: &str, findings: &mut Findings) -> Vec<Entry> {
    let mut first_places: HashMap<&str, Range<usize>> = HashMap::new();
    let mut entries = Vec::with_capacity(object.properties.len());
    for property in &object.properties {
        let key = property.name.as_str();
        let range = property.name.range();
        let key_span = range.start..range.end;
        let path = join(path, named(key));
        if let Some(first) = first_places.get(key) {
            let first = findings.at(first);
            let problem = format!("the key \"{}\" stands here a second time", named(key));
            findings
                .report(&codes::DUPLICATE_KEY, &key_span, &path, problem)
                .label(first, "the first one stands here")
                .help("keep one of the two");
            continue;
        }
        first_places.insert(key, key_span.clone());
        let node = convert(&property.value, &path, findings);
        entries.push(Entry {
            key: key.to_owned(),
            key_span,
            node,
        });
    }
    entries
}

/// The path of `key` below `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The path of an element below `path`.
pub(crate) fn join_index(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
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

    /// Where it begins: the brace of an object, the whole of anything else.
    pub(crate) fn opening(&self) -> Range<usize> {
        match self.value {
            Value::Object(_) => self.span.start..self.span.end.min(self.span.start + 1),
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
                .map(|entry| (entry.key.clone(), entry.node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::Diagnostic;
    use super::super::document::{Content, Document};
    use super::*;

    fn parse(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
        let document = Document::new("f.json", text.as_bytes(), Content::Open).unwrap();
        let mut findings = Findings::new(Arc::new(document));
        let node = super::parse(&mut findings);
        (node, findings.finish())
    }

    #[test]
    fn faults_of_syntax_are_placed() {
        let rows = [
            ("// nothing", Some((1, 1)), "the file holds only comments"),
            (
                "{\"a\": 1,}",
                Some((1, 8)),
                "this is not JSON: trailing commas are not allowed",
            ),
            (
                "{\n \"群\": 1 \"b\": 2}",
                Some((2, 8)),
                "this is not JSON: expected comma",
            ),
            ("{\"a\": 1}\n}", Some((2, 1)), "this is not JSON"),
            (
                "{\"a\": 1, \"a\": 2}",
                Some((1, 10)),
                "the key \"a\" stands here a second time",
            ),
            (
                "{\"a\": {\"b\": 1,\n\"b\": 2}}",
                Some((2, 1)),
                "the key \"b\" stands here a second",
            ),
            ("{'a': 1}", Some((1, 2)), "this is not JSON"),
            ("{\"a\": 0x10}", Some((1, 7)), "this is not JSON"),
            ("{\"a\": NaN}", Some((1, 7)), "this is not JSON"),
            ("{\"a\"", None, "this is not JSON"),
        ];
        for (text, place, problem) in rows {
            let (_, issues) = parse(text);
            assert_eq!(issues.len(), 1, "{text:?}: {issues:?}");
            assert!(
                issues[0].problem.starts_with(problem),
                "{text:?}: {}",
                issues[0].problem
            );
            if place.is_some() {
                assert_eq!(
                    issues[0].place.start(),
                    place,
                    "{text:?}: {}",
                    issues[0].problem
                );
            }
        }
    }

    #[test]
    fn comments_and_a_byte_order_mark_are_fine() {
        let (node, issues) = parse("\u{feff}{ // c\n \"a\": /* d */ [1, \"x\"] }");
        assert!(issues.is_empty(), "{issues:?}");
        assert_eq!(node.unwrap().to_json(), serde_json::json!({"a": [1, "x"]}));
    }
}
