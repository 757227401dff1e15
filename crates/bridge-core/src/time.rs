//! Points in time and durations as operators write them.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// A point in time, in whole milliseconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The start of the epoch; as a `not_before`, "at once".
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This point moved later by `duration`, at most to the end of time.
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This point moved earlier by `duration`, at most to the beginning of time.
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this point is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Reads a point in time as people write it: RFC 3339, such as `2026-03-01T14:55:34Z`, or a shorter
/// form of it such as `2026-03-01 14:55:34`, which is taken as UTC.
///
/// # Errors
///
/// A sentence saying how to write one.
pub fn parse_timestamp(text: &str) -> Result<Timestamp, String> {
    let time = humantime::parse_rfc3339_weak(text).map_err(|_| {
        format!("{text:?} is no time; write one such as \"2026-03-01T14:55:34Z\", in UTC")
    })?;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::EPOCH.plus(since))
}

/// RFC 3339 in UTC with milliseconds; a point outside the years 1970 to 9999 prints as its number.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const YEAR_10000: u64 = 253_402_300_800_000;
        match u64::try_from(self.0) {
            Ok(millis) if millis < YEAR_10000 => {
                let time = UNIX_EPOCH + Duration::from_millis(millis);
                write!(f, "{}", humantime::format_rfc3339_millis(time))
            }
            _ => write!(f, "{}", self.0),
        }
    }
}

/// Reads a duration with a unit: `"500ms"`, `"10s"`, `"5m"`, `"24h"`, `"7d"`.
///
/// # Errors
///
/// A sentence that says what is wrong and what a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| {
        format!("\"{text}\" is not a duration; write a number with a unit, such as \"10s\", \"5m\" or \"24h\"")
    })
}

/// Like [`parse_duration`], and refuses zero.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn parse_positive_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("a duration must be longer than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// The duration as [`parse_duration`] reads it.
pub fn format_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_print_as_rfc3339() {
        let rows = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_772_376_934_909, "2026-03-01T14:55:34.909Z"),
            (-1, "-1"),
            (i64::MAX, "9223372036854775807"),
        ];
        for (millis, expected) in rows {
            assert_eq!(Timestamp::from_millis(millis).to_string(), expected);
        }
    }

    #[test]
    fn points_in_time_are_read_as_people_write_them() {
        let rows = [
            ("2026-03-01T14:55:34.909Z", Some(1_772_376_934_909)),
            ("2026-03-01T14:55:34Z", Some(1_772_376_934_000)),
            ("2026-03-01 14:55:34", Some(1_772_376_934_000)),
            ("yesterday", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let found = parse_timestamp(text).ok().map(Timestamp::as_millis);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("24h"), Ok(Duration::from_secs(86_400)));
        assert!(parse_duration("10").unwrap_err().contains("\"10s\""));
    }
}
