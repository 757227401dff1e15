//! The formats hold the same data, and each can be written as any other.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::super::convert::convert;
use super::super::super::load::Source;
use super::*;

/// Texts that some format or other could take for something else.
const TRICKY: &[&str] = &[
    "",
    " ",
    "~",
    "null",
    "true",
    "False",
    "yes",
    "no",
    "on",
    "NO",
    "y",
    "0",
    "007",
    "1e3",
    "-1",
    ".5",
    "0x1f",
    "0o17",
    "1_000",
    ".inf",
    "nan",
    "2024-01-01",
    "12:30:45",
    "*",
    "&a",
    "!t",
    "!!str",
    "@x",
    "`x`",
    "%x",
    "#x",
    "x #y",
    "x: y",
    ": ",
    ":",
    "-",
    "- x",
    "?",
    "? x",
    "|",
    ">",
    "[]",
    "{}",
    "{user}: {msg}",
    "{{}}",
    "'",
    "\"",
    "it's \"so\"",
    "\\",
    "\\n",
    "\n",
    "a\nb\n",
    "\n\n a\n  b",
    "\r\n",
    "\r",
    "\t",
    "\ttab",
    " lead",
    "trail ",
    "张三",
    "群\u{3000}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{7f}",
    "\u{0}",
    "\u{1b}[31m",
    "\u{10ffff}",
    "👩‍👩‍👧",
    "---",
    "...",
    "<<",
    "=",
    "a.b",
    "[a]",
    "a = b",
    "'''",
    "\"\"\"",
    "//",
    "/* */",
    "$schema",
    "<richheader title=\"{user}\"/>{msg}",
];

fn node(value: Value) -> Node {
    Node { value, span: 0..0 }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(TRICKY).prop_map(str::to_owned),
        2 => vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect()),
        1 => vec(select(TRICKY), 1..20).prop_map(|parts| parts.concat()),
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    let finite = any::<f64>().prop_filter_map("finite", serde_json::Number::from_f64);
    prop_oneof![
        4 => text().prop_map(|text| Value::String(text.into())),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i64>().prop_map(|number| Value::Number(number.into())),
        1 => (-100_i64..10_000).prop_map(|number| Value::Number(number.into())),
        1 => finite.prop_map(Value::Number),
    ]
}

fn object(value: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let key = prop_oneof!["[a-z][a-z0-9_-]{0,8}", text()];
    vec((key, value), 0..5).prop_map(|pairs| {
        let mut entries: Vec<Entry> = Vec::new();
        for (key, value) in pairs {
            if entries.iter().all(|entry| entry.key != key) {
                entries.push(Entry {
                    key: key.into(),
                    key_span: 0..0,
                    node: node(value),
                });
            }
        }
        Value::Object(entries)
    })
}

fn list(value: impl Strategy<Value = Value>, least: usize) -> impl Strategy<Value = Value> {
    vec(value, least..5).prop_map(|values| Value::Array(values.into_iter().map(node).collect()))
}

fn tree() -> impl Strategy<Value = Node> {
    let value = leaf().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            list(inner.clone(), 0),
            list(object(inner.clone()), 1),
            object(inner)
        ]
    });
    object(value.boxed()).prop_map(node)
}

fn source(format: Format, text: String) -> Source {
    Source {
        name: format!("f.{}", format.name().to_lowercase()),
        content: Ok(text.into_bytes()),
    }
}

proptest! {
    #[test]
    fn what_is_written_in_any_format_is_read_as_it_was(tree in tree()) {
        for format in FORMATS {
            let text = write(&tree, format).expect("every format holds it");
            let Parsed { root, faults } = read(&text, format);
            prop_assert!(faults.is_empty(), "{format:?} {text:?} {faults:?}");
            prop_assert_eq!(root.as_ref(), Some(&tree), "{:?} {:?}", format, text);
        }
    }

    #[test]
    fn every_format_is_converted_to_every_other(tree in tree()) {
        for (from, to) in FORMATS.iter().flat_map(|from| FORMATS.map(|to| (*from, to))) {
            let text = write(&tree, from).expect("every format holds it");
            if text.trim().is_empty() {
                // An object without keys is an empty file in TOML, which is refused as such.
                continue;
            }
            let target = source(to, String::new()).name;
            let converted = convert(&source(from, text), target.as_ref()).expect("it is sound");
            prop_assert!(converted.comment_lines.is_empty());
            let root = read(&converted.text, to).root;
            prop_assert_eq!(root.as_ref(), Some(&tree));
        }
    }
}

#[test]
fn what_is_written_looks_as_if_written_by_hand() {
    let text = r#"{
  "global": {"data_dir": "data", "delivery": {"max_age": "1h"}},
  "dingtalk": {
    "dt_main": {"app_key": "dingx", "app_secret": {"env": "SECRET"}, "listen_port": 8082},
    "dt.b": {"app_key": "no", "robot_code": "123"}
  },
  "rules": [
    {"id": "a", "from": {"dt_main": "*"}, "to": {"dt.b": {"room": "张"}}, "msg": {"msg_format": "{user}: {msg}"}},
    {"type": "connect", "channels": {"dt_main": [{"room": "1"}, {"room": "2"}]}}
  ]
}"#;
    let root = read(text, Format::Json).root.expect("sound");
    let yaml = "\
global:
  data_dir: data
  delivery:
    max_age: 1h
dingtalk:
  dt_main:
    app_key: dingx
    app_secret:
      env: SECRET
    listen_port: 8082
  dt.b:
    app_key: \"no\"
    robot_code: \"123\"
rules:
- id: a
  from:
    dt_main: \"*\"
  to:
    dt.b:
      room: 张
  msg:
    msg_format: \"{user}: {msg}\"
- type: connect
  channels:
    dt_main:
    - room: \"1\"
    - room: \"2\"
";
    assert_eq!(write(&root, Format::Yaml).as_deref(), Ok(yaml));
    let toml = "\
[global]
data_dir = \"data\"

[global.delivery]
max_age = \"1h\"

[dingtalk.dt_main]
app_key = \"dingx\"
app_secret = { env = \"SECRET\" }
listen_port = 8082

[dingtalk.\"dt.b\"]
app_key = \"no\"
robot_code = \"123\"

[[rules]]
id = \"a\"

[rules.from]
dt_main = \"*\"

[rules.to]
\"dt.b\" = { room = \"张\" }

[rules.msg]
msg_format = \"{user}: {msg}\"

[[rules]]
type = \"connect\"

[rules.channels]
dt_main = [{ room = \"1\" }, { room = \"2\" }]
";
    assert_eq!(write(&root, Format::Toml).as_deref(), Ok(toml));
}
