//! Changes to a JSON body, one field at a time, however deep it stands.

use serde_json::Value;

/// Where a field stands: the keys and indices that lead to it.
pub(super) type Path = Vec<String>;

/// Values of all types but null.
pub(super) const ODD: [&str; 13] = [
    "true",
    "0",
    "-1",
    "1.5",
    "\"\"",
    "\" \"",
    "\"x\"",
    "\"\\u0000\"",
    "[]",
    "[\"x\"]",
    "[[]]",
    "{}",
    "{\"x\":1}",
];

/// The places of all fields and elements of `body`, outer ones first.
pub(super) fn paths(body: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    let mut waiting = vec![(Path::new(), body)];
    while let Some((path, value)) = waiting.pop() {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (key.clone(), value))
                .collect(),
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .map(|(index, value)| (index.to_string(), value))
                .collect(),
            _ => continue,
        };
        for (key, value) in children {
            let path: Path = path.iter().cloned().chain([key]).collect();
            found.push(path.clone());
            waiting.push((path, value));
        }
    }
    found
}

/// The places of all elements of arrays, outer ones first.
pub(super) fn elements(body: &Value) -> Vec<Path> {
    let mut places = paths(body);
    places.retain(|path| {
        let mut body = body.clone();
        parent(&mut body, path).is_some_and(|parent| parent.is_array())
    });
    places
}

/// `body` with a second one beside each element that stands alone.
pub(super) fn doubled(body: &Value) -> Value {
    match body {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), doubled(value)));
            Value::Object(fields.collect())
        }
        Value::Array(elements) => match &elements[..] {
            [alone] => Value::Array(vec![doubled(alone); 2]),
            several => Value::Array(several.iter().map(doubled).collect()),
        },
        other => other.clone(),
    }
}

/// `body` without the field at `path`.
pub(super) fn without(body: &Value, path: &Path) -> Value {
    let mut body = body.clone();
    if let (Some(parent), Some(key)) = (parent(&mut body, path), path.last()) {
        match parent {
            Value::Object(fields) => drop(fields.remove(key)),
            Value::Array(elements) => {
                if let Ok(index) = key.parse::<usize>() {
                    elements.remove(index);
                }
            }
            _ => {}
        }
    }
    body
}

/// The text of `body` with `json`, which need not be JSON that can be read, at `path`.
pub(super) fn with(body: &Value, path: &Path, json: &str) -> String {
    const MARK: &str = "here stands the other value";
    let mut body = body.clone();
    if let (Some(parent), Some(key)) = (parent(&mut body, path), path.last()) {
        let place = match parent {
            Value::Object(fields) => fields.get_mut(key),
            Value::Array(elements) => key
                .parse()
                .ok()
                .and_then(|index: usize| elements.get_mut(index)),
            _ => None,
        };
        if let Some(place) = place {
            *place = Value::from(MARK);
        }
    }
    body.to_string().replace(&format!("\"{MARK}\""), json)
}

fn parent<'a>(body: &'a mut Value, path: &Path) -> Option<&'a mut Value> {
    let (_, above) = path.split_last()?;
    above.iter().try_fold(body, |value, key| match value {
        Value::Object(fields) => fields.get_mut(key),
        Value::Array(elements) => elements.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_found_and_doubled() {
        let body = json!({ "a": [{ "b": [1] }], "c": [2, 3], "d": 4 });
        let doubled = doubled(&body);
        let expected = json!({ "a": [{ "b": [1, 1] }, { "b": [1, 1] }], "c": [2, 3], "d": 4 });
        assert_eq!(doubled, expected);
        let mut places: Vec<_> = elements(&body).iter().map(|path| path.join(".")).collect();
        places.sort();
        assert_eq!(places, ["a.0", "a.0.b.0", "c.0", "c.1"]);
    }

    #[test]
    fn every_field_is_found_and_changed() {
        let body = json!({ "a": [1, { "b": 2 }], "c": null });
        let mut changes: Vec<_> = paths(&body)
            .iter()
            .map(|path| {
                (
                    path.join("."),
                    without(&body, path).to_string(),
                    with(&body, path, "1e999"),
                )
            })
            .collect();
        changes.sort();
        let rows = [
            ("a", r#"{"c":null}"#, r#"{"a":1e999,"c":null}"#),
            (
                "a.0",
                r#"{"a":[{"b":2}],"c":null}"#,
                r#"{"a":[1e999,{"b":2}],"c":null}"#,
            ),
            (
                "a.1",
                r#"{"a":[1],"c":null}"#,
                r#"{"a":[1,1e999],"c":null}"#,
            ),
            (
                "a.1.b",
                r#"{"a":[1,{}],"c":null}"#,
                r#"{"a":[1,{"b":1e999}],"c":null}"#,
            ),
            (
                "c",
                r#"{"a":[1,{"b":2}]}"#,
                r#"{"a":[1,{"b":2}],"c":1e999}"#,
            ),
        ];
        let expected = rows
            .map(|(path, without, with)| (path.to_owned(), without.to_owned(), with.to_owned()));
        assert_eq!(changes, expected);
    }
}
