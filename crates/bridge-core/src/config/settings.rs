//! The keys that belong to the framework, with their defaults: `global`, and what every instance
//! may carry beside its driver's settings.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::network::Network;
use crate::secret::Secret;
use crate::time::parse_positive_duration;

/// The block `global`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GlobalSettings {
    /// The folder of the store, from the working directory; one bridge for each folder.
    #[schemars(length(min = 1))]
    pub data_dir: String,
    /// The URL (`http` or `https`) of a proxy for all calls to platforms, such as
    /// `"http://proxy.example:3128"`; it is a secret, since it may hold a password. The variables
    /// `HTTP_PROXY` and the like are not used.
    pub proxy: Option<Secret>,
    /// A PEM file with certificates of authorities that are trusted beside Mozilla's, on all
    /// connections to platforms and proxies. Read as the files of secrets are, and again with the config.
    #[schemars(length(min = 1))]
    pub ca_file: Option<String>,
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
            ca_file: None,
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
    /// `"error"`, `"warn"`, `"info"`, `"debug"`, `"trace"` or `"off"`, or a filter such as
    /// `"info,bridge_http=debug"`. `--log` and then `BRIDGE_LOG` win over it.
    pub level: String,
    /// Lines for people, or one JSON object for each line.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// shows it. Dead letters keep theirs as long as they exist. In a mailbox, how long an entry waits
    /// for its reader; then it is dropped.
    pub retain_bodies: DurationText,
    /// How long message ids, dead letters, records and the keys of mailboxes are kept; a callback
    /// that is repeated within this time is not delivered again. At least `"48h"`, and not less than
    /// `retain_bodies`.
    pub retain_ids: DurationText,
    /// Deliveries that wait for one channel at most; further ones become dead letters at once. In a
    /// mailbox, entries that wait for its reader at most; further deliveries are tried again later.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub lane_backlog: u64,
    /// Deliveries that wait for all channels together at most; then callbacks are answered 503, so
    /// that the platform sends them again.
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
    /// The largest callback, in bytes; a larger one is answered 413.
    #[schemars(range(min = 1024, max = 104_857_600))]
    pub body_limit_bytes: usize,
    /// Connections that one listener (so one instance) holds at once; more of them wait.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// Connections that one listener holds for one address; a further one is closed at once,
    /// without an answer. The machine itself and `trusted_proxies` are exempt.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections_per_address: usize,
    /// IP addresses and networks, such as `["192.0.2.7", "10.0.0.0/8"]`: your reverse proxies,
    /// behind which all callers have one address.
    pub trusted_proxies: Vec<Network>,
    /// How long running work may go on after SIGTERM or Ctrl-C; what is not done then goes on at
    /// the next start.
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

/// What every instance may carry beside its driver's settings and the keys of deliveries.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InstanceKeys {
    /// Calls that this instance may make in a second; `0` for no limit. Left out, the driver's own
    /// limit holds.
    pub rate_per_second: Option<u32>,
    /// Sends that one channel may get in a minute; `0` for no limit. Left out, the driver's own
    /// limit holds.
    pub channel_rate_per_minute: Option<u32>,
    /// Calls that may run at once.
    #[schemars(range(min = 1, max = 1024))]
    pub max_in_flight: u32,
    /// The URL of a proxy for this instance alone. Left out, `global.proxy` holds.
    pub proxy: Option<Secret>,
    /// A file of authorities for this instance alone. Left out, `global.ca_file` holds.
    #[schemars(length(min = 1))]
    pub ca_file: Option<String>,
}

impl Default for InstanceKeys {
    fn default() -> Self {
        Self {
            rate_per_second: None,
            channel_rate_per_minute: None,
            max_in_flight: 32,
            proxy: None,
            ca_file: None,
        }
    }
}

