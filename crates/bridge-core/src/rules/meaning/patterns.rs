//! The different sources of all rules, and which of them takes everything that another takes.

use foldhash::{HashMap, HashMapExt};

use crate::id::InstanceId;
use crate::rules::{Channels, Rule, SourcePattern};

/// Each different source of the rules under a number.
pub(super) struct Patterns {
    /// The number of each source, by the positions of its rule and of the source in the rule.
    numbers: Vec<Vec<u32>>,
    /// For each pattern those that take more: they name fewer keys, with the same values.
    wider: Vec<Vec<u32>>,
    /// Whether a message that the pattern takes may be taken by another rule, too.
    is_shared: Vec<bool>,
}

/// Keys and values, sorted by key; none for any channel.
type Pairs<'r> = Vec<(&'r str, &'r str)>;

impl Patterns {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut known: HashMap<(&InstanceId, Pairs<'_>), u32> = HashMap::new();
        // Drivers have few keys, so an instance has few different sets of them.
        let mut key_sets: HashMap<&InstanceId, Vec<Vec<&str>>> = HashMap::new();
        let mut rules_with: Vec<(usize, u32)> = Vec::new();
        let mut numbers = Vec::with_capacity(rules.len());
        for (position, rule) in rules.iter().enumerate() {
            let of_rule = rule.sources.iter().map(|source| {
                let next = rules_with.len() as u32;
                let pairs = pairs(source);
                let sets = key_sets.entry(&source.instance).or_default();
                let is_set = |set: &Vec<&str>| set.iter().eq(pairs.iter().map(|(key, _)| key));
                if !sets.iter().any(is_set) {
                    sets.push(pairs.iter().map(|(key, _)| *key).collect());
                }
                let number = *known.entry((&source.instance, pairs)).or_insert(next);
                match rules_with.get_mut(number as usize) {
                    None => rules_with.push((position, 1)),
                    Some((last, _)) if *last == position => {}
                    Some((last, count)) => (*last, *count) = (position, *count + 1),
                }
                number
            });
            numbers.push(of_rule.collect());
        }
        let mut is_shared: Vec<bool> = rules_with.iter().map(|(_, count)| *count > 1).collect();
        let mut wider = vec![Vec::new(); known.len()];
        for ((instance, pairs), number) in &known {
            let sets = &key_sets[instance];
            for set in sets.iter().filter(|set| set.len() < pairs.len()) {
                let cut = pairs.iter().filter(|(key, _)| set.contains(key));
                let cut: Pairs<'_> = cut.copied().collect();
                if cut.len() == set.len()
                    && let Some(found) = known.get(&(*instance, cut))
                {
                    wider[*number as usize].push(*found);
                    is_shared[*number as usize] = true;
                    is_shared[*found as usize] = true;
                }
            }
        }
        Self {
            numbers,
            wider,
            is_shared,
        }
    }

    /// The numbers of a rule's sources, in their order.
    pub(super) fn of(&self, rule: usize) -> &[u32] {
        &self.numbers[rule]
    }

    pub(super) fn wider(&self, pattern: u32) -> &[u32] {
        &self.wider[pattern as usize]
    }

    pub(super) fn is_shared(&self, pattern: u32) -> bool {
        self.is_shared[pattern as usize]
    }
}

fn pairs(source: &SourcePattern) -> Pairs<'_> {
    match &source.channels {
        Channels::Any => Vec::new(),
        Channels::Matching(address) => address.iter().collect(),
    }
}
