//! Faults of TOML.

use super::*;

#[test]
fn faults_of_toml() {
    let rows: &[(&str, &[&str])] = &[
        (
            "a = 1\na = 2\n[b]\nc = 1979-05-27\n[b]\n",
            &[
                "E0105 2:1 a | the key \"a\" stands here a second time | keep one of the two | 1:1 the first one stands here",
                "E0105 5:2 b | the key \"b\" stands here a second time | keep one of the two | 3:2 the first one stands here",
            ],
        ),
        (
            "[[r]]\nx = 1\n[[r]]\ny.z = 2\ny.z = 3\n[r]\n",
            &[
                "E0105 5:3 r[1].y.z | the key \"z\" stands here a second time | keep one of the two | 4:3 the first one stands here",
                "E0105 6:2 r | the key \"r\" stands here a second time | keep one of the two | 1:3 the first one stands here",
            ],
        ),
        (
            "[a]\n群 = 1\n",
            &[
                "E0104 2:1  | this is not TOML: a key is missing, or holds characters that need quotes | letters, digits, - and _ need none; write key = value",
            ],
        ),
        (
            "a = \n b = [1,\nc = 3",
            &[
                "E0104 1:5  | this is not TOML: a value is missing | write key = value on one line",
                "E0104 2:6  | this is not TOML: the [ here is never closed | close it, or remove it",
            ],
        ),
        (
            "a = nope\n\"群\" = \"x\nc = 1\n",
            &[
                "E0104 1:5  | this is not TOML: a word stands where a value should | put a text in quotes; true and false are the only words",
                "E0104 2:7  | this is not TOML: the quote that opens here is not closed on its line, or something within it is not allowed | close it with the same kind of quote; a text of several lines stands in \"\"\"",
            ],
        ),
        (
            "x.y.z = 1\nx.y = 2\n",
            &[
                "E0105 2:3 x.y | the key \"y\" stands here a second time | keep one of the two | 1:3 the first one stands here",
            ],
        ),
        (
            "x = 1\nx.y = 2\n",
            &[
                "E0104 2:1  | this is not TOML: this key has a value already, so no key can stand below it | keep one of the two",
            ],
        ),
        (
            "a=99999999999999999999\nd=inf\ne=\"\\q\"\nf='x\n",
            &[
                "E0104 3:5  | this is not TOML: unknown escape in a string | write \\\\ for a backslash, or use single quotes, which know no escapes",
                "E0104 4:3  | this is not TOML: the quote that opens here is not closed on its line, or something within it is not allowed | close it with the same kind of quote; a text of several lines stands in \"\"\"",
            ],
        ),
        (
            "[a\nb=1",
            &["E0104 1:3  | this is not TOML: the header is not closed | close it with ]"],
        ),
        (
            "= 1\n",
            &[
                "E0104 1:1  | this is not TOML: a key is missing, or holds characters that need quotes | letters, digits, - and _ need none; write key = value",
            ],
        ),
        (
            "a = {b = 1, b = 2}",
            &[
                "E0105 1:13 a.b | the key \"b\" stands here a second time | keep one of the two | 1:6 the first one stands here",
            ],
        ),
        (
            "a = {b = 1\nc = 2\n",
            &["E0104 1:5  | this is not TOML: the { here is never closed | close it, or remove it"],
        ),
        (
            "a: 1\n",
            &[
                "E0104 1:2  | this is not TOML: a key is missing, or holds characters that need quotes | letters, digits, - and _ need none; write key = value",
            ],
        ),
        (
            "a = 1 b = 2\n",
            &[
                "E0104 1:5  | this is not TOML: what stands here is no value | put a text in quotes, a comma between values of a list, and each key on a line of its own",
            ],
        ),
        (
            "a = 007\nb = 1__0\nc = True\nd = 12:30\n",
            &[
                "E0104 1:5  | this is not TOML: a number can't begin with 0 | remove the 0; if a text is meant, put it in quotes",
                "E0104 2:6  | this is not TOML: this is no number | if a text is meant, put it in quotes",
                "E0104 3:5  | this is not TOML: a word stands where a value should | put a text in quotes; true and false are the only words",
            ],
        ),
        (
            "a = [1 2]\nb = [1,,2]\n",
            &[
                "E0104 1:6  | this is not TOML: what stands here is no value | put a text in quotes, a comma between values of a list, and each key on a line of its own",
                "E0104 2:8  | this is not TOML: a comma too many | remove it",
            ],
        ),
        (
            "{\"a\": 1}\n",
            &[
                "E0104 1:1  | this is not TOML: a key without a value | write key = value on one line",
            ],
        ),
        (
            "a = '''x\nb = 1\n",
            &[
                "E0104 1:5  | this is not TOML: the quotes that open here are never closed, or something within them is not allowed | close them with three of the same kind",
            ],
        ),
        (
            "a.b = 1\n[a]\nc = 1\n",
            &[
                "E0105 2:2 a | the key \"a\" stands here a second time | keep one of the two | 1:1 the first one stands here",
            ],
        ),
        (
            "r = [{x = 1, x = 2}]\n[[q]]\n[q.s]\nk = 1\n[[q]]\n[q.s]\nk = 1\nk = 2",
            &[
                "E0105 1:14 r[0].x | the key \"x\" stands here a second time | keep one of the two | 1:7 the first one stands here",
                "E0105 8:1 q[1].s.k | the key \"k\" stands here a second time | keep one of the two | 7:1 the first one stands here",
            ],
        ),
    ];
    assert_faults(Format::Toml, rows);
}
