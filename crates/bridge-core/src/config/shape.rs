//! Holds a value against the JSON Schema of its settings, so that all wrong, unknown and missing
//! keys are found at once, and puts secrets in their places.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::codes;
use super::diagnostic::Findings;
use super::network::{self, Network};
use super::suggest::{nearest, suggest};
use super::tree::{Entry, Node, Value, join, join_index};
use crate::ports::SecretSource;
use crate::secret::{SCHEMA_NAME, Secret};
use crate::time::{parse_positive_duration, parse_timestamp};

/// A secret that was found in a file.
#[derive(Debug)]
pub(crate) struct FoundSecret {
    /// The path of its key.
    pub(crate) path: String,
    pub(crate) value: Secret,
}

/// How a secret is written.
const SECRET_FORMS: &str =
    "write the value as a string, {\"env\": \"NAME\"} or {\"file\": \"path\"}";

/// For files that hold no secrets.
pub(crate) struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, _: &str) -> Result<String, String> {
        Err("this file holds no secrets".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("this file holds no secrets".to_owned())
    }
}

/// Reads values by their schemas.
pub(crate) struct ShapeReader<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) source: &'a dyn SecretSource,
    pub(crate) secrets: &'a mut Vec<FoundSecret>,
}

impl ShapeReader<'_> {
    /// The value of `node` as JSON with secrets in place. Whatever disagrees with `schema` is
    /// reported; the result is whole only if nothing was.
    pub(crate) fn read(&mut self, node: &Node, schema: &Json, path: &str) -> Json {
        self.value(node, schema, schema, path)
    }

    fn value(&mut self, node: &Node, schema: &Json, root: &Json, path: &str) -> Json {
        if matches!(node.value, Value::Null) {
            let help = "write a value, or remove the key";
            self.findings
                .report(&codes::NULL, &node.span, path, "null is no value")
                .help(help);
            return Json::Null;
        }
        if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
            let name = name.rsplit('/').next().unwrap_or(name);
            if name == SCHEMA_NAME {
                return self.secret(node, path);
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

    fn object(&mut self, node: &Node, schema: &Json, root: &Json, path: &str) -> Json {
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
            let path = join(path, key);
            match properties.get(key) {
                Some(schema) => {
                    result.insert(key.clone(), self.value(node, schema, root, &path));
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
                    let problem = format!("unknown key \"{key}\"");
                    self.findings
                        .report(&codes::UNKNOWN_KEY, key_span, &path, problem)
                        .help(help);
                }
            }
        }
        for key in missing.into_iter().filter(|key| !misspelled.contains(key)) {
            let description = properties.get(key).map(description).unwrap_or_default();
            let problem = format!("the key \"{key}\" is missing");
            self.findings
                .report(
                    &codes::MISSING_KEY,
                    &node.opening(),
                    &join(path, key),
                    problem,
                )
                .help(description);
        }
        result.into()
    }

    fn array(&mut self, node: &Node, schema: &Json, root: &Json, path: &str) -> Json {
        let Value::Array(elements) = &node.value else {
            self.wrong_type(node, "a list", path);
            return Json::Null;
        };
        let items = schema.get("items").unwrap_or(&Json::Null);
        let elements = elements.iter().enumerate();
        elements
            .map(|(index, element)| self.value(element, items, root, &join_index(path, index)))
            .collect()
    }

    fn scalar(&mut self, node: &Node, expected: &str, schema: &Json, path: &str) -> Json {
        self.findings.show(&node.span);
        let fits = match (&node.value, expected) {
            (Value::String(text), "string") => {
                let problem = match schema.get("format").and_then(Json::as_str) {
                    Some("duration") => parse_positive_duration(text).err(),
                    Some("date-time") => parse_timestamp(text).err(),
                    Some(network::SCHEMA_FORMAT) => text.parse::<Network>().err(),
                    _ => None,
                };
                if let Some(problem) = problem {
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
                "integer" => "a whole number",
                "boolean" => "true or false",
                "number" => "a number",
                _ => "a string",
            };
            self.wrong_type(node, expected, path);
        }
        node.to_json()
    }

    fn integer(&mut self, node: &Node, number: &serde_json::Number, schema: &Json, path: &str) {
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

    fn choice(&mut self, node: &Node, choices: &[&str], path: &str) -> Json {
        self.findings.show(&node.span);
        match node.as_str() {
            Some(text) if choices.contains(&text) => {}
            Some(text) => {
                let problem = format!("\"{text}\" is none of the values known here");
                self.findings
                    .report(&codes::UNKNOWN_VALUE, &node.span, path, problem)
                    .help(suggest(text, choices.iter().copied()));
            }
            None => self.wrong_type(node, "a string", path),
        }
        node.to_json()
    }

    /// A secret in any of its three forms. What is written in the file is never put into a problem.
    fn secret(&mut self, node: &Node, path: &str) -> Json {
        let found = match (&node.value, node.as_object()) {
            (Value::String(text), _) => Ok(text.clone()),
            (_, Some([Entry { key, node, .. }])) => match (key.as_str(), node.as_str()) {
                ("env", Some(name)) => {
                    self.findings.show(&node.span);
                    self.source.env(name)
                }
                ("file", Some(file)) => {
                    self.findings.show(&node.span);
                    self.source.file(file)
                }
                _ => return self.no_secret(node, path),
            },
            _ => return self.no_secret(node, path),
        };
        match found {
            Ok(value) if value.is_empty() => {
                self.findings
                    .report(&codes::EMPTY_VALUE, &node.span, path, "the secret is empty")
                    .help(SECRET_FORMS);
                Json::Null
            }
            Ok(value) => {
                let secret = Secret::new(value.clone());
                self.secrets.push(FoundSecret {
                    path: path.to_owned(),
                    value: secret,
                });
                value.into()
            }
            Err(problem) => {
                self.findings
                    .report(&codes::SECRET_UNAVAILABLE, &node.span, path, problem);
                Json::Null
            }
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, path: &str) {
        let problem = format!("expected {expected}, found {}", node.type_name());
        self.findings
            .report(&codes::WRONG_TYPE, &node.span, path, problem)
            .help(node.hint(expected));
    }

    fn no_secret(&mut self, node: &Node, path: &str) -> Json {
        self.findings
            .report(&codes::NOT_A_SECRET, &node.span, path, "this is no secret")
            .help(SECRET_FORMS);
        Json::Null
    }
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
