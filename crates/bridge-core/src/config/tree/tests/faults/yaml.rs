//! Faults of YAML.

use super::*;

#[test]
fn faults_of_yaml() {
    let rows: &[(&str, &[&str])] = &[
        (
            "a:\n\tb: 1\n",
            &[
                "E0104 2:1  | this is not YAML: a tab stands where only spaces may | indent with spaces",
            ],
        ),
        (
            "a: \"x\nb: 1\n",
            &[
                "E0104 1:4  | this is not YAML: the quote that opens here is never closed | close it with the same kind of quote",
            ],
        ),
        (
            "群: [1, {b: 1\n",
            &["E0104 1:8  | this is not YAML: the { here is never closed | close it, or remove it"],
        ),
        (
            "a: b: c\n",
            &[
                "E0104 1:5  | this is not YAML: a colon can't stand here | put a text with `: ` or brackets in it in quotes; is the indentation right, and every bracket before this closed?",
            ],
        ),
        (
            "群: {user}: {msg}\n",
            &[
                "E0104 1:10  | this is not YAML: a colon can't stand here | put a text with `: ` or brackets in it in quotes; is the indentation right, and every bracket before this closed?",
            ],
        ),
        (
            "from: {群: *}\n",
            &[
                "E0104 1:11  | this is not YAML: a text can't begin with * unless it is in quotes | write \"*\" in quotes, also for any group of an instance",
            ],
        ),
        (
            "from:\n  群: *\n",
            &[
                "E0104 2:6  | this is not YAML: a text can't begin with * unless it is in quotes | write \"*\" in quotes, also for any group of an instance",
            ],
        ),
        (
            "a: @x\n",
            &[
                "E0104 1:4  | this is not YAML: a value can't begin with @ unless it is in quotes | put the whole value in quotes",
            ],
        ),
        (
            "a: `x`\n",
            &[
                "E0104 1:4  | this is not YAML: a value can't begin with ` unless it is in quotes | put the whole value in quotes",
            ],
        ),
        (
            "a: [1\nb: 2\n",
            &[
                "E0104 2:2  | this is not YAML: a colon can't stand here | put a text with `: ` or brackets in it in quotes; is the indentation right, and every bracket before this closed?",
            ],
        ),
        (
            "a: 1\n b: 2\n",
            &[
                "E0104 2:3  | this is not YAML: a colon can't stand here | put a text with `: ` or brackets in it in quotes; is the indentation right, and every bracket before this closed?",
            ],
        ),
        (
            "a: 1\n---\nb: 2\n",
            &[
                "E0106 2:1  | a second document begins here | write all of it as one document, without `---` in between",
            ],
        ),
        (
            "- a\nb: 1\n",
            &[
                "E0104 2:1  | this is not YAML: expected a `-` of the list that began before | keys of one object begin in one column, and so do the `-` of one list",
            ],
        ),
        (
            "a:\n  - 1\n  b: 2\n",
            &[
                "E0104 3:3  | this is not YAML: expected a `-` of the list that began before | keys of one object begin in one column, and so do the `-` of one list",
            ],
        ),
        (
            "? [a]\n: 1\n",
            &["E0106 1:3  | a key must be a text | put it in quotes"],
        ),
        (
            "123: x\ntrue: y\n: z\n",
            &[
                "E0106 1:1  | a key must be a text | put it in quotes",
                "E0106 2:1  | a key must be a text | put it in quotes",
                "E0106 3:1  | a key must be a text | put it in quotes",
            ],
        ),
        (
            "a: 'x' y\n",
            &[
                "E0104 1:8  | this is not YAML: something follows the closing quote | put the whole value in one pair of quotes; within single quotes write '' for one",
            ],
        ),
        (
            "a: \"\\q\"\n",
            &[
                "E0104 1:4  | this is not YAML: unknown escape in the double quotes that open here | write \\\\ for a backslash, or use single quotes, which know no escapes",
            ],
        ),
        (
            "{a: 1} x",
            &[
                "E0104 1:8  | this is not YAML: something follows the end of the first value | keep one object in the file; is the indentation right?",
            ],
        ),
        (
            "{a: 1]",
            &[
                "E0104 1:1  | this is not YAML: a ] closes what a { opened | close brackets in the opposite order of their opening",
            ],
        ),
        (
            "a: 1]\nb: ]",
            &[
                "E0104 2:4  | this is not YAML: a bracket is closed that was not opened | remove it, or open it before",
            ],
        ),
        (
            "a: - b\n",
            &[
                "E0104 1:4  | this is not YAML: a list can't begin here | begin it on a line of its own, with a space after `-`, or write [a, b]",
            ],
        ),
        (
            "g: &a 1\nh: *a\ni: !!str 5\n",
            &[
                "E0106 1:4  | anchors (&) are not supported | write the value out wherever it is needed",
                "E0106 2:4 h | aliases (*) are not supported | write the value out; if a text is meant, put it in quotes: \"*…\"",
                "E0106 3:4 i | tags (!) are not supported | remove it; a text is written in quotes, a number without",
            ],
        ),
        (
            "x: &x\n  b: 1\ny:\n  <<: *x\n  c: 2\n",
            &[
                "E0106 1:4 x | anchors (&) are not supported | write the value out wherever it is needed",
                "E0106 4:3 y | merge keys (<<) are not supported | write the keys out wherever they are needed",
                "E0106 4:7 y | aliases (*) are not supported | write the value out; if a text is meant, put it in quotes: \"*…\"",
            ],
        ),
        (
            "%YAML 1.2\n---\na: 1\n",
            &["E0104 1:1  | this is not YAML: directives (%) are not supported | remove the line"],
        ),
        (
            "a: \u{7}",
            &[
                "E0104 1:4  | this is not YAML: a control character stands here | remove it; in double quotes it may be written as \\x07",
            ],
        ),
        (
            "# nothing\n",
            &["E0103 1:1  | the file holds only comments | write `{}`"],
        ),
        (
            "---\n",
            &["E0103 1:1  | the file holds only comments | write `{}`"],
        ),
        (
            "a: 1\na: 2\nb: {c: 1, \"c\": 2, c: 3}\n",
            &[
                "E0105 2:1 a | the key \"a\" stands here a second time | keep one of the two | 1:1 the first one stands here",
                "E0105 3:11 b.c | the key \"c\" stands here a second time | keep one of the two | 3:5 the first one stands here",
                "E0105 3:19 b.c | the key \"c\" stands here a second time | keep one of the two | 3:5 the first one stands here",
            ],
        ),
        (
            "a: 007\nb: 0x1f\nc: .inf\nd: 99999999999999999999\n",
            &[
                "E0106 1:4 a | a number can't begin with 0: it might be octal | remove the 0; if a text is meant, put it in quotes",
                "E0106 2:4 b | hexadecimal and octal numbers are not supported | write it in decimal; if a text is meant, put it in quotes",
                "E0106 3:4 c | infinity and NaN are no numbers here | if a text is meant, put it in quotes",
                "E0106 4:4 d | the number is too large to be held | if it is an id, write it in quotes",
            ],
        ),
        (
            "a:\n  b: x\n  c:8082\n  d: y\n",
            &[
                "E0104 3:3  | this is not YAML: a key without its colon | write `key: value`; after the colon comes a space",
            ],
        ),
        (
            "a:\n  b: x\n  c\n",
            &[
                "E0104 3:3  | this is not YAML: a key without its colon | write `key: value`; after the colon comes a space",
            ],
        ),
        (
            "a:\n  b: x\n c: y\n",
            &[
                "E0104 3:2  | this is not YAML: expected a key of the object that began before | keys of one object begin in one column, and so do the `-` of one list",
            ],
        ),
        (
            "a: \"x\" # c\nb: 'it's'\n",
            &[
                "E0104 2:8  | this is not YAML: something follows the closing quote | put the whole value in one pair of quotes; within single quotes write '' for one",
            ],
        ),
        (
            "a: x #c\nb: \"y\"#c\n",
            &[
                "E0104 2:7  | this is not YAML: a comment can't stand here | put a space before #, or the value in quotes if # belongs to it",
            ],
        ),
        (
            "a: {b: 1 c: 2}\n",
            &[
                "E0104 1:11  | this is not YAML: expected a comma or } after a value | put a comma between two keys; a text with brackets in it belongs in quotes",
            ],
        ),
        (
            "a: [",
            &["E0104 1:4  | this is not YAML: the [ here is never closed | close it, or remove it"],
        ),
    ];
    assert_faults(Format::Yaml, rows);
}
