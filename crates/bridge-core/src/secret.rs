//! Secrets of the config: a type that does not show them, and a guard that recognises them in
//! texts.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// The name under which the schema of a settings type refers to [`Secret`].
pub const SCHEMA_NAME: &str = "Secret";

/// A value that must not be shown. In a driver's settings it may be written as a literal, as
/// `{"env": "NAME"}` or as `{"file": "path"}`; the loader puts the value in its place before the
/// settings are read.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself. Use it where it is sent or hashed, never in a text that people see.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SCHEMA_NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A secret: the value itself, {\"env\": \"NAME\"} or {\"file\": \"path\"}",
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "object", "required": ["env"], "additionalProperties": false,
                  "properties": { "env": { "type": "string", "description": "Name of an environment variable" } } },
                { "type": "object", "required": ["file"], "additionalProperties": false,
                  "properties": { "file": { "type": "string", "description": "Path of a file that holds the secret" } } }
            ]
        })
    }
}

/// Recognises the config's secrets in texts that are about to be forwarded.
#[derive(Default)]
pub struct LeakGuard {
    /// `None` if there is nothing to look for.
    searcher: Option<aho_corasick::AhoCorasick>,
    /// The path of each pattern's key, such as `dingtalk.dt_main.app_secret`.
    keys: Vec<String>,
}

impl std::fmt::Debug for LeakGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeakGuard")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl LeakGuard {
    /// Secrets shorter than this many characters are not looked for: they would be found by chance.
    pub const MIN_CHARS: usize = 8;

    /// Guards the secrets, each given with the path of its key.
    pub fn new(secrets: impl IntoIterator<Item = (String, Secret)>) -> Self {
        let (keys, values): (Vec<_>, Vec<_>) = secrets
            .into_iter()
            .filter(|(_, secret)| secret.expose().chars().count() >= Self::MIN_CHARS)
            .unzip();
        let patterns = values.iter().map(|secret| secret.expose());
        let searcher = match keys.is_empty() {
            true => None,
            false => Some(
                aho_corasick::AhoCorasick::new(patterns).expect("fewer than four billion secrets"),
            ),
        };
        Self { searcher, keys }
    }

    /// The path of the key whose secret stands in `text`.
    pub fn find(&self, text: &str) -> Option<&str> {
        let found = self.searcher.as_ref()?.find(text)?;
        self.keys
            .get(found.pattern().as_usize())
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("canary-7f3a");
        assert!(!format!("{secret:?} {:#?}", secret).contains("canary"));
        assert_eq!(secret.expose(), "canary-7f3a");
    }

    #[test]
    fn the_guard_names_the_key_and_ignores_short_secrets() {
        let secrets = [
            ("a.b.short", "1234567"),
            ("a.b.app_secret", "八个字符的密钥啊哈"),
        ];
        let guard =
            LeakGuard::new(secrets.map(|(key, value)| (key.to_owned(), Secret::new(value))));
        assert_eq!(
            guard.find("see 八个字符的密钥啊哈!"),
            Some("a.b.app_secret")
        );
        assert_eq!(guard.find("1234567"), None);
        assert_eq!(LeakGuard::default().find("anything"), None);
    }
}
