//! Random rules and messages: what is planned, what is explained, and what a naive reading of the
//! rules says are the same.

mod support;

use std::sync::Arc;

use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, MessageKind, Sender};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use support::{CONFIG, line, load_texts};

/// Instances and their address keys, as in the config.
const INSTANCES: [(&str, &[&str]); 4] = [
    ("a", &["room"]),
    ("b", &["room"]),
    ("g", &["guild", "room"]),
    ("p", &[]),
];

/// A pattern, and whether a text matches it, said without regular expressions.
type Pattern = (&'static str, fn(&str) -> bool);

const PATTERNS: [Pattern; 6] = [
    ("x", |text| text.contains('x')),
    ("^y", |text| text.starts_with('y')),
    ("中$", |text| text.ends_with('中')),
    ("(?i)xy", |text| text.to_lowercase().contains("xy")),
    (r"\d", |text| text.contains(|c: char| c.is_ascii_digit())),
    ("x|中", |text| text.contains(['x', '中'])),
];

/// A pattern, what to put in its place, and the same without regular expressions.
type Change = (&'static str, &'static str, fn(&str) -> String);

const CHANGES: [Change; 6] = [
    ("x", "yy", |text| text.replace('x', "yy")),
    ("y", "<{0}>", |text| text.replace('y', "<y>")),
    ("(x)(?<second>y)", "{second}{1}", |text| {
        text.replace("xy", "yx")
    }),
    (r"\d", "", |text| {
        text.replace(|c: char| c.is_ascii_digit(), "")
    }),
    ("中", "{{msg}}", |text| text.replace('中', "{msg}")),
    ("^", "> ", |text| format!("> {text}")),
];

const FORMATS: [&str; 3] = ["{user}: {msg}", "[{from}] {msg}", "{user_id} {msg} {msg}"];

/// A channel, or a pattern of one: an instance and the values that its keys must have; `None` for
/// any channel.
type End = (usize, Option<Vec<(&'static str, String)>>);

#[derive(Debug, Clone)]
struct Alternative {
    sender_id: Option<Vec<&'static str>>,
    sender: Option<Vec<&'static str>>,
    kind: Option<Vec<MessageKind>>,
    text: Option<Vec<usize>>,
}

#[derive(Debug, Clone, Default)]
struct Looks {
    format: Option<usize>,
    changes: Option<Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Rule {
    is_connect: bool,
    sources: Vec<End>,
    targets: Vec<(End, Looks)>,
    looks: Looks,
    when: Option<Vec<Alternative>>,
    unless: Option<Vec<Alternative>>,
    stop: bool,
}

// How rules are written.

fn one_or_list<T: Clone>(values: &[T], write: impl Fn(&T) -> Value) -> Value {
    match values {
        [one] => write(one),
        _ => values.iter().map(write).collect(),
    }
}

impl Alternative {
    fn write(&self) -> Value {
        let mut keys = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            keys.extend(value.map(|value| (key.to_owned(), value)));
        };
        let strings = |values: &Vec<&str>| one_or_list(values, |value| json!(value));
        put("sender_id", self.sender_id.as_ref().map(strings));
        put("sender", self.sender.as_ref().map(strings));
        let kinds = |kinds: &Vec<MessageKind>| one_or_list(kinds, |kind| json!(kind.name()));
        put("kind", self.kind.as_ref().map(kinds));
        let patterns = |all: &Vec<usize>| one_or_list(all, |one| json!(PATTERNS[*one].0));
        put("text", self.text.as_ref().map(patterns));
        keys.into()
    }
}

impl Looks {
    fn write(&self) -> Value {
        let mut msg = Map::new();
        msg.extend(
            self.format
                .map(|format| ("msg_format".into(), json!(FORMATS[format]))),
        );
        msg.extend(self.changes.as_ref().map(|changes| {
            let changes = changes.iter().map(|change| {
                let (pattern, with, _) = CHANGES[*change];
                json!({ "pattern": pattern, "with": with })
            });
            ("replace".into(), changes.collect())
        }));
        msg.into()
    }
}

/// An object of instances, each with one channel or a list.
fn write_ends(ends: &[(End, Looks)]) -> Value {
    let mut instances = Map::new();
    for (number, (name, _)) in INSTANCES.iter().enumerate() {
        let here: Vec<_> = ends
            .iter()
            .filter(|((instance, _), _)| *instance == number)
            .collect();
        let write = |(end, looks): &&(End, Looks)| match &end.1 {
            None => json!("*"),
            Some(pairs) => {
                let mut channel: Map<_, _> = pairs
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), json!(value)))
                    .collect();
                let looks = looks.write();
                if looks != json!({}) {
                    channel.insert("msg".into(), looks);
                }
                channel.into()
            }
        };
        // "*" stands alone.
        match here.iter().find(|(end, _)| end.1.is_none()) {
            Some(any) => instances.insert((*name).into(), write(any)),
            None if here.is_empty() => None,
            None => instances.insert((*name).into(), one_or_list(&here, write)),
        };
    }
    instances.into()
}

impl Rule {
    fn write(&self) -> Value {
        let mut rule = Map::new();
        if self.is_connect {
            rule.insert("type".into(), "connect".into());
            rule.insert("channels".into(), write_ends(&self.targets));
        } else {
            let sources: Vec<_> = self
                .sources
                .iter()
                .map(|end| (end.clone(), Looks::default()))
                .collect();
            rule.insert("from".into(), write_ends(&sources));
            rule.insert("to".into(), write_ends(&self.targets));
        }
        for (key, condition) in [("when", &self.when), ("unless", &self.unless)] {
            let written = condition
                .as_ref()
                .map(|all| one_or_list(all, Alternative::write));
            rule.extend(written.map(|written| (key.into(), written)));
        }
        rule.insert("stop".into(), self.stop.into());
        rule.insert("msg".into(), self.looks.write());
        rule.into()
    }
}

