//! The keys that belong to the framework, with their defaults: `global`, and what every instance
//! may carry beside its driver's settings.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::network::Network;
use crate::secret::Secret;
use crate::time::parse_positive_duration;

/// The block `global`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GlobalSettings {
    /// Folder of the store, relative to the working directory. Default: `data`.
    #[schemars(length(min = 1))]
    pub data_dir: String,
    /// URL of a proxy for all outgoing requests. Default: none; the environment's proxy variables
    /// are not used.
    pub proxy: Option<Secret>,
    /// What is logged, to stderr.
    pub log: LogSettings,
    /// How deliveries are tried, for all instances.
    pub delivery: DeliveryKeys,
    /// How much the store holds, and for how long.
    pub store: StoreSettings,
    /// The listeners, for all instances.
    pub server: ServerSettings,
}

impl Default for GlobalSettings {
    fn default() -> Self {
        Self {
            data_dir: "data".to_owned(),
            proxy: None,
            log: LogSettings::default(),
            delivery: DeliveryKeys::default(),
            store: StoreSettings::default(),
            server: ServerSettings::default(),
        }
    }
}

/// The block `global.log`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,bridge_http=debug`.
    /// Default: `info`.
    pub level: String,
    /// Lines for people or for machines. Default: `text`.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The block `global.store`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// How long the text of a message is kept once all its deliveries have ended; `bridge trace`
    /// shows it. Dead letters keep theirs as long as they exist. Default: `7d`.
    pub retain_bodies: DurationText,
    /// How long the id of a message is known, so that a repeated callback causes no second
    /// delivery, and how long dead letters and records are kept; at least `48h`, and not less than
    /// `retain_bodies`. Default: `14d`.
    pub retain_ids: DurationText,
    /// Deliveries that wait in one lane at most; further ones of that lane become dead letters at
    /// once. Default: 100000.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub lane_backlog: u64,
    /// Deliveries that wait in all lanes together at most; further messages are answered 503, so
    /// that the platform sends them again. Default: 2000000.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_backlog: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            retain_bodies: DurationText(7 * DAY),
            retain_ids: DurationText(14 * DAY),
            lane_backlog: 100_000,
            max_backlog: 2_000_000,
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The block `global.server`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Largest body of a callback, in bytes; a larger one is answered 413. Default: 1048576.
    #[schemars(range(min = 1024, max = 104_857_600))]
    pub body_limit_bytes: usize,
    /// Connections that one listener holds at once; more wait. Default: 1024.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// Connections that one listener holds for one address at once; further ones are closed
    /// unanswered. Default: 256.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections_per_address: usize,
    /// IP addresses and networks of reverse proxies, to which `max_connections_per_address` does
    /// not apply. Default: none.
    pub trusted_proxies: Vec<Network>,
    /// How long running work may go on after SIGTERM. Default: `10s`.
    pub shutdown_timeout: DurationText,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            body_limit_bytes: 1024 * 1024,
            max_connections: 1024,
            max_connections_per_address: 256,
            trusted_proxies: Vec::new(),
            shutdown_timeout: DurationText(Duration::from_secs(10)),
        }
    }
}

/// What every instance may carry beside its driver's settings and [`DeliveryKeys`].
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InstanceKeys {
    /// Sends a second that this instance may make; 0 for no limit. Default: the driver's.
    pub rate_per_second: Option<u32>,
    /// Sends a minute that one channel of this instance may get; 0 for no limit. Default: the
    /// driver's.
    pub channel_rate_per_minute: Option<u32>,
    /// Sends of this instance that may run at once. Default: 32.
    #[schemars(range(min = 1, max = 1024))]
    pub max_in_flight: Option<u32>,
    /// URL of a proxy for this instance's requests. Default: `global.proxy`.
    pub proxy: Option<Secret>,
}

