//! What the check says of random rules is so: what adds nothing can be removed, and what comes back
//! does.

use std::collections::{BTreeSet, HashSet};

use bridge_core::config::{Diagnostic, Setup};
use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, Sender};
use proptest::prelude::*;

use super::hearing::load_texts;
use super::{CONFIG, rules};

/// How many instances and rooms random rules choose from.
const INSTANCES: [(&str, &str); 6] = [
    ("e", "echo"),
    ("f", "echo"),
    ("c", "crowd"),
    ("d", "crowd"),
    ("q", "quiet"),
    ("r", "quiet"),
];

/// The rules with filters and stops.
fn random_filtered_rules() -> impl Strategy<Value = Vec<String>> {
    let more = prop::sample::select(vec![
        "",
        "",
        " & when",
        " & unless",
        " & stop",
        " & when & stop",
    ]);
    let more = prop::collection::vec(more, 6);
    (random_rules(), more).prop_map(|(rules, more)| {
        let rules = rules.into_iter().zip(more);
        rules.map(|(rule, more)| format!("{rule}{more}")).collect()
    })
}

fn random_rules() -> impl Strategy<Value = Vec<String>> {
    let instance = || prop::sample::select(INSTANCES.map(|(instance, _)| instance).to_vec());
    let room = || (instance(), 1..3_u8, 1..3_u8).prop_map(|(i, g, r)| format!("{i}/{g}/{r}"));
    let source = prop_oneof![
        6 => room(),
        1 => instance().prop_map(str::to_owned),
        1 => (instance(), 1..3_u8).prop_map(|(i, g)| format!("{i}/{g}")),
    ];
    let some = |end: BoxedStrategy<String>| {
        prop::collection::vec(end, 1..3).prop_map(|ends| ends.join(" "))
    };
    let format = prop::sample::select(vec!["", " | {user}: {msg}"]);
    let forward = (some(source.boxed()), some(room().boxed()), format.clone())
        .prop_map(|(from, to, format)| format!("{from} > {to}{format}"));
    let connect = (prop::collection::hash_set(room(), 2..4), format).prop_map(|(rooms, format)| {
        let mut rooms: Vec<_> = rooms.into_iter().collect();
        rooms.sort();
        format!("{}{format}", rooms.join(" = "))
    });
    prop::collection::vec(prop_oneof![2 => forward, 1 => connect], 1..6)
}

fn rooms() -> impl Iterator<Item = Address> {
    let values = ["1", "2", "3"];
    let pairs = values.map(|guild| values.map(|room| [("guild", guild), ("room", room)]));
    pairs.into_iter().flatten().map(Address::new)
}

fn load_setup(rules: &str) -> (Setup, Vec<Diagnostic>) {
    let loaded = load_texts(CONFIG, rules);
    let diagnostics = loaded.diagnostics;
    let setup = loaded.setup;
    (
        setup.unwrap_or_else(|| panic!("{rules}\n{diagnostics:#?}")),
        diagnostics,
    )
}

/// What is delivered of a message that is heard: channel, rule and text.
fn plan(setup: &Setup, source: &Channel) -> Vec<(Channel, String, String)> {
    plan_of("hi", setup, source)
}

fn plan_of(text: &str, setup: &Setup, source: &Channel) -> Vec<(Channel, String, String)> {
    let message = Message::new(source.address.clone(), Sender::new("u", "张三"), text);
    let platform = platform(source);
    let deliveries = setup.rules.plan(platform, source, &message).into_iter();
    let shown = deliveries.map(|delivery| {
        let text = delivery.content.text.clone();
        (delivery.channel, delivery.rule.to_string(), text)
    });
    shown.collect()
}

fn platform(channel: &Channel) -> &'static str {
    let found = INSTANCES
        .iter()
        .find(|(name, _)| *name == channel.instance.as_str());
    found.expect("one of the instances").1
}

fn all_channels() -> Vec<Channel> {
    let of = |(instance, _): (&'static str, &'static str)| {
        rooms().map(move |address| Channel::new(instance.into(), address))
    };
    INSTANCES.into_iter().flat_map(of).collect()
}

/// The positions of the rules that are reported under the code.
fn reported(diagnostics: &[Diagnostic], code: &str) -> Vec<usize> {
    let of_code = diagnostics.iter().filter(|found| found.code.id == code);
    let position = |found: &Diagnostic| {
        let rest = found.path.strip_prefix("rules[").expect("a rule");
        rest.trim_end_matches(']').parse().expect("its position")
    };
    of_code.map(position).collect()
}

