//! Tables of keys in Markdown, made from the two published schemas: which tables there are, and what a
//! row says of its key. For `bridge docs`, and for the documents of this repository.

use serde_json::Value;

use crate::catalog::Catalog;
use crate::{config, rules};

pub use words::Words;

mod words;

/// A block of the config whose blocks are shown in one table with it.
const GLOBAL: &str = "global";
/// Keys with a table of their own, although they stand in `global` too.
const DELIVERY: &str = config::schema::DELIVERY;

/// The schemas of both files, from which tables are made.
#[derive(Debug, Clone)]
pub struct KeyTables {
    config: Value,
    rules: Value,
}

/// A language of tables.
pub trait Language {
    /// What stands in cells beside names and descriptions.
    fn words(&self) -> &Words;

    /// The description of the key at `path`, such as `dingtalk.app_key`, whose English one is known.
    fn describe(&self, path: &str, english: &str) -> String;
}

/// The language that descriptions are written in.
#[derive(Debug, Clone, Copy)]
pub struct English;

impl Language for English {
    fn words(&self) -> &Words {
        &Words::ENGLISH
    }

    fn describe(&self, _: &str, english: &str) -> String {
        english.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// One row.
struct Row<'s> {
    /// As the reader writes it.
    key: String,
    /// As the translations know it.
    path: String,
    schema: &'s Value,
    is_required: bool,
}

impl KeyTables {
    /// The tables of a bridge with the drivers of the catalog.
    pub fn linked(catalog: &Catalog) -> Self {
        Self::of(config::json_schema(catalog), rules::json_schema(catalog))
    }

    /// The tables of the schemas that `bridge schema config` and `bridge schema rules` print.
    pub fn of(config: Value, rules: Value) -> Self {
        Self { config, rules }
    }

    /// The names of all tables: one for each definition that brings keys of its own, such as
    /// `config dingtalk` or `rules dingtalk.source`.
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![format!("config {GLOBAL}")];
        for (file, root) in [("config", &self.config), ("rules", &self.rules)] {
            let nested = shown_with_global(&self.config);
            let definitions = root["$defs"].as_object().into_iter().flatten();
            for (name, definition) in definitions {
                let brings_keys = own_keys(definition).next().is_some();
                let is_elsewhere = match file {
                    "config" => nested.contains(&&**name),
                    _ => name == DELIVERY || name.ends_with(".target"),
                };
                if brings_keys && !is_elsewhere {
                    names.push(format!("{file} {name}"));
                }
            }
        }
        names
    }

    /// The table with a name of [`KeyTables::names`], in Markdown.
    ///
    /// # Errors
    ///
    /// A sentence with the names that there are.
    pub fn table(&self, name: &str, language: &impl Language) -> Result<String, String> {
        if !self.names().iter().any(|known| known == name) {
            let known = self.names().join(", ");
            return Err(format!(
                "there are no keys of \"{name}\"; there are: {known}"
            ));
        }
        let (file, definition) = name.split_once(' ').unwrap_or_default();
        let root = match file {
            "config" => &self.config,
            _ => &self.rules,
        };
        let mut rows = Vec::new();
        if definition == GLOBAL {
            flatten(&root["properties"][GLOBAL], GLOBAL, root, &mut rows);
        } else {
            let block = &root["$defs"][definition];
            let is_address = definition.ends_with(".source");
            rows.extend(own_keys(block).map(|(key, schema)| Row {
                key: key.clone(),
                path: format!("{definition}.{key}"),
                schema,
                is_required: is_address || is_required(block, key),
            }));
        }
        let words = language.words();
        let mut table = format!("{}\n|---|---|---|---|\n", words.header);
        for Row {
            key,
            path,
            schema,
            is_required,
        } in rows
        {
            let default = match schema.get("default") {
                _ if is_required => words.required.to_owned(),
                Some(default) => format!("`{default}`"),
                None => words.none.to_owned(),
            };
            let english = schema["description"].as_str().unwrap_or_default();
            let cells = [
                format!("`{key}`"),
                type_of(schema, root, words),
                default,
                language.describe(&path, english),
            ];
            let cells = cells.map(|cell| cell.replace('|', "\\|"));
            table.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        Ok(table)
    }
}

/// The keys that are defined here, without those that are defined elsewhere and only named here.
fn own_keys(block: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = block["properties"].as_object().into_iter().flatten();
    properties.filter(|(_, schema)| {
        let target = schema["$ref"].as_str().unwrap_or_default();
        !target.contains("/properties/")
    })
}

/// The definitions of the blocks inside `global`.
fn shown_with_global(config: &Value) -> Vec<&str> {
    let properties = config["properties"][GLOBAL]["properties"].as_object();
    let names = properties.into_iter().flatten();
    let names = names.filter_map(|(_, schema)| referred(schema));
    names.filter(|name| *name != DELIVERY).collect()
}

fn flatten<'s>(block: &'s Value, prefix: &str, root: &'s Value, rows: &mut Vec<Row<'s>>) {
    for (key, schema) in own_keys(block) {
        let name = referred(schema).unwrap_or_default();
        let target = &root["$defs"][name];
        let key = format!("{prefix}.{key}");
        if name == DELIVERY {
            continue;
        }
        if target["properties"].is_object() {
            flatten(target, &key, root, rows);
            continue;
        }
        rows.push(Row {
            path: key.clone(),
            is_required: false,
            schema,
            key,
        });
    }
}

