//! Config and rules in YAML and TOML: what is wrong is said as in JSON, and they mean the same.

mod support;

use bridge_core::config::{Source, check_rules};
use support::{line, load_named};

const RULES: (&str, &str) = (
    "rules.toml",
    "\"$schema\" = \"rules.schema.json\"\n[[rules]]\nid = \"r\"\nfrom = { a = \"*\" }\nto = { a = { room = \"1\" } }\n",
);

#[test]
fn the_three_formats_mix() {
    let configs = [
        (
            "c.yaml",
            "$schema: config.schema.json\nchat:\n  a:\n    app: x\n    password: { env: PASSWORD }\n    port: 80\n    max_age: 1h\n",
        ),
        (
            "c.toml",
            "\"$schema\" = \"config.schema.json\"\n[chat.a]\napp = \"x\"\npassword.env = \"PASSWORD\"\nport = 80\nmax_age = \"1h\"\n",
        ),
        (
            "c.jsonc",
            r#"{"$schema": "config.schema.json", "chat": {"a": {"app": "x", "password": {"env": "PASSWORD"}, "port": 80, "max_age": "1h"}}}"#,
        ),
    ];
    for config in configs {
        let loaded = load_named(config, RULES);
        let lines: Vec<_> = loaded.diagnostics.iter().map(line).collect();
        assert_eq!(lines, [""; 0], "{config:?}");
        let setup = loaded.setup.expect("nothing is wrong");
        let [instance] = &setup.instances[..] else {
            panic!("{config:?}: {:?}", setup.instances);
        };
        assert_eq!(instance.driver.listen().map(|listen| listen.port), Some(80));
        assert_eq!(instance.policy.max_age.as_secs(), 3600);
        assert_eq!(setup.leaks.find("canary-from-env"), Some("chat.a.password"));
    }
}

#[test]
fn faults_of_values_are_placed_in_yaml_and_toml() {
    let rows: &[((&str, &str), &[&str])] = &[
        (
            (
                "c.yaml",
                "# 群\nchat:\n  a:\n    app: 12345\n    password: 0.5\n    port: \"80\"\n",
            ),
            &[
                "error: 4:10 chat.a.app | expected a string, found a number | put it in quotes",
                "error: 5:15 chat.a.password | this is no secret | write the value as a string",
                "error: 6:11 chat.a.port | expected a whole number, found a string | remove the quotes",
            ],
        ),
        (
            (
                "c.yaml",
                "chat:\n  群: { ap: x, \"password\": p }\n  a:\n    app: no\n    password: p\n    digest: yes\n    max_age:\n",
            ),
            &[
                "error: 2:8 chat.群.ap | unknown key \"ap\" | did you mean `app`?",
                "error: 6:13 chat.a.digest | expected true or false, found a string",
                "error: 7:5 chat.a.max_age | null is no value | write a value, or remove the key",
            ],
        ),
        (
            ("c.yaml", "- chat\n"),
            &["error: 1:1  | expected an object of platforms, found a list"],
        ),
        (
            ("c.yaml", "群: {}\n"),
            &["error: 1:1 群 | driver \"群\" is not linked into this binary"],
        ),
        (
            (
                "c.toml",
                "# 群\n[chat.a]\napp = 12345\npassword = true\nport = \"80\"\n[chat.\"群\"]\npassword = \"p\"\n",
            ),
            &[
                "error: 3:7 chat.a.app | expected a string, found a number | put it in quotes",
                "error: 4:12 chat.a.password | this is no secret | write the value as a string",
                "error: 5:8 chat.a.port | expected a whole number, found a string | remove the quotes",
                "error: 6:1 chat.群.app | the key \"app\" is missing | Names the app.",
            ],
        ),
        (
            (
                "c.toml",
                "chat.a.app = \"x\"\nchat.a.passwrd = \"p\"\n[chat.b]\napp = \"x\"\napp = \"y\"\npassword = 'p'\n",
            ),
            &[
                "error: 2:8 chat.a.passwrd | unknown key \"passwrd\" | did you mean `password`?",
                "error: 5:1 chat.b.app | the key \"app\" stands here a second time | keep one of the two",
            ],
        ),
        (
            ("c.toml", "# nothing\n"),
            &["error: 1:1  | no instance is configured"],
        ),
        (
            ("c.ini", "[chat]\n"),
            &[
                "error:  | the file's ending does not say its format; known endings: .json, .jsonc, .yaml, .yml, .toml | rename the file",
            ],
        ),
        (
            ("c.yaml", " \n"),
            &["error:  | the file is empty | write keys and values, as in the examples"],
        ),
    ];
    for (config, expected) in rows {
        let loaded = load_named(*config, ("rules.json", r#"{"rules": []}"#));
        assert!(loaded.setup.is_none(), "{config:?}");
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        let lines: Vec<_> = errors.map(line).collect();
        let mut pairs = lines.iter().zip(*expected);
        let agree = pairs.all(|(line, expected)| line.starts_with(expected));
        assert!(
            agree && lines.len() == expected.len(),
            "{config:?}\n{lines:#?}"
        );
    }
}

#[test]
fn a_placeholder_is_found_in_every_kind_of_string() {
    let yaml =
        "rules:\n- from: { a: \"*\" }\n  to: { a: { room: \"1\" } }\n  msg:\n    msg_format: ";
    let toml = "[[rules]]\nfrom = { a = \"*\" }\nto = { a = { room = \"1\" } }\nmsg.msg_format = ";
    let rows = [
        ("r.yaml", yaml, "群 {usr}\n", (5, 19)),
        ("r.yaml", yaml, "\"\\u7fa4 {usr}\"\n", (5, 25)),
        ("r.yaml", yaml, "'it''s {usr}'\n", (5, 24)),
        ("r.yaml", yaml, "|\n      群\n      {usr}\n", (7, 7)),
        ("r.yaml", yaml, ">-\n      群\n      {usr}\n", (7, 7)),
        ("r.toml", toml, "\"\\u7fa4 {usr}\"\n", (4, 26)),
        ("r.toml", toml, "'群 {usr}'\n", (4, 21)),
        ("r.toml", toml, "\"\"\"\n群\n{usr}\"\"\"\n", (6, 1)),
    ];
    for (name, before, format, place) in rows {
        let text = format!("{before}{format}");
        let content = Ok(text.clone().into_bytes());
        let name = name.to_owned();
        let found = check_rules(&Source { name, content });
        let [only] = &found[..] else {
            panic!("{text}: {found:?}");
        };
        assert!(only.problem.contains("{usr}"), "{text}: {only}");
        assert_eq!(only.place.start(), Some(place), "{text}");
    }
}

#[test]
fn rules_are_checked_by_themselves() {
    let check = |text: &str| {
        let name = "r.yaml".to_owned();
        let content = Ok(text.as_bytes().to_vec());
        let found = check_rules(&Source { name, content });
        found.iter().map(line).collect::<Vec<_>>()
    };
    let good = "rules:\n- { from: { any: { key: v } }, to: { thing: {} } }\n";
    assert_eq!(check(good), [""; 0]);
    let bad = "rules:\n- { form: 1, to: { b: { room: 5 } } }\n- a: [\n";
    assert_eq!(check(bad).len(), 1, "{:#?}", check(bad));
    let bad = "rules:\n- { form: 1, to: { b: { room: 5 } } }\n";
    assert!(check(bad).len() >= 2, "{:#?}", check(bad));
}
