//! Whatever is wrong with the files is said: where, what, and how to mend it.

mod support;

use support::{CONFIG, line, load_texts};

const NO_RULES: &str = r#"{"rules": []}"#;

#[test]
fn faults_of_the_config() {
    let rows: &[(&str, &[&str])] = &[
        ("", &[" | the file is empty | write a JSON object"]),
        (
            "[]",
            &["1:1  | expected an object of platforms, found a list"],
        ),
        (
            "{}",
            &[
                "1:1  | no instance is configured | add one below a platform; linked: chat, grid, pipe",
            ],
        ),
        (
            r#"{"chta": {}}"#,
            &[
                "1:2 chta | driver \"chta\" is not linked into this binary; linked: chat, grid, pipe | did you mean `chat`?",
            ],
        ),
        (
            r#"{"global": {"store": {"retain_ids": "47h"}}, "chat": {"a": {"app": "x", "password": "p"}}}"#,
            &[
                "1:37 global.store.retain_ids | ids must be kept for at least 48h | write `48h` or more; a platform may send a message again for so long",
            ],
        ),
        (
            r#"{"global": {"store": {"retain_bodies": "15d", "lane_backlog": 0}}, "chat": {"a": {"app": "x", "password": "p"}}}"#,
            &[
                "1:63 global.store.lane_backlog | 0 is out of range | write a whole number from 1 to 1000000000",
            ],
        ),
        (
            r#"{"global": {"store": {"retain_bodies": "15d"}}, "chat": {"a": {"app": "x", "password": "p"}}}"#,
            &[
                "1:40 global.store.retain_bodies | texts would be kept for 15days, longer than their messages' ids, 14days | lower `retain_bodies` or raise `retain_ids`",
            ],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "passes": {"X-Pass": 5, "Y": {"envy": "Z"}, "Z": null}}}}"#,
            &[
                "1:67 chat.a.passes.X-Pass | this is no secret | write the value as a string, {\"env\": \"NAME\"} or {\"file\": \"path\"}",
                "1:76 chat.a.passes.Y.envy | unknown key \"envy\" | did you mean `env`?",
                "1:95 chat.a.passes.Z | null is no value | write a value, or remove the key",
            ],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "passes": ["x"]}}}"#,
            &["1:56 chat.a.passes | expected an object, found a list"],
        ),
        (
            r#"{"chat": 5}"#,
            &["1:10 chat | expected an object of instances, found a number"],
        ),
        (
            r#"{"chat": {"a b": {"app": "x"}}}"#,
            &["1:11 chat.a b | an instance's name is empty or holds white space"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p"}}, "pipe": {"a": {"app": "x"}}}"#,
            &["1:57 pipe.a | the instance \"a\" stands here a second time | rename one of the two"],
        ),
        (
            r#"{"chat": {"a": []}}"#,
            &["1:16 chat.a | expected an object, found a list"],
        ),
        (
            r#"{"chat": {"a": {"apq": "x", "port": "80", "password": 7}}}"#,
            &[
                "1:17 chat.a.apq | unknown key \"apq\" | did you mean `app`?",
                "1:37 chat.a.port | expected a whole number, found a string",
                "1:55 chat.a.password | this is no secret | write the value as a string",
            ],
        ),
        (
            r#"{"chat": {"a": {"colour": "x", "password": "p"}}}"#,
            &[
                "1:16 chat.a.app | the key \"app\" is missing | Names the app.",
                "1:17 chat.a.colour | unknown key \"colour\" | known here: app, attempt_timeout,",
            ],
        ),
        (
            r#"{"chat": {"a": {"app": null, "password": "p"}}}"#,
            &["1:24 chat.a.app | null is no value"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": null}}}"#,
            &["1:41 chat.a.password | null is no value"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": ""}}}"#,
            &["1:41 chat.a.password | the secret is empty"],
        ),
        (
            r#"{"chat": {"a": {"app": "bad", "password": "p"}}}"#,
            &["1:24 chat.a.app | this app is bad | take a good one"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "port": 65536}}}"#,
            &["1:54 chat.a.port | 65536 is out of range | write a whole number from 0 to 65535"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "port": 1.5}}}"#,
            &["1:54 chat.a.port | expected a whole number"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": {"env": "NOPE"}}}}"#,
            &["1:41 chat.a.password | the environment variable NOPE is not set"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": {"file": "/none"}}}}"#,
            &["1:41 chat.a.password | /none can't be read: no such file"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": {"vault": "x"}}}}"#,
            &["1:51 chat.a.password | this is no secret"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "max_in_flight": 0}}}"#,
            &[
                "1:63 chat.a.max_in_flight | 0 is out of range | write a whole number from 1 to 1024",
            ],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "max_age": "1"}}}"#,
            &["1:57 chat.a.max_age | \"1\" is not a duration"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "max_age": "0s"}}}"#,
            &["1:57 chat.a.max_age | a duration must be longer than zero"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "on_uncertain": "rescend"}}}"#,
            &[
                "1:62 chat.a.on_uncertain | \"rescend\" is none of the values known here | did you mean `resend`?",
            ],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "proxy": "nonsense"}}}"#,
            &["1:55 chat.a.proxy | this is no URL of a proxy"],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "port": 80}, "b": {"app": "x", "password": "p", "port": 80}}}"#,
            &["1:59 chat.b | \"chat.b\" and \"chat.a\" listen on the same address: 0.0.0.0:80"],
        ),
        (
            r#"{"global": {"server": {"body_limit_bytes": "1"}, "lgo": {}}, "chat": {"a": {"app": "x", "password": "p"}}}"#,
            &[
                "1:44 global.server.body_limit_bytes | expected a whole number, found a string",
                "1:50 global.lgo | unknown key \"lgo\" | did you mean `log`?",
            ],
        ),
        (
            r#"{"global": {"server": {"trusted_proxies": ["10.0.0.0/8", "proxy", "10.0.0.1/8"]}}, "chat": {"a": {"app": "x", "password": "p"}}}"#,
            &[
                "1:58 global.server.trusted_proxies[1] | \"proxy\" is neither an IP address nor a network; write one such as",
                "1:67 global.server.trusted_proxies[2] | \"10.0.0.1/8\" names an address inside a network; write \"10.0.0.0/8\"",
            ],
        ),
        (
            r#"{"global": {"server": {"trusted_proxies": "10.0.0.0/8", "max_connections_per_address": 0}}, "chat": {"a": {"app": "x", "password": "p"}}}"#,
            &[
                "1:43 global.server.trusted_proxies | expected a list, found a string",
                "1:88 global.server.max_connections_per_address | 0 is out of range",
            ],
        ),
        (
            r#"{"global": {"data_dir": ""}, "chat": {"a": {"app": "x", "password": "p"}}}"#,
            &["1:25 global.data_dir | the value is empty | The folder of the store"],
        ),
        (
            r#"{"chat": {"a": {"app": "bad", "port": "x", "password": "p", "max_age": "0s"}}}"#,
            &[
                "1:24 chat.a.app | this app is bad | take a good one",
                "1:39 chat.a.port | expected a whole number, found a string",
                "1:72 chat.a.max_age | a duration must be longer than zero",
            ],
        ),
        (
            r#"{"chat": {"a": {"app": "x", "password": "p", "proxy": "http://u:p@host:bad"}}}"#,
            &["1:55 chat.a.proxy | this is no URL of a proxy"],
        ),
    ];
    let rows = rows
        .iter()
        .map(|(config, expected)| (*config, NO_RULES, *expected));
    assert_errors(rows);
}

