//! Random rules, and random messages that they may take.

use bridge_core::id::Channel;
use bridge_core::message::{Message, MessageKind, Sender};
use proptest::prelude::*;
use proptest::sample::select;

use super::channel;
use super::model::{
    Alternative, CHANGES, End, FORMATS, INSTANCES, Looks, PATTERNS, Rule, WITH_VALUES,
};

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
    let fields = prop::collection::btree_map(select(vec!["one", "two"]), 0..FORMATS.len(), 0..3);
    (
        prop::option::of(0..FORMATS.len()),
        changes,
        prop::option::of(0..FORMATS.len()),
        prop::option::of(fields.prop_map(|fields| fields.into_iter().collect())),
    )
        .prop_map(|(format, changes, title, fields)| Looks {
            format,
            changes,
            title,
            fields,
        })
}

/// Without what only another platform knows.
fn known(mut looks: Looks, knows: bool) -> Looks {
    looks.title = looks.title.filter(|_| knows);
    looks.fields = looks.fields.filter(|_| knows);
    looks
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

pub(crate) fn rule() -> impl Strategy<Value = Rule> {
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
                for ((instance, _), looks) in &mut targets {
                    *looks = known(std::mem::take(looks), *instance == WITH_VALUES);
                }
                let some_know = targets
                    .iter()
                    .any(|((instance, _), _)| *instance == WITH_VALUES);
                let looks = known(looks, some_know);
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

pub(crate) fn said() -> impl Strategy<Value = (Channel, Message)> {
    let sender = (select(IDS.to_vec()), select(NAMES.to_vec()));
    (target(), sender, kinds(), "[xyY1中{} ]{0,6}").prop_map(|(end, (id, name), kind, text)| {
        let source = channel(&end);
        let mut message = Message::new(source.address.clone(), Sender::new(id, name), text);
        message.kind = kind;
        (source, message)
    })
}
