//! Which channels a message reaches, and how `explain` says why.

mod support;

use bridge_core::config::Setup;
use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, Sender};
use support::{CONFIG, line, load_texts};

fn setup(rules: &str) -> Setup {
    let loaded = load_texts(CONFIG, rules);
    let lines: Vec<_> = loaded.diagnostics.iter().map(line).collect();
    loaded
        .setup
        .unwrap_or_else(|| panic!("{rules}\n{lines:#?}"))
}

fn channel(instance: &str, address: &[(&str, &str)]) -> Channel {
    Channel::new(instance.into(), Address::new(address.iter().copied()))
}

/// `instance/value,…=text` for each delivery.
fn plan(setup: &Setup, source: &Channel) -> Vec<String> {
    let message = Message::new(source.address.clone(), Sender::new("u", "张三"), "hi");
    let deliveries = setup.rules.plan("chat", source, &message);
    let show = |channel: &Channel| {
        let values: Vec<_> = channel.address.iter().map(|(_, value)| value).collect();
        format!("{}/{}", channel.instance, values.join(","))
    };
    deliveries
        .iter()
        .map(|delivery| format!("{}={}", show(&delivery.channel), delivery.content.text))
        .collect()
}

#[test]
fn connect_links_all_channels_and_echoes_to_none() {
    let setup = setup(
        r#"{"rules": [{"type": "connect", "channels": {"a": [{"room": "1"}, {"room": "2"}], "b": {"room": "1"}}}]}"#,
    );
    let rows: [(&str, &str, &[&str]); 4] = [
        ("a", "1", &["a/2=张三: hi", "b/1=张三: hi"]),
        ("a", "2", &["a/1=张三: hi", "b/1=张三: hi"]),
        ("b", "1", &["a/1=张三: hi", "a/2=张三: hi"]),
        ("b", "2", &[]),
    ];
    for (instance, room, expected) in rows {
        assert_eq!(
            plan(&setup, &channel(instance, &[("room", room)])),
            expected,
            "{instance} {room}"
        );
    }
}

#[test]
fn forward_goes_one_way_and_the_nearest_format_wins() {
    let setup = setup(
        r#"{"rules": [{"from": {"a": {"room": "1"}}, "msg": {"msg_format": "wide {msg}"},
            "to": {"b": [{"room": "1"}, {"room": "2", "msg": {"msg_format": "near {msg}"}}], "p": {}}}]}"#,
    );
    let expected = ["b/1=wide hi", "b/2=near hi", "p/=wide hi"];
    assert_eq!(plan(&setup, &channel("a", &[("room", "1")])), expected);
    assert!(plan(&setup, &channel("b", &[("room", "1")])).is_empty());
}

#[test]
fn one_target_gets_one_copy_dressed_by_the_first_rule() {
    let setup = setup(
        r#"{"rules": [
            {"from": {"a": "*"}, "to": {"p": {}}, "msg": {"msg_format": "first {msg}"}},
            {"from": {"a": {"room": "1"}}, "to": {"p": {}, "b": {"room": "1"}}, "msg": {"msg_format": "second {msg}"}}]}"#,
    );
    assert_eq!(
        plan(&setup, &channel("a", &[("room", "1")])),
        ["p/=first hi", "b/1=second hi"]
    );
    assert_eq!(
        plan(&setup, &channel("a", &[("room", "9")])),
        ["p/=first hi"]
    );
}

#[test]
fn a_pattern_matches_only_if_every_key_it_names_is_equal() {
    let setup = setup(
        r#"{"rules": [{"id": "guild", "from": {"g": {"guild": "x"}}, "to": {"p": {}}},
                      {"id": "both", "from": {"g": {"guild": "x", "room": "1"}}, "to": {"a": {"room": "1"}}}]}"#,
    );
    let rows: [(&[(&str, &str)], usize); 6] = [
        (&[("guild", "x"), ("room", "1")], 2),
        (&[("guild", "x"), ("room", "2")], 1),
        (&[("guild", "y"), ("room", "1")], 0),
        (&[("guild", "x")], 1),
        (&[("room", "1")], 0),
        (&[], 0),
    ];
    for (address, expected) in rows {
        assert_eq!(
            plan(&setup, &channel("g", address)).len(),
            expected,
            "{address:?}"
        );
    }
}

#[test]
fn an_id_depends_on_the_routing_only() {
    let id = |rules: &str| {
        let setup = setup(rules);
        let source = channel("a", &[("room", "1")]);
        let message = Message::new(source.address.clone(), Sender::new("u", "n"), "hi");
        let verdicts = setup.rules.explain("chat", &source, &message);
        verdicts
            .iter()
            .map(|verdict| verdict.rule.to_string())
            .collect::<Vec<_>>()
    };
    let plain = id(r#"{"rules": [{"from": {"a": {"room": "1"}}, "to": {"p": {}}}]}"#);
    let dressed = id(
        r#"{"rules": [{"to": {"p": {"msg": {"msg_format": "{msg}"}, "max_age": "1h"}}, "from": {"a": {"room": "1"}}, "msg": {}}]}"#,
    );
    let other = id(r#"{"rules": [{"from": {"a": {"room": "2"}}, "to": {"p": {}}}]}"#);
    assert_eq!(plain, dressed);
    assert_ne!(plain, other);
    let twice = id(
        r#"{"rules": [{"from": {"a": {"room": "1"}}, "to": {"p": {}}}, {"from": {"a": {"room": "1"}}, "to": {"p": {}}}]}"#,
    );
    assert_eq!(twice, [plain[0].clone(), format!("{}-2", plain[0])]);
}

#[test]
fn explain_names_the_clause_and_the_reason() {
    let setup = setup(
        r#"{"rules": [
{"id": "one", "type": "connect", "channels": {"a": {"room": "1"}, "b": {"room": "1"}}},
{"id": "two", "from": {"a": "*"}, "to": {"b": {"room": "1"}}},
{"id": "three", "from": {"a": {"room": "2"}}, "to": {"p": {}}}]}"#,
    );
    let source = channel("a", &[("room", "1")]);
    let message = Message::new(source.address.clone(), Sender::new("u", "n"), "hi");
    let verdicts = setup.rules.explain("chat", &source, &message);
    let clause = |index: usize| {
        (
            &*verdicts[index].clauses[0].text,
            verdicts[index].clauses[0].place,
        )
    };
    assert_eq!(
        verdicts
            .iter()
            .map(|verdict| verdict.matched)
            .collect::<Vec<_>>(),
        [true, true, false]
    );
    assert_eq!(clause(0), ("takes from {\"a\": {\"room\":\"1\"}}", (2, 52)));
    assert_eq!(clause(1), ("takes from any channel of a", (3, 29)));
    assert_eq!(clause(2), ("room is \"1\", not \"2\"", (4, 31)));
    assert_eq!(
        verdicts[0].targets[0].result,
        Err("the message came from here".to_owned())
    );
    assert_eq!(
        verdicts[1].targets[0].result,
        Err("rule \"one\" has sent it there already".to_owned())
    );
}
