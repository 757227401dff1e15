//! The two files in the making, and their text.

use bridge_core::catalog::DriverEntry;
use bridge_core::secret::SCHEMA_NAME;
use serde_json::{Map, Value, json};

/// A setting of a driver, as its schema describes it.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: String,
    /// One line.
    pub(super) description: String,
    pub(super) is_required: bool,
    pub(super) is_secret: bool,
    /// Whether its values are not texts: they are written as they are.
    is_literal: bool,
}

/// What has been decided so far.
pub(super) struct Draft<'a> {
    driver: &'a DriverEntry,
    pub(super) settings: Vec<Setting>,
    pub(super) instance: String,
    /// In the order in which they are written.
    values: Vec<(String, Value)>,
    pub(super) channels: Vec<Vec<(String, String)>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(driver: &'a DriverEntry) -> Self {
        let schema = driver.schema().to_value();
        let required = |key: &str| {
            let keys = schema["required"].as_array();
            keys.is_some_and(|keys| keys.iter().any(|required| required == key))
        };
        let properties = schema["properties"].as_object();
        let settings = properties
            .into_iter()
            .flatten()
            .map(|(key, property)| Setting {
                key: key.clone(),
                description: one_line(property["description"].as_str().unwrap_or_default()),
                is_required: required(key),
                is_secret: mentions_secret(property),
                is_literal: is_literal(property),
            });
        Self {
            settings: settings.collect(),
            driver,
            instance: String::new(),
            values: Vec::new(),
            channels: Vec::new(),
        }
    }

    pub(super) fn platform(&self) -> &'static str {
        self.driver.info().platform
    }

    /// The keys of a channel's address.
    pub(super) fn address_keys(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let keys = self.driver.info().address_keys.iter();
        keys.map(|key| (key.name, key.description))
    }

    pub(super) fn usual_name(&self) -> String {
        format!("{}_main", self.platform())
    }

    /// Where a setting stands in the config.
    pub(super) fn path_of(&self, key: &str) -> String {
        format!("{}.{}.{key}", self.platform(), self.instance)
    }

    /// The variable that an operator would call the secret by.
    pub(super) fn usual_variable(&self, key: &str) -> String {
        format!("{}_{key}", self.platform()).to_uppercase()
    }

    /// Sets a key, or sets it anew. What is wrong with it, the check says.
    pub(super) fn set(&mut self, key: &str, text: &str) {
        let setting = self.settings.iter().find(|setting| setting.key == key);
        let value = match setting {
            Some(setting) if setting.is_secret => secret(text),
            Some(setting) if setting.is_literal => {
                serde_json::from_str(text).unwrap_or_else(|_| text.into())
            }
            _ => text.into(),
        };
        self.unset(key);
        self.values.push((key.to_owned(), value));
    }

    pub(super) fn unset(&mut self, key: &str) {
        self.values.retain(|(known, _)| known != key);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.iter().any(|(known, _)| known == key)
    }

    /// Required settings without a value.
    pub(super) fn missing(&self) -> Vec<&Setting> {
        let required = self.settings.iter().filter(|setting| setting.is_required);
        required.filter(|setting| !self.has(&setting.key)).collect()
    }

    /// Secrets that do not stand in the file, and where they do.
    pub(super) fn secrets_outside(&self) -> Vec<(&str, String)> {
        let source = |value: &Value| match (value["env"].as_str(), value["file"].as_str()) {
            (Some(name), _) => Some(format!("the environment variable {name}")),
            (_, Some(path)) => Some(format!("the file {path}")),
            _ => None,
        };
        let values = self.values.iter();
        values
            .filter_map(|(key, value)| Some((key.as_str(), source(value)?)))
            .collect()
    }

    /// The config's text; each key below the sentence that describes it.
    pub(super) fn config(&self) -> String {
        let mut lines = Vec::new();
        for (position, (key, value)) in self.values.iter().enumerate() {
            let setting = self.settings.iter().find(|setting| setting.key == *key);
            if let Some(setting) = setting {
                lines.push(format!("      // {}", setting.description));
            }
            let comma = if position + 1 == self.values.len() {
                ""
            } else {
                ","
            };
            lines.push(format!(
                "      {}: {value}{comma}",
                Value::from(key.as_str())
            ));
        }
        format!(
            "{{\n  {}: {{\n    {}: {{\n{}\n    }}\n  }}\n}}\n",
            Value::from(self.platform()),
            Value::from(self.instance.as_str()),
            lines.join("\n")
        )
    }

    /// The rules' text: one rule that links the channels, or none yet.
    pub(super) fn rules(&self) -> String {
        let channels = self.channels.iter().map(|address| {
            let keys = address
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().into()));
            Value::Object(keys.collect::<Map<_, _>>())
        });
        let channels: Vec<_> = channels.collect();
        let rules = match channels.is_empty() {
            true => json!({ "rules": [] }),
            false => json!({ "rules": [{
                "type": "connect",
                "channels": { self.instance.as_str(): channels },
            }] }),
        };
        format!("{rules:#}\n")
    }
}

/// `KEY=VALUE[,KEY=VALUE]`
pub(super) fn address(text: &str) -> Result<Vec<(String, String)>, String> {
    text.split(',').map(crate::cli::key_value).collect()
}

fn secret(text: &str) -> Value {
    match text.split_once(':') {
        Some(("env", name)) => json!({ "env": name }),
        Some(("file", path)) => json!({ "file": path }),
        _ => text.into(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn mentions_secret(property: &Value) -> bool {
    let is_secret = |schema: &Value| {
        let name = schema["$ref"].as_str().unwrap_or_default();
        name.rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with(SCHEMA_NAME))
    };
    let alternatives = property["anyOf"].as_array();
    is_secret(property) || alternatives.is_some_and(|all| all.iter().any(is_secret))
}

fn is_literal(property: &Value) -> bool {
    let names = match &property["type"] {
        Value::Array(names) => names.clone(),
        name => vec![name.clone()],
    };
    let literal = |name: &Value| {
        matches!(
            name.as_str(),
            Some("integer" | "number" | "boolean" | "array" | "object")
        )
    };
    names.iter().any(literal)
}
