//! Says for every rule whether it matches a message and which clause decided.

use std::collections::HashSet;

use super::filter::{Alternative, Condition, Test};
use super::template::Scene;
use super::{Channels, Rule, Rules};
use crate::id::{Channel, RuleId};
use crate::message::{Content, Message};

/// What one rule makes of a message.
#[derive(Debug)]
pub struct Verdict<'a> {
    /// The rule.
    pub rule: &'a RuleId,
    /// Where the rule stands in the file, as 1-based line and column.
    pub place: (usize, usize),
    /// Whether it matched.
    pub matched: bool,
    /// The clauses that decided: the source that matched and the filters that it passed; or every
    /// source that did not match, the filter that turned the message away, or the rule that stopped.
    pub clauses: Vec<Clause>,
    /// What it does with each of its targets; empty if it did not match.
    pub targets: Vec<TargetVerdict>,
}

/// A clause of a rule and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// What kind of clause it is.
    pub kind: ClauseKind,
    /// Where it stands in the file, as 1-based line and column.
    pub place: (usize, usize),
    /// What it said, as a sentence.
    pub text: String,
}

/// A kind of clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClauseKind {
    /// A channel in `from` or in `channels`.
    Source,
    /// A key of `when`.
    When,
    /// A key of `unless`.
    Unless,
    /// `stop` of an earlier rule.
    Stop,
}

impl ClauseKind {
    /// As it stands in the rules, but for `source`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::When => "when",
            Self::Unless => "unless",
            Self::Stop => "stop",
        }
    }
}

/// What a rule that matched does with one of its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetVerdict {
    /// The target.
    pub channel: Channel,
    /// What is delivered, or why nothing is.
    pub result: Result<Content, String>,
}

impl Rules {
    /// Asks every rule, in the order of the file. Agrees with [`Rules::plan`].
    pub fn explain<'a>(
        &'a self,
        platform: &str,
        source: &Channel,
        message: &Message,
    ) -> Vec<Verdict<'a>> {
        let scene = Scene {
            platform,
            instance: &source.instance,
            message,
        };
        let mut chosen_by: Vec<(&Channel, &RuleId)> = Vec::new();
        let mut seen: HashSet<&Channel> = HashSet::new();
        let mut stopped: Option<Clause> = None;
        let mut verdicts = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let (matched, clauses) = match &stopped {
                Some(clause) => (false, vec![clause.clone()]),
                None => rule.decide(source, message),
            };
            if let (true, Some(place)) = (matched, rule.stop) {
                stopped = Some(Clause {
                    kind: ClauseKind::Stop,
                    place,
                    text: format!("rule \"{}\" took the message and stops", rule.id),
                });
            }
            let mut targets = Vec::new();
            for target in rule.targets.iter().filter(|_| matched) {
                let result = if target.channel == *source {
                    Err("the message came from here".to_owned())
                } else if seen.insert(&target.channel) {
                    chosen_by.push((&target.channel, &rule.id));
                    Ok(target.dress.render(&scene))
                } else {
                    let first = chosen_by
                        .iter()
                        .find(|(channel, _)| **channel == target.channel);
                    let by = first.map_or("an earlier one", |(_, id)| id.as_str());
                    Err(format!("rule \"{by}\" has sent it there already"))
                };
                targets.push(TargetVerdict {
                    channel: target.channel.clone(),
                    result,
                });
            }
            verdicts.push(Verdict {
                rule: &rule.id,
                place: rule.place,
                matched,
                clauses,
                targets,
            });
        }
        verdicts
    }
}

impl Rule {
    /// Whether the rule takes the message, and the clauses that say so.
    fn decide(&self, source: &Channel, message: &Message) -> (bool, Vec<Clause>) {
        let (matched, mut clauses) = self.decide_by_source(source);
        if !matched {
            return (false, clauses);
        }
        if let Some(when) = &self.filter.when {
            let kind = ClauseKind::When;
            match when.holding(message) {
                Some(alternative) => clauses.extend(all(alternative, kind, message)),
                None => return (false, failing(when, kind, message)),
            }
        }
        if let Some(unless) = &self.filter.unless {
            let kind = ClauseKind::Unless;
            match unless.holding(message) {
                Some(alternative) => return (false, all(alternative, kind, message)),
                None => clauses.extend(failing(unless, kind, message)),
            }
        }
        (true, clauses)
    }

    fn decide_by_source(&self, source: &Channel) -> (bool, Vec<Clause>) {
        let mut refusals = Vec::new();
        for pattern in &self.sources {
            let here = pattern.instance == source.instance;
            let matches = here && pattern.channels.matches(&source.address);
            let text = match &pattern.channels {
                _ if !here => format!(
                    "takes from {}, not from {}",
                    pattern.instance, source.instance
                ),
                Channels::Any => format!("takes from any channel of {}", pattern.instance),
                Channels::Matching(address) if matches => {
                    format!(
                        "takes from {}",
                        Channel::new(pattern.instance.clone(), address.clone())
                    )
                }
                Channels::Matching(address) => differences(address, source),
            };
            let clause = Clause {
                kind: ClauseKind::Source,
                place: pattern.place,
                text,
            };
            if matches {
                return (true, vec![clause]);
            }
            refusals.push(clause);
        }
        (false, refusals)
    }
}

/// What every test of the alternative says.
fn all(alternative: &Alternative, kind: ClauseKind, message: &Message) -> Vec<Clause> {
    let tests = alternative.tests.iter();
    tests.map(|test| clause(test, kind, message)).collect()
}

/// What the first test that fails says, for each alternative.
fn failing(condition: &Condition, kind: ClauseKind, message: &Message) -> Vec<Clause> {
    let alternatives = condition.alternatives.iter();
    alternatives
        .filter_map(|alternative| alternative.failing(message))
        .map(|test| clause(test, kind, message))
        .collect()
}

fn clause(test: &Test, kind: ClauseKind, message: &Message) -> Clause {
    let (place, what) = (test.place, test.describe(message));
    let text = format!("{}: {what}", kind.name());
    Clause { kind, place, text }
}

fn differences(pattern: &crate::id::Address, source: &Channel) -> String {
    let differing = pattern
        .iter()
        .filter(|(key, value)| source.address.get(key) != Some(value));
    let parts: Vec<_> = differing
        .map(|(key, value)| match source.address.get(key) {
            Some(actual) => format!("{key} is \"{actual}\", not \"{value}\""),
            None => format!("{key} is not given, must be \"{value}\""),
        })
        .collect();
    parts.join("; ")
}
