//! Channels that one rule names twice.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::origin;
use super::patterns::Patterns;
use crate::config::codes;
use crate::config::notes::Notes;
use crate::id::Channel;
use crate::rules::RULES;
use crate::rules::Rule;

pub(super) fn check(rules: &[Rule], patterns: &Patterns, notes: &mut Notes<'_>) {
    for (position, rule) in rules.iter().enumerate() {
        // The ends of a connect rule are sources and targets; once is enough.
        let reported = targets(rule, position, notes);
        sources(rule, position, patterns, &reported, notes);
    }
}

/// Whether there are a few, which most rules have and which need no table, each of them once.
fn are_few_and_distinct<T: PartialEq>(mut items: impl ExactSizeIterator<Item = T> + Clone) -> bool {
    const FEW: usize = 8;
    items.len() <= FEW
        && std::iter::from_fn(|| items.next().map(|item| (item, items.clone())))
            .all(|(item, mut others)| others.all(|other| other != item))
}

fn targets(rule: &Rule, position: usize, notes: &mut Notes<'_>) -> HashSet<usize> {
    let mut reported = HashSet::new();
    if are_few_and_distinct(rule.targets.iter().map(|target| &target.channel)) {
        return reported;
    }
    let mut first: HashMap<&Channel, usize> = HashMap::new();
    for (index, target) in rule.targets.iter().enumerate() {
        let earlier = *first.entry(&target.channel).or_insert(index);
        if earlier == index {
            continue;
        }
        reported.insert(target.span.start);
        let problem = || format!("this rule names the channel {} twice", target.channel);
        let path = RULES.index(position);
        let place = notes.findings.at(&rule.targets[earlier].span);
        if let Some(found) = notes.report(&codes::REPEATED_CHANNEL, &target.span, path, problem) {
            found
                .label(place, "it stands here first, and this one holds")
                .help("remove one of the two");
        }
    }
    reported
}

fn sources(
    rule: &Rule,
    position: usize,
    patterns: &Patterns,
    reported: &HashSet<usize>,
    notes: &mut Notes<'_>,
) {
    let numbers = patterns.of(position);
    let is_widest = |number: &u32| patterns.wider(*number).is_empty();
    if are_few_and_distinct(numbers.iter()) && numbers.iter().all(is_widest) {
        return;
    }
    let mut first: HashMap<u32, usize> = HashMap::new();
    for (index, number) in numbers.iter().enumerate() {
        first.entry(*number).or_insert(index);
    }
    for (index, (source, number)) in rule.sources.iter().zip(numbers).enumerate() {
        let wider = patterns.wider(*number).iter();
        let Some(other) = Some(first[number])
            .filter(|earlier| *earlier != index)
            .or_else(|| wider.filter_map(|wider| first.get(wider)).copied().next())
        else {
            continue;
        };
        if reported.contains(&source.span.start) {
            continue;
        }
        let path = RULES.index(position);
        let other = &rule.sources[other];
        let problem = || format!("this rule takes messages from {} twice", origin(source));
        let label = format!("{} is taken from here", origin(other));
        let place = notes.findings.at(&other.span);
        if let Some(found) = notes.report(&codes::REPEATED_CHANNEL, &source.span, path, problem) {
            found.label(place, label).help("remove it");
        }
    }
}
