//! The channels from which something came: which to report, and when to write them down again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bridge_core::id::Channel;
use bridge_core::time::Timestamp;

/// A channel's record is renewed at most this often.
const RENEW_AFTER: Duration = Duration::from_secs(3600);

/// Channels beyond this number are neither reported nor recorded in this run: whoever makes up
/// channels must fill neither memory, nor the log, nor the disk.
const MOST: usize = 10_000;

/// The channels from which something came in this run.
#[derive(Debug, Default)]
pub(crate) struct KnownChannels {
    channels: Mutex<HashMap<Channel, Known>>,
}

#[derive(Debug)]
struct Known {
    title: String,
    recorded_at: Timestamp,
}

/// What to do about a channel from which something came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// It came for the first time in this run.
    pub(crate) is_first: bool,
    /// Its record is missing, old, or has another title.
    pub(crate) is_due: bool,
}

impl KnownChannels {
    /// Takes note of a channel.
    pub(crate) fn see(&self, channel: &Channel, title: &str, now: Timestamp) -> Sighting {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = channels.get_mut(channel) {
            let is_due = known.title != title || now.since(known.recorded_at) >= RENEW_AFTER;
            if is_due {
                *known = Known {
                    title: title.to_owned(),
                    recorded_at: now,
                };
            }
            return Sighting {
                is_first: false,
                is_due,
            };
        }
        if channels.len() >= MOST {
            return Sighting {
                is_first: false,
                is_due: false,
            };
        }
        channels.insert(
            channel.clone(),
            Known {
                title: title.to_owned(),
                recorded_at: now,
            },
        );
        Sighting {
            is_first: true,
            is_due: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::id::Address;

    #[test]
    fn a_channel_is_recorded_when_it_is_new_renamed_or_an_hour_old() {
        let known = KnownChannels::default();
        let channel =
            |room: usize| Channel::new("a".into(), Address::new([("k", room.to_string())]));
        let see = |room, title, second: i64| {
            let sighting = known.see(&channel(room), title, Timestamp::from_millis(second * 1000));
            (sighting.is_first, sighting.is_due)
        };
        assert_eq!(see(1, "ops", 0), (true, true));
        assert_eq!(see(1, "ops", 1), (false, false));
        assert_eq!(see(1, "dev", 2), (false, true));
        assert_eq!(see(1, "dev", 3602), (false, true));
        for room in 2..=MOST {
            assert_eq!(see(room, "", 3603), (true, true));
        }
        assert_eq!(
            see(MOST + 1, "", 3603),
            (false, false),
            "the bound is reached"
        );
        assert_eq!(
            see(1, "dev", 7203),
            (false, true),
            "the known ones stay known"
        );
    }
}
