//! Three small platforms and a short way to load files that use them.

use std::collections::BTreeMap;
use std::future::ready;

use bridge_core::capability::Capabilities;
use bridge_core::catalog::{Catalog, DriverEntry};
use bridge_core::config::{Diagnostic, Loaded, Source, load};
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Listen, MsgForm, MsgKey, Outgoing, Refusal, Report,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Ports, SecretSource};
use bridge_core::secret::Secret;
use bytes::Bytes;

/// Settings of every platform here.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Names the app.
    app: String,
    /// Opens it.
    password: Option<Secret>,
    /// Where to listen.
    port: Option<u16>,
    /// Goes along with every call.
    #[serde(default)]
    #[expect(dead_code, reason = "it is read by the loader only")]
    passes: BTreeMap<String, Secret>,
}

macro_rules! platform {
    ($type:ident, $name:literal, [$($key:literal),*], $msg_keys:expr) => {
        pub(crate) struct $type;

        impl Driver for $type {
            type Settings = Settings;

            const INFO: DriverInfo = DriverInfo::new($name, "for tests")
                .address_keys(&[$(AddressKey::new($key, "look in the app").checked_by(check_room).folded_by(|value| value.to_ascii_lowercase())),*])
                .msg_keys($msg_keys);

            fn check(settings: &Settings, report: &mut Report) {
                if settings.app == "bad" {
                    report.error("app", "this app is bad", "take a good one");
                }
                if settings.password.is_none() {
                    report.warning("password", "no password", "set one");
                }
            }

            fn listen(settings: &Settings) -> Option<Listen> {
                let port = settings.port?;
                Some(Listen::new([0, 0, 0, 0].into(), port, "/"))
            }

            fn capabilities(_: &Settings) -> Capabilities {
                Capabilities::text(1000)
            }

            fn open(_: Settings, _: Ports) -> Self {
                Self
            }

            fn verify(&self, _: &http::Request<Bytes>) -> Result<(), Refusal> {
                Ok(())
            }

            fn decode(&self, _: &Bytes) -> Result<Batch, Refusal> {
                Ok(Batch::default())
            }

            fn send(
                &self,
                _: &Outgoing,
            ) -> impl Future<Output = Result<Sent, SendError>> + Send {
                ready(Ok(Sent::default()))
            }
        }
    };
}

fn check_room(value: &str) -> Result<(), &'static str> {
    match value {
        "nowhere" => Err("is no room of the app"),
        _ => Ok(()),
    }
}

platform!(Chat, "chat", ["room"], &[]);
platform!(Grid, "grid", ["guild", "room"], &[]);
platform!(
    Pipe,
    "pipe",
    [],
    &[
        MsgKey::new("title", MsgForm::Template, "stands above the text"),
        MsgKey::new("fields", MsgForm::Templates, "stand beside the text").reserved(&["text"]),
    ]
);

/// An environment with one variable and one file.
pub(crate) struct Environment;

impl SecretSource for Environment {
    fn env(&self, name: &str) -> Result<String, String> {
        match name {
            "PASSWORD" => Ok("canary-from-env".to_owned()),
            _ => Err(format!("the environment variable {name} is not set")),
        }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        match path {
            "/run/password" => Ok("canary-from-file".to_owned()),
            _ => Err(format!("{path} can't be read: no such file")),
        }
    }
}

pub(crate) fn catalog() -> Catalog {
    let entries = [
        DriverEntry::of::<Pipe>(),
        DriverEntry::of::<Chat>(),
        DriverEntry::of::<Grid>(),
    ];
    Catalog::of(entries).expect("three different platforms")
}

/// Two chats, a grid and a pipe, all fine.
#[allow(dead_code, reason = "not every test that shares this module uses it")]
pub(crate) const CONFIG: &str = r#"{
    "chat": { "a": { "app": "x", "password": "canary-literal" }, "b": { "app": "x", "password": "pw" } },
    "grid": { "g": { "app": "x", "password": "pw" } },
    "pipe": { "p": { "app": "x", "password": "pw" } }
}"#;

#[allow(dead_code, reason = "not every test that shares this module uses it")]
pub(crate) fn load_texts(config: &str, rules: &str) -> Loaded {
    load_named(("config.json", config), ("rules.json", rules))
}

/// Loads two files, each given by its name and its text.
pub(crate) fn load_named(config: (&str, &str), rules: (&str, &str)) -> Loaded {
    let source = |(name, text): (&str, &str)| Source {
        name: name.to_owned(),
        content: Ok(text.as_bytes().to_vec()),
    };
    load(&source(config), &source(rules), &catalog(), &Environment)
}

/// `line:column path | problem | help`, without the line for the file as a whole.
#[allow(dead_code, reason = "not every test that shares this module uses it")]
pub(crate) fn line(diagnostic: &Diagnostic) -> String {
    let Diagnostic {
        severity,
        place,
        path,
        problem,
        help,
        ..
    } = diagnostic;
    let place = place
        .start()
        .map_or_else(String::new, |(line, column)| format!("{line}:{column} "));
    format!("{severity}: {place}{path} | {problem} | {help}")
}
