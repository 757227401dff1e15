//! Random rules and messages: what is planned, what is explained, and what a naive reading of the
//! rules says are the same.

#[path = "agreement/model.rs"]
mod model;
#[path = "agreement/random.rs"]
mod random;
mod support;

use std::sync::Arc;

use bridge_core::id::{Address, Channel};
use bridge_core::message::{Content, Message, MsgValue, MsgValues, Sender};
use model::{Alternative, CHANGES, End, INSTANCES, Looks, PATTERNS, Rule, WITH_VALUES};
use proptest::prelude::*;
use random::{rule, said};
use serde_json::{Value, json};
use support::{CONFIG, line, load_texts};

impl Alternative {
    fn holds(&self, message: &Message) -> bool {
        let id = message.sender.id.as_str();
        let name = message.sender.name.as_str();
        self.sender_id.as_ref().is_none_or(|ids| ids.contains(&id))
            && self
                .sender
                .as_ref()
                .is_none_or(|names| names.contains(&name))
            && self
                .kind
                .as_ref()
                .is_none_or(|kinds| kinds.contains(&message.kind))
            && self
                .text
                .as_ref()
                .is_none_or(|all| all.iter().any(|one| PATTERNS[*one].1(&message.text)))
    }
}

fn channel(end: &End) -> Channel {
    let pairs = end.1.clone().expect("a channel");
    Channel::new(INSTANCES[end.0].0.into(), Address::new(pairs))
}

fn takes_from(end: &End, source: &Channel) -> bool {
    let pairs = end.1.iter().flatten();
    source.instance.as_str() == INSTANCES[end.0].0
        && pairs
            .clone()
            .all(|(key, value)| source.address.get(key) == Some(value))
}

/// In the order of the file: by instance, and any channel before others (which it hides).
fn in_order(ends: &[(End, Looks)]) -> Vec<&(End, Looks)> {
    let mut sorted: Vec<_> = ends.iter().collect();
    sorted.sort_by_key(|((instance, _), _)| INSTANCES[*instance].0);
    sorted
}

impl Rule {
    fn takes(&self, source: &Channel, message: &Message) -> bool {
        let holds = |all: &Vec<Alternative>| all.iter().any(|one| one.holds(message));
        let connected: Vec<_> = self.targets.iter().map(|(end, _)| end.clone()).collect();
        let sources = if self.is_connect {
            &connected
        } else {
            &self.sources
        };
        sources.iter().any(|end| takes_from(end, source))
            && self.when.as_ref().is_none_or(holds)
            && !self.unless.as_ref().is_some_and(holds)
    }

    fn content(&self, (end, looks): &(End, Looks), source: &Channel, message: &Message) -> Content {
        let filled = |format| self.filled(format, looks, source, message);
        let mut msg = MsgValues::new();
        if end.0 == WITH_VALUES {
            let title = looks.title.or(self.looks.title);
            msg.extend(title.map(|format| ("title".to_owned(), MsgValue::Text(filled(format)))));
            let fields = looks.fields.as_ref().or(self.looks.fields.as_ref());
            msg.extend(fields.map(|fields| {
                let fields = fields.iter();
                let fields = fields.map(|(name, format)| ((*name).to_owned(), filled(*format)));
                ("fields".to_owned(), MsgValue::Texts(fields.collect()))
            }));
        }
        Content {
            text: filled(looks.format.or(self.looks.format).unwrap_or(0)),
            msg: Arc::new(msg),
            ..Content::default()
        }
    }

    fn filled(&self, format: usize, looks: &Looks, source: &Channel, message: &Message) -> String {
        let changes = looks.changes.as_ref().or(self.looks.changes.as_ref());
        let mut text = message.text.clone();
        for change in changes.into_iter().flatten() {
            text = CHANGES[*change].2(&text);
        }
        let Sender { id, name, .. } = &message.sender;
        match format {
            0 => format!("{name}: {text}"),
            1 => format!("[{}] {text}", source.instance),
            _ => format!("{id} {text} {text}"),
        }
    }
}

/// The position of the rule, the channel, and the content of each delivery.
fn reference(
    rules: &[Rule],
    source: &Channel,
    message: &Message,
) -> Vec<(usize, Channel, Content)> {
    let mut deliveries: Vec<(usize, Channel, Content)> = Vec::new();
    for (position, rule) in rules.iter().enumerate() {
        if !rule.takes(source, message) {
            continue;
        }
        for end in in_order(&rule.targets) {
            let target = channel(&end.0);
            if target != *source && deliveries.iter().all(|(_, known, _)| *known != target) {
                deliveries.push((position, target, rule.content(end, source, message)));
            }
        }
        if rule.stop {
            break;
        }
    }
    deliveries
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plan_and_explain_and_a_naive_reading_agree(
        rules in prop::collection::vec(rule(), 0..6),
        said in prop::collection::vec(said(), 1..6),
    ) {
        let written = json!({ "rules": rules.iter().map(Rule::write).collect::<Value>() });
        let loaded = load_texts(CONFIG, &written.to_string());
        let faults: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).map(line).collect();
        prop_assert!(faults.is_empty(), "{written:#} {faults:#?}");
        let compiled = loaded.setup.expect("nothing is wrong").rules;
        for (source, message) in &said {
            let verdicts = compiled.explain("chat", source, message);
            let ids: Vec<_> = verdicts.iter().map(|verdict| verdict.rule.clone()).collect();
            prop_assert_eq!(ids.len(), rules.len());
            for verdict in &verdicts {
                prop_assert!(!verdict.clauses.is_empty(), "something decided: {:?}", verdict);
                prop_assert!(verdict.matched || verdict.targets.is_empty());
            }
            let planned: Vec<_> = compiled
                .plan("chat", source, message)
                .into_iter()
                .map(|delivery| (delivery.rule, delivery.channel, Arc::unwrap_or_clone(delivery.content)))
                .collect();
            let explained: Vec<_> = verdicts
                .iter()
                .flat_map(|verdict| verdict.targets.iter().map(move |target| (verdict, target)))
                .filter_map(|(verdict, target)| {
                    let content = target.result.clone().ok()?;
                    Some((verdict.rule.clone(), target.channel.clone(), content))
                })
                .collect();
            prop_assert_eq!(&planned, &explained);
            let expected: Vec<_> = reference(&rules, source, message)
                .into_iter()
                .map(|(position, channel, content)| (ids[position].clone(), channel, content))
                .collect();
            prop_assert_eq!(planned, expected, "{:#} {:?} {:?}", written, source, message);
        }
    }
}
