//! A secret of the config: no `Display`, no `Serialize`, a redacted `Debug`.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("canary-7f3a");
        assert!(!format!("{secret:?} {:#?}", secret).contains("canary"));
        assert_eq!(secret.expose(), "canary-7f3a");
    }
}
