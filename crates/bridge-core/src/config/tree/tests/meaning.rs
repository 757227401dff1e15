//! What sound texts mean, and where their keys, values and comments stand.

use super::*;

#[test]
fn of_a_key_that_stands_twice_the_first_one_holds() {
    let rows = [
        (
            Format::Json,
            "{\"a\": 1, \"b\": {\"c\": 2, \"c\": 3}, \"a\": 4}",
        ),
        (Format::Yaml, "a: 1\nb: {c: 2, c: 3}\na: 4\n"),
        (Format::Toml, "a = 1\nb = {c = 2, c = 3}\na = 4\n"),
    ];
    for (format, text) in rows {
        let Parsed { root, faults } = read(text, format);
        let data = root.expect("the tree is whole").to_json();
        let expected = serde_json::json!({"a": 1, "b": {"c": 2}});
        assert_eq!(data, expected, "{format:?}");
        assert_eq!(faults.len(), 2, "{faults:?}");
        let is_duplicate = |fault: &Fault| matches!(fault.kind, FaultKind::Duplicate(Some(_)));
        assert!(faults.iter().all(is_duplicate), "{faults:?}");
    }
}

#[test]
fn keys_and_values_are_found_where_they_stand() {
    let rows = [
        (
            Format::Json,
            "{\"群\": \"张三 \\u4e2d\", /* 中 */ \"k\": [1, {\"x\": true}]}",
            "\"群\"|\"张三 \\u4e2d\"|\"k\"|[1, {\"x\": true}]|1|{\"x\": true}|\"x\"|true",
        ),
        (
            Format::Yaml,
            "# 中\n群: '张三'\n\"k\":   # 中\n  - 1\n  - x: true  # 中\n\nt: |  # a | b\n  中\n  文\n\nz: 张 三\n",
            "群|'张三'|\"k\"|- 1\n  - x: true|1|x: true|x|true|t||  # a | b\n  中\n  文|z|张 三",
        ),
        (
            Format::Toml,
            "# 中\n\"群\" = '张三'\n[k]\nl = [1, {x = true}]\na.b = 2\n[[r]]\n\"c\" = \"中\" # 中\n",
            "\"群\"|'张三'|k|[k]|l|[1, {x = true}]|1|{x = true}|x|true|a|a|b|2|r|[[r]]|[[r]]|\"c\"|\"中\"",
        ),
    ];
    for (format, text, expected) in rows {
        let Parsed { root, faults } = read(text, format);
        assert!(faults.is_empty(), "{faults:?}");
        let root = root.expect("the text is sound");
        let mut found = Vec::new();
        for entry in root.as_object().unwrap_or_default() {
            pieces(entry, text, &mut found);
        }
        assert_eq!(found.join("|"), expected, "{format:?}");
    }
}

fn pieces<'t>(entry: &Entry, text: &'t str, found: &mut Vec<&'t str>) {
    found.push(&text[entry.key_span.clone()]);
    values(&entry.node, text, found);
}

fn values<'t>(node: &Node, text: &'t str, found: &mut Vec<&'t str>) {
    found.push(&text[node.span.clone()]);
    match &node.value {
        Value::Array(nodes) => nodes.iter().for_each(|node| values(node, text, found)),
        Value::Object(entries) => entries.iter().for_each(|entry| pieces(entry, text, found)),
        _ => {}
    }
}

#[test]
fn comments_and_a_byte_order_mark_are_fine() {
    let rows = [
        (
            Format::Json,
            "\u{feff}{ // c\n \"a\": /* d */ [1, \"x # // y\"] }",
            vec![2, 13],
        ),
        (
            Format::Yaml,
            "\u{feff}# c\na: [1, 'x # // y'] # d\n",
            vec![0, 23],
        ),
        (
            Format::Toml,
            "\u{feff}# c\na = [1, 'x # // y'] # d\n",
            vec![0, 24],
        ),
    ];
    for (format, text, starts) in rows {
        let document = document(format, text);
        let Parsed { root, faults } = read(document.text(), format);
        assert!(faults.is_empty(), "{faults:?}");
        let data = root.expect("the text is sound").to_json();
        assert_eq!(data, serde_json::json!({"a": [1, "x # // y"]}));
        assert_eq!(comments(document.text(), format), starts, "{format:?}");
    }
    let many = "a: 1 # c\n# c\n".to_owned() + &"# c\n".repeat(1000);
    assert_eq!(comments(&many, Format::Yaml).len(), 1002);
    assert!(read(&many, Format::Yaml).faults.is_empty());
}

#[test]
fn what_is_almost_something_else_keeps_its_meaning_in_yaml() {
    let text = "country: no\nswitch: on\nanswer: yes\ntime: 12:30\nday: 2024-01-01\n\
        version: 1.2.3\nid: 1_000\nquoted: \"007\"\nempty: ''\nnothing:\n";
    let data = read(text, Format::Yaml).root.expect("sound").to_json();
    let expected = serde_json::json!({
        "country": "no", "switch": "on", "answer": "yes", "time": "12:30", "day": "2024-01-01",
        "version": "1.2.3", "id": "1_000", "quoted": "007", "empty": "", "nothing": null,
    });
    assert_eq!(data, expected);
}

#[test]
fn numbers_of_toml_in_any_base_are_numbers() {
    let text = "a = 0xff\nb = 0o17\nc = 0b11\nd = 1_000\ne = 1e3\nf = -5\ng = +0.5\n";
    let data = read(text, Format::Toml).root.expect("sound").to_json();
    let expected =
        serde_json::json!({"a": 255, "b": 15, "c": 3, "d": 1000, "e": 1000.0, "f": -5, "g": 0.5});
    assert_eq!(data, expected);
}
