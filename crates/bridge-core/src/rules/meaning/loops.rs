//! Ways for a message to come back to where it started.
//!
//! What an instance sends to a channel may be heard there: by itself, or by another robot of its
//! platform, if their drivers say so. It is a new message then, and the rules choose again. Three
//! things are told:
//!
//! - circles: sends that are heard and end in the same send, again and again;
//! - echoes: sends that are heard and end where somebody spoke, once;
//! - two instances of a platform at one address, from one of which a rule sends to the other.

mod reach;

use std::ops::Range;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::config::codes;
use crate::config::notes::Notes;
use crate::id::{Address, Channel, InstanceId};
use crate::rules::RULES;
use crate::rules::compile::InstanceFacts;
use crate::rules::{Channels, Rule, Rules};
use reach::{Reach, Sent};

/// How many pairs of a rule's source and target are looked at one by one.
const FEW_PAIRS: usize = 64;

pub(super) fn check(rules: &Rules, facts: &HashMap<String, InstanceFacts>, notes: &mut Notes<'_>) {
    let mut told = HashSet::new();
    let hears = |facts: &InstanceFacts| facts.hears.own_sends || facts.hears.other_robots;
    if facts.values().any(hears) {
        let mut reach = Reach::new(rules, facts);
        let mut in_circles = HashSet::new();
        circles(&mut reach, &mut in_circles, &mut told, notes);
        echoes(&mut reach, &in_circles, notes);
    }
    let platform = |instance: &InstanceId| facts.get(instance.as_str()).map(|of| of.platform);
    for (position, rule) in rules.rules.iter().enumerate() {
        within_a_room(position, rule, platform, &told, notes);
    }
}

/// Reports targets that are a source of the same rule, reached by another instance; but those that
/// were `told` as the places of circles.
fn within_a_room(
    position: usize,
    rule: &Rule,
    platform: impl Fn(&InstanceId) -> Option<&'static str>,
    told: &HashSet<usize>,
    notes: &mut Notes<'_>,
) {
    // Most rules have few ends in no common room, which is told without a table.
    if rule.sources.len() * rule.targets.len() <= FEW_PAIRS
        && !rule.targets.iter().any(|target| {
            let mut sources = rule.sources.iter();
            sources.any(|source| {
                source.instance != target.channel.instance
                    && matches!(&source.channels, Channels::Matching(address) if *address == target.channel.address)
            })
        })
    {
        return;
    }
    let mut sources: HashMap<&Address, Vec<&InstanceId>> = HashMap::new();
    for source in &rule.sources {
        if let Channels::Matching(address) = &source.channels
            && !address.is_empty()
        {
            sources.entry(address).or_default().push(&source.instance);
        }
    }
    let mut seen = HashSet::new();
    for target in &rule.targets {
        let Channel { instance, address } = &target.channel;
        let mut others = sources.get(address).into_iter().flatten();
        let other = others
            .find(|other| **other != instance && platform(other) == platform(instance))
            .map(|other| Channel::new((*other).clone(), address.clone()));
        let Some(other) = other else { continue };
        // A connect rule says it from both sides.
        if !seen.insert(address) || told.contains(&target.span.start) {
            continue;
        }
        let problem = || {
            format!(
                "a message from {other} comes back there: {instance} sends it to the same address"
            )
        };
        let path = RULES.index(position);
        if let Some(found) = notes.report(&codes::LOOP, &target.span, path, problem) {
            found.help("if this is one room, remove one of the two instances from the rule");
        }
    }
}

