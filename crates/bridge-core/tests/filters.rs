//! Which messages filters let through, what `stop` and `replace` do, and how `explain` says so.

mod support;

use bridge_core::config::Setup;
use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, MessageKind, Sender};
use bridge_core::rules::ClauseKind;
use support::{CONFIG, line, load_texts};

fn setup(rules: &str) -> Setup {
    let loaded = load_texts(CONFIG, rules);
    let lines: Vec<_> = loaded.diagnostics.iter().map(line).collect();
    loaded
        .setup
        .unwrap_or_else(|| panic!("{rules}\n{lines:#?}"))
}

fn source() -> Channel {
    Channel::new("a".into(), Address::new([("room", "1")]))
}

fn message(id: &str, name: &str, kind: MessageKind, text: &str) -> Message {
    let mut message = Message::new(source().address, Sender::new(id, name), text);
    message.kind = kind;
    message
}

/// `instance=text` for each delivery.
fn plan(setup: &Setup, message: &Message) -> Vec<String> {
    let deliveries = setup.rules.plan("chat", &source(), message);
    let show = deliveries.iter();
    show.map(|delivery| format!("{}={}", delivery.channel.instance, delivery.content.text))
        .collect()
}

#[test]
fn all_keys_must_hold_and_any_of_their_values() {
    // What stands beside the channels, and whether each of the messages below passes.
    let rows = [
        (r#""stop": false"#, [true, true, true]),
        (r#""when": {"sender_id": "u1"}"#, [true, false, false]),
        (
            r#""when": {"sender_id": ["u1", "u2"]}"#,
            [true, true, false],
        ),
        (r#""when": {"sender": "张三"}"#, [true, false, true]),
        (r#""when": {"sender": "张"}"#, [false, false, false]),
        (r#""when": {"kind": "text"}"#, [true, true, false]),
        (
            r#""when": {"kind": ["file", "audio"]}"#,
            [false, false, true],
        ),
        (r#""when": {"text": "告警"}"#, [true, false, true]),
        (r#""when": {"text": "^告警"}"#, [true, false, false]),
        (
            r#""when": {"text": ["^告警", "(?i)deploy\\b"]}"#,
            [true, true, false],
        ),
        (
            r#""when": {"text": "告警", "kind": "text"}"#,
            [true, false, false],
        ),
        (
            r#""when": [{"sender_id": "u2"}, {"kind": "file"}]"#,
            [false, true, true],
        ),
        (r#""unless": {"sender_id": "u1"}"#, [false, true, true]),
        (
            r#""unless": {"sender": "张三", "kind": "file"}"#,
            [true, true, false],
        ),
        (
            r#""unless": [{"sender_id": "u1"}, {"sender_id": "u2"}]"#,
            [false, false, true],
        ),
        (
            r#""when": {"text": "告警"}, "unless": {"kind": "file"}"#,
            [true, false, false],
        ),
    ];
    let messages = [
        message("u1", "张三", MessageKind::Text, "告警：磁盘"),
        message("u2", "李四", MessageKind::Text, "Deploy done"),
        message("u3", "张三", MessageKind::File, "see 告警"),
    ];
    for (filters, expected) in rows {
        for routing in [
            r#""from": {"a": "*"}, "to": {"p": {}}"#,
            r#""type": "connect", "channels": {"a": {"room": "1"}, "p": {}}"#,
        ] {
            let setup = setup(&format!(r#"{{"rules": [{{{routing}, {filters}}}]}}"#));
            let passed = messages
                .each_ref()
                .map(|said| !plan(&setup, said).is_empty());
            assert_eq!(passed, expected, "{filters} with {routing}");
        }
    }
}

#[test]
fn a_rule_that_took_the_message_stops_the_later_ones() {
    let setup = setup(
        r#"{"rules": [
{"from": {"a": "*"}, "to": {"p": {}}, "when": {"text": "x"}, "stop": true},
{"from": {"b": "*"}, "to": {"a": {"room": "9"}}, "stop": true},
{"from": {"a": "*"}, "to": {"b": {"room": "1"}}}]}"#,
    );
    let said = |text| message("u", "n", MessageKind::Text, text);
    assert_eq!(plan(&setup, &said("x")), ["p=n: x"]);
    assert_eq!(plan(&setup, &said("y")), ["b=n: y"]);
}

#[test]
fn the_nearest_list_of_replacements_holds_whole() {
    let setup = setup(
        r##"{"rules": [{"from": {"a": "*"}, "msg": {"replace": [{"pattern": "\\d+", "with": "#"}, {"pattern": "#", "with": "<{0}>"}]},
            "to": {"a": {"room": "2"}, "b": {"room": "1", "msg": {"msg_format": "{msg}", "replace": [{"pattern": "(?<who>@\\w+)", "with": ""}]}},
                   "p": {"msg": {"replace": []}}}}]}"##,
    );
    let said = message("u", "n1", MessageKind::Text, "1 @x {msg}");
    let expected = ["a=n1: <#> @x {msg}", "b=1  {msg}", "p=n1: 1 @x {msg}"];
    assert_eq!(plan(&setup, &said), expected);
}

#[test]
fn filters_belong_to_no_rules_id() {
    let id = |rule: &str| {
        let setup = setup(&format!(
            r#"{{"rules": [{{"from": {{"a": "*"}}, "to": {{"p": {{}}}}{rule}}}]}}"#
        ));
        let said = message("u", "n", MessageKind::Text, "x");
        let verdicts = setup.rules.explain("chat", &source(), &said);
        verdicts[0].rule.to_string()
    };
    assert_eq!(id(""), id(r#", "when": {"text": "x"}, "stop": true"#));
}

/// What a clause is, where it stands, and what it says.
type Decisive<'a> = (ClauseKind, (usize, usize), &'a str);

#[test]
fn explain_names_the_key_that_decided() {
    use ClauseKind::{Source, Stop, Unless, When};
    let setup = setup(
        r#"{"rules": [
{"id": "kind", "from": {"a": "*"}, "to": {"p": {}}, "when": {"text": "h", "kind": ["file", "audio"]}},
{"id": "either", "from": {"a": "*"}, "to": {"p": {}}, "when": [{"sender_id": "u2"}, {"text": "^\\d"}]},
{"id": "bots", "from": {"a": "*"}, "to": {"p": {}}, "unless": {"sender": ["Robo", "n"], "text": "i"}},
{"id": "takes", "from": {"a": "*"}, "to": {"p": {}}, "when": {"sender_id": "u1"}, "unless": {"kind": "file"}, "stop": true},
{"id": "late", "from": {"b": "*"}, "to": {"p": {}}}]}"#,
    );
    let said = message("u1", "n", MessageKind::Text, "hi");
    let verdicts = setup.rules.explain("chat", &source(), &said);
    let expected: [(bool, &[Decisive<'_>]); 5] = [
        (
            false,
            &[(
                When,
                (2, 75),
                r#"when: kind is "text", not "file" or "audio""#,
            )],
        ),
        (
            false,
            &[
                (When, (3, 65), r#"when: sender_id is "u1", not "u2""#),
                (When, (3, 86), r#"when: text does not match "^\\d""#),
            ],
        ),
        (
            false,
            &[
                (Unless, (4, 64), r#"unless: sender is "n""#),
                (Unless, (4, 89), r#"unless: text matches "i""#),
            ],
        ),
        (
            true,
            &[
                (Source, (5, 31), "takes from any channel of a"),
                (When, (5, 63), r#"when: sender_id is "u1""#),
                (Unless, (5, 94), r#"unless: kind is "text", not "file""#),
            ],
        ),
        (
            false,
            &[(Stop, (5, 111), r#"rule "takes" took the message and stops"#)],
        ),
    ];
    for (verdict, (matched, clauses)) in verdicts.iter().zip(expected) {
        let found: Vec<_> = verdict
            .clauses
            .iter()
            .map(|clause| (clause.kind, clause.place, &*clause.text))
            .collect();
        assert_eq!(
            (verdict.matched, &*found),
            (matched, clauses),
            "{}",
            verdict.rule
        );
    }
}
