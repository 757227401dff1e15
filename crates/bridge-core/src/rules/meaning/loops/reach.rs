//! Which sends follow from a send that is heard.

use std::ops::Range;

use foldhash::{HashMap, HashMapExt};

use crate::id::{Address, Channel};
use crate::rules::compile::InstanceFacts;
use crate::rules::{Channels, Rules};

/// How many steps are taken in all: sends that are followed, and instances that may hear them.
const STEPS: usize = 2_000_000;

/// A send to a channel, and the target that made it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// The channel's number.
    pub(super) channel: u32,
    /// The position of the rule.
    pub(super) rule: usize,
    target: usize,
}

/// A place where robots meet. Channels of two instances are one room if their platform and address
/// are; an address without keys means the instance's only channel, so it is a room of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Room<'r> {
    Shared(&'static str, &'r Address),
    Own(&'r Channel),
}

pub(super) struct Reach<'r> {
    rules: &'r Rules,
    facts: &'r HashMap<String, InstanceFacts>,
    /// Every channel that is sent to, with the first target that does.
    channels: Vec<(&'r Channel, Sent)>,
    numbers: HashMap<&'r Channel, u32>,
    /// The instances that take messages from an address, by what it is.
    by_room: HashMap<(&'static str, &'r Address), Vec<&'r InstanceFacts>>,
    /// The instances that take messages from any channel or from all with some value.
    by_platform: HashMap<&'static str, Vec<&'r InstanceFacts>>,
    steps: usize,
}

impl<'r> Reach<'r> {
    pub(super) fn new(rules: &'r Rules, facts: &'r HashMap<String, InstanceFacts>) -> Self {
        let mut reach = Self {
            rules,
            facts,
            channels: Vec::new(),
            numbers: HashMap::new(),
            by_room: HashMap::new(),
            by_platform: HashMap::new(),
            steps: STEPS,
        };
        for (position, rule) in rules.rules.iter().enumerate() {
            for source in &rule.sources {
                let Some(facts) = facts.get(source.instance.as_str()) else {
                    continue;
                };
                let is_whole =
                    |address: &Address| address.iter().count() == facts.address_keys.len();
                let list = match &source.channels {
                    Channels::Matching(address) if is_whole(address) => {
                        reach.by_room.entry((facts.platform, address)).or_default()
                    }
                    _ => reach.by_platform.entry(facts.platform).or_default(),
                };
                // Most often the same instance stands in a row.
                if list.last().is_none_or(|last| last.id != facts.id) {
                    list.push(facts);
                }
            }
            for (index, target) in rule.targets.iter().enumerate() {
                let channel = reach.channels.len() as u32;
                let number = *reach.numbers.entry(&target.channel).or_insert(channel);
                if number == channel {
                    let sent = Sent {
                        channel,
                        rule: position,
                        target: index,
                    };
                    reach.channels.push((&target.channel, sent));
                }
            }
        }
        for list in reach.by_platform.values_mut() {
            list.sort_by(|left, right| left.id.cmp(&right.id));
            list.dedup_by(|left, right| left.id == right.id);
        }
        reach
    }

    /// How many different channels are sent to.
    pub(super) fn len(&self) -> usize {
        self.channels.len()
    }

    pub(super) fn channel(&self, number: u32) -> &'r Channel {
        self.channels[number as usize].0
    }

    /// The first target that sends to the channel.
    pub(super) fn start(&self, number: u32) -> Sent {
        self.channels[number as usize].1
    }

    /// Where the target of a send stands.
    pub(super) fn span(&self, sent: Sent) -> Range<usize> {
        self.rules.rules[sent.rule].targets[sent.target]
            .span
            .clone()
    }

    pub(super) fn room(&self, number: u32) -> Room<'r> {
        let channel = self.channel(number);
        match self.facts.get(channel.instance.as_str()) {
            Some(facts) if !channel.address.is_empty() => {
                Room::Shared(facts.platform, &channel.address)
            }
            _ => Room::Own(channel),
        }
    }

    /// The sends that follow when somebody speaks in the channel's room.
    pub(super) fn said_at(&mut self, number: u32) -> Vec<Sent> {
        let channel = self.channel(number);
        self.sends_of(channel, |_, _| true)
    }

    /// The sends that follow when what was sent to the channel is heard.
    pub(super) fn after(&mut self, number: u32) -> Vec<Sent> {
        let channel = self.channel(number);
        self.sends_of(channel, |sender, hearer| {
            let is_same = sender.id == hearer.id
                || sender.hears.identity.is_some()
                    && sender.hears.identity == hearer.hears.identity;
            match is_same {
                true => hearer.hears.own_sends,
                false => hearer.hears.other_robots,
            }
        })
    }

    fn sends_of(
        &mut self,
        channel: &'r Channel,
        hears: impl Fn(&InstanceFacts, &InstanceFacts) -> bool,
    ) -> Vec<Sent> {
        let Some(sender) = self.facts.get(channel.instance.as_str()) else {
            return Vec::new();
        };
        let exact = self.by_room.get(&(sender.platform, &channel.address));
        let wide = self.by_platform.get(sender.platform);
        let mut sends = Vec::new();
        let mut steps = self.steps;
        for hearer in exact.into_iter().chain(wide).flatten() {
            steps = steps.saturating_sub(1);
            let is_sender = hearer.id == sender.id;
            // Two instances with an address of no keys are in no common room.
            if steps == 0 || !is_sender && channel.address.is_empty() || !hears(sender, hearer) {
                continue;
            }
            for rule in self.rules.index.find(&hearer.id, &channel.address) {
                for (target, to) in self.rules.rules[rule].targets.iter().enumerate() {
                    steps = steps.saturating_sub(1);
                    let is_source =
                        to.channel.instance == hearer.id && to.channel.address == channel.address;
                    if steps > 0 && !is_source {
                        let channel = self.numbers[&to.channel];
                        sends.push(Sent {
                            channel,
                            rule,
                            target,
                        });
                    }
                }
            }
        }
        self.steps = steps;
        sends
    }
}