/// Reports circles of sends, each send in one of them at most.
///
/// A search in depth: a send that is reached again while it is still being followed closes one.
///
/// The channels in circles are put into `reported`, the places where they are told into `told`.
fn circles(
    reach: &mut Reach<'_>,
    reported: &mut HashSet<u32>,
    told: &mut HashSet<usize>,
    notes: &mut Notes<'_>,
) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        /// Being followed, at this depth.
        Open(usize),
        Done,
    }
    let mut states = vec![State::New; reach.len()];
    for start in 0..reach.len() as u32 {
        if states[start as usize] != State::New {
            continue;
        }
        states[start as usize] = State::Open(0);
        let mut way = vec![reach.start(start)];
        let mut open = vec![reach.after(start).into_iter()];
        while let Some(next) = open.last_mut().map(Iterator::next) {
            let Some(next) = next else {
                open.pop();
                if let Some(done) = way.pop() {
                    states[done.channel as usize] = State::Done;
                }
                continue;
            };
            match states[next.channel as usize] {
                State::Done => {}
                State::New => {
                    states[next.channel as usize] = State::Open(way.len());
                    way.push(next);
                    open.push(reach.after(next.channel).into_iter());
                }
                State::Open(depth) => {
                    let mut circle = way[depth..].to_vec();
                    // It was entered from elsewhere; in the circle, this is how it is reached.
                    circle[0] = next;
                    if circle.iter().any(|sent| reported.contains(&sent.channel)) {
                        continue;
                    }
                    reported.extend(circle.iter().map(|sent| sent.channel));
                    told.insert(reach.span(next).start);
                    report(reach, &circle, Kind::Circle, notes);
                    if notes.is_full(&codes::LOOP) {
                        return;
                    }
                }
            }
        }
    }
}

/// Reports ways from where somebody speaks back there, which touch no circle.
fn echoes(reach: &mut Reach<'_>, circles: &HashSet<u32>, notes: &mut Notes<'_>) {
    let mut seen = vec![u32::MAX; reach.len()];
    let mut rooms = HashSet::new();
    for home in 0..reach.len() as u32 {
        if !rooms.insert(reach.room(home)) {
            continue;
        }
        // Each send with the position of the one before it.
        let mut found: Vec<(Sent, Option<usize>)> = Vec::new();
        for sent in reach.said_at(home) {
            if std::mem::replace(&mut seen[sent.channel as usize], home) != home {
                found.push((sent, None));
            }
        }
        let mut position = 0;
        while position < found.len() {
            let (from, _) = found[position];
            for sent in reach.after(from.channel) {
                let is_back = reach.room(sent.channel) == reach.room(home);
                if is_back {
                    let mut way = vec![sent];
                    let mut before = Some(position);
                    while let Some((sent, earlier)) = before.map(|position| found[position]) {
                        way.push(sent);
                        before = earlier;
                    }
                    way.reverse();
                    if !way.iter().any(|sent| circles.contains(&sent.channel)) {
                        report(reach, &way, Kind::Echo, notes);
                    }
                    found.clear();
                    break;
                }
                if std::mem::replace(&mut seen[sent.channel as usize], home) != home {
                    found.push((sent, Some(position)));
                }
            }
            position += 1;
        }
        if notes.is_full(&codes::LOOP) {
            return;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Circle,
    Echo,
}

/// How many channels of a way are named.
const NAMED: usize = 5;

fn report(reach: &Reach<'_>, way: &[Sent], kind: Kind, notes: &mut Notes<'_>) {
    let Some((last, before)) = way.split_last() else {
        return;
    };
    // The end of a circle is its first send, which is reached from the last.
    let (closing, others) = match kind {
        Kind::Circle => (&way[0], &way[1..]),
        Kind::Echo => (last, before),
    };
    let named = others.iter().take(NAMED);
    let names: Vec<_> = named
        .map(|sent| reach.channel(sent.channel).to_string())
        .collect();
    let more = match others.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let home = reach.channel(closing.channel);
    let problem = || {
        let way = match names.is_empty() {
            true => String::new(),
            false => format!(" by way of {}{more}", names.join(", ")),
        };
        match kind {
            Kind::Circle => {
                format!("a message that is sent to {home} comes back there{way}, again and again")
            }
            Kind::Echo => format!("a message from {home} comes back there{way}"),
        }
    };
    let hearing: Vec<(Range<usize>, String)> = others
        .iter()
        .take(NAMED)
        .map(|sent| {
            let instance = &reach.channel(sent.channel).instance;
            let text = format!("what {instance} sends here is heard, and forwarded again");
            (reach.span(*sent), text)
        })
        .collect();
    let labels: Vec<_> = hearing
        .into_iter()
        .map(|(span, text)| (notes.findings.at(&span), text))
        .collect();
    let path = RULES.index(closing.rule);
    let span = reach.span(*closing);
    let Some(found) = notes.report(&codes::LOOP, &span, path, problem) else {
        return;
    };
    for (place, text) in labels {
        found.label(place, text);
    }
    found.help("remove one of these channels from its rule, or take messages from fewer channels");
}
