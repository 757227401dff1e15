//! Keys of `msg` that only some platforms know: who takes them, what they come to, and what can be
//! wrong with them.

mod support;

use std::sync::Arc;

use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, MsgValue, Sender};
use bridge_core::rules::json_schema;
use support::{CONFIG, catalog, line, load_texts};

/// `instance key=value key.name=value` for each delivery of a message that 张三 says.
fn said(rules: &str, text: &str) -> Vec<String> {
    let loaded = load_texts(CONFIG, rules);
    let lines: Vec<_> = loaded.diagnostics.iter().map(line).collect();
    let Some(setup) = loaded.setup else {
        panic!("{rules}\n{lines:#?}");
    };
    let source = Channel::new("a".into(), Address::new([("room", "1")]));
    let message = Message::new(source.address.clone(), Sender::new("u1", "张\n三"), text);
    let deliveries = setup.rules.plan("chat", &source, &message);
    let show = |(key, value): (&String, &MsgValue)| match value {
        MsgValue::Text(text) => vec![format!(" {key}={text}")],
        MsgValue::Texts(texts) if texts.is_empty() => vec![format!(" {key}")],
        MsgValue::Texts(texts) => {
            let texts = texts.iter();
            texts
                .map(|(name, text)| format!(" {key}.{name}={text}"))
                .collect()
        }
        other => panic!("{other:?}"),
    };
    let lines = deliveries.iter().map(|delivery| {
        let values: String = delivery.content.msg.iter().flat_map(show).collect();
        format!("{}{values}", delivery.channel.instance)
    });
    lines.collect()
}

#[test]
fn values_are_filled_in_for_those_who_know_them_and_the_nearest_wins() {
    let rows: [(&str, &str, &[&str]); 6] = [
        (
            r#"{"fields": {"user": "{user}", "{}": "{{{msg}}} {platform}", "none": ""}}"#,
            "{}",
            &[
                "b",
                "p fields.none= fields.user=张 三 fields.{}={hi {msg}} chat",
            ],
        ),
        (
            r#"{"fields": {"user": "{user}", "id": "{user_id}"}, "title": "wide"}"#,
            r#"{"msg": {"fields": {"only": "{msg}"}}}"#,
            &["b", "p fields.only=hi {msg} title=wide"],
        ),
        (
            r#"{"title": "wide"}"#,
            r#"{"msg": {"title": "near {time}", "fields": {}}}"#,
            &["b", "p fields title=near "],
        ),
        (
            r#"{"fields": {"msg": "{msg}"}, "replace": [{"pattern": "hi", "with": "-"}]}"#,
            "{}",
            &["b", "p fields.msg=- {msg}"],
        ),
        (
            "{}",
            r#"{"msg": {"title": "{msg}", "replace": [{"pattern": "h", "with": "H"}]}}"#,
            &["b", "p title=Hi {msg}"],
        ),
        ("{}", "{}", &["b", "p"]),
    ];
    for (wide, near, expected) in rows {
        let rules = format!(
            r#"{{"rules": [{{"from": {{"a": {{"room": "1"}}}}, "msg": {wide}, "to": {{"b": {{"room": "1"}}, "p": {near}}}}}]}}"#
        );
        assert_eq!(said(&rules, "hi {msg}"), expected, "{wide} {near}");
    }
}

#[test]
fn what_looks_the_same_is_rendered_once() {
    let config = r#"{"chat": {"a": {"app": "x", "password": "pw"}}, "pipe": {
        "p": {"app": "x", "password": "pw"}, "q": {"app": "x", "password": "pw"}, "r": {"app": "x", "password": "pw"}}}"#;
    let rules = r#"{"rules": [{"from": {"a": {"room": "1"}}, "msg": {"fields": {"user": "{user}"}},
        "to": {"p": {}, "q": {"msg": {"fields": {"user": "{user}"}}}, "r": {"msg": {"fields": {"user": "{user_id}"}}}}}]}"#;
    let setup = load_texts(config, rules).setup.expect("nothing is wrong");
    let source = Channel::new("a".into(), Address::new([("room", "1")]));
    let message = Message::new(source.address.clone(), Sender::new("u1", "n"), "hi");
    let deliveries = setup.rules.plan("chat", &source, &message);
    let [p, q, r] = &deliveries[..] else {
        panic!("{deliveries:?}");
    };
    assert!(Arc::ptr_eq(&p.content, &q.content));
    assert!(!Arc::ptr_eq(&p.content, &r.content));
}

