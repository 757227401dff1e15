//! From the schemas that this program reads files by to what other programs understand: no nulls,
//! no formats of our own, one flat list of definitions.

use serde_json::{Map, Value as Json, json};

/// Formats that validators and editors know. All others are ours or those of Rust's types.
const KNOWN_FORMATS: [&str; 1] = ["uri"];

/// What a schema refers to, by name.
#[derive(Debug, Default)]
pub(crate) struct Definitions(Map<String, Json>);

impl Definitions {
    /// Takes in a whole schema of the framework under a name.
    pub(crate) fn add(&mut self, name: &str, schema: Json) {
        let schema = self.adopt(schema);
        self.0.insert(name.to_owned(), schema);
    }

    /// Takes in what a schema of the framework defines, and returns the rest of it.
    pub(crate) fn adopt(&mut self, mut schema: Json) -> Json {
        for (name, definition) in take_definitions(&mut schema) {
            self.0.entry(name).or_insert(definition);
        }
        schema
    }

    /// The same for a schema of somebody else: what it defines under a name that is taken for
    /// something else gets the owner's name before its own.
    pub(crate) fn adopt_of(&mut self, owner: &str, mut schema: Json) -> Json {
        let own: Vec<_> = take_definitions(&mut schema)
            .into_iter()
            .filter(|(name, definition)| self.0.get(name) != Some(definition))
            .collect();
        for (name, mut definition) in own.clone() {
            for (other, _) in &own {
                rename(&mut definition, other, owner);
            }
            self.0.insert(format!("{owner}.{name}"), definition);
        }
        for (name, _) in &own {
            rename(&mut schema, name, owner);
        }
        schema
    }

    pub(crate) fn insert(&mut self, name: &str, schema: Json) {
        self.0.insert(name.to_owned(), schema);
    }

    pub(crate) fn get(&self, name: &str) -> &Json {
        self.0.get(name).unwrap_or(&Json::Null)
    }

    pub(crate) fn finish(self) -> Json {
        self.0.into()
    }
}

/// Makes a schema fit to be published, and parts it from what it defines.
fn take_definitions(schema: &mut Json) -> Map<String, Json> {
    publish(schema);
    let Json::Object(map) = schema else {
        return Map::new();
    };
    for key in ["$schema", "title"] {
        map.remove(key);
    }
    match map.remove("$defs") {
        Some(Json::Object(definitions)) => definitions,
        _ => Map::new(),
    }
}

/// The names of a schema's keys, in order.
pub(crate) fn keys(schema: &Json) -> Vec<String> {
    let properties = schema.get("properties").and_then(Json::as_object);
    properties
        .into_iter()
        .flat_map(|keys| keys.keys().cloned())
        .collect()
}

/// A key that is defined as one of the definition `name`.
pub(crate) fn reference_to_key(name: &str, key: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}/properties/{key}") })
}

/// One of several; editors speak more plainly of a schema without a choice.
pub(crate) fn any_of(mut schemas: Vec<Json>) -> Json {
    match schemas.len() {
        1 => schemas.remove(0),
        _ => json!({ "anyOf": schemas }),
    }
}

fn rename(schema: &mut Json, name: &str, owner: &str) {
    if let Json::Object(map) = schema
        && map.get("$ref") == Some(&format!("#/$defs/{name}").into())
    {
        map.insert("$ref".to_owned(), format!("#/$defs/{owner}.{name}").into());
    }
    each_part(schema, &mut |part| rename(part, name, owner));
}

/// A key that may be left out is of type "or null" in Rust's schemas; in the files null is no
/// value. Numbers get the bounds of their Rust types, descriptions become one line.
fn publish(schema: &mut Json) {
    each_part(schema, &mut publish);
    let Json::Object(map) = schema else { return };
    if let Some(Json::Array(alternatives)) = map.get_mut("anyOf") {
        alternatives.retain(|one| one.get("type") != Some(&"null".into()));
        if let [only] = &mut alternatives[..] {
            let only = std::mem::take(only);
            map.remove("anyOf");
            for (key, value) in only.as_object().cloned().into_iter().flatten() {
                map.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Json::Array(types)) = map.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &mut types[..] {
            let only = std::mem::take(only);
            map.insert("type".to_owned(), only);
        }
    }
    if map
        .get("default")
        .is_some_and(|default| default.is_null() || default.is_object())
    {
        map.remove("default");
    }
    let format = map.get("format").and_then(Json::as_str).map(str::to_owned);
    let highest = match format.as_deref() {
        Some("uint8") => Some(u64::from(u8::MAX)),
        Some("uint16") => Some(u64::from(u16::MAX)),
        Some("uint32") => Some(u64::from(u32::MAX)),
        _ => None,
    };
    if let Some(highest) = highest {
        map.entry("maximum").or_insert(highest.into());
    }
    if format.is_some_and(|format| !KNOWN_FORMATS.contains(&&*format)) {
        map.remove("format");
    }
    if let Some(Json::String(text)) = map.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if map.contains_key("properties") {
        map.entry("additionalProperties").or_insert(false.into());
    }
}

/// Calls `each` for every schema directly below; names of keys are no schemas.
fn each_part(schema: &mut Json, each: &mut dyn FnMut(&mut Json)) {
    let Json::Object(map) = schema else { return };
    for (keyword, value) in map {
        match (&**keyword, value) {
            ("properties" | "$defs", Json::Object(named)) => {
                named.values_mut().for_each(&mut *each)
            }
            ("allOf" | "anyOf" | "oneOf", Json::Array(parts)) => {
                parts.iter_mut().for_each(&mut *each);
            }
            ("items" | "additionalProperties" | "not" | "if" | "then" | "else", part) => each(part),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_alone_is_left_out() {
        let mut schema = json!({
            "title": "Settings",
            "type": "object",
            "properties": {
                "format": { "type": ["string", "null"], "default": null, "format": "uri" },
                "port": { "type": "integer", "format": "uint16", "description": "Where\nto listen." },
                "mode": { "description": "How.", "anyOf": [{ "$ref": "#/$defs/Mode" }, { "type": "null" }] },
            },
            "$defs": { "Mode": { "enum": ["a"] } },
        });
        let definitions = take_definitions(&mut schema);
        assert_eq!(definitions["Mode"], json!({ "enum": ["a"] }));
        let expected = json!({
            "type": "object",
            "properties": {
                "format": { "type": "string", "format": "uri" },
                "port": { "type": "integer", "description": "Where to listen.", "maximum": 65535 },
                "mode": { "description": "How.", "$ref": "#/$defs/Mode" },
            },
            "additionalProperties": false,
        });
        assert_eq!(schema, expected);
    }

    #[test]
    fn two_owners_may_give_one_name_to_two_things() {
        let of = |values: Json| {
            json!({
                "properties": { "mode": { "$ref": "#/$defs/Mode" }, "age": { "$ref": "#/$defs/Age" } },
                "$defs": { "Mode": { "enum": values }, "Age": { "type": "string" } },
            })
        };
        let mut definitions = Definitions::default();
        definitions.insert("Age", json!({ "type": "string" }));
        for (owner, values) in [("one", json!(["a"])), ("two", json!(["b"]))] {
            let schema = definitions.adopt_of(owner, of(values));
            let mode = format!("#/$defs/{owner}.Mode");
            assert_eq!(schema["properties"]["mode"]["$ref"], mode);
            assert_eq!(schema["properties"]["age"]["$ref"], "#/$defs/Age");
        }
        assert_eq!(definitions.get("two.Mode"), &json!({ "enum": ["b"] }));
    }
}