// What the rules mean, read as plainly as can be.

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

    fn text(&self, looks: &Looks, source: &Channel, message: &Message) -> String {
        let changes = looks.changes.as_ref().or(self.looks.changes.as_ref());
        let mut text = message.text.clone();
        for change in changes.into_iter().flatten() {
            text = CHANGES[*change].2(&text);
        }
        let Sender { id, name, .. } = &message.sender;
        match looks.format.or(self.looks.format).unwrap_or(0) {
            0 => format!("{name}: {text}"),
            1 => format!("[{}] {text}", source.instance),
            _ => format!("{id} {text} {text}"),
        }
    }
}

/// The position of the rule, the channel, and the text of each delivery.
fn reference(rules: &[Rule], source: &Channel, message: &Message) -> Vec<(usize, Channel, String)> {
    let mut deliveries: Vec<(usize, Channel, String)> = Vec::new();
    for (position, rule) in rules.iter().enumerate() {
        if !rule.takes(source, message) {
            continue;
        }
        for (end, looks) in in_order(&rule.targets) {
            let target = channel(end);
            if target != *source && deliveries.iter().all(|(_, known, _)| *known != target) {
                deliveries.push((position, target, rule.text(looks, source, message)));
            }
        }
        if rule.stop {
            break;
        }
    }
    deliveries
}

// Random ones.

fn rooms() -> impl Strategy<Value = String> {
    select(vec!["1", "2"]).prop_map(str::to_owned)
}

fn whole(instance: usize) -> BoxedStrategy<End> {
    let keys = INSTANCES[instance].1;
    prop::collection::vec(rooms(), keys.len())
        .prop_map(move |values| (instance, Some(keys.iter().copied().zip(values).collect())))
        .boxed()
}

fn target() -> impl Strategy<Value = End> {
    (0..INSTANCES.len()).prop_flat_map(whole)
}

fn pattern() -> impl Strategy<Value = End> {
    let part = (select(vec!["guild", "room"]), rooms());
    prop_oneof![
        4 => target(),
        2 => (0..INSTANCES.len()).prop_map(|instance| (instance, None)),
        2 => part.prop_map(|pair| (2, Some(vec![pair]))),
    ]
}

fn some<T: std::fmt::Debug + Clone + 'static>(
    one: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<Vec<T>>> {
    prop::option::of(prop::collection::vec(one, 1..3))
}

fn looks() -> impl Strategy<Value = Looks> {
    let changes = prop::option::of(prop::collection::vec(0..CHANGES.len(), 0..3));
    (prop::option::of(0..FORMATS.len()), changes)
        .prop_map(|(format, changes)| Looks { format, changes })
}

fn kinds() -> impl Strategy<Value = MessageKind> {
    select(vec![
        MessageKind::Text,
        MessageKind::File,
        MessageKind::Other,
    ])
}

const IDS: [&str; 2] = ["u1", "u2"];
const NAMES: [&str; 2] = ["张三", "n"];

fn condition() -> impl Strategy<Value = Option<Vec<Alternative>>> {
    let alternative = (
        some(select(IDS.to_vec())),
        some(select(NAMES.to_vec())),
        some(kinds()),
        some(0..PATTERNS.len()),
    );
    let alternative = alternative.prop_filter_map("an empty one is an error", |parts| {
        let (sender_id, sender, kind, text) = parts;
        let is_empty = sender_id.is_none() && sender.is_none() && kind.is_none() && text.is_none();
        (!is_empty).then_some(Alternative {
            sender_id,
            sender,
            kind,
            text,
        })
    });
    prop::option::of(prop::collection::vec(alternative, 1..3))
}

fn rule() -> impl Strategy<Value = Rule> {
    let ends = (
        any::<bool>(),
        prop::collection::vec(pattern(), 1..4),
        prop::collection::vec((target(), looks()), 1..5),
    );
    (
        ends,
        looks(),
        condition(),
        condition(),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |((is_connect, mut sources, mut targets), looks, when, unless, stop)| {
                // One channel stands once in a list, and "*" stands alone.
                let any: Vec<_> = sources
                    .iter()
                    .filter(|end| end.1.is_none())
                    .map(|end| end.0)
                    .collect();
                sources.retain(|end| end.1.is_none() || !any.contains(&end.0));
                let mut seen = Vec::new();
                targets.retain(|(end, _)| {
                    !seen.contains(end) && {
                        seen.push(end.clone());
                        true
                    }
                });
                let is_connect = is_connect && targets.len() > 1;
                Rule {
                    is_connect,
                    sources,
                    targets,
                    looks,
                    when,
                    unless,
                    stop,
                }
            },
        )
}

fn said() -> impl Strategy<Value = (Channel, Message)> {
    let sender = (select(IDS.to_vec()), select(NAMES.to_vec()));
    (target(), sender, kinds(), "[xyY1中{} ]{0,6}").prop_map(|(end, (id, name), kind, text)| {
        let source = channel(&end);
        let mut message = Message::new(source.address.clone(), Sender::new(id, name), text);
        message.kind = kind;
        (source, message)
    })
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
                .map(|(position, channel, text)| (ids[position].clone(), channel, text))
                .collect();
            let planned: Vec<_> = planned
                .into_iter()
                .map(|(rule, channel, content)| (rule, channel, content.text))
                .collect();
            prop_assert_eq!(planned, expected, "{:#} {:?} {:?}", written, source, message);
        }
    }
}
