//! What can be wrong with filters and replacements, and where it is reported.

mod support;

use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, Sender};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{CONFIG, line, load_texts};

#[test]
fn faults_of_filters_and_replacements() {
    const LITERALS: &str = "put a backslash before a character that stands for itself";
    // What stands beside the channels (from column 1 of line 2), and how the errors begin.
    let rows: &[(&str, &[&str])] = &[
        (
            r#""when": "x""#,
            &[
                r#"2:9 rules[0].when | expected an object of what "when" asks for, found a string | write "when": {"text": "…"}, or a list"#,
            ],
        ),
        (
            r#""when": [5]"#,
            &[
                r#"2:10 rules[0].when[0] | expected an object of what "when" asks for, found a number"#,
            ],
        ),
        (
            r#""when": {}"#,
            &[
                r#"2:9 rules[0].when | "when" asks for nothing | remove it, or ask for one of: sender_id, sender, text, kind"#,
            ],
        ),
        (
            r#""unless": []"#,
            &[r#"2:11 rules[0].unless | "unless" asks for nothing"#],
        ),
        (
            r#""unless": [{}]"#,
            &[r#"2:12 rules[0].unless[0] | "unless" asks for nothing"#],
        ),
        (
            r#""when": {"sendr": "x"}"#,
            &[r#"2:10 rules[0].when.sendr | unknown key "sendr" | did you mean `sender`?"#],
        ),
        (
            r#""when": {"sender": "x", "user": "x"}"#,
            &[
                r#"2:25 rules[0].when.user | unknown key "user" | known here: kind, sender_id, text"#,
            ],
        ),
        (
            r#""when": {"sender_id": 5}"#,
            &[
                "2:23 rules[0].when.sender_id | expected a string or a list of strings, found a number | put it in quotes",
            ],
        ),
        (
            r#""when": {"sender_id": ""}"#,
            &[
                "2:23 rules[0].when.sender_id | the value is empty | write what is asked for, or remove the key",
            ],
        ),
        (
            r#""when": {"sender": []}"#,
            &[
                "2:20 rules[0].when.sender | the list is empty, so nothing is in it | write at least one value, or remove the key",
            ],
        ),
        (
            r#""when": {"text": ["a", ""]}"#,
            &["2:24 rules[0].when.text[1] | the value is empty"],
        ),
        (
            r#""when": {"kind": "txt"}"#,
            &[r#"2:18 rules[0].when.kind | "txt" is no kind of message | did you mean `text`?"#],
        ),
        (
            r#""when": {"kind": ["text", "sound"]}"#,
            &[
                r#"2:27 rules[0].when.kind[1] | "sound" is no kind of message | known here: audio, file, other, picture, text, video"#,
            ],
        ),
        (
            r#""when": {"kind": "audo", "text": "(", "x": 1}"#,
            &[
                "2:18 rules[0].when.kind",
                "2:35 rules[0].when.text",
                "2:39 rules[0].when.x",
            ],
        ),
        (
            r#""when": {"text": "a(b"}"#,
            &[
                r"2:20 rules[0].when.text | the pattern can't be read: unclosed group | close it with `)`, or write `\(` for the character",
            ],
        ),
        (
            r#""when": {"text": "中\\d)"}"#,
            &[
                "2:23 rules[0].when.text | the pattern can't be read: unopened group | remove it, or write",
            ],
        ),
        (
            r#""when": {"text": "\u4e2d[a"}"#,
            &[
                "2:25 rules[0].when.text | the pattern can't be read: unclosed character class | close it with `]`",
            ],
        ),
        (
            r#""when": {"text": "a|*"}"#,
            &[
                "2:21 rules[0].when.text | the pattern can't be read: repetition operator missing expression | write what is repeated before it",
            ],
        ),
        (
            r#""when": {"text": "a{2,1}"}"#,
            &[
                "2:20 rules[0].when.text | the pattern can't be read: invalid repetition count range, the start must be <= the end",
            ],
        ),
        (
            r#""when": {"text": "x(?=y)"}"#,
            &[
                "2:20 rules[0].when.text | the pattern can't be read: look-around, including look-ahead and look-behind, is not supported | a pattern is searched in linear time and can't look around",
            ],
        ),
        (
            r#""when": {"text": "(a)\\1"}"#,
            &[
                "2:22 rules[0].when.text | the pattern can't be read: backreferences are not supported | a pattern is searched in linear time and can't refer back",
            ],
        ),
        (
            r#""when": {"text": "\\p{Nope}"}"#,
            &[&format!(
                "2:19 rules[0].when.text | the pattern can't be read: Unicode property not found | {LITERALS}"
            )],
        ),
        (
            r#""when": {"text": "\\"}"#,
            &[
                "2:19 rules[0].when.text | the pattern can't be read: incomplete escape sequence, reached end of pattern prematurely",
            ],
        ),
        (
            r#""when": {"text": "(?<n>a)(?<n>b)"}"#,
            &[
                "2:29 rules[0].when.text | the pattern can't be read: duplicate capture group name | give each group a name of its own",
            ],
        ),
        (
            r#""unless": {"text": "\\w{1000}"}"#,
            &[
                "2:21 rules[0].unless.text | the pattern needs more than 1048576 bytes of memory | repeat less",
            ],
        ),
        (
            r#""stop": "true""#,
            &["2:9 rules[0].stop | expected true or false, found a string | remove the quotes"],
        ),
        (
            r#""stop": 1"#,
            &["2:9 rules[0].stop | expected true or false, found a number"],
        ),
        (
            r#""stpo": true"#,
            &[r#"2:1 rules[0].stpo | unknown key "stpo" | did you mean `stop`?"#],
        ),
        (
            r#""unles": {"text": "a"}"#,
            &[r#"2:1 rules[0].unles | unknown key "unles" | did you mean `unless`?"#],
        ),
        (
            r#""replace": []"#,
            &[r#"2:1 rules[0].replace | unknown key "replace""#],
        ),
        (
            r#""msg": {"replace": {}}"#,
            &[
                r#"2:20 rules[0].msg.replace | expected a list of replacements, found an object | write [{"pattern": "…", "with": "…"}]"#,
            ],
        ),
        (
            r#""msg": {"replace": ["x"]}"#,
            &["2:21 rules[0].msg.replace[0] | expected a replacement, found a string"],
        ),
        (
            r#""msg": {"replace": [{}]}"#,
            &[
                r#"2:21 rules[0].msg.replace[0].pattern | the key "pattern" is missing"#,
                r#"2:21 rules[0].msg.replace[0].with | the key "with" is missing"#,
            ],
        ),
        (
            r#""msg": {"replace": [{"patern": "a", "with": "b"}]}"#,
            &[
                r#"2:22 rules[0].msg.replace[0].patern | unknown key "patern" | did you mean `pattern`?"#,
            ],
        ),
        (
            r#""msg": {"replace": [{"pattern": "", "with": "b"}]}"#,
            &[
                "2:33 rules[0].msg.replace[0].pattern | the value is empty | write what is to be replaced",
            ],
        ),
        (
            r#""msg": {"replace": [{"pattern": 1, "with": true}]}"#,
            &[
                "2:33 rules[0].msg.replace[0].pattern | expected a string, found a number | put it in quotes",
                "2:44 rules[0].msg.replace[0].with | expected a string, found a boolean",
            ],
        ),
        (
            r#""msg": {"replace": [{"pattern": "[", "with": "}"}]}"#,
            &[
                "2:34 rules[0].msg.replace[0].pattern | the pattern can't be read: unclosed character class",
                "2:47 rules[0].msg.replace[0].with | a \"}\" closes nothing | write {{ and }} for literal braces",
            ],
        ),
        (
            r#""msg": {"replace": [{"pattern": "a", "with": "\t{1}"}]}"#,
            &[
                "2:49 rules[0].msg.replace[0].with | unknown placeholder {1} | the pattern has no groups; {0} is the whole match",
            ],
        ),
        (
            r#""msg": {"replace": [{"pattern": "(a)", "with": "{1}{2}"}]}"#,
            &[
                "2:52 rules[0].msg.replace[0].with | unknown placeholder {2} | {0} is the whole match, {1} the pattern's group",
            ],
        ),
        (
            r#""msg": {"replace": [{"pattern": "(a)(?<name>b)", "with": "{nme}{3}{}"}]}"#,
            &[
                "2:59 rules[0].msg.replace[0].with | unknown placeholder {nme} | did you mean `name`?",
                "2:64 rules[0].msg.replace[0].with | unknown placeholder {3} | {0} is the whole match, {1} to {2} are the pattern's groups",
                "2:67 rules[0].msg.replace[0].with | unknown placeholder {}",
            ],
        ),
        (
            r#""msg": {"replace": [{"pattern": "a", "with": "{msg"}]}"#,
            &["2:47 rules[0].msg.replace[0].with | a \"{\" is not closed"],
        ),
    ];
    let mut differing = Vec::new();
    for (keys, expected) in rows {
        let rules = format!(
            "{{\"rules\": [{{\"from\": {{\"a\": \"*\"}}, \"to\": {{\"p\": {{}}}},\n{keys}}}]}}"
        );
        let loaded = load_texts(CONFIG, &rules);
        let lines: Vec<_> = loaded
            .diagnostics
            .iter()
            .filter(|found| found.is_error())
            .map(line)
            .collect();
        let mut pairs = lines.iter().zip(*expected);
        let agree = pairs.all(|(line, expected)| line.starts_with(&format!("error: {expected}")));
        if lines.len() != expected.len() || !agree {
            differing.push(format!("{keys}\n{lines:#?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn a_fault_in_a_pattern_is_reported_wherever_the_pattern_stands() {
    let rule = r#"{"from": {"a": "*"}, "to": {"p": {}}, "when": {"text": "a("}}"#;
    let loaded = load_texts(CONFIG, &format!("{{\"rules\": [{rule},\n{rule}]}}"));
    let codes: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|found| (found.code.id, found.place.start()))
        .collect();
    assert_eq!(codes, [("E0219", Some((1, 69))), ("E0219", Some((2, 58)))]);
}

/// Values as somebody might write them for a filter or a replacement: nearly right, or wild.
fn wild() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "[a-c(){}\\[\\]|*+?^$\\\\.0-3中<>:=!-]{0,10}",
        prop::sample::select(vec!["text", "file", "u1", "", "(?<n>a)", "{n}", "\\w{999}"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        4 => word.prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => (-3..3).prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "sender_id",
        "sender",
        "text",
        "kind",
        "pattern",
        "with",
        "x",
    ]);
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..4).prop_map(|pairs| {
                let pairs = pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(pairs.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_taken_or_refused_at_a_place_in_the_file(
        when in wild(), unless in wild(), stop in wild(), replace in wild(), text in "\\PC{0,20}",
    ) {
        let rules = json!({ "rules": [{
            "from": { "a": "*" }, "to": { "p": {} },
            "when": when, "unless": unless, "stop": stop, "msg": { "replace": replace },
        }]});
        let rules = serde_json::to_string_pretty(&rules).unwrap();
        let loaded = load_texts(CONFIG, &rules);
        for found in &loaded.diagnostics {
            let (line, column) = found.place.start().expect("a place");
            let line = rules.lines().nth(line - 1).expect("a line of the file");
            prop_assert!(column <= line.chars().count(), "{found}: {rules}");
        }
        if let Some(setup) = loaded.setup {
            let source = Channel::new("a".into(), Address::new([("room", "1")]));
            let message = Message::new(source.address.clone(), Sender::new("u1", "n"), text);
            setup.rules.plan("chat", &source, &message);
            setup.rules.explain("chat", &source, &message);
        }
    }
}
