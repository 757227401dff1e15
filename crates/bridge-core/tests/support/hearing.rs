//! Three platforms that hear differently: `echo` its own sends, `crowd` those of other robots,
//! `quiet` people only; and a short way to load files that use them.

use std::future::ready;

use bridge_core::capability::Capabilities;
use bridge_core::catalog::{Catalog, DriverEntry};
use bridge_core::config::{Loaded, Source, load};
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Identity, Listen, Outgoing, Refusal, Report,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::{Ports, SecretSource};
use bridge_core::secret::Secret;
use bytes::Bytes;

/// Settings of every platform here.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Names the robot.
    robot: Option<String>,
    /// Opens it.
    #[expect(dead_code, reason = "it is read by the loader only")]
    password: Option<Secret>,
    /// Where to listen.
    port: Option<u16>,
    /// On which address.
    host: Option<String>,
}

macro_rules! platform {
    ($type:ident, $name:literal, $own:literal, $others:literal) => {
        pub(crate) struct $type;

        impl Driver for $type {
            type Settings = Settings;

            const INFO: DriverInfo = DriverInfo::new($name, "for tests").address_keys(&[
                AddressKey::new("guild", "look in the app"),
                AddressKey::new("room", "look in the app"),
            ]);

            fn check(_: &Settings, _: &mut Report) {}

            fn listen(settings: &Settings) -> Option<Listen> {
                let host = settings.host.as_deref().unwrap_or("0.0.0.0").parse().ok()?;
                Some(Listen::new(host, settings.port?, "/"))
            }

            fn capabilities(_: &Settings) -> Capabilities {
                let mut capabilities = Capabilities::text(1000);
                capabilities.hears_own_sends = $own;
                capabilities.hears_other_robots = $others;
                capabilities
            }

            fn identity(settings: &Settings) -> Option<Identity> {
                Some(Identity {
                    key: "robot",
                    value: settings.robot.clone()?,
                    consequence: "only one of the two is called",
                })
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

            fn send(&self, _: &Outgoing) -> impl Future<Output = Result<Sent, SendError>> + Send {
                ready(Ok(Sent::default()))
            }
        }
    };
}

platform!(Echo, "echo", true, true);
platform!(Crowd, "crowd", false, true);
platform!(Quiet, "quiet", false, false);

/// Secrets stand in the config itself.
struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, name: &str) -> Result<String, String> {
        Err(format!("the environment variable {name} is not set"))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(format!("{path} can't be read: no such file"))
    }
}

pub(crate) fn load_texts(config: &str, rules: &str) -> Loaded {
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        content: Ok(text.as_bytes().to_vec()),
    };
    let entries = [
        DriverEntry::of::<Echo>(),
        DriverEntry::of::<Crowd>(),
        DriverEntry::of::<Quiet>(),
    ];
    let catalog = Catalog::of(entries).expect("three different platforms");
    let (config, rules) = (source("config.json", config), source("rules.json", rules));
    load(&config, &rules, &catalog, &NoSecrets)
}
