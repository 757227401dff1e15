//! The JSON Schemas say what the parser says, on good and bad files; they are committed as the binary
//! prints them, and describe every key.

#[path = "schema/change.rs"]
mod change;
#[path = "schema/kind.rs"]
mod kind;
#[path = "documents/page.rs"]
mod page;
#[path = "schema/rows.rs"]
mod rows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bridge_core::catalog::Catalog;
use bridge_core::{config, rules};
use change::{Change, apply, changed};
use kind::{CONFIG, EXCEPTIONS, Kind, RULES};
use page::Page;
use proptest::prelude::*;
use rows::Row;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_committed_schemas_are_those_of_this_binary() {
    let catalog = Catalog::linked().expect("platforms differ");
    for (name, schema) in [
        ("config", config::json_schema(&catalog)),
        ("rules", rules::json_schema(&catalog)),
    ] {
        let path = root().join(name).join(format!("{name}.schema.json"));
        let committed = std::fs::read_to_string(path).expect("a committed schema");
        let printed = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        assert!(
            committed == printed,
            "{name}/{name}.schema.json is out of date; run `cargo xtask generate`"
        );
    }
}

#[test]
fn the_schemas_are_schemas_and_describe_every_key() {
    fn keys(schema: &Value, path: &str, without: &mut Vec<String>, root: &Value) {
        match schema {
            Value::Object(map) => {
                for (keyword, part) in map {
                    let path = format!("{path}/{keyword}");
                    match (&**keyword, part) {
                        // These only say more of keys that are described elsewhere.
                        ("if" | "then" | "else" | "allOf", _) => {}
                        ("properties", Value::Object(properties)) => {
                            for (key, property) in properties {
                                let path = format!("{path}/{key}");
                                if !is_described(property, root) {
                                    without.push(path.clone());
                                }
                                keys(property, &path, without, root);
                            }
                        }
                        _ => keys(part, &path, without, root),
                    }
                }
            }
            Value::Array(parts) => {
                for part in parts {
                    keys(part, path, without, root);
                }
            }
            _ => {}
        }
    }
    fn is_described(property: &Value, root: &Value) -> bool {
        match (&property["description"], property["$ref"].as_str()) {
            (Value::String(text), _) => text.len() > 10,
            // A key of a shared block is described there.
            (_, Some(target)) if target.contains("/properties/") => {
                let target = root.pointer(target.trim_start_matches('#'));
                target.is_some_and(|property| is_described(property, root))
            }
            _ => false,
        }
    }
    let catalog = Catalog::linked().expect("platforms differ");
    for schema in [config::json_schema(&catalog), rules::json_schema(&catalog)] {
        jsonschema::draft202012::meta::validate(&schema).expect("a schema of the dialect");
        let mut without = Vec::new();
        keys(&schema, "", &mut without, &schema);
        assert!(without.is_empty(), "no description: {without:#?}");
        assert!(keys_found(&schema) > 15, "the keys are looked at");
    }
}

/// How many keys a schema has, to see that the test above looks at something.
fn keys_found(schema: &Value) -> usize {
    match schema {
        Value::Object(map) => {
            let own = map
                .get("properties")
                .and_then(Value::as_object)
                .map_or(0, |keys| keys.len());
            own + map.values().map(keys_found).sum::<usize>()
        }
        Value::Array(parts) => parts.iter().map(keys_found).sum(),
        _ => 0,
    }
}

#[test]
fn parser_and_schema_agree_on_every_row() {
    let mut unseen = BTreeSet::new();
    let mut wrong = Vec::new();
    let rows = rows::rows();
    for row in &rows {
        let kind = Kind::of(row.file);
        let value = changed(row);
        let refusals = kind.refusals(&value.to_string());
        let by_schema = !kind.schema.is_valid(&value);
        let is_as_told = match row.refused {
            Some(code) => refusals.contains(code),
            None => refusals.is_empty(),
        };
        if !is_as_told || by_schema != row.is_seen_by_schema {
            let Row {
                file,
                at,
                value,
                refused,
                ..
            } = row;
            wrong.push(format!(
                "{file} {at} = {value:?}, {refused:?}: parser {refusals:?}, schema refuses: {by_schema}"
            ));
        }
        if let (Some(code), false) = (row.refused, row.is_seen_by_schema) {
            assert_eq!(
                refusals.len(),
                1,
                "{}: the exception alone: {refusals:?}",
                row.at
            );
            unseen.insert(code);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (good, bad): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.refused.is_none());
    assert!(good.len() >= 20 && bad.len() >= 40);
    unseen.extend(twice());
    let listed: BTreeSet<_> = EXCEPTIONS.iter().map(|(code, _)| *code).collect();
    assert_eq!(
        unseen, listed,
        "each exception is needed, and there is no other"
    );
}

/// A key that stands twice, which no row can have.
fn twice() -> BTreeSet<&'static str> {
    let text = rows::config().to_string();
    let text = text.replacen(
        "\"listen_port\":8082",
        "\"listen_port\":8082,\"listen_port\":8082",
        1,
    );
    let kind = Kind::of("config");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert!(kind.schema.is_valid(&value));
    kind.refusals(&text)
}

#[test]
fn parser_and_schema_agree_on_examples_and_documents() {
    let kinds = ["config", "rules"].map(Kind::of);
    let mut texts = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        for entry in std::fs::read_dir(root().join(kind.name)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().ends_with(".example.json") {
                texts.push((index, std::fs::read_to_string(path).expect("a file")));
            }
        }
        for page in [
            "README",
            "docs/configuration",
            "docs/rules",
            "docs/drivers/dingtalk",
            "docs/drivers/webhook",
        ] {
            let page = Page::read(root().join(page).with_extension("md"));
            let blocks = page.blocks.into_iter();
            let of_kind = blocks.filter(|block| {
                let info = block.info.strip_prefix("jsonc ");
                info.is_some_and(|info| info.starts_with(kind.name))
            });
            texts.extend(of_kind.map(|block| (index, block.text)));
        }
    }
    assert!(texts.len() > 15, "{}", texts.len());
    let options = jsonc_parser::ParseOptions::default();
    for (kind, text) in texts {
        let value: Value = jsonc_parser::parse_to_serde_value(&text, &options).expect("JSON");
        let result = kinds[kind].compare(&text, &value);
        assert_eq!(result, Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn parser_and_schema_agree_on_files_with_random_changes(
        is_config in any::<bool>(),
        changes in prop::collection::vec(any::<Change>(), 1..4),
    ) {
        let (kind, mut value) = match is_config {
            true => (&*CONFIG, rows::config()),
            false => (&*RULES, rows::rules()),
        };
        for change in &changes {
            apply(&mut value, change);
        }
        let result = kind.compare(&value.to_string(), &value);
        prop_assert_eq!(result, Ok(()));
    }
}