/// How deliveries are tried; what is not written comes from the next wider block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryKeys {
    /// How long one try may take.
    pub attempt_timeout: Option<DurationText>,
    /// The longest pause between tries; pauses double from one second up to it.
    pub backoff_max: Option<DurationText>,
    /// The longest pause that a platform may ask for; a longer wish is cut to this.
    pub retry_after_cap: Option<DurationText>,
    /// How long a message is tried, counted from when the bridge received it; then it becomes a
    /// dead letter.
    pub max_age: Option<DurationText>,
    /// What becomes of a send after which nobody knows whether the platform took it.
    pub on_uncertain: Option<OnUncertain>,
    /// What happens when a delivery fails for good: `"park"` keeps it as a dead letter and goes on
    /// with the next; `"block"` keeps it too, and nothing more is sent to the channel until
    /// somebody replays or discards it.
    pub on_dead: Option<OnDead>,
    /// How long a message is worth sending, counted as `max_age` is; then it is dropped, without a
    /// dead letter. Left out, everything is worth sending.
    pub expires_after: Option<DurationText>,
    /// Whether messages that wait for the rate budget are merged into one, in order, each with its
    /// sender.
    pub digest: Option<bool>,
}

impl From<&DeliveryPolicy> for DeliveryKeys {
    fn from(policy: &DeliveryPolicy) -> Self {
        Self {
            attempt_timeout: Some(DurationText(policy.attempt_timeout)),
            backoff_max: Some(DurationText(policy.backoff_max)),
            retry_after_cap: Some(DurationText(policy.retry_after_cap)),
            max_age: Some(DurationText(policy.max_age)),
            on_uncertain: Some(policy.on_uncertain),
            on_dead: Some(policy.on_dead),
            expires_after: policy.expires_after.map(DurationText),
            digest: Some(policy.digest),
        }
    }
}

/// What a lane does when its oldest delivery fails for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDead {
    /// The delivery becomes a dead letter, the lane goes on with the next.
    Park,
    /// The delivery becomes a dead letter, and the lane waits until it is replayed or discarded.
    Block,
}

/// What becomes of a send after which nobody knows whether the platform took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// With the largest unit that needs no fraction; a single day reads better in hours.
impl Serialize for DurationText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const UNITS: [(&str, u128); 4] = [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1000),
        ];
        let millis = self.0.as_millis();
        let units = match self.0 == DAY {
            true => &UNITS[1..],
            false => &UNITS[..],
        };
        match units.iter().find(|(_, size)| millis.is_multiple_of(*size)) {
            Some((unit, size)) => serializer.collect_str(&format_args!("{}{unit}", millis / size)),
            None => serializer.collect_str(&format_args!("{millis}ms")),
        }
    }
}

/// The `format` of a duration in the schemas. Not "duration": that is ISO 8601's.
pub(crate) const DURATION_FORMAT: &str = "duration-with-unit";

/// What `humantime` reads, but for numbers that overflow or leave a fraction of a nanosecond.
const DURATION_PATTERN: &str = r"^(\s*[0-9][0-9\s]*(\.[0-9\s]*[0-9][0-9\s]*)?(nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s|minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y))+\s*$";

impl JsonSchema for DurationText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": DURATION_FORMAT,
            "allOf": [{ "pattern": DURATION_PATTERN }, { "pattern": "[1-9]" }],
            "description": "A duration with a unit, such as \"10s\", \"5m\" or \"24h\"; never zero"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        let rows = [
            ("14d", "14d"),
            ("1day", "24h"),
            ("36h", "36h"),
            ("600s", "10m"),
            ("1500ms", "1500ms"),
        ];
        for (text, expected) in rows {
            let duration = DurationText(parse_positive_duration(text).unwrap());
            let written = serde_json::to_value(duration).unwrap();
            assert_eq!(written, expected, "{text}");
            let read: DurationText = serde_json::from_value(written).unwrap();
            assert_eq!(read, duration, "{text}");
        }
    }

    #[test]
    fn the_defaults_of_deliveries_are_those_of_the_policy() {
        let keys = DeliveryKeys::from(&DeliveryPolicy::default());
        let policy = DeliveryPolicy::default();
        assert_eq!(policy.with(&keys), policy);
    }
}
