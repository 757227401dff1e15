//! Rules that send nothing, and rules that send what an earlier rule sends.
//!
//! A rule is seen as its pairs of a source and a target. A pair adds nothing if an earlier rule has
//! one with the same target and a source that takes as much or more: the target gets a message
//! once, as the first rule says. (A union of narrower sources never takes all that a wider one
//! takes, as there is no end of values.) The other way round, a wide rule behind a narrow one, is
//! how an exception is written, and is no fault unless both send the same.

use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::patterns::Patterns;
use super::{is_same, origin};
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::notes::Notes;
use crate::id::Channel;
use crate::rules::RULES;
use crate::rules::{Rule, SourcePattern, Target};

/// How many pairs are looked at. Only sources that several rules have are paired, so this is reached
/// by rules that connect the same thousands of channels again and again.
const PAIRS: usize = 2_000_000;

pub(super) fn check(rules: &[Rule], patterns: &Patterns, notes: &mut Notes<'_>) {
    let mut coverage = Coverage {
        rules,
        patterns,
        channels: HashMap::new(),
        first: HashMap::new(),
        narrower: HashMap::new(),
        pairs: 0,
        stops: HashMap::new(),
    };
    for (position, rule) in rules.iter().enumerate() {
        if sends_to_itself_only(rule) && rule.stop.is_none() {
            report_idle(position, rule, notes);
        } else {
            coverage.hold(position, rule, notes);
        }
    }
}

/// A message never goes back to the channel that it came from.
fn sends_to_itself_only(rule: &Rule) -> bool {
    // One that stops still keeps later rules from being asked.
    let mut targets = rule.targets.iter();
    targets.all(|target| {
        let mut sources = rule.sources.iter();
        sources.all(|source| is_same(source, &target.channel))
    })
}

fn report_idle(position: usize, rule: &Rule, notes: &mut Notes<'_>) {
    let ([source, ..], [target, ..]) = (&*rule.sources, &*rule.targets) else {
        return;
    };
    let place = notes.findings.at(&source.span);
    let problem = || {
        let channel = &target.channel;
        format!(
            "this rule never sends anything: it takes messages from {channel} only, and they don't go back there"
        )
    };
    let path = RULES.index(position);
    if let Some(found) = notes.report(&codes::NEVER_SENDS, &target.span, path, problem) {
        found
            .label(place, "messages are taken from here")
            .help("name another channel in \"to\" or in \"from\"");
    }
}

/// A source of a rule with a target: the positions of the rule and of the target in it.
type Pair = (usize, usize);

struct Coverage<'r> {
    rules: &'r [Rule],
    patterns: &'r Patterns,
    /// The number of each target.
    channels: HashMap<&'r Channel, u32>,
    /// By pattern and target, the first pair.
    first: HashMap<(u32, u32), Pair>,
    /// By pattern and target, the first pair whose pattern takes less.
    narrower: HashMap<(u32, u32), Pair>,
    pairs: usize,
    /// By pattern, the last rule that takes all its messages and stops.
    stops: HashMap<u32, usize>,
}

/// What is known of a rule's pairs.
#[derive(Default)]
struct Judged<'r> {
    /// Pairs that no earlier rule makes superfluous.
    open: usize,
    /// Pairs that one does.
    covered: usize,
    first: Option<Twice<'r>>,
    /// Where the first pair of each earlier rule is that covers one.
    by: Vec<Pair>,
}

/// Two pairs that send a message to one channel.
struct Twice<'r> {
    source: &'r SourcePattern,
    target: &'r Target,
    earlier: Pair,
    is_narrower: bool,
}

impl<'r> Coverage<'r> {
    fn hold(&mut self, position: usize, rule: &'r Rule, notes: &mut Notes<'_>) {
        let numbers = self.patterns.of(position);
        let shared = numbers
            .iter()
            .filter(|n| self.patterns.is_shared(**n))
            .count();
        self.pairs += shared * rule.targets.len();
        if shared == 0 || self.pairs > PAIRS {
            return;
        }
        let next = self.channels.len() as u32;
        let mut next = next..;
        let mut targets = Vec::with_capacity(rule.targets.len());
        for target in &rule.targets {
            let number = self.channels.entry(&target.channel);
            targets.push(*number.or_insert_with(|| next.next().unwrap_or(u32::MAX)));
        }
        if let Some(earlier) = self.stopped_by(position) {
            self.report_never_asked(position, rule, earlier, notes);
            return;
        }
        let judged = self.judge(position, rule, &targets);
        self.report(position, rule, judged, notes);
        // What takes some messages only makes no other rule superfluous.
        if rule.filter.is_empty() {
            self.add(position, &targets);
            if rule.stop.is_some() {
                let numbers = self.patterns.of(position).iter();
                self.stops.extend(numbers.map(|number| (*number, position)));
            }
        }
    }

    /// An earlier rule that takes all messages of one of the sources and stops, if all sources are
    /// behind such rules.
    fn stopped_by(&self, position: usize) -> Option<usize> {
        let mut first = None;
        for pattern in self.patterns.of(position) {
            let wider = self.patterns.wider(*pattern).iter();
            let mut as_wide = wider.chain([pattern]);
            let stop = as_wide.find_map(|number| self.stops.get(number))?;
            first = first.or(Some(*stop));
        }
        first
    }

    fn report_never_asked(
        &self,
        position: usize,
        rule: &Rule,
        earlier: usize,
        notes: &mut Notes<'_>,
    ) {
        let path = RULES.index(position);
        let problem =
            || "this rule is never asked: earlier rules take all its messages and stop".to_owned();
        let place = notes.findings.at(&self.rules[earlier].span);
        if let Some(found) = notes.report(&codes::NEVER_SENDS, &rule.span, path, problem) {
            found
                .label(place, "this one stops")
                .help("move it before the one that stops, or give that one a filter");
        }
    }

