//! The channels to be in: joined, left, refused, and when each is tried again.

use std::time::Duration;

use bridge_core::outcome::SendError;

use crate::errors;
use crate::wire::{CaseMapping, is_channel};

/// The pause before a channel is joined again from which we were thrown out; doubles each time.
const KICK_PAUSE: Duration = Duration::from_secs(10);

/// The pause before a channel is tried again that refused us; doubles each time.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// The longest of both.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Who has been in a channel for this long is thrown out for the first time again.
const SETTLED: Duration = Duration::from_secs(600);

/// How long a server may take to answer a `JOIN`.
const JOIN_DEADLINE: Duration = Duration::from_secs(30);

/// Bytes of names in one `JOIN`.
const NAMES_BYTES: usize = 400;

/// All channels that matter.
#[derive(Debug, Default)]
pub(super) struct Channels(Vec<Channel>);

#[derive(Debug)]
struct Channel {
    name: String,
    place: Place,
    /// How often in a row we were refused or thrown out.
    failures: u32,
}

/// Where we stand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Outside { join_at: Duration },
    Joining { since: Duration },
    Inside { since: Duration },
    Refused { join_at: Duration, error: SendError },
}

impl Channel {
    fn pause(&mut self, first: Duration) -> Duration {
        let doublings = self.failures.min(10);
        self.failures = self.failures.saturating_add(1);
        first.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
    }

    fn refuse(&mut self, error: SendError, now: Duration) {
        let join_at = now + self.pause(REFUSED_PAUSE);
        self.place = Place::Refused { join_at, error };
    }
}

impl Channels {
    /// The rules name these; returns those to be left, which they named before.
    pub(super) fn name(&mut self, names: &[String], mapping: CaseMapping) -> Vec<String> {
        let is_named = |channel: &Channel| {
            let mut names = names.iter();
            names.any(|name| mapping.is_same(name, &channel.name))
        };
        let all = std::mem::take(&mut self.0).into_iter();
        let (kept, gone): (Vec<_>, Vec<_>) = all.partition(is_named);
        self.0 = kept;
        self.want(names, mapping, Duration::ZERO);
        let has_joined =
            |place: &Place| matches!(place, Place::Inside { .. } | Place::Joining { .. });
        let gone = gone
            .into_iter()
            .filter(|channel| has_joined(&channel.place));
        gone.map(|channel| channel.name).collect()
    }

    /// Wants to be in these as well: something waits for them that the rules no longer name.
    pub(super) fn want(&mut self, names: &[String], mapping: CaseMapping, now: Duration) {
        for name in names {
            let is_new = self.find(name, mapping).is_none();
            if is_new && is_channel(name) {
                self.0.push(Channel {
                    name: name.clone(),
                    place: Place::Outside { join_at: now },
                    failures: 0,
                });
            }
        }
    }

    /// The names of channels to join now, a line each.
    pub(super) fn join_due(&mut self, now: Duration) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for channel in &mut self.0 {
            match channel.place {
                Place::Outside { join_at } | Place::Refused { join_at, .. } if join_at <= now => {}
                Place::Joining { since } if since + JOIN_DEADLINE <= now => {
                    channel.refuse(errors::not_joined(None, "no answer"), now);
                    continue;
                }
                _ => continue,
            }
            channel.place = Place::Joining { since: now };
            match lines.last_mut() {
                Some(line) if line.len() + channel.name.len() < NAMES_BYTES => {
                    line.push(',');
                    line.push_str(&channel.name);
                }
                _ => lines.push(channel.name.clone()),
            }
        }
        lines
    }

    /// When something is to be done next.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let due = |channel: &Channel| match &channel.place {
            Place::Outside { join_at } | Place::Refused { join_at, .. } => Some(*join_at),
            Place::Joining { since } => Some(*since + JOIN_DEADLINE),
            Place::Inside { .. } => None,
        };
        self.0.iter().filter_map(due).min()
    }

    /// Channels to which nothing can be sent for a while, with what to tell those who try.
    pub(super) fn closed(&self, now: Duration) -> Vec<(&str, SendError)> {
        let error = |channel: &Channel| match &channel.place {
            Place::Outside { join_at } if *join_at > now => {
                Some(errors::thrown_out(*join_at - now))
            }
            Place::Refused { error, .. } => Some(error.clone()),
            _ => None,
        };
        let closed = self.0.iter();
        closed
            .filter_map(|channel| Some((&*channel.name, error(channel)?)))
            .collect()
    }

    /// We are in a channel; false if nobody wants to be.
    pub(super) fn joined(&mut self, name: &str, mapping: CaseMapping, now: Duration) -> bool {
        let channel = self.find(name, mapping);
        let is_wanted = channel.is_some();
        if let Some(channel) = channel {
            channel.place = Place::Inside { since: now };
        }
        is_wanted
    }

    /// We are no longer in a channel.
    pub(super) fn left(&mut self, name: &str, mapping: CaseMapping, now: Duration) {
        let Some(channel) = self.find(name, mapping) else {
            return;
        };
        if let Place::Inside { since } = channel.place
            && since + SETTLED <= now
        {
            channel.failures = 0;
        }
        let join_at = now + channel.pause(KICK_PAUSE);
        channel.place = Place::Outside { join_at };
    }

    /// A numeric about a channel came; false if it does not answer a `JOIN`.
    pub(super) fn refused(
        &mut self,
        name: &str,
        mapping: CaseMapping,
        numeric: u16,
        said: &str,
        now: Duration,
    ) -> bool {
        let Some(channel) = self.find(name, mapping) else {
            return false;
        };
        if !matches!(channel.place, Place::Joining { .. }) {
            return false;
        }
        let error = match numeric {
            403 | 476 | 479 => errors::no_such_channel(numeric, said),
            _ => errors::not_joined(Some(numeric), said),
        };
        channel.refuse(error, now);
        true
    }

    pub(super) fn is_member(&self, name: &str, mapping: CaseMapping) -> bool {
        let mut channels = self.0.iter();
        channels.any(|channel| {
            matches!(channel.place, Place::Inside { .. }) && mapping.is_same(&channel.name, name)
        })
    }

    fn find(&mut self, name: &str, mapping: CaseMapping) -> Option<&mut Channel> {
        let mut channels = self.0.iter_mut();
        channels.find(|channel| mapping.is_same(&channel.name, name))
    }
}
