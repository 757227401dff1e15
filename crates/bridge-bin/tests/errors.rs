//! What `bridge help` shows of a code is so: the wrong example has that problem and no other, the
//! right one is fine, and `docs/errors.md` says the same.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use bridge_bin::files::Offline;
use bridge_core::catalog::Catalog;
use bridge_core::config::{Code, Example, Loaded, Part, Severity, Source, codes, load};
use support::{run, text};

/// What an instance needs, without a brace at its end.
const MAIN: &str = r#""dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8",
    "app_secret": { "env": "DT_SECRET" }"#;
const OPS: &str = r#""dt_ops": { "app_key": "dingw3h6p5z8n7c2", "robot_code": "dingw3h6p5z8n7c2",
    "app_secret": { "env": "OPS_SECRET" }, "signing_secret": { "env": "OPS_SECRET" }, "listen_port": 8083 }"#;
const IRC: &str = r#", "irc": { "libera": { "server": "irc.libera.example", "nick": "bridge" } }"#;
const RULES: &str = r#"{ "rules": [ { "type": "connect", "channels": {
    "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" },
    "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } } ] }"#;

/// The two files that hold the text as such a part.
fn files(part: Part, text: &str) -> (String, String) {
    let signed = r#""signing_secret": { "env": "DT_SECRET" }"#;
    let irc = if text.contains("libera") { IRC } else { "" };
    let config = |global: &str, keys: &str| {
        format!(
            "{{ \"global\": {{ {global} }}, \"dingtalk\": {{ {MAIN}, {keys} }}, {OPS} }} {irc} }}"
        )
    };
    let plain = || config("", signed);
    match part {
        Part::Config => (text.to_owned(), r#"{ "rules": [] }"#.to_owned()),
        Part::Global => (config(text, signed), RULES.to_owned()),
        Part::Instance if text.contains("signing_secret") => (config("", text), RULES.to_owned()),
        Part::Instance => (config("", &format!("{signed}, {text}")), RULES.to_owned()),
        Part::Rules => (plain(), text.to_owned()),
        Part::Rule => (plain(), format!("{{ \"rules\": [ {text} ] }}")),
    }
}

fn read(part: Part, text: &str) -> Loaded {
    let (config, rules) = files(part, text);
    let source = |name: &str, text: String| Source {
        name: name.to_owned(),
        content: Ok(text.into_bytes()),
    };
    let catalog = Catalog::linked().expect("the drivers are sound");
    let (config, rules) = (source("config.json", config), source("rules.json", rules));
    load(&config, &rules, &catalog, &Offline)
}

/// The codes of what was found; those of warnings as well.
fn found(loaded: &Loaded) -> BTreeSet<&'static str> {
    loaded
        .diagnostics
        .iter()
        .map(|found| found.code.id)
        .collect()
}

fn errors(loaded: &Loaded) -> BTreeSet<&'static str> {
    let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
    errors.map(|found| found.code.id).collect()
}

/// What is not as it should be with a code's example.
fn fault(code: &Code) -> Option<String> {
    let Example::Files { part, wrong, right } = code.example else {
        return None;
    };
    let (bad, good) = (read(part, wrong), read(part, right));
    let only = BTreeSet::from([code.id]);
    let is_right = errors(&good).is_empty() && !found(&good).contains(code.id);
    // Warnings that the surroundings bring are there in both.
    let more: BTreeSet<_> = found(&bad).difference(&found(&good)).copied().collect();
    let is_wrong = match errors(&bad).is_empty() {
        true => more == only,
        false => errors(&bad) == only,
    };
    let id = code.id;
    match (is_wrong, is_right) {
        (true, true) => None,
        (false, _) => Some(format!("{id}: wrong: {:#?}", bad.diagnostics)),
        (true, false) => Some(format!("{id}: right: {:#?}", good.diagnostics)),
    }
}

#[test]
fn wrong_examples_have_their_problem_alone_and_right_ones_are_fine() {
    let faults: Vec<_> = codes::all().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn help_explains_codes_and_commands() {
    let help = |words: &[&str]| {
        let output = run(Path::new("."), &[&["help"][..], words].concat());
        let printed = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), printed)
    };
    for code in ["E0203", "e0203"] {
        let (ended, printed) = help(&[code]);
        assert_eq!(ended, Some(0), "{printed}");
        assert!(
            printed.starts_with("error[E0203]: a key is not known here\n"),
            "{printed}"
        );
        assert!(printed.contains("  \"listen_prot\": 8090\n"), "{printed}");
    }
    let rows: [(&[&str], i32, &str); 6] = [
        (&[], 0, "E0504  warning  everybody on this machine"),
        (&["check"], 0, "--deny-warnings"),
        (&["dead", "list"], 0, "--since"),
        (&["E023"], 2, "did you mean `E0203`?"),
        (&["nonsense"], 2, "`bridge help` lists the codes"),
        (&["E0203", "E0204"], 2, "there is no code and no command"),
    ];
    for (words, expected, part) in rows {
        let (ended, printed) = help(words);
        assert_eq!(ended, Some(expected), "{words:?}: {printed}");
        assert!(printed.contains(part), "{words:?}: {printed}");
    }
}

/// The page as it must be.
fn page() -> String {
    let mut page = include_str!("errors/head.md").to_owned();
    for code in codes::all() {
        let Code {
            id,
            severity,
            title,
            explanation,
            ..
        } = code;
        page += &format!("\n## {id}\n\n**{severity}: {title}**\n\n{explanation}\n");
        match code.example {
            Example::Files { part, wrong, right } => {
                let place = part.place();
                page += &format!("\nWrong, {place}:\n\n```text\n{wrong}\n```\n");
                page += &format!("\nRight:\n\n```text\n{right}\n```\n");
            }
            Example::Situation { wrong, right } => {
                page += &format!("\n- For example: {wrong}\n- {right}\n");
            }
        }
    }
    page
}

#[test]
fn the_chinese_page_names_every_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.zh-CN.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| [E"));
    let row = |code: &Code| {
        let severity = if code.severity == Severity::Error {
            "错误"
        } else {
            "警告"
        };
        format!(
            "| [{}](errors.md#{}) | {severity} | ",
            code.id,
            code.id.to_lowercase()
        )
    };
    let expected: Vec<_> = codes::all().map(row).collect();
    let rows: Vec<_> = rows.collect();
    assert_eq!(
        rows.len(),
        expected.len(),
        "docs/errors.zh-CN.md has a row for each code"
    );
    for (row, expected) in rows.iter().zip(&expected) {
        assert!(row.starts_with(expected.as_str()), "{row}: {expected}");
    }
}

/// The variable that makes this test write the page instead of comparing it.
const REFRESH: &str = "BRIDGE_REFRESH_DOCS";

#[test]
fn the_page_of_errors_says_what_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let page = page();
    if std::env::var_os(REFRESH).is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/errors.md is not what the table of codes says; refresh it: \
         {REFRESH}=1 cargo test -p bridge-bin --test errors"
    );
}