#[test]
fn faults_of_the_rules() {
    let connect =
        |channels: &str| format!(r#"{{"rules": [{{"type": "connect", "channels": {channels}}}]}}"#);
    let forward =
        |from: &str, to: &str| format!(r#"{{"rules": [{{"from": {from}, "to": {to}}}]}}"#);
    let good = r#"{"a": {"room": "1"}}"#;
    let rows: Vec<(String, &[&str])> = vec![
        ("[]".into(), &["1:1  | expected an object with the key \"rules\", found a list"]),
        ("{}".into(), &["1:1 rules | the key \"rules\" is missing"]),
        (r#"{"rules": {}}"#.into(), &["1:11 rules | expected a list of rules, found an object"]),
        (r#"{"rules": [], "rule": 1}"#.into(), &["1:15 rule | unknown key \"rule\" | did you mean `rules`?"]),
        (r#"{"rules": ["x"]}"#.into(), &["1:12 rules[0] | expected a rule, found a string"]),
        (r#"{"rules": [{}]}"#.into(), &["1:12 rules[0].from | the key \"from\" is missing", "1:12 rules[0].to | the key \"to\" is missing"]),
        (
            r#"{"rules": [{"type": "conect", "channels": {}}]}"#.into(),
            &["1:21 rules[0].type | unknown rule type \"conect\" | did you mean `connect`?"],
        ),
        (
            r#"{"rules": [{"channels": {"a": {"room": "1"}, "b": {"room": "1"}}}]}"#.into(),
            &[
                "1:13 rules[0].channels | a forward rule has no \"channels\" | add \"type\": \"connect\"",
            ],
        ),
        (connect("{}"), &["1:44 rules[0].channels | \"channels\" names no instance"]),
        (connect(good), &["1:32 rules[0].channels | connect needs at least two different channels"]),
        (connect(r#"{"a": [{"room": "1"}, {"room": "1"}]}"#), &["1:32 rules[0].channels | connect needs at least two"]),
        (connect(r#"{"a": [], "b": {"room": "1"}}"#), &["1:50 rules[0].channels.a | the list names no channel"]),
        (connect(r#"{"a": "*", "b": {"room": "1"}}"#), &["1:50 rules[0].channels.a | \"*\" stands for any channel and is allowed in \"from\" only"]),
        (forward(good, r#"{"bb": {"room": "1"}}"#), &["1:50 rules[0].to.bb | no instance is called \"bb\" in the config | did you mean `b`?"]),
        (forward(good, r#"{"b": "*"}"#), &["1:55 rules[0].to.b | \"*\" stands for any channel"]),
        (forward(good, r#"{"b": {}}"#), &["1:55 rules[0].to.b.room | the channel key \"room\" is missing | look in the app"]),
        (forward(r#"{"a": {}}"#, r#"{"b": {"room": "1"}}"#), &["1:27 rules[0].from.a.room | the channel key \"room\" is missing"]),
        (forward(good, r#"{"b": {"rom": "1"}}"#), &[
            "1:56 rules[0].to.b.rom | unknown channel key \"rom\" | did you mean `room`?",
        ]),
        (forward(good, r#"{"b": {"room": ""}}"#), &["1:64 rules[0].to.b.room | an empty value never matches"]),
        (forward(good, r#"{"b": {"room": "nowhere"}}"#), &["1:64 rules[0].to.b.room | \"nowhere\" is no room of the app | look in the app"]),
        (forward(r#"{"a": {"room": "nowhere"}}"#, r#"{"b": {"room": "1"}}"#), &["1:36 rules[0].from.a.room | \"nowhere\" is no room of the app"]),
        (forward(good, r#"{"b": {"room": "*"}}"#), &["1:64 rules[0].to.b.room | \"*\" can't stand for a value"]),
        (forward(good, r#"{"b": {"room": 5}}"#), &["1:64 rules[0].to.b.room | expected a string, found a number | write the channel's id in quotes"]),
        // Another instance, and another key, are something else.
        (forward(r#"{"a": {"room": "Ops"}, "g": {"room": "ops"}}"#, r#"{"b": {"room": "ops"}, "g": {"guild": "OPS", "room": "Ops"}, "a": {"room": "oPS"}}"#), &[
            "1:126 rules[0].to.g.room | \"Ops\" and \"ops\" mean the same to the platform | write \"ops\" here, too",
            "1:148 rules[0].to.a.room | \"oPS\" and \"Ops\" mean the same",
        ]),
        (forward(good, r#"{"g": {"room": "1"}}"#), &["1:55 rules[0].to.g.guild | the channel key \"guild\" is missing"]),
        (forward(r#"{"a": {"room": "1", "msg": {}}}"#, r#"{"b": {"room": "1"}}"#), &["1:41 rules[0].from.a.msg | \"msg\" belongs to a target"]),
        (forward(good, r#"{"b": {"room": "1", "msg": {"msg_format": "{usr}: {msg}"}}}"#), &["1:92 rules[0].to.b.msg.msg_format | unknown placeholder {usr} | did you mean `user`?"]),
        (forward(good, r#"{"b": {"room": "1", "msg": {"format": "x"}}}"#), &["1:77 rules[0].to.b.msg.format | unknown key \"format\" | known here: msg_format"]),
        (forward(good, r#"{"b": {"room": "1", "msg": "x"}}"#), &["1:76 rules[0].to.b.msg | expected an object, found a string"]),
        (forward(good, r#"{"b": {"room": "1", "max_age": "x"}}"#), &["1:80 rules[0].to.b.max_age | \"x\" is not a duration"]),
        (
            r#"{"rules": [{"id": "x", "from": {"a": "*"}, "to": {"p": {}}},
{"id": "x", "from": {"b": "*"}, "to": {"p": {}}}, {"id": "", "from": {"b": "*"}, "to": {"p": {}}}]}"#.into(),
            &[
                "2:8 rules[1].id | the rule id \"x\" stands here a second time | rename one of the two",
                "2:58 rules[2].id | a rule's id must be a string that is not empty",
            ],
        ),
    ];
    assert_errors(
        rows.iter()
            .map(|(rules, expected)| (CONFIG, &**rules, *expected)),
    );
}

/// Every row: a config, rules, and how the lines of the errors begin, in order. All rows that
/// differ are shown at once.
fn assert_errors<'a>(rows: impl Iterator<Item = (&'a str, &'a str, &'a [&'a str])>) {
    let mut differing = Vec::new();
    for (config, rules, expected) in rows {
        let loaded = load_texts(config, rules);
        assert!(loaded.setup.is_none(), "accepted: {config} {rules}");
        let errors = loaded
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error());
        let lines: Vec<_> = errors.map(line).collect();
        let mut pairs = lines.iter().zip(expected);
        let agree = pairs.all(|(line, expected)| line.starts_with(&format!("error: {expected}")));
        if lines.len() != expected.len() || !agree {
            differing.push(format!("{config} {rules}\n{lines:#?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn both_files_are_checked_in_one_run() {
    let loaded = load_texts(
        r#"{"chat": {"a": {"ap": 1}}}"#,
        r#"{"rules": [{"form": 1}]}"#,
    );
    let files: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|found| found.place.file())
        .collect();
    assert!(
        files.contains(&"config.json") && files.contains(&"rules.json"),
        "{files:?}"
    );
}

#[test]
fn rules_are_checked_as_far_as_possible_without_a_config() {
    let loaded = load_texts("{", r#"{"rules": [{"form": 1, "to": {"b": {"room": 5}}}]}"#);
    let lines: Vec<_> = loaded.diagnostics.iter().map(line).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines
            .iter()
            .all(|line| !line.contains("no instance is called")),
        "{lines:#?}"
    );
}

#[test]
fn what_one_may_live_with_is_a_warning() {
    let config = r#"{"chat": {"a": {"app": "x"}}}"#;
    let loaded = load_texts(config, NO_RULES);
    let lines: Vec<_> = loaded.diagnostics.iter().map(line).collect();
    assert!(loaded.setup.is_some(), "{lines:#?}");
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[1].starts_with("warning: 1:11 chat.a | no rule uses the instance \"a\""));
    assert!(lines[0].starts_with("warning: 1:11 chat.a.password | no password | set one"));
    assert!(lines[2].starts_with("warning: 1:1 rules | there are no rules"));
}

#[test]
fn secrets_come_from_three_places_and_show_in_no_issue() {
    for secret in [
        r#""canary-literal""#,
        r#"{"env": "PASSWORD"}"#,
        r#"{"file": "/run/password"}"#,
    ] {
        let block = |app: &str| {
            format!(r#"{{"chat": {{"a": {{"app": "{app}", "password": {secret}, "x": 1}}}}}}"#)
        };
        let broken = load_texts(&block("bad"), NO_RULES);
        assert!(!format!("{broken:?}").contains("canary"), "{broken:?}");
        let fine = load_texts(&block("x").replace(r#", "x": 1"#, ""), NO_RULES);
        assert!(!format!("{fine:?}").contains("canary"), "{fine:?}");
        let leaks = fine.setup.expect("nothing is wrong").leaks;
        let from = if secret.contains("env") {
            "canary-from-env"
        } else {
            "canary-"
        };
        let text = ["canary-literal", "canary-from-env", "canary-from-file"];
        let found: Vec<_> = text.iter().filter_map(|text| leaks.find(text)).collect();
        assert_eq!(found, ["chat.a.password"], "{from}");
    }
}

#[test]
fn deliveries_are_tried_as_the_nearest_block_says() {
    let config = r#"{
        "global": { "delivery": { "max_age": "3h", "backoff_max": "30s" } },
        "chat": { "a": { "app": "x", "password": "p", "max_age": "2h" }, "b": { "app": "x", "password": "p" } }
    }"#;
    let rules = r#"{"rules": [{"id": "r", "from": {"a": "*"}, "to": {
        "a": [{"room": "1", "max_age": "1h"}, {"room": "2"}], "b": {"room": "3"} } }]}"#;
    let setup = load_texts(config, rules).setup.expect("nothing is wrong");
    let ages: Vec<_> = setup
        .rules
        .targets()
        .map(|channel| {
            setup
                .rules
                .policy(&"r".into(), channel)
                .expect("planned by r")
        })
        .map(|policy| {
            (
                policy.max_age.as_secs() / 3600,
                policy.backoff_max.as_secs(),
            )
        })
        .collect();
    assert_eq!(ages, [(1, 30), (2, 30), (3, 30)]);
}
