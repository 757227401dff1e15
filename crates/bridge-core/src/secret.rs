//! Secrets of the config: a type that does not show them, and a guard that recognises them in
//! texts.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The name under which the schema of a settings type refers to [`Secret`].
pub const SCHEMA_NAME: &str = "Secret";

/// A value that must not be shown. In a driver's settings it may be written as a literal, as
/// `{"env": "NAME"}` or as `{"file": "path"}`; the loader puts the value in its place before the
/// settings are read.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// How the stand-ins of [`is_stand_in`](Self::is_stand_in) begin. They are URLs, as some secrets are.
    pub const STAND_IN: &str = "http://made-up.invalid/";

    /// Wraps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself. Use it where it is sent or hashed, never in a text that people see.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether it stands in for a secret of the environment or of a file that was not asked for, as in
    /// `bridge check --offline`. Its form says nothing about the real one's.
    pub fn is_stand_in(&self) -> bool {
        self.expose().starts_with(Self::STAND_IN)
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

/// The name under which the schema of a settings type refers to [`Secrets`].
pub const LIST_SCHEMA_NAME: &str = "Secrets";

/// One secret, or a list of secrets that are all good at once, so that one can be changed for
/// another without a moment at which neither is. Each is written as a [`Secret`] is.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Most secrets that may be good at once.
    pub const MOST: usize = 4;

    /// All of them, as they stand in the config: from 1 to [`Secrets::MOST`].
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(Secret),
            Several(Vec<Secret>),
        }
        let secrets = match Written::deserialize(deserializer)? {
            Written::One(secret) => vec![secret],
            Written::Several(secrets) => secrets,
        };
        match secrets.len() {
            1..=Self::MOST => Ok(Self(secrets)),
            number => Err(D::Error::custom(format!(
                "expected 1 to {} secrets, found {number}",
                Self::MOST
            ))),
        }
    }
}

impl JsonSchema for Secrets {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        LIST_SCHEMA_NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Secret>();
        json_schema!({
            "description": "A secret, or a list of secrets that are all good at once",
            "anyOf": [
                one,
                { "type": "array", "items": one, "minItems": 1, "maxItems": Self::MOST }
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
    fn one_or_several_secrets_may_be_good_at_once() {
        let read = |text: &str| {
            let secrets: Result<Secrets, _> = serde_json::from_str(text);
            secrets.map(|secrets| secrets.iter().map(|one| one.expose().to_owned()).collect())
        };
        let rows: [(&str, Option<&[&str]>); 5] = [
            (r#""canary-1""#, Some(&["canary-1"])),
            (
                r#"["canary-1", "canary-2"]"#,
                Some(&["canary-1", "canary-2"]),
            ),
            ("[]", None),
            (r#"["1", "2", "3", "4", "canary-5"]"#, None),
            (r#"["canary-1", 7]"#, None),
        ];
        for (text, expected) in rows {
            let result: Result<Vec<String>, _> = read(text);
            match (result, expected) {
                (Ok(secrets), Some(expected)) => assert_eq!(secrets, expected, "{text}"),
                (Err(error), None) => assert!(!error.to_string().contains("canary"), "{error}"),
                (result, _) => panic!("{text}: {result:?}"),
            }
        }
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