#[test]
fn faults_of_values_are_told_at_their_places() {
    // The rule's `msg` from column 8 of line 2, the target's `msg` from column 8 of line 3.
    let rows: &[(&str, &str, &[&str])] = &[
        (
            r#"{"feilds": {}}"#,
            "{}",
            &[r#"2:9 rules[0].msg.feilds | unknown key "feilds" | did you mean `fields`?"#],
        ),
        (
            r#"{"fields": "x"}"#,
            "{}",
            &[
                r#"2:19 rules[0].msg.fields | expected an object, found a string | write "fields": {"sender": "{user}"}"#,
            ],
        ),
        (
            r#"{"title": {}}"#,
            "{}",
            &["2:18 rules[0].msg.title | expected a string, found an object | "],
        ),
        (
            r#"{"title": "{usr}"}"#,
            "{}",
            &["2:19 rules[0].msg.title | unknown placeholder {usr} | did you mean `user`?"],
        ),
        (
            "{}",
            r#"{"fields": {"a": "x } y", "b": 5}}"#,
            &[
                r#"3:28 rules[0].to.p.msg.fields.a | a "}" closes nothing | write {{ and }} for literal braces"#,
                "3:39 rules[0].to.p.msg.fields.b | expected a string, found a number | put it in quotes",
            ],
        ),
        (
            "{}",
            r#"{"title": "a <richheader title=\"x\"/>"}"#,
            &[
                r#"3:21 rules[0].to.p.msg.title | a <richheader> belongs to "msg_format", and is not known here | write placeholders such as {user}"#,
            ],
        ),
        (
            "{}",
            r#"{"fields": {"text": "x"}}"#,
            &[
                r#"3:20 rules[0].to.p.msg.fields.text | "text" has a meaning of its own here and can't be replaced | choose another name"#,
            ],
        ),
    ];
    for (wide, near, expected) in rows {
        let rules = format!(
            "{{\"rules\": [{{\"from\": {{\"a\": {{\"room\": \"1\"}}}},\n\"msg\": {wide}, \"to\": {{\"p\": {{\n\"msg\": {near}}}}}}}]}}"
        );
        let loaded = load_texts(CONFIG, &rules);
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        let found: Vec<_> = errors
            .map(|error| line(error).replacen("error: ", "", 1))
            .collect();
        let agree = found.len() == expected.len()
            && found
                .iter()
                .zip(*expected)
                .all(|(found, expected)| found.starts_with(expected));
        assert!(agree, "{wide} {near}\n{found:#?}\n{expected:#?}");
    }
}

#[test]
fn a_key_that_no_target_knows_is_refused() {
    let rows = [
        (
            r#""to": {"b": {"room": "1"}}, "msg": {"title": "x"}"#,
            Some("known here: msg_format, replace"),
        ),
        (
            r#""to": {"b": {"room": "1", "msg": {"title": "x"}}, "p": {}}"#,
            Some("known here: msg_format, replace"),
        ),
        (
            r#""to": {"p": {}}, "title": "x""#,
            Some(r#"write it into "msg": {"title": …}"#),
        ),
        (
            r#""to": {"b": {"room": "1"}, "p": {}}, "msg": {"title": "x"}"#,
            None,
        ),
        // Which platform an unknown instance is of nobody knows: it is blamed for that alone.
        (
            r#""to": {"pp": {}}, "msg": {"title": "x"}"#,
            Some("did you mean `p`?"),
        ),
    ];
    for (rest, expected) in rows {
        let rules = format!(r#"{{"rules": [{{"from": {{"a": "*"}}, {rest}}}]}}"#);
        let loaded = load_texts(CONFIG, &rules);
        let errors: Vec<_> = loaded
            .diagnostics
            .iter()
            .filter(|found| found.is_error())
            .collect();
        match (expected, &errors[..]) {
            (None, []) => {}
            (Some(help), [error]) => assert_eq!(error.help, help, "{rest}"),
            (_, errors) => panic!(
                "{rest}: {:#?}",
                errors.iter().map(|error| line(error)).collect::<Vec<_>>()
            ),
        }
    }
    // Without a config, what some linked driver knows may be meant.
    let rules =
        r#"{"rules": [{"from": {"a": "*"}, "to": {"p": {"msg": {"title": "x", "titel": "x"}}}}]}"#;
    let loaded = load_texts("", rules);
    let lines: Vec<_> = loaded.diagnostics.iter().map(line).collect();
    let of_rules: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("rules[0]"))
        .collect();
    assert_eq!(of_rules.len(), 1, "{lines:#?}");
    assert!(of_rules[0].contains("unknown key \"titel\""), "{lines:#?}");
}

#[test]
fn the_schema_knows_the_keys_where_they_are_known() {
    let schema = json_schema(&catalog());
    let keys = |pointer: &str| -> Vec<String> {
        let properties = schema.pointer(pointer).and_then(|keys| keys.as_object());
        properties
            .expect("an object of keys")
            .keys()
            .cloned()
            .collect()
    };
    let all = ["msg_format", "replace", "title", "fields"];
    assert_eq!(keys("/$defs/pipe.msg/properties"), all);
    assert_eq!(keys("/$defs/RuleMsgKeys/properties"), all);
    assert_eq!(keys("/$defs/MsgKeys/properties"), all[..2]);
    let of = |name: &str, key: &str| schema["$defs"][name]["properties"][key]["$ref"].clone();
    assert_eq!(of("RuleKeys", "msg"), "#/$defs/RuleMsgKeys");
    assert_eq!(of("chat.target", "msg"), "#/$defs/MsgKeys");
    assert_eq!(of("pipe.target", "msg"), "#/$defs/pipe.msg");
    let reserved = &schema["$defs"]["pipe.msg"]["properties"]["fields"]["propertyNames"];
    assert_eq!(reserved["not"]["enum"][0], "text");
}