/// Sends that follow from a message in the room, in waves: each wave is what is heard of the last.
/// Stops after more waves than there are channels.
fn waves(setup: &Setup, start: &Channel) -> Vec<BTreeSet<Channel>> {
    let heard_by = |channel: &Channel, hears: &dyn Fn(&str) -> bool| {
        let of_platform = INSTANCES.iter().filter(|(_, of)| *of == platform(channel));
        let hearers = of_platform.filter(|(instance, _)| hears(instance));
        let at = |(instance, _): &(&str, &str)| {
            Channel::new((*instance).into(), channel.address.clone())
        };
        hearers.map(at).collect::<Vec<_>>()
    };
    let sends = |heard: Vec<Channel>| {
        let planned = heard.iter().flat_map(|channel| plan(setup, channel));
        planned
            .map(|(channel, ..)| channel)
            .collect::<BTreeSet<_>>()
    };
    let mut waves = vec![sends(heard_by(start, &|_| true))];
    while waves.last().is_some_and(|last| !last.is_empty()) && waves.len() <= all_channels().len() {
        let last = waves.last().into_iter().flatten();
        let heard = last.flat_map(|sent| {
            let own = sent.instance.clone();
            heard_by(sent, &|hearer| match platform(sent) {
                "echo" => true,
                "crowd" => hearer != own.as_str(),
                _ => false,
            })
        });
        let wave = sends(heard.collect());
        waves.push(wave);
    }
    waves
}

fn is_same_room(left: &Channel, right: &Channel) -> bool {
    platform(left) == platform(right) && left.address == right.address
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_rule_that_adds_nothing_can_be_removed(short in random_rules()) {
        let short: Vec<_> = short.iter().map(String::as_str).collect();
        let text = rules(&short);
        let (setup, diagnostics) = load_setup(&text);
        let idle = reported(&diagnostics, "E0404");
        let redundant = reported(&diagnostics, "E0405");
        let useful: HashSet<_> = all_channels().iter().flat_map(|channel| plan(&setup, channel)).map(|(_, rule, _)| rule).collect();
        for position in 0..short.len() {
            let is_told = idle.contains(&position) || redundant.contains(&position);
            prop_assert_eq!(is_told, !useful.contains(&format!("r{position}")), "{} {}", position, text);
        }
        let lines: Vec<_> = text.lines().collect();
        let kept: Vec<_> = lines[1..lines.len() - 1].iter().enumerate().filter(|(position, _)| !idle.contains(position) && !redundant.contains(position)).map(|(_, line)| line.trim_end_matches(',')).collect();
        let (without, _) = load_setup(&format!("{{\"rules\": [{}]}}", kept.join(",")));
        for channel in all_channels() {
            prop_assert_eq!(plan(&setup, &channel), plan(&without, &channel), "{}", text);
        }
    }

    #[test]
    fn with_filters_and_stops_what_is_told_can_be_removed(short in random_filtered_rules()) {
        let short: Vec<_> = short.iter().map(String::as_str).collect();
        let text = rules(&short);
        let (setup, diagnostics) = load_setup(&text);
        let mut told = reported(&diagnostics, "E0404");
        told.extend(reported(&diagnostics, "E0405"));
        let lines: Vec<_> = text.lines().collect();
        let kept: Vec<_> = lines[1..lines.len() - 1].iter().enumerate().filter(|(position, _)| !told.contains(position)).map(|(_, line)| line.trim_end_matches(',')).collect();
        let (without, _) = load_setup(&format!("{{\"rules\": [{}]}}", kept.join(",")));
        for channel in all_channels() {
            for said in ["hi", "ho"] {
                prop_assert_eq!(plan_of(said, &setup, &channel), plan_of(said, &without, &channel), "{}", text);
            }
        }
    }

    #[test]
    fn what_is_told_of_ways_back_is_so(short in random_rules()) {
        let short: Vec<_> = short.iter().map(String::as_str).collect();
        let text = rules(&short);
        let (setup, diagnostics) = load_setup(&text);
        let told: Vec<_> = diagnostics.iter().filter(|found| found.code.id == "E0408").collect();
        let of_kind = |part: &str| told.iter().any(|found| found.problem.contains(part));
        let (mut ends, mut comes_back, mut comes_at_once) = (true, false, false);
        for start in all_channels() {
            let waves = waves(&setup, &start);
            ends &= waves.last().is_none_or(BTreeSet::is_empty);
            let back = |wave: &BTreeSet<Channel>| wave.iter().any(|sent| is_same_room(sent, &start));
            comes_back |= waves[1..].iter().any(back);
            comes_at_once |= back(&waves[0]);
        }
        prop_assert_eq!(of_kind("again and again"), !ends, "{}\n{:#?}", text, told);
        if ends {
            prop_assert_eq!(of_kind("by way of"), comes_back, "{}\n{:#?}", text, told);
        }
        if of_kind("to the same address") {
            prop_assert!(comes_at_once, "{}", text);
        }
    }
}