    fn judge(&self, position: usize, rule: &'r Rule, targets: &[u32]) -> Judged<'r> {
        let mut judged = Judged::default();
        let numbers = self.patterns.of(position);
        for (source, pattern) in rule.sources.iter().zip(numbers) {
            if !self.patterns.is_shared(*pattern) {
                let mut targets = rule.targets.iter();
                let is_open = targets.any(|target| !is_same(source, &target.channel));
                judged.open += usize::from(is_open);
                continue;
            }
            for (target, number) in rule.targets.iter().zip(targets) {
                if is_same(source, &target.channel) {
                    continue;
                }
                let as_wide = [*pattern].into_iter();
                let mut as_wide = as_wide.chain(self.patterns.wider(*pattern).iter().copied());
                let earlier = as_wide.find_map(|wide| self.first.get(&(wide, *number)).copied());
                let is_narrower = earlier.is_none();
                judged.covered += usize::from(!is_narrower);
                judged.open += usize::from(is_narrower);
                // A rule that takes some messages only leaves the others to the narrower one.
                let narrower = || match rule.filter.is_empty() {
                    true => self.same_in(*pattern, *number, target),
                    false => None,
                };
                let Some(earlier) = earlier.or_else(narrower) else {
                    continue;
                };
                if !is_narrower && judged.by.iter().all(|(rule, _)| *rule != earlier.0) {
                    // Three say enough.
                    judged.by.extend((judged.by.len() < 3).then_some(earlier));
                }
                let is_first = judged.first.as_ref();
                if is_first.is_none_or(|first| first.is_narrower && !is_narrower) {
                    judged.first = Some(Twice {
                        source,
                        target,
                        earlier,
                        is_narrower,
                    });
                }
            }
        }
        judged
    }

    /// A narrower pair that sends the same in the same way.
    fn same_in(&self, pattern: u32, number: u32, target: &Target) -> Option<Pair> {
        let pair = *self.narrower.get(&(pattern, number))?;
        if self.rules[pair.0].stop.is_some() {
            return None;
        }
        let other = self.target(pair);
        let is_same = other.dress.is(&target.dress)
            && (Arc::ptr_eq(&other.policy, &target.policy) || other.policy == target.policy);
        is_same.then_some(pair)
    }

    fn add(&mut self, position: usize, targets: &[u32]) {
        for pattern in self.patterns.of(position) {
            if !self.patterns.is_shared(*pattern) {
                continue;
            }
            for (index, target) in targets.iter().enumerate() {
                let pair = (position, index);
                self.first.entry((*pattern, *target)).or_insert(pair);
                for wide in self.patterns.wider(*pattern) {
                    self.narrower.entry((*wide, *target)).or_insert(pair);
                }
            }
        }
    }

    fn target(&self, (rule, target): Pair) -> &'r Target {
        &self.rules[rule].targets[target]
    }

    fn report(&self, position: usize, rule: &Rule, judged: Judged<'r>, notes: &mut Notes<'_>) {
        let Some(twice) = judged.first else { return };
        let path = RULES.index(position);
        if judged.open == 0 && rule.stop.is_some() {
            // It is there to stop.
            return;
        }
        if judged.open == 0 {
            let by = judged.by.iter();
            let spans: Vec<_> = by.map(|pair| &self.target(*pair).span).collect();
            return report_redundant(&path, rule, &spans, notes);
        }
        let more = judged.covered.saturating_sub(1);
        let earlier = &self.target(twice.earlier).span;
        report_twice(&path, &twice, earlier, more, notes);
    }
}

fn report_redundant(path: &KeyPath<'_>, rule: &Rule, by: &[&Range<usize>], notes: &mut Notes<'_>) {
    let problem = || "this rule adds nothing: earlier rules send all that it sends".to_owned();
    let places: Vec<_> = by.iter().map(|span| notes.findings.at(span)).collect();
    let Some(found) = notes.report(&codes::REDUNDANT_RULE, &rule.span, path, problem) else {
        return;
    };
    for place in places {
        found.label(place, "the messages are sent here already");
    }
    found.help(
        "remove it, or name other channels; a channel gets a message once, as the first rule says",
    );
}

fn report_twice(
    path: &KeyPath<'_>,
    twice: &Twice<'_>,
    earlier: &Range<usize>,
    more: usize,
    notes: &mut Notes<'_>,
) {
    let (source, target) = (twice.source, twice.target);
    let problem = || {
        let (from, to) = (origin(source), &target.channel);
        let more = match more {
            0 => String::new(),
            1 => "; so it is for another pair of this rule".to_owned(),
            more => format!("; so it is for {more} more pairs of this rule"),
        };
        match twice.is_narrower {
            true => format!(
                "all messages from {from} go to {to}, so an earlier rule for some of them has no effect"
            ),
            false => format!(
                "an earlier rule sends the messages from {from} to {to}, so this one does not{more}"
            ),
        }
    };
    let place = notes.findings.at(earlier);
    let Some(found) = notes.report(&codes::CHOSEN_TWICE, &target.span, path, problem) else {
        return;
    };
    match twice.is_narrower {
        true => found
            .label(place, "this rule sends some of them, in the same format")
            .help("remove the earlier one, or give it a format of its own"),
        false => found
            .label(place, "this one holds, with its format")
            .help("name the channel in one of the two rules only"),
    };
}
