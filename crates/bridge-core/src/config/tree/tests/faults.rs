//! Faults of each format: place, problem, help.

mod toml;
mod yaml;

use super::super::super::diagnostic::Diagnostic;
use super::*;

#[test]
fn faults_of_json() {
    let rows: &[(&str, &[&str])] = &[
        (
            "// nothing",
            &["E0103 1:1  | the file holds only comments | write `{}`"],
        ),
        (
            "{\"a\": 1,}",
            &["E0104 1:8  | this is not JSON: trailing commas are not allowed | remove the comma"],
        ),
        (
            "{\n \"群\": 1 \"b\": 2}",
            &["E0104 2:8  | this is not JSON: expected a comma | put a comma between two values"],
        ),
        (
            "{\"a\": 1}\n}",
            &[
                "E0104 2:1  | this is not JSON: something follows the end of the first value | keep one object in the file; is a bracket closed too early?",
            ],
        ),
        (
            "{\"a\": 1, \"a\": 2}",
            &[
                "E0105 1:10 a | the key \"a\" stands here a second time | keep one of the two | 1:2 the first one stands here",
            ],
        ),
        (
            "{\"a\": {\"b\": 1,\n\"b\": 2, \"b\": 3}}",
            &[
                "E0105 2:1 a.b | the key \"b\" stands here a second time | keep one of the two | 1:8 the first one stands here",
                "E0105 2:9 a.b | the key \"b\" stands here a second time | keep one of the two | 1:8 the first one stands here",
            ],
        ),
        (
            "{'a': 1}",
            &["E0104 1:2  | this is not JSON: single quotes are not allowed | use double quotes"],
        ),
        (
            "{\"a\": 'x'}",
            &["E0104 1:7  | this is not JSON: single quotes are not allowed | use double quotes"],
        ),
        (
            "{\"a\": 0x10}",
            &[
                "E0104 1:7  | this is not JSON: hexadecimal numbers are not allowed | write a number such as 5 or 0.5, or put a text in double quotes",
            ],
        ),
        (
            "{\"a\": NaN}",
            &[
                "E0104 1:7  | this is not JSON: a word stands where a value should | put a text in double quotes, or close the one before this; true, false and null are the only words",
            ],
        ),
        (
            "{\"a\"",
            &[
                "E0104 1:5  | this is not JSON: expected a colon after the key | write \"key\": value",
            ],
        ),
        (
            "{\"a\": ",
            &[
                "E0104 1:7  | this is not JSON: expected a value after the colon | write \"key\": value",
            ],
        ),
        (
            "{\"a\": [1, 2",
            &["E0104 1:7  | this is not JSON: the [ here is never closed | close it with ]"],
        ),
        (
            "{\"a\": \"x\n",
            &[
                "E0104 1:7  | this is not JSON: the string is not closed on its line | close it with \"; write \\n for a line break within it",
            ],
        ),
        (
            "{\"a\": \"\\q\"}",
            &[
                "E0104 1:8  | this is not JSON: unknown escape in a string | write \\\\ for a backslash; \\n, \\t, \\\" and \\u4e2d are known",
            ],
        ),
        (
            "{\"a\": \"\\ud800\"}",
            &[
                "E0104 1:8  | this is not JSON: unknown escape in a string | write \\\\ for a backslash; \\n, \\t, \\\" and \\u4e2d are known",
            ],
        ),
        (
            "{\"a\": word}",
            &[
                "E0104 1:7  | this is not JSON: a word stands where a value should | put a text in double quotes, or close the one before this; true, false and null are the only words",
            ],
        ),
        (
            "{a: 1}",
            &[
                "E0104 1:2  | this is not JSON: expected a key in double quotes | write \"key\": value; single quotes are not allowed",
            ],
        ),
        (
            "{\"a\" 1}",
            &[
                "E0104 1:6  | this is not JSON: expected a colon after the key | write \"key\": value",
            ],
        ),
        (
            "{\"a\": 1, , }",
            &[
                "E0104 1:10  | this is not JSON: expected a key in double quotes | write \"key\": value; single quotes are not allowed",
            ],
        ),
        (
            "{\"a\": .5}",
            &[
                "E0104 1:7  | this is not JSON: a decimal point needs a digit on either side | write a number such as 5 or 0.5, or put a text in double quotes",
            ],
        ),
        (
            "{\"a\": +1}",
            &[
                "E0104 1:7  | this is not JSON: a number can't begin with a plus | write a number such as 5 or 0.5, or put a text in double quotes",
            ],
        ),
        (
            "{\"a\": 1e999}",
            &[
                "E0106 1:7 a | the number is too large to be held | if it is an id, write it in quotes",
            ],
        ),
        (
            "{\"a\": 99999999999999999999}",
            &[
                "E0106 1:7 a | the number is too large to be held | if it is an id, write it in quotes",
            ],
        ),
        (
            "{\"a\": 01}",
            &[
                "E0104 1:8  | this is not JSON: a number can't begin with 0 | write a number such as 5 or 0.5, or put a text in double quotes",
            ],
        ),
        (
            "/* x",
            &["E0104 1:1  | this is not JSON: the comment is never closed | close it with */"],
        ),
        (
            "[1, 2}",
            &["E0104 1:6  | this is not JSON: unexpected } | remove it, or open a { before it"],
        ),
        (
            "{\"a\": \"x\" \"y\"}",
            &["E0104 1:10  | this is not JSON: expected a comma | put a comma between two values"],
        ),
        (
            "{\"a\": -}",
            &[
                "E0104 1:8  | this is not JSON: expected a digit | write a number such as 5 or 0.5, or put a text in double quotes",
            ],
        ),
    ];
    assert_faults(Format::Json, rows);
}

/// Every row: a text, and `code line:column path | problem | help | labels` of its faults in order. All
/// rows that differ are shown at once.
fn assert_faults(format: Format, rows: &[(&str, &[&str])]) {
    let mut differing = Vec::new();
    for (text, expected) in rows {
        let found = faults(format, text);
        if found != *expected {
            differing.push(format!("{text:?}\n{found:#?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn faults(format: Format, text: &str) -> Vec<String> {
    let mut findings = Findings::new(document(format, text));
    parse(&mut findings);
    let found = findings.finish();
    let lines = found.iter().map(|diagnostic| {
        let (line, column) = diagnostic.place.start().expect("a fault of the text");
        let Diagnostic {
            code,
            path,
            problem,
            help,
            labels,
            ..
        } = diagnostic;
        let labels: String = labels
            .iter()
            .filter_map(|label| Some((label.place.start()?, &label.text)))
            .map(|((line, column), text)| format!(" | {line}:{column} {text}"))
            .collect();
        let kind = code.id;
        format!("{kind} {line}:{column} {path} | {problem} | {help}{labels}")
    });
    lines.collect()
}
