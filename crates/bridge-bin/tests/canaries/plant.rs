//! Makes configs with canaries in them: every secret key of every linked driver, right and wrong.

#[path = "plant/format.rs"]
mod format;

use std::fmt;
use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::settings::{GlobalSettings, InstanceKeys};
use format::{FORMATS, Format};
use serde_json::{Map, Value, json};

// Links the drivers, as the binary does.
use bridge_bin as _;

/// The schemas that stand for secrets.
const SECRETS: [&str; 2] = ["#/$defs/Secret", "#/$defs/Secrets"];

/// What the canaries are made from; a failure names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    /// That of `BRIDGE_CANARY_SEED`, or a new one.
    pub(crate) fn new() -> Self {
        let given = std::env::var("BRIDGE_CANARY_SEED").ok();
        Self(given.map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("a number")))
    }

    pub(crate) fn random(self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.0)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A secret as a platform makes one up.
pub(crate) fn canary(random: &mut fastrand::Rng) -> String {
    // Digits in every third place: no part of it is a word that somebody could have chosen.
    let character = |random: &mut fastrand::Rng, place: usize| match place % 3 {
        2 => random.digit(10),
        _ => random.alphabetic(),
    };
    (0..32).map(|place| character(random, place)).collect()
}

pub(crate) fn searcher(parts: &[&str]) -> aho_corasick::AhoCorasick {
    aho_corasick::AhoCorasick::new(parts).expect("a few parts")
}

/// What is wrong with a plant, if anything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What stands in the file; it can be read.
    Content,
    /// The file can't be read, so that every command ends at the same place.
    Syntax,
}

/// Two files, what stands around them, and what must not be shown.
#[derive(Debug)]
pub(crate) struct Plant {
    pub(crate) name: String,
    pub(crate) fault: Fault,
    config: String,
    rules: String,
    ending: &'static str,
    pub(crate) variables: Vec<(String, String)>,
    files: Vec<(String, String)>,
    pub(crate) canaries: Vec<String>,
}

impl Plant {
    /// Writes everything to where the bridge looks for it.
    pub(crate) fn write(&self, dir: &Path) {
        let texts = [("config", &self.config), ("rules", &self.rules)];
        for (name, text) in texts {
            std::fs::create_dir(dir.join(name)).expect("a folder");
            let file = dir.join(name).join(name).with_extension(self.ending);
            std::fs::write(file, text).expect("a file");
        }
        for (name, text) in &self.files {
            std::fs::write(dir.join(name), text).expect("a file");
        }
    }
}

/// What a secret is called in an object of secrets under any keys.
const MAP_KEY: &str = "X-Canary";

/// A key that takes a secret, by the keys that lead to its block.
#[derive(Debug, Clone)]
struct Place {
    platform: &'static str,
    block: Vec<String>,
    key: String,
}

impl Place {
    fn set(&self, config: &mut Value, value: Value) {
        let mut block = config;
        for key in &self.block {
            block = &mut block[key];
        }
        block[&self.key] = value;
    }
}

fn is_secret(property: &Value) -> bool {
    let alternatives = property["anyOf"].as_array().into_iter().flatten();
    let names = alternatives.chain([property]).map(|schema| &schema["$ref"]);
    names
        .filter_map(Value::as_str)
        .any(|name| SECRETS.contains(&name))
}

/// Whether each value of an object of any keys is a secret.
fn is_map_of_secrets(property: &Value) -> bool {
    is_secret(&property["additionalProperties"])
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default()
}

/// The secret keys below a schema, by their names.
fn secret_keys(schema: &Value) -> Vec<String> {
    let properties = properties(schema).into_iter();
    let secrets = properties.filter(|(_, property)| is_secret(property));
    secrets.map(|(key, _)| key).collect()
}

/// Every property that takes a secret, with its schema.
pub(crate) fn secret_schemas() -> Vec<(String, Value)> {
    let catalog = Catalog::linked().expect("the drivers are sound");
    let drivers = catalog.iter().map(|entry| entry.schema().to_value());
    let own = [
        schemars::schema_for!(GlobalSettings).to_value(),
        schemars::schema_for!(InstanceKeys).to_value(),
    ];
    let schemas = drivers.chain(own).flat_map(|schema| properties(&schema));
    schemas
        .filter(|(_, property)| is_secret(property))
        .collect()
}

