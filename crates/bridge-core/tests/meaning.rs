//! What the check says of files without an error in them: what has no effect, and what has one that
//! nobody can want.

#[path = "support/hearing.rs"]
mod hearing;
#[path = "meaning/properties.rs"]
mod properties;

use bridge_core::config::Diagnostic;
use hearing::load_texts;

/// Two robots of each platform.
const CONFIG: &str = r#"{
    "echo": { "e": {}, "f": {} },
    "crowd": { "c": {}, "d": {} },
    "quiet": { "q": {}, "r": {} }
}"#;

/// `E0404 2:1 path | problem | help`, and a line `label 2:3 | text` for each label.
fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    let mut lines = Vec::new();
    for found in diagnostics {
        assert!(!found.is_error(), "{found}");
        let at = |place: &bridge_core::config::Place| {
            let (line, column) = place.start().expect("a token");
            format!("{line}:{column}")
        };
        let (
            place,
            Diagnostic {
                code,
                path,
                problem,
                help,
                ..
            },
        ) = (at(&found.place), found);
        lines.push(format!("{} {place} {path} | {problem} | {help}", code.id));
        let labels = found.labels.iter();
        lines.extend(labels.map(|label| format!("label {} | {}", at(&label.place), label.text)));
    }
    lines
}

/// All warnings but those of instances without a rule.
fn warnings(config: &str, rules: &str) -> Vec<String> {
    let loaded = load_texts(config, rules);
    let mut found = loaded.diagnostics;
    found.retain(|found| found.code.id != "E0402");
    lines(&found)
}

