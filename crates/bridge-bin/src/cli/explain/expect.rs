//! `--expect`: the channels that a message must go to, compared with those that it goes to.

use std::collections::BTreeSet;
use std::fmt;

use bridge_core::catalog::Catalog;
use bridge_core::config::Setup;
use bridge_core::id::{Address, Channel};
use bridge_core::message::single_line;
use serde::Serialize;

use super::report::ChannelRecord;

/// What stands for no channel at all.
const NOWHERE: &str = "none";

/// The channels that are expected.
pub(super) struct Expected(BTreeSet<Channel>);

/// How what is expected and what is so differ.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// Expected, and not so.
    missing: Vec<ChannelRecord>,
    /// So, and not expected.
    unexpected: Vec<ChannelRecord>,
}

impl Expected {
    /// Reads `INSTANCE:KEY=VALUE,KEY=VALUE`, `INSTANCE` for one without address keys, or `none`.
    pub(super) fn parse(
        given: &[String],
        setup: &Setup,
        catalog: &Catalog,
    ) -> Result<Self, String> {
        if given.iter().any(|text| text == NOWHERE) {
            return match given.len() {
                1 => Ok(Self(BTreeSet::new())),
                _ => Err(format!(
                    "--expect {NOWHERE} can't stand beside another --expect"
                )),
            };
        }
        let channels = given.iter().map(|text| channel(text, setup, catalog));
        channels.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn compare(&self, reached: &BTreeSet<Channel>) -> Comparison {
        let records = |channels: &mut dyn Iterator<Item = &Channel>| {
            channels.map(ChannelRecord::from).collect()
        };
        Comparison {
            missing: records(&mut self.0.difference(reached)),
            unexpected: records(&mut reached.difference(&self.0)),
        }
    }
}

fn channel(text: &str, setup: &Setup, catalog: &Catalog) -> Result<Channel, String> {
    let after = |id: &str| match text.strip_prefix(id)? {
        "" => Some(""),
        rest => rest.strip_prefix(':'),
    };
    // A name may hold a colon, so the longest that fits is meant.
    let fitting = setup.instances.iter();
    let fitting = fitting.filter_map(|known| Some((known, after(known.id.as_str())?)));
    let Some((instance, pairs)) = fitting.max_by_key(|(known, _)| known.id.as_str().len()) else {
        let known: Vec<_> = setup
            .instances
            .iter()
            .map(|known| known.id.as_str())
            .collect();
        return Err(format!(
            "--expect {text} names no instance of the config; write INSTANCE:KEY=VALUE; known: {}",
            known.join(", ")
        ));
    };
    let entry = catalog.get(instance.platform);
    let keys: Vec<_> = entry
        .into_iter()
        .flat_map(|entry| entry.info().address_keys)
        .map(|key| key.name)
        .collect();
    let pairs = split(pairs, &keys);
    let is_whole = pairs.len() == keys.len();
    match pairs.iter().all(|(key, _)| keys.contains(key)) && is_whole {
        true => Ok(Channel::new(instance.id.clone(), Address::new(pairs))),
        false => {
            let form: Vec<_> = keys.iter().map(|key| format!("{key}=…")).collect();
            let form = match form.is_empty() {
                true => instance.id.to_string(),
                false => format!("{}:{}", instance.id, form.join(",")),
            };
            Err(format!("--expect {text} names no channel; write {form}"))
        }
    }
}

/// The keys and values. A value may hold commas: a pair ends where a comma and a key follow.
fn split<'a>(text: &'a str, keys: &[&str]) -> Vec<(&'a str, &'a str)> {
    let begins = |text: &str| {
        let key = text.split_once('=').map(|(key, _)| key);
        key.is_some_and(|key| keys.contains(&key))
    };
    let mut pairs = Vec::new();
    let mut left = text;
    while !left.is_empty() {
        let commas = left.match_indices(',').map(|(at, _)| at);
        let end = commas.into_iter().find(|at| begins(&left[at + 1..]));
        let (pair, rest) = match end {
            Some(end) => (&left[..end], &left[end + 1..]),
            None => (left, ""),
        };
        pairs.push(pair.split_once('=').unwrap_or((pair, "")));
        left = rest;
    }
    pairs
}

impl Comparison {
    pub(super) fn agrees(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it does not go where --expect says")?;
        for (what, channels) in [
            ("missing", &self.missing),
            ("not expected", &self.unexpected),
        ] {
            for channel in channels {
                write!(f, "\n  {what}: {}", single_line(&channel.to_string()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_commas_and_equals_signs() {
        let rows: [(&str, &[(&str, &str)]); 5] = [
            ("", &[]),
            ("room=a==", &[("room", "a==")]),
            (
                "guild=1,room=a,b=c,d",
                &[("guild", "1"), ("room", "a,b=c,d")],
            ),
            ("room=1,guild=2", &[("room", "1"), ("guild", "2")]),
            ("rom=1", &[("rom", "1")]),
        ];
        for (text, expected) in rows {
            assert_eq!(split(text, &["guild", "room"]), expected, "{text}");
        }
    }
}