fn is_required(block: &Value, key: &str) -> bool {
    let required = block["required"].as_array();
    required.is_some_and(|keys| keys.iter().any(|required| required == key))
}

/// The name of the definition that a schema refers to.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// The type of a value in words.
fn type_of(schema: &Value, root: &Value, words: &Words) -> String {
    match referred(schema) {
        Some("Duration") => return words.duration.to_owned(),
        Some("Secret") => return words.secret.to_owned(),
        Some("Network") => return words.network.to_owned(),
        Some(name) => return type_of(&root["$defs"][name], root, words),
        None => {}
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema[keyword].as_array() {
            let types = alternatives.iter().map(|one| type_of(one, root, words));
            return types.collect::<Vec<_>>().join(words.or);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(words.or);
    }
    match (schema.get("const"), schema["type"].as_str()) {
        (Some(value), _) => format!("`{value}`"),
        (None, Some("string")) => words.string.to_owned(),
        (None, Some("boolean")) => format!("`true`{}`false`", words.or),
        (None, Some("integer")) => format!("{}{}", words.whole_number, range(schema, words)),
        (None, Some("number")) => words.number.to_owned(),
        (None, Some("array")) => {
            let element = type_of(&schema["items"], root, words);
            format!("{}{element}", words.list_of)
        }
        (None, Some("object")) => words.object.to_owned(),
        _ => words.any.to_owned(),
    }
}

/// The bounds of a number; those of its Rust type alone are nothing to tell.
fn range(schema: &Value, words: &Words) -> String {
    let least = schema["minimum"].as_u64();
    let greatest = schema["maximum"].as_u64();
    let greatest = greatest.filter(|greatest| *greatest != u64::from(u32::MAX));
    match (least, greatest) {
        (Some(least), Some(greatest)) => {
            format!("{}{least}{}{greatest}", words.comma, words.to)
        }
        (Some(least), None) if least > 0 => format!("{}{}{least}", words.comma, words.at_least),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tables() -> KeyTables {
        let reference = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
        let config = json!({
            "properties": { "global": { "properties": {
                "dir": { "type": "string", "default": "data", "description": "Where | what." },
                "log": reference("Log"),
                "delivery": reference("DeliveryKeys"),
            }}},
            "$defs": {
                "Log": { "properties": { "format": { "oneOf": [{ "const": "text" }, { "const": "json" }], "description": "How." } } },
                "DeliveryKeys": { "properties": { "age": { "$ref": "#/$defs/Duration", "description": "Old." } } },
                "Duration": { "type": "string" },
                "chat": { "required": ["port"], "properties": {
                    "port": { "type": "integer", "minimum": 0, "maximum": 65535, "description": "Door." },
                    "age": { "$ref": "#/$defs/DeliveryKeys/properties/age" },
                }},
            },
        });
        let rules = json!({ "$defs": {
            "DeliveryKeys": config["$defs"]["DeliveryKeys"].clone(),
            "chat.source": { "properties": { "room": { "type": "string", "description": "Which." } } },
            "chat.target": { "properties": { "room": { "type": "string", "description": "Which." } } },
        }});
        KeyTables::of(config, rules)
    }

    #[test]
    fn every_key_is_in_one_table() {
        let expected = [
            "config global",
            "config DeliveryKeys",
            "config chat",
            "rules chat.source",
        ];
        assert_eq!(tables().names(), expected);
    }

    #[test]
    fn rows_say_type_default_and_description() {
        let rows = [
            (
                "config global",
                "| `global.dir` | string | `\"data\"` | Where \\| what. |\n\
                 | `global.log.format` | `\"text\"` or `\"json\"` | none | How. |\n",
            ),
            (
                "config DeliveryKeys",
                "| `age` | duration | none | Old. |\n",
            ),
            (
                "config chat",
                "| `port` | whole number, 0 to 65535 | required | Door. |\n",
            ),
            (
                "rules chat.source",
                "| `room` | string | required | Which. |\n",
            ),
        ];
        for (name, expected) in rows {
            let table = tables().table(name, &English).unwrap();
            let body = table.splitn(3, '\n').nth(2);
            assert_eq!(body, Some(expected), "{name}");
        }
        let unknown = tables().table("config chta", &English);
        assert!(unknown.unwrap_err().contains("there are: config global,"));
    }
}
