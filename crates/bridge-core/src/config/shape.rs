//! Holds a value against the JSON Schema of its settings, so that all wrong, unknown and missing
//! keys are found at once, and puts secrets in their places.

mod secret;

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::codes;
use super::diagnostic::Findings;
use super::disclosure::{looks_secret, named};
use super::key_path::KeyPath;
use super::network::{self, Network};
use super::settings::DURATION_FORMAT;
use super::suggest::{nearest, suggest};
use super::tree::{Entry, Node, Value};
use crate::ports::SecretSource;
use crate::secret::{LIST_SCHEMA_NAME, SCHEMA_NAME};
use crate::time::{parse_positive_duration, parse_timestamp};

pub(crate) use secret::{FoundSecret, NoSecrets};

/// Reads values by their schemas.
pub(crate) struct ShapeReader<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) source: &'a dyn SecretSource,
    pub(crate) secrets: &'a mut Vec<FoundSecret>,
}

impl ShapeReader<'_> {
    /// The value of `node` as JSON with secrets in place. Whatever disagrees with `schema` is
    /// reported; the result is whole only if nothing was.
    pub(crate) fn read(&mut self, node: &Node, schema: &Json, path: &KeyPath<'_>) -> Json {
        self.value(node, schema, schema, path)
    }

    fn value(&mut self, node: &Node, schema: &Json, root: &Json, path: &KeyPath<'_>) -> Json {
        if matches!(node.value, Value::Null) {
            return self.null(node, path);
        }
        if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
            let name = name.rsplit('/').next().unwrap_or(name);
            if name == SCHEMA_NAME {
                return self.secret(node, path);
            }
            if name == LIST_SCHEMA_NAME {
                return self.secrets(node, path);
            }
            let empty = Json::Null;
            let target = root
                .get("$defs")
                .and_then(|defs| defs.get(name))
                .unwrap_or(&empty);
            return self.value(node, target, root, path);
        }
        if let Some(inner) = schema.get("anyOf").and_then(optional) {
            return self.value(node, inner, root, path);
        }
        if let Some(choices) = choices(schema) {
            return self.choice(node, &choices, path);
        }
        match type_of(schema) {
            Some("object") => self.object(node, schema, root, path),
            Some("array") => self.array(node, schema, root, path),
            Some(expected) => self.scalar(node, expected, schema, path),
            None => node.to_json(),
        }
    }

    fn object(&mut self, node: &Node, schema: &Json, root: &Json, path: &KeyPath<'_>) -> Json {
        let Some(entries) = node.as_object() else {
            self.wrong_type(node, "an object", path);
            return Json::Null;
        };
        let no_keys = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Json::as_object)
            .unwrap_or(&no_keys);
        let missing = missing_keys(schema, node);
        let mut misspelled = HashSet::new();
        let mut result = Map::new();
        for Entry {
            key,
            key_span,
            node,
        } in entries
        {
            let path = path.key(key);
            // An object of any keys says what stands at each.
            let any = schema.get("additionalProperties");
            match properties
                .get(key.as_str())
                .or(any.filter(|any| any.is_object()))
            {
                Some(schema) => {
                    result.insert(key.to_string(), self.value(node, schema, root, &path));
                }
                None => {
                    // A key that is there already is not what was meant.
                    let absent = properties.keys().map(String::as_str);
                    let absent = absent.filter(|known| node.get(known).is_none());
                    let meant = nearest(key, absent.clone());
                    misspelled.extend(meant);
                    let help = match meant {
                        Some(_) => suggest(key, absent),
                        None => suggest(key, properties.keys().map(String::as_str)),
                    };
                    let problem = format!("unknown key \"{}\"", named(key));
                    self.findings
                        .report(&codes::UNKNOWN_KEY, key_span, path, problem)
                        .help(help);
                }
            }
        }
        for key in missing.into_iter().filter(|key| !misspelled.contains(key)) {
            let description = properties.get(key).map(description).unwrap_or_default();
            let problem = format!("the key \"{key}\" is missing");
            self.findings
                .report(&codes::MISSING_KEY, &node.opening(), path.key(key), problem)
                .help(description);
        }
        result.into()
    }

    fn array(&mut self, node: &Node, schema: &Json, root: &Json, path: &KeyPath<'_>) -> Json {
        let Value::Array(elements) = &node.value else {
            self.wrong_type(node, "a list", path);
            return Json::Null;
        };
        let items = schema.get("items").unwrap_or(&Json::Null);
        let elements = elements.iter().enumerate();
        elements
            .map(|(index, element)| self.value(element, items, root, &path.index(index)))
            .collect()
    }

    fn scalar(&mut self, node: &Node, expected: &str, schema: &Json, path: &KeyPath<'_>) -> Json {
        let formed = node.as_str().and_then(|text| formed(text, schema));
        let is_doubtful = |text: &str| {
            holds_credentials(text) || looks_secret(text) && !matches!(formed, Some(Ok(())))
        };
        self.show_unless(node, is_doubtful);
        let fits = match (&node.value, expected) {
            (Value::String(text), "string") => {
                if let Some(Err(problem)) = formed {
                    let problem = problem.replace(text.as_str(), named(text));
                    self.findings
                        .report(&codes::BAD_FORMAT, &node.span, path, problem);
                }
                if text.is_empty() && schema.get("minLength").is_some() {
                    self.findings
                        .report(&codes::EMPTY_VALUE, &node.span, path, "the value is empty")
                        .help(description(schema));
                }
                true
            }
            (Value::Bool(_), "boolean") | (Value::Number(_), "number") => true,
            (Value::Number(number), "integer") => {
                self.integer(node, number, schema, path);
                true
            }
            _ => false,
        };
        if !fits {
            let expected = match expected {
                "string" if is_duration(schema) && matches!(node.value, Value::Number(_)) => {
                    let problem = format!("expected a duration, found {}", node.type_name());
                    self.findings
                        .report(&codes::WRONG_TYPE, &node.span, path, problem)
                        .help(DURATION_HELP);
                    return node.to_json();
                }
                "integer" => "a whole number",
                "boolean" => "true or false",
                "number" => "a number",
                _ => "a string",
            };
            self.wrong_type(node, expected, path);
        }
        node.to_json()
    }

    fn integer(
        &mut self,
        node: &Node,
        number: &serde_json::Number,
        schema: &Json,
        path: &KeyPath<'_>,
    ) {
        let bound = |name| schema.get(name).and_then(Json::as_f64);
        let low = bound("minimum").unwrap_or(f64::MIN);
        let high = bound("maximum").unwrap_or_else(|| match schema.get("format") {
            Some(Json::String(format)) if format == "uint16" => f64::from(u16::MAX),
            Some(Json::String(format)) if format == "uint32" => f64::from(u32::MAX),
            _ => f64::MAX,
        });
        let is_whole = number.is_i64() || number.is_u64();
        let value = number.as_f64().unwrap_or(f64::NAN);
        if !is_whole {
            self.wrong_type(node, "a whole number", path);
        } else if !(low..=high).contains(&value) {
            let problem = format!("{number} is out of range");
            self.findings
                .report(&codes::OUT_OF_RANGE, &node.span, path, problem)
                .help(range_text(low, high));
        }
    }

    fn choice(&mut self, node: &Node, choices: &[&str], path: &KeyPath<'_>) -> Json {
        self.show_unless(node, looks_secret);
        match node.as_str() {
            Some(text) if choices.contains(&text) => {}
            Some(text) => {
                let problem = format!("\"{}\" is none of the values known here", named(text));
                self.findings
                    .report(&codes::UNKNOWN_VALUE, &node.span, path, problem)
                    .help(suggest(text, choices.iter().copied()));
            }
            None => self.wrong_type(node, "a string", path),
        }
        node.to_json()
    }

    /// Lets snippets show a single value; a list or an object in its place may hold anything.
    fn show_unless(&mut self, node: &Node, is_doubtful: impl Fn(&str) -> bool) {
        let is_single = !matches!(node.value, Value::Array(_) | Value::Object(_));
        if is_single && !node.as_str().is_some_and(is_doubtful) {
            self.findings.show(&node.span);
        }
    }

    fn null(&mut self, node: &Node, path: &KeyPath<'_>) -> Json {
        let help = "write a value, or remove the key";
        self.findings
            .report(&codes::NULL, &node.span, path, "null is no value")
            .help(help);
        Json::Null
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, path: &KeyPath<'_>) {
        let problem = format!("expected {expected}, found {}", node.type_name());
        self.findings
            .report(&codes::WRONG_TYPE, &node.span, path, problem)
            .help(node.hint(expected));
    }
}

