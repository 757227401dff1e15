//! What may be said of a file that may hold secrets: which keys hold them, and which words look as
//! if a secret had been written in the wrong place.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value as Json;

use super::settings::{GlobalSettings, InstanceKeys};
use crate::catalog::Catalog;
use crate::secret::{LIST_SCHEMA_NAME, SCHEMA_NAME};

/// What is said in the place of a word that may be a secret.
const WITHHELD: &str = "…";

/// Whether letters and digits alternate in a word as they do in a made-up one, more than twice.
/// Names that people choose have their digits at one place or two.
pub(crate) fn looks_secret(word: &str) -> bool {
    let kinds = word.chars().map(|c| (c.is_alphabetic(), c.is_numeric()));
    let pairs = kinds.clone().zip(kinds.skip(1));
    let changes = pairs.filter(|(left, right)| {
        matches!(
            (left, right),
            ((true, _), (_, true)) | ((_, true), (true, _))
        )
    });
    changes.count() > 2
}

/// The word as a problem may name it.
pub(crate) fn named(word: &str) -> &str {
    match looks_secret(word) {
        true => WITHHELD,
        false => word,
    }
}

/// The keys under which the linked drivers and the framework take secrets.
pub(super) fn secret_keys(catalog: &Catalog) -> BTreeSet<String> {
    keys_where(catalog, is_secret)
}

/// Every key that a config may have, but for the names of instances.
pub(super) fn known_keys(catalog: &Catalog) -> BTreeSet<String> {
    let mut keys = keys_where(catalog, |_| true);
    keys.extend(["global", "env", "file"].map(str::to_owned));
    keys.extend(catalog.iter().map(|entry| entry.info().platform.to_owned()));
    keys
}

/// The keys of the linked drivers and of the framework whose schemas are as asked for.
fn keys_where(catalog: &Catalog, is_wanted: fn(&Json) -> bool) -> BTreeSet<String> {
    let own = [
        schemars::schema_for!(GlobalSettings).to_value(),
        schemars::schema_for!(InstanceKeys).to_value(),
    ];
    let drivers = catalog.iter().map(|entry| entry.schema().to_value());
    let mut keys = BTreeSet::new();
    for schema in own.into_iter().chain(drivers) {
        collect(&schema, is_wanted, &mut keys);
    }
    keys
}

fn collect(schema: &Json, is_wanted: fn(&Json) -> bool, keys: &mut BTreeSet<String>) {
    let properties = schema.get("properties").and_then(Json::as_object);
    for (key, property) in properties.into_iter().flatten() {
        if is_wanted(property) {
            keys.insert(key.clone());
        }
    }
    let blocks = schema.get("$defs").and_then(Json::as_object);
    for (_, block) in blocks.into_iter().flatten() {
        collect(block, is_wanted, keys);
    }
}

fn is_secret(property: &Json) -> bool {
    let name = property.get("$ref").and_then(Json::as_str);
    let alternatives = property.get("anyOf").and_then(Json::as_array);
    name.and_then(|name| name.rsplit('/').next())
        .is_some_and(|name| name == SCHEMA_NAME || name == LIST_SCHEMA_NAME)
        || alternatives.into_iter().flatten().any(is_secret)
        || property.get("additionalProperties").is_some_and(is_secret)
}

/// Where the values of these keys stand in a text of whatever form.
pub(super) fn values_of(text: &str, keys: &BTreeSet<String>) -> Vec<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let found = keys.iter().flat_map(|key| text.match_indices(&**key));
    let whole = found.filter(|(at, key)| {
        !text[..*at].ends_with(is_word) && !text[at + key.len()..].starts_with(is_word)
    });
    whole
        .map(|(at, key)| value_behind(text, at + key.len()))
        .collect()
}

/// The value behind a key that ends at `offset`, as far as can be told without reading the whole:
/// up to the bracket that closes it, or the end of the line.
pub(super) fn value_behind(text: &str, offset: usize) -> Range<usize> {
    let rest = &text[offset..];
    let start = rest.find(|c: char| !c.is_whitespace() && !"\"':=".contains(c));
    let Some(start) = start else {
        return offset..text.len();
    };
    let opens = rest[start..].starts_with(['{', '[']);
    let mut depth = 0_usize;
    for (at, c) in rest[start..].char_indices() {
        let end = offset + start + at;
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            '\n' if !opens => return offset..end,
            _ => {}
        }
        if opens && depth == 0 {
            return offset..end + c.len_utf8();
        }
    }
    offset..text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_words_are_told_from_chosen_ones() {
        for chosen in [
            "dt_main",
            "dt_main2024",
            "team2_room3",
            "app_secret",
            "值班群",
            "8082",
            "",
        ] {
            assert!(!looks_secret(chosen), "{chosen}");
        }
        for made_up in ["a1b2c", "Kq7xT2mP", "3f9a0c1d"] {
            assert!(looks_secret(made_up), "{made_up}");
        }
        assert_eq!((named("dt_main"), named("Kq7xT2mP")), ("dt_main", "…"));
    }

    #[test]
    fn values_are_found_in_texts_of_any_form() {
        let keys = BTreeSet::from(["secret".to_owned()]);
        let rows = [
            ("{\"secret\": \"x\", \"y\": 1}\n{}", "\": \"x\", \"y\": 1}"),
            ("secret: x\ny: 1", ": x"),
            ("secret = [\n 'x',\n 'z'] # y", " = [\n 'x',\n 'z']"),
            ("\"secret\": [\"x\"", "\": [\"x\""),
            ("\"secret\":", "\":"),
        ];
        for (text, expected) in rows {
            let [value] = &values_of(text, &keys)[..] else {
                panic!("{text}");
            };
            assert_eq!(&text[value.clone()], expected);
        }
        assert!(values_of("a_secret: x", &keys).is_empty());
    }
}
