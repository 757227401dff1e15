//! The settings of the pigeon driver.

use std::fmt;

use bridge_core::driver::{Identity, Listen, Report};
use bridge_core::secret::Secret;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Deserializer};

use crate::fault::Fault;

#[derive(Clone, JsonSchema)]
#[schemars(transform = hide_a_description)]
pub(crate) struct Settings {
    /// The key of the API.
    pub(crate) api_key: Secret,
    /// What callbacks are signed with.
    pub(crate) hook_secret: Secret,
    /// Where the API is.
    pub(crate) api_base: String,
    /// The port for callbacks.
    pub(crate) listen_port: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    api_key: Secret,
    hook_secret: Secret,
    api_base: String,
    listen_port: u16,
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = serde_json::Value::deserialize(deserializer)?;
        if Fault::TakesUnknownKeys.is_present()
            && let Some(keys) = value.as_object_mut()
        {
            keys.retain(|key, _| key != "surely_unknown");
        }
        let strict: Result<Strict, _> = serde_path_to_error::deserialize(value);
        let strict = strict.map_err(serde::de::Error::custom)?;
        Ok(Self {
            api_key: strict.api_key,
            hook_secret: strict.hook_secret,
            api_base: strict.api_base,
            listen_port: strict.listen_port,
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("api_key", &self.api_key);
        if Fault::SecretInDebug.is_present() {
            shown.field("hook_secret", &self.hook_secret.expose());
        }
        shown.finish_non_exhaustive()
    }
}

fn hide_a_description(schema: &mut Schema) {
    let port = schema
        .get_mut("properties")
        .and_then(|keys| keys.get_mut("listen_port"));
    if Fault::UndocumentedKey.is_present()
        && let Some(port) = port.and_then(|key| key.as_object_mut())
    {
        port.remove("description");
    }
}

impl Settings {
    pub(crate) fn check(&self, report: &mut Report) {
        if self.api_base.starts_with("http") {
            return;
        }
        let (mut key, mut problem) = ("api_base", "it is no URL".to_owned());
        if Fault::SecretInReport.is_present() {
            problem += self.hook_secret.expose();
        }
        if Fault::ReportsAnotherKey.is_present() {
            key = "base";
        }
        report.error(key, problem, "write a URL");
    }

    pub(crate) fn listen(&self) -> Listen {
        let host = std::net::Ipv4Addr::LOCALHOST.into();
        Listen::new(host, self.listen_port, "/pigeon")
    }

    pub(crate) fn identity(&self) -> Identity {
        let secret = Fault::SecretIdentity
            .is_present()
            .then(|| self.api_key.expose().to_owned());
        Identity {
            key: "api_base",
            value: secret.unwrap_or_else(|| self.api_base.clone()),
            consequence: "the platform calls one of the two",
        }
    }
}