/// Whether the text has the form that the schema asks for; `None` if it asks for none.
fn formed(text: &str, schema: &Json) -> Option<Result<(), String>> {
    match schema.get("format").and_then(Json::as_str)? {
        DURATION_FORMAT => Some(parse_positive_duration(text).map(drop)),
        "date-time" => Some(parse_timestamp(text).map(drop)),
        network::SCHEMA_FORMAT => Some(text.parse::<Network>().map(drop)),
        _ => None,
    }
}

const DURATION_HELP: &str =
    "write a number with its unit in quotes, such as \"10s\", \"5m\" or \"24h\"";

fn is_duration(schema: &Json) -> bool {
    schema.get("format").and_then(Json::as_str) == Some(DURATION_FORMAT)
}

/// Whether it looks like a URL with a user or a password in it.
fn holds_credentials(text: &str) -> bool {
    text.split_once("//")
        .is_some_and(|(_, rest)| rest.contains('@'))
}

/// The required keys that the object lacks.
pub(crate) fn missing_keys<'s>(schema: &'s Json, node: &Node) -> Vec<&'s str> {
    let required = schema.get("required").and_then(Json::as_array);
    let required = required.into_iter().flatten().filter_map(Json::as_str);
    required.filter(|key| node.get(key).is_none()).collect()
}

