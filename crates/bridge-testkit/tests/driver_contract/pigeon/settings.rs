//! The settings of the pigeon driver.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridge_core::driver::{Identity, Listen, Report};
use bridge_core::secret::Secret;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::fault::Fault;

#[derive(Clone, JsonSchema)]
#[schemars(transform = spoil)]
pub(crate) struct Settings {
    /// The key of the API.
    pub(crate) api_key: Secret,
    /// What callbacks are signed with.
    pub(crate) hook_secret: Secret,
    /// What readers of letters show.
    pub(crate) read_key: Secret,
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
    read_key: Secret,
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
        if Fault::DefaultsARequiredKey.is_present() && value.get("api_base").is_none() {
            value["api_base"] = json!("http://127.0.0.1:9");
        }
        if Fault::TakesPortsOfAnyType.is_present() && !value["listen_port"].is_u64() {
            value["listen_port"] = json!(0);
        }
        let strict: Result<Strict, _> = serde_path_to_error::deserialize(value);
        let strict = strict.map_err(serde::de::Error::custom)?;
        Ok(Self {
            api_key: strict.api_key,
            hook_secret: strict.hook_secret,
            read_key: strict.read_key,
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

/// What the faults make of the schema.
fn spoil(schema: &mut Schema) {
    let Some(keys) = schema.get_mut("properties") else {
        return;
    };
    if Fault::UndocumentedKey.is_present()
        && let Some(port) = keys["listen_port"].as_object_mut()
    {
        port.remove("description");
    }
    if Fault::PlainSecret.is_present() {
        keys["api_key"] = json!({ "type": "string", "description": "The key of the API." });
    }
    if Fault::SecretInSchema.is_present() {
        keys["api_key"]["default"] = json!("the usual key");
    }
}

impl Settings {
    pub(crate) fn check(&self, report: &mut Report) {
        static CHECKS: AtomicUsize = AtomicUsize::new(0);
        if Fault::ReportsAnError.is_present() {
            report.error("api_base", "it is a URL".to_owned(), "write none");
        }
        let number = CHECKS.fetch_add(1, Ordering::Relaxed);
        if Fault::ReportsByChance.is_present() && number % 2 == 1 {
            report.error("api_base", "it is odd".to_owned(), "try again");
        }
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
        let path = match Fault::PathWithoutSlash.is_present() {
            true => "pigeon",
            false => "/pigeon",
        };
        let mut listen = Listen::new(host, self.listen_port, path);
        listen.questions = vec!["/letters".into()];
        listen
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
