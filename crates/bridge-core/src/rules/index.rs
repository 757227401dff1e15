//! Finds the rules that take messages from a channel, without looking at the others.

use foldhash::{HashMap, HashMapExt};

use super::{Channels, Rule};
use crate::id::{Address, InstanceId};

/// Rules by what their sources name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    instances: HashMap<InstanceId, Sources>,
}

/// The rules that take messages from one instance, as ascending positions.
#[derive(Debug, Default)]
struct Sources {
    any: Vec<usize>,
    /// One table for each set of keys that some pattern names; a message's address is cut to the
    /// set and looked up. Drivers have few keys, so there are few sets.
    by_keys: Vec<(Vec<Box<str>>, Table)>,
}

/// Rules by the address that they name.
type Table = HashMap<Address, Vec<usize>>;

impl Index {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (position, rule) in rules.iter().enumerate() {
            for source in &rule.sources {
                let sources = index.instances.entry(source.instance.clone()).or_default();
                let list = match &source.channels {
                    Channels::Any => &mut sources.any,
                    Channels::Matching(pattern) => sources.list(pattern),
                };
                if list.last() != Some(&position) {
                    list.push(position);
                }
            }
        }
        index
    }

    /// Positions of the rules that match, ascending, each once.
    pub(crate) fn find(&self, instance: &InstanceId, address: &Address) -> Vec<usize> {
        let Some(sources) = self.instances.get(instance) else {
            return Vec::new();
        };
        let mut found = sources.any.clone();
        for (keys, table) in &sources.by_keys {
            let rules = match names(address, keys) {
                true => table.get(address),
                false => cut(address, keys).and_then(|address| table.get(&address)),
            };
            found.extend(rules.into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Sources {
    fn list(&mut self, pattern: &Address) -> &mut Vec<usize> {
        let mut sets = self.by_keys.iter();
        let position = sets.position(|(keys, _)| names(pattern, keys));
        let position = position.unwrap_or_else(|| {
            let keys = pattern.iter().map(|(key, _)| key.into()).collect();
            self.by_keys.push((keys, HashMap::new()));
            self.by_keys.len() - 1
        });
        self.by_keys[position].1.entry(pattern.clone()).or_default()
    }
}

/// Whether these are the address's keys.
fn names(address: &Address, keys: &[Box<str>]) -> bool {
    let names = address.iter().map(|(key, _)| key);
    names.eq(keys.iter().map(|key| &**key))
}

/// The address with only the given keys; `None` if it lacks one.
fn cut(address: &Address, keys: &[Box<str>]) -> Option<Address> {
    let pairs: Option<Vec<_>> = keys
        .iter()
        .map(|key| address.get(key).map(|value| (key.clone(), value)))
        .collect();
    pairs.map(Address::new)
}