/// How deliveries are tried; what is not written comes from the next wider block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryKeys {
    /// How long one try may take. Default: `20s`.
    pub attempt_timeout: Option<DurationText>,
    /// The longest pause between tries; pauses double from one second up to it. Default: `5m`.
    pub backoff_max: Option<DurationText>,
    /// The longest pause that a platform may ask for. Default: `10m`.
    pub retry_after_cap: Option<DurationText>,
    /// How long a delivery is tried, counted from when the message was received; after that it
    /// becomes a dead letter. Default: `24h`.
    pub max_age: Option<DurationText>,
    /// What becomes of a send after which nobody knows whether the platform took it: `resend` (at
    /// most twice) or `park`. Default: `resend`.
    pub on_uncertain: Option<OnUncertain>,
    /// What a lane does when its oldest delivery fails for good: `park` it as a dead letter and go
    /// on, or `block` until somebody replays or discards the letter. Default: `park`.
    pub on_dead: Option<OnDead>,
    /// How long a delivery is worth sending, counted from when the message was received; after that
    /// it is dropped, without becoming a dead letter. Default: none, everything is worth sending.
    pub expires_after: Option<DurationText>,
    /// Whether messages that wait for the rate budget are merged into one, in order, each with its
    /// sender. Default: `false`.
    pub digest: Option<bool>,
}

/// What a lane does when its oldest delivery fails for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDead {
    /// The delivery becomes a dead letter, the lane goes on with the next.
    Park,
    /// The delivery becomes a dead letter, and the lane waits until it is replayed or discarded.
    Block,
}

/// What becomes of a send after which nobody knows whether the platform took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUncertain {
    /// Sent again, at most twice; then it becomes a dead letter that may have been delivered.
    Resend,
    /// Becomes a dead letter at once, marked as perhaps delivered.
    Park,
}

/// How deliveries to one target are tried, with nothing left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// How long one try may take.
    pub attempt_timeout: Duration,
    /// The longest pause between tries.
    pub backoff_max: Duration,
    /// The longest pause that a platform may ask for.
    pub retry_after_cap: Duration,
    /// How long a delivery is tried, from when the message was received.
    pub max_age: Duration,
    /// What becomes of an uncertain send.
    pub on_uncertain: OnUncertain,
    /// What the lane does when a delivery fails for good.
    pub on_dead: OnDead,
    /// How long a delivery is worth sending, from when the message was received.
    pub expires_after: Option<Duration>,
    /// Whether what waits for the budget is merged.
    pub digest: bool,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(20),
            backoff_max: Duration::from_secs(5 * 60),
            retry_after_cap: Duration::from_secs(10 * 60),
            max_age: Duration::from_secs(24 * 60 * 60),
            on_uncertain: OnUncertain::Resend,
            on_dead: OnDead::Park,
            expires_after: None,
            digest: false,
        }
    }
}

impl DeliveryPolicy {
    /// This policy, with what a narrower block says in its place.
    pub fn with(&self, keys: &DeliveryKeys) -> Self {
        let or = |key: Option<DurationText>, wider| key.map_or(wider, |text| text.0);
        Self {
            attempt_timeout: or(keys.attempt_timeout, self.attempt_timeout),
            backoff_max: or(keys.backoff_max, self.backoff_max),
            retry_after_cap: or(keys.retry_after_cap, self.retry_after_cap),
            max_age: or(keys.max_age, self.max_age),
            on_uncertain: keys.on_uncertain.unwrap_or(self.on_uncertain),
            on_dead: keys.on_dead.unwrap_or(self.on_dead),
            expires_after: keys
                .expires_after
                .map_or(self.expires_after, |text| Some(text.0)),
            digest: keys.digest.unwrap_or(self.digest),
        }
    }
}

/// A duration written with a unit: `"10s"`. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationText(pub Duration);

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_positive_duration(&text)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for DurationText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "duration",
            "description": "A duration with a unit, such as \"10s\", \"5m\" or \"24h\""
        })
    }
}