/// Every secret key of every linked driver and of the framework.
fn places() -> Vec<Place> {
    let catalog = Catalog::linked().expect("the drivers are sound");
    let mut places = Vec::new();
    for entry in catalog.iter() {
        let platform = entry.info().platform;
        let mut add = |block: &[&str], schema: &Value| {
            let block: Vec<_> = block.iter().map(|&key| key.to_owned()).collect();
            let maps = properties(schema).into_iter();
            let maps = maps.filter(|(_, property)| is_map_of_secrets(property));
            for (name, _) in maps {
                places.push(Place {
                    platform,
                    block: [&block[..], &[name]].concat(),
                    key: MAP_KEY.to_owned(),
                });
            }
            for key in secret_keys(schema) {
                let block = block.clone();
                places.push(Place {
                    platform,
                    block,
                    key,
                });
            }
        };
        let instance = [platform, "one"];
        add(&instance, &entry.schema().to_value());
        add(&instance, &schemars::schema_for!(InstanceKeys).to_value());
        add(
            &["global"],
            &schemars::schema_for!(GlobalSettings).to_value(),
        );
    }
    places
}

/// A config with one instance of the platform, whose secrets are all canaries.
fn base(
    format: Format,
    platform: &str,
    random: &mut fastrand::Rng,
    canaries: &mut Vec<String>,
) -> Value {
    let catalog = Catalog::linked().expect("the drivers are sound");
    let schema = catalog
        .get(platform)
        .expect("it is linked")
        .schema()
        .to_value();
    let mut instance = Map::new();
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    for (key, property) in properties(&schema) {
        let value = if is_secret(&property) {
            let canary = canary(random);
            canaries.push(canary.clone());
            canary.into()
        } else if is_map_of_secrets(&property) {
            let canary = canary(random);
            canaries.push(canary.clone());
            json!({ MAP_KEY: canary })
        } else if !required.iter().any(|required| **required == *key) {
            continue;
        } else {
            match property["type"].as_str() {
                Some("integer" | "number") => 1.into(),
                Some("boolean") => true.into(),
                Some("array") => json!([]),
                _ => "x".into(),
            }
        };
        instance.insert(key, value);
    }
    // A folder below a file can't be made, so that no command starts a bridge.
    let data_dir = format!("config/config.{}/data", format.ending());
    json!({ "global": { "data_dir": data_dir }, platform: { "one": instance } })
}

/// The ways to write the secret at its place: right ones, and ones that are refused.
fn forms(canary: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("as it is", canary.into()),
        ("in a variable", json!({ "env": "CANARY" })),
        ("in a file", json!({ "file": "canary" })),
        ("in a list", json!([canary])),
        (
            "in a list of all forms",
            json!([canary, { "env": "CANARY" }, { "file": "canary" }]),
        ),
        (
            "in a list that is too long",
            json!([canary, canary, canary, canary, canary]),
        ),
        ("in a list of lists", json!([[canary]])),
        ("in a list with an object", json!([{ "value": canary }])),
        ("as a variable's name", json!({ "env": canary })),
        ("as a file's name", json!({ "file": canary })),
        ("in an unknown form", json!({ "vault": canary })),
        ("as a key", json!({ canary: "x" })),
        ("as a variable's name in a list", json!({ "env": [canary] })),
        (
            "beside a variable",
            json!({ "env": "CANARY", "value": canary }),
        ),
        (
            "in a URL",
            format!("http://user:{canary}@127.0.0.1:1").into(),
        ),
        (
            "in a URL that is none",
            format!("http://user:{canary}@127.0.0.1:port").into(),
        ),
    ]
}

/// All of them. Every one holds another set of canaries.
pub(crate) fn plants(seed: Seed) -> Vec<Plant> {
    let mut random = seed.random();
    let mut plants = Vec::new();
    for format in FORMATS {
        for place in places() {
            plant(format, &place, &mut random, &mut plants);
        }
    }
    plants
}

