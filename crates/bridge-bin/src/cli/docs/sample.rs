//! Settings that a driver can read, made from its schema alone: to ask what holds for any settings.

use serde_json::{Map, Value, json};

/// How deep required objects are filled in.
const MOST_LEVELS: usize = 8;

/// An instance with the keys that can't be left out. What values mean is not known here, so a driver
/// may refuse it.
pub(in crate::cli) fn settings(schema: &Value) -> Value {
    value(schema, schema, MOST_LEVELS)
}

fn value(schema: &Value, root: &Value, levels: usize) -> Value {
    let Some(levels) = levels.checked_sub(1) else {
        return Value::Null;
    };
    for keyword in ["default", "const"] {
        if let Some(given) = schema.get(keyword) {
            return given.clone();
        }
    }
    for keyword in ["enum", "examples"] {
        if let Some(first) = schema[keyword].get(0) {
            return first.clone();
        }
    }
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(target.trim_start_matches('#'));
        return value(target.unwrap_or(&Value::Null), root, levels);
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[keyword].get(0) {
            return value(first, root, levels);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("string") => {
            let least = schema["minLength"].as_u64().unwrap_or(1).clamp(1, 256);
            "x".repeat(usize::try_from(least).unwrap_or(1)).into()
        }
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => false.into(),
        Some("array") => match schema["minItems"].as_u64() {
            None | Some(0) => json!([]),
            Some(_) => json!([value(&schema["items"], root, levels)]),
        },
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let keys = required.filter_map(Value::as_str).map(|key| {
                let of_key = value(&schema["properties"][key], root, levels);
                (key.to_owned(), of_key)
            });
            Value::Object(keys.collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_filled_in() {
        let schema = json!({
            "type": "object",
            "required": ["text", "number", "choice", "secret", "list", "inner"],
            "properties": {
                "text": { "type": "string", "minLength": 3 },
                "number": { "type": "integer", "minimum": 7 },
                "choice": { "enum": ["b", "a"] },
                "secret": { "$ref": "#/$defs/Secret" },
                "list": { "type": "array", "minItems": 1, "items": { "type": "boolean" } },
                "inner": { "type": ["object", "null"], "required": ["x"],
                           "properties": { "x": { "const": 1 } } },
                "optional": { "type": "string" },
            },
            "$defs": { "Secret": { "anyOf": [{ "type": "string" }, { "type": "object" }] } },
        });
        let expected = json!({
            "text": "xxx", "number": 7, "choice": "b", "secret": "x", "list": [false],
            "inner": { "x": 1 },
        });
        assert_eq!(settings(&schema), expected);
    }

    #[test]
    fn a_schema_that_contains_itself_comes_to_an_end() {
        let schema =
            json!({ "type": "object", "required": ["a"], "properties": { "a": { "$ref": "#" } } });
        let text = settings(&schema).to_string();
        assert!(
            text.ends_with(&"}".repeat(2)) && text.contains("null"),
            "{text}"
        );
    }
}