/// The one alternative of `anyOf` that is not null: how an optional value is written.
fn optional(alternatives: &Json) -> Option<&Json> {
    let is_null = |schema: &&Json| schema.get("type").and_then(Json::as_str) == Some("null");
    let mut others = alternatives
        .as_array()?
        .iter()
        .filter(|schema| !is_null(schema));
    match (others.next(), others.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The values of an enumeration of strings: `enum`, or `oneOf` of documented constants.
fn choices(schema: &Json) -> Option<Vec<&str>> {
    if let Some(values) = schema.get("enum").and_then(Json::as_array) {
        return Some(values.iter().filter_map(Json::as_str).collect());
    }
    let variants = schema.get("oneOf")?.as_array()?;
    variants
        .iter()
        .map(|variant| variant.get("const").and_then(Json::as_str))
        .collect()
}

/// The schema's type, leaving "or null" aside.
fn type_of(schema: &Json) -> Option<&str> {
    match schema.get("type")? {
        Json::String(name) => Some(name),
        Json::Array(names) => names
            .iter()
            .filter_map(Json::as_str)
            .find(|name| *name != "null"),
        _ => None,
    }
}

/// The key's description on one line.
fn description(schema: &Json) -> String {
    let text = schema
        .get("description")
        .and_then(Json::as_str)
        .unwrap_or_default();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn range_text(low: f64, high: f64) -> String {
    match (low > f64::MIN, high < f64::MAX) {
        (true, true) => format!("write a whole number from {low} to {high}"),
        (true, false) => format!("write a whole number of at least {low}"),
        _ => format!("write a whole number of at most {high}"),
    }
}

/// One schema with the keys of all: for a block that several parties share. Where two define a
/// key, the first one's holds.
pub(crate) fn merge<'a>(schemas: impl IntoIterator<Item = &'a Json>) -> Json {
    let mut properties = Map::new();
    let mut definitions = Map::new();
    let mut required = Vec::new();
    for schema in schemas {
        for (name, into) in [("properties", &mut properties), ("$defs", &mut definitions)] {
            for (key, value) in schema
                .get(name)
                .and_then(Json::as_object)
                .into_iter()
                .flatten()
            {
                into.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        required.extend(
            schema
                .get("required")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .cloned(),
        );
    }
    serde_json::json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "$defs": definitions,
    })
}