fn plant(format: Format, place: &Place, random: &mut fastrand::Rng, plants: &mut Vec<Plant>) {
    let mut canaries = Vec::new();
    let base = base(format, place.platform, random, &mut canaries);
    let canary = canary(random);
    canaries.push(canary.clone());
    let digits: String = (0..18).map(|_| random.digit(10)).collect();
    canaries.push(digits.clone());
    // A secret of several lines, some of which look like keys. No rule tells such words from those
    // that people choose, so they stand only where nobody takes them for keys.
    let word: String = (0..24).map(|_| random.lowercase()).collect();
    canaries.push(word.clone());
    let lines = [
        "-----BEGIN PRIVATE KEY-----".to_owned(),
        format!("{word}: {canary}"),
        format!("{canary}: {word}"),
        format!("{word} = {canary}"),
        format!("- {word}: x"),
        canary.clone(),
        "-----END PRIVATE KEY-----".to_owned(),
    ];
    let mut add_with = |fault: Fault, name: String, config: String, rules: String| {
        plants.push(Plant {
            fault,
            name: format!(
                "{} of {} in {format:?}, {name}",
                place.key,
                place.block.join(".")
            ),
            config,
            rules,
            ending: format.ending(),
            variables: vec![("CANARY".to_owned(), canary.clone())],
            files: vec![("canary".to_owned(), format!("{canary}\n"))],
            canaries: canaries.clone(),
        });
    };
    let mut add = |name, config, rules| add_with(Fault::Content, name, config, rules);
    let no_rules = || format.write(&json!({ "rules": [] }));
    let with = |place: &Place, value: Value| {
        let mut config = base.clone();
        place.set(&mut config, value);
        config
    };
    for (name, value) in forms(&canary) {
        add(
            name.to_owned(),
            format.write(&with(place, value)),
            no_rules(),
        );
    }
    let number: Value = digits.parse().map(u64::into).expect("a number");
    add(
        "a number".to_owned(),
        format.write(&with(place, number)),
        no_rules(),
    );

    // Under a misspelled key, and in blocks that have no such key.
    let (first, rest) = place.key.split_at(1);
    for key in [
        format!("{first}{first}{rest}"),
        rest.to_owned(),
        place.key.to_uppercase(),
    ] {
        let misspelled = Place {
            key: key.clone(),
            ..place.clone()
        };
        add(
            format!("misspelled {key}"),
            format.write(&with(&misspelled, canary.clone().into())),
            no_rules(),
        );
    }
    for block in [
        &[][..],
        &["global"],
        &["global", "log"],
        &["global", "delivery"],
        &[place.platform],
    ] {
        let block = block.iter().map(|&key| key.to_owned()).collect();
        let misplaced = Place {
            block,
            ..place.clone()
        };
        let name = format!("in the block \"{}\"", misplaced.block.join("."));
        add(
            name,
            format.write(&with(&misplaced, canary.clone().into())),
            no_rules(),
        );
    }
    let mut rules = json!({ "rules": [{ "from": { "one": "*" }, "to": { "one": {} } }] });
    rules["rules"][0][&place.key] = canary.clone().into();
    rules[&place.key] = json!([canary]);
    let right = format.write(&with(place, canary.clone().into()));
    add(
        "in the rules".to_owned(),
        right.clone(),
        format.write(&rules),
    );
    add(
        "one file for the other".to_owned(),
        no_rules(),
        right.clone(),
    );

    // Faults of syntax around it: each mark nearby is left out, or the end of the file.
    let mut add = |name, config, rules| add_with(Fault::Syntax, name, config, rules);
    let at = right.find(&canary).expect("it stands there");
    let nearby = at.saturating_sub(40)..(at + canary.len() + 20).min(right.len());
    for (offset, mark) in right.match_indices(|c| format.marks().contains(c)) {
        if !nearby.contains(&offset) {
            continue;
        }
        let (before, behind) = right.split_at(offset);
        let without = format!("{before}{}", &behind[mark.len()..]);
        add(
            format!("without the mark at {offset}"),
            without.clone(),
            no_rules(),
        );
        add(
            format!("the rules without the mark at {offset}"),
            no_rules(),
            without,
        );
        add(format!("cut at {offset}"), before.to_owned(), no_rules());
    }
    let half = at + canary.len() / 2;
    add(
        "cut within".to_owned(),
        right[..half].to_owned(),
        no_rules(),
    );
    add(
        "broken within".to_owned(),
        format!("{}\n{}", &right[..half], &right[half..]),
        no_rules(),
    );

    // Over several lines: in the place of the line where it stands.
    let (start, end) = line_of(&right, at);
    let line = &right[start..end];
    let indent = &line[..line.len() - line.trim_start().len()];
    for (fault, name, text) in format.over_lines(indent, &place.key, &lines) {
        let config = format!("{}{text}{}", &right[..start], &right[end..]);
        add_with(fault, format!("over lines {name}"), config, no_rules());
    }
}

/// Where the line of that offset begins, and where the next one does.
fn line_of(text: &str, offset: usize) -> (usize, usize) {
    let start = text[..offset].rfind('\n').map_or(0, |before| before + 1);
    let end = text[offset..]
        .find('\n')
        .map_or(text.len(), |behind| offset + behind + 1);
    (start, end)
}
