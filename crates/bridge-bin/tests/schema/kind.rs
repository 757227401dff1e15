//! What the parser and what the schema say of a file.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bridge_bin::files::Offline;
use bridge_core::catalog::Catalog;
use bridge_core::config::{Diagnostic, Source, load};
use bridge_core::{config, rules};
use jsonschema::Validator;
use serde_json::Value;

use crate::rows;

/// Kinds of problems that a schema can't know, or not always. Whatever else the parser refuses, the
/// schema refuses as well.
pub(crate) const EXCEPTIONS: [(&str, &str); 14] = [
    ("E0201", "8082.0 is a whole number to a schema"),
    (
        "E0206",
        "how large numbers in texts are, bits of a host in a network, URLs",
    ),
    ("E0210", "what a driver checks itself"),
    ("E0215", "durations that must agree with each other"),
    ("E0219", "what is inside a regular expression"),
    ("E0301", "the instances stand in the other file"),
    (
        "E0302",
        "of which platform an instance is: a key may be another one's",
    ),
    (
        "E0303",
        "of which platform an instance is: an address may be whole for another one",
    ),
    ("E0306", "two channels of a connect rule may be the same"),
    ("E0308", "the groups of a pattern in \"with\""),
    ("E0309", "what is inside a <richheader>"),
    ("E0310", "ids of other rules"),
    ("E0312", "of which platform an instance is"),
    (
        "E0105",
        "a key that stands twice is gone before a schema sees it",
    ),
];

/// Of these, those that are known to a schema unless a number is written as 8082.0, as no test does
/// by chance.
const NEARLY_KNOWN: &str = "E0201";

/// A file, its schema, and the other file that it is read with.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) schema: Validator,
    other: String,
}

pub(crate) static CONFIG: LazyLock<Kind> = LazyLock::new(|| Kind::new("config"));
pub(crate) static RULES: LazyLock<Kind> = LazyLock::new(|| Kind::new("rules"));

impl Kind {
    pub(crate) fn of(name: &str) -> &'static Self {
        match name {
            "config" => &CONFIG,
            _ => &RULES,
        }
    }

    fn new(name: &str) -> Self {
        let catalog = Catalog::linked().expect("platforms differ");
        let (name, schema, other) = match name {
            "config" => (
                "config",
                config::json_schema(&catalog),
                r#"{"rules": []}"#.to_owned(),
            ),
            _ => (
                "rules",
                rules::json_schema(&catalog),
                rows::config().to_string(),
            ),
        };
        let schema = jsonschema::draft202012::new(&schema).expect("a schema");
        Self {
            name,
            schema,
            other,
        }
    }

    /// The codes with which the parser refuses the file by itself: not what lies around it, nor what
    /// both files mean together.
    pub(crate) fn refusals(&self, text: &str) -> BTreeSet<&'static str> {
        let (config, rules) = match self.name {
            "config" => (text, &*self.other),
            _ => (&*self.other, text),
        };
        let source = |name: &str, text: &str| Source {
            name: name.to_owned(),
            content: Ok(text.as_bytes().to_vec()),
        };
        let catalog = Catalog::linked().expect("platforms differ");
        let sources = (source("config.json", config), source("rules.json", rules));
        let loaded = load(&sources.0, &sources.1, &catalog, &Offline);
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        let here =
            errors.filter(|found| found.place.file().strip_suffix(".json") == Some(self.name));
        let codes = here.map(|found: &Diagnostic| found.code.id);
        codes.filter(|code| *code < "E04").collect()
    }

    /// Says where the two disagree, if they do.
    pub(crate) fn compare(&self, text: &str, value: &Value) -> Result<(), String> {
        let refusals = self.refusals(text);
        let of_schema: Vec<_> = self
            .schema
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        let is_known = |code: &&'static str| {
            *code == NEARLY_KNOWN || EXCEPTIONS.iter().all(|(exception, _)| exception != code)
        };
        match (refusals.iter().any(is_known), of_schema.is_empty()) {
            (true, true) => Err(format!("only the parser refuses: {refusals:?}\n{text}")),
            (_, false) if refusals.is_empty() => {
                Err(format!("only the schema refuses: {of_schema:#?}\n{text}"))
            }
            _ => Ok(()),
        }
    }
}