/// `e/1/2` is the room 2 of the guild 1 of the instance e, `e/1` the guild, `e` any room.
fn address(end: &str) -> (&str, String) {
    let mut parts = end.split('/');
    let instance = parts.next().expect("an instance");
    let pairs: Vec<_> = ["guild", "room"]
        .iter()
        .zip(parts)
        .map(|(key, value)| format!(r#""{key}": "{value}""#))
        .collect();
    match pairs.is_empty() {
        true => (instance, r#""*""#.to_owned()),
        false => (instance, format!("{{{}}}", pairs.join(", "))),
    }
}

fn ends(ends: &str) -> String {
    let mut instances: Vec<(&str, Vec<String>)> = Vec::new();
    for (instance, address) in ends.split(' ').map(address) {
        match instances.iter_mut().find(|(known, _)| *known == instance) {
            Some((_, list)) => list.push(address),
            None => instances.push((instance, vec![address])),
        }
    }
    let shown = instances.iter().map(|(instance, list)| match &**list {
        [only] => format!(r#""{instance}": {only}"#),
        _ => format!(r#""{instance}": [{}]"#, list.join(", ")),
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
}

/// A rule on a line of its own for each `from > to`, `one = other` and so on; `| format` behind it,
/// and `& when`, `& unless` or `& stop` behind that. The filters are about the text `hi`.
fn rules(short: &[&str]) -> String {
    let rule = |(position, short): (usize, &&str)| {
        let (short, more) = short.split_once(" & ").unwrap_or((short, ""));
        let more = more.split(" & ").map(|key| match key {
            "stop" => r#", "stop": true"#.to_owned(),
            "" => String::new(),
            key => format!(r#", "{key}": {{"text": "^hi$"}}"#),
        });
        let more: String = more.collect();
        let (route, format) = short.split_once(" | ").unwrap_or((short, "{msg}"));
        let route = match route.split_once(" > ") {
            Some((from, to)) => format!(r#""from": {}, "to": {}"#, ends(from), ends(to)),
            None => format!(
                r#""type": "connect", "channels": {}"#,
                ends(&route.replace(" = ", " "))
            ),
        };
        format!(r#"{{"id": "r{position}", {route}, "msg": {{"msg_format": "{format}"}}{more}}}"#)
    };
    let rules: Vec<_> = short.iter().enumerate().map(rule).collect();
    format!("{{\"rules\": [\n{}\n]}}", rules.join(",\n"))
}

fn assert_rows(rows: &[(&[&str], &[&str])]) {
    let mut differing = Vec::new();
    for (short, expected) in rows {
        let found = warnings(CONFIG, &rules(short));
        let mut pairs = found.iter().zip(*expected);
        let agree = pairs.all(|(found, expected)| found.starts_with(expected));
        if found.len() != expected.len() || !agree {
            differing.push(format!("{short:?}\n{found:#?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn rules_without_effect_are_told() {
    assert_rows(&[
        (&["q/1/1 > q/1/2", "q/1/2 > q/1/1", "q > r/1/1"], &[]),
        (
            &["q/1/1 > q/1/1"],
            &[
                r#"E0404 2:70 rules[0] | this rule never sends anything: it takes messages from {"q": {"guild":"1","room":"1"}} only, and they don't go back there | name another channel"#,
                "label 2:28 | messages are taken from here",
            ],
        ),
        (
            &["q/1/1 > r/1/2", "q/1/1 > r/1/2"],
            &[
                "E0405 3:8 rules[1] | this rule adds nothing: earlier rules send all that it sends | remove it, or name other channels",
                "label 2:70 | the messages are sent here already",
            ],
        ),
        // What is wider comes first.
        (
            &[
                "q > r/1/5",
                "q/1 > r/1/2",
                "q/1/1 > r/1/5 r/1/2 | {user}: {msg}",
            ],
            &[
                "E0405 4:8 rules[2]",
                "label 2:46 | the messages are sent here already",
                "label 3:57 | the messages are sent here already",
            ],
        ),
        (
            &["q/1/1 = r/1/2", "r/1/2 > q/1/1"],
            &["E0405 3:8 rules[1]", "label 2:51"],
        ),
        // Its other source is its only target.
        (
            &["q/2 > e/1/2", "q/2/1 e/1/2 > e/1/2"],
            &["E0405 3:8 rules[1]", "label 2:57"],
        ),
        // Other values, and fewer keys that are not those.
        (&["q/1 > r/1/1", "q/2 > r/1/1", "q/2/1 > r/1/2"], &[]),
        (
            &["q/1/1 > r/1/2", "q/1/1 q/1/3 > r/1/2 r/1/4 | {user}: {msg}"],
            &[
                r#"E0406 3:102 rules[1] | an earlier rule sends the messages from {"q": {"guild":"1","room":"1"}} to {"r": {"guild":"1","room":"2"}}, so this one does not | name the channel in one of the two rules only"#,
                "label 2:70 | this one holds, with its format",
            ],
        ),
        (
            &["q/1/1 = q/1/2 = r/1/3", "q/1/1 = q/1/2 = r/1/4"],
            &[
                r#"E0406 3:81 rules[1] | an earlier rule sends the messages from {"q": {"guild":"1","room":"1"}} to {"q": {"guild":"1","room":"2"}}, so this one does not; so it is for another pair of this rule"#,
                "label 2:81",
            ],
        ),
        // An exception in front of what holds for all is how exceptions are written.
        (&["q/1/1 > r/1/2 | {user}: {msg}", "q > r/1/2"], &[]),
        (
            &["q/1/1 > r/1/2", "q > r/1/2"],
            &[
                r#"E0406 3:46 rules[1] | all messages from any channel of q go to {"r": {"guild":"1","room":"2"}}, so an earlier rule for some of them has no effect | remove the earlier one"#,
                "label 2:70 | this rule sends some of them",
            ],
        ),
        (
            &["q/1/1 > r/1/2 r/1/3 r/1/2"],
            &[
                r#"E0407 2:129 rules[0] | this rule names the channel {"r": {"guild":"1","room":"2"}} twice | remove one of the two"#,
                "label 2:71 | it stands here first, and this one holds",
            ],
        ),
        (
            &["q/1/1 = q/1/1 = r/1/3"],
            &["E0407 2:81 rules[0]", "label 2:52"],
        ),
        (
            &["q/1/1 q > r/1/3"],
            &[
                r#"E0407 2:29 rules[0] | this rule takes messages from {"q": {"guild":"1","room":"1"}} twice | remove it"#,
                "label 2:58 | any channel of q is taken from here",
            ],
        ),
    ]);
}

#[test]
fn filters_and_stops_are_seen() {
    let adds_nothing = "E0405 3:8 rules[1] | this rule adds nothing";
    assert_rows(&[
        (&["q/1/1 > r/1/2 & when", "q/1/1 > r/1/2"], &[]),
        (&["q/1/1 > r/1/2", "q/1/1 > r/1/2 & stop"], &[]),
        (&["q/1/1 > q/1/1 & stop", "r/2/2 > q/1/1"], &[]),
        (&["q/1/1 > r/1/2 & when & stop", "q/1/1 > r/1/4"], &[]),
        (
            &["q/1/1 > r/1/2 & stop", "q/1/1 > r/1/4"],
            &[
                "E0404 3:8 rules[1] | this rule is never asked: earlier rules take all its messages and stop | move it before",
                "label 2:8 | this one stops",
            ],
        ),
        (
            &["q > r/1/2 & stop", "q/1/1 r/2/2 > r/1/3", "q/1/1 > r/1/4"],
            &[
                "E0404 4:8 rules[2] | this rule is never asked",
                "label 2:8 | this one stops",
            ],
        ),
    ]);
    let found = warnings(CONFIG, &rules(&["q/1/1 > r/1/2", "q/1/1 > r/1/2 & when"]));
    assert!(found[0].starts_with(adds_nothing), "{found:#?}");
    assert!(found[1].starts_with("label "), "{found:#?}");
}

#[test]
fn ways_back_are_told_where_robots_hear_them() {
    assert_rows(&[
        // Robots that hear people only send nothing in circles.
        (&["q/1/1 = q/1/2 = r/1/3", "q > r/1/4"], &[]),
        (&["e/1/1 > e/1/2", "e/1/2 > q/1/1"], &[]),
        (
            &["e/1/1 = e/1/2"],
            &[
                r#"E0408 2:52 rules[0] | a message that is sent to {"e": {"guild":"1","room":"1"}} comes back there by way of {"e": {"guild":"1","room":"2"}}, again and again | remove one"#,
                "label 2:81 | what e sends here is heard, and forwarded again",
            ],
        ),
        (
            &["e/1/1 > e/1/2", "e/1/2 > e/1/3", "e > e/1/1"],
            &[
                r#"E0408 2:70 rules[0] | a message that is sent to {"e": {"guild":"1","room":"2"}} comes back there by way of {"e": {"guild":"1","room":"3"}}, {"e": {"guild":"1","room":"1"}}, again and again | remove"#,
                "label 3:70 | what e sends here is heard",
                "label 4:46 | what e sends here is heard",
            ],
        ),
        // Once: q hears nothing of its own.
        (
            &["q/1/1 = e/1/2"],
            &[
                r#"E0408 2:51 rules[0] | a message from {"q": {"guild":"1","room":"1"}} comes back there by way of {"e": {"guild":"1","room":"2"}} | remove one"#,
                "label 2:85 | what e sends here is heard",
            ],
        ),
        // Nobody hears his own, and there is nobody else.
        (&["c/1/1 = q/1/2"], &[]),
        // c hears what d sends to a room where both are.
        (
            &["q/1/1 > d/1/2", "c/1/2 > q/1/1"],
            &[
                "E0408 3:70 rules[1] | a message from",
                "label 2:70 | what d sends here is heard",
            ],
        ),
        (
            &["c/1/2 > d/1/2"],
            &[
                r#"E0408 2:70 rules[0] | a message that is sent to {"d": {"guild":"1","room":"2"}} comes back there, again and again |"#,
            ],
        ),
        (
            &["q/1/1 = r/1/1"],
            &[
                r#"E0408 2:51 rules[0] | a message from {"r": {"guild":"1","room":"1"}} comes back there: q sends it to the same address | if this is one room, remove one"#,
            ],
        ),
    ]);
}

#[test]
fn one_robot_with_two_names_is_told() {
    let config = "{\"quiet\": {\n\"q\": {\"robot\": \"same\"},\n\"r\": {\"robot\": \"other\"},\n\"s\": {\"robot\": \"same\"}}}";
    let rules = rules(&["q/1/1 = r/1/2"]);
    assert_eq!(
        warnings(config, &rules),
        [
            "E0409 4:16 quiet.s.robot | \"quiet.s\" and \"quiet.q\" are one robot: only one of the two is called | one instance serves all groups of its robot: remove one of the two",
            "label 2:16 | the first one is this robot, too",
        ]
    );
}

#[test]
fn values_of_examples_are_told_and_secrets_are_not() {
    let config = "{\"quiet\": {\n\"q\": {\"robot\": \"dingxxxxxxxxxx\", \"password\": \"your_app_secret\"},\n\"r\": {\"password\": \"${PASSWORD}\"}}}";
    let rules = rules(&["q/1/cidXXXXXXXX > r/1/2", "q/1/2 > r/1/cidXXXXXXXX"]);
    assert_eq!(
        warnings(config, &rules),
        [
            "E0311 2:16 quiet.q.robot | `robot` looks like a value from an example | put your own value in",
            "E0311 2:46 quiet.q.password | `password` looks like a value from an example | put your own value in",
            "E0311 3:19 quiet.r.password | `password` looks like a value from an example | variables are not put in here; for a secret write {\"env\": \"NAME\"}",
            "E0311 2:51 rules[0].from.q.room | \"cidXXXXXXXX\" looks like a value from an example | put the channel's own value in; `bridge channels` lists those that were heard",
        ]
    );
}

#[test]
fn many_findings_of_one_kind_are_counted() {
    let short = vec!["q/1/1 > r/1/2"; 100];
    let found = load_texts(CONFIG, &rules(&short)).diagnostics;
    let found: Vec<_> = found
        .iter()
        .filter(|found| found.code.id == "E0405")
        .collect();
    assert_eq!(found.len(), 21);
    let last = found.last().expect("21 of them");
    assert_eq!(
        last.problem,
        "79 more places like those above, of which this is the first"
    );
    assert_eq!(last.place.start(), Some((22 + 1, 8)));
}
