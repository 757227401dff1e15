//! Changes of whole files: the one of a row, and random ones.

use proptest::sample::Index;
use serde_json::Value;

use crate::rows::{self, Row};

/// The whole file with the row's change.
pub(crate) fn changed(row: &Row) -> Value {
    let mut whole = match row.file {
        "config" => rows::config(),
        _ => rows::rules(),
    };
    let Some((above, key)) = row.at.rsplit_once('/') else {
        return row.value.clone().expect("a whole file");
    };
    let above = whole.pointer_mut(above).expect("a place");
    match (above, &row.value) {
        (Value::Object(map), Some(value)) => {
            map.insert(key.to_owned(), value.clone());
        }
        (Value::Object(map), None) => {
            map.shift_remove(key).expect("a key to remove");
        }
        (Value::Array(list), Some(value)) => {
            list[key.parse::<usize>().expect("an index")] = value.clone()
        }
        (above, value) => panic!("{}: {value:?} into {above}", row.at),
    }
    whole
}

/// One random change: where, by what kind, with which piece.
pub(crate) type Change = (Index, u8, Index);

/// The places of all values, as JSON pointers.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                places(value, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Values that are right in some place and wrong in others.
fn pieces() -> Vec<Value> {
    let text = r#"[null, true, 0, 1, -1, 70000, 5000000000, 1.5, "", " ", "*", "x", "10s", "0s", "10",
        "1.5h 3 m", "{msg}", "{usr}", "{{", "park", "connect", "forward", "10.0.0.0/8", "fd00::/8",
        "http://x.example", "/a", {}, [], ["*"], {"env": "X"}, {"env": ""}, {"file": 1},
        {"msg_format": "{user}"}, {"open_conversation_id": "cidX"}, {"dt_main": "*"}]"#;
    serde_json::from_str(text).expect("a list")
}

/// The value with the change; what can't be done to a value leaves it as it is.
pub(crate) fn apply(value: &mut Value, (place, action, piece): &Change) {
    let mut found = Vec::new();
    places(value, "", &mut found);
    let place = place.get(&found);
    // Something from elsewhere in the file, or a piece.
    let mut stock = pieces();
    stock.extend(found.iter().filter_map(|path| value.pointer(path).cloned()));
    let new = piece.get(&stock).clone();
    let target = value.pointer_mut(place).expect("a place");
    match (action % 5, target) {
        (0, target) => *target = new,
        (1, Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(piece.index(map.len())).cloned();
            map.shift_remove(&key.expect("a key"));
        }
        (2, Value::Object(map)) if !map.is_empty() => {
            // A misspelling; or another key's name, whose value it takes.
            let key = map
                .keys()
                .nth(piece.index(map.len()))
                .cloned()
                .expect("a key");
            let value = map.shift_remove(&key).expect("a value");
            let others = [
                "from", "to", "channels", "max_age", "msg", "type", "digest", "proxy",
            ];
            let key = match piece.index(3) {
                0 => {
                    key[..key.len() - key.chars().next_back().map_or(0, char::len_utf8)].to_owned()
                }
                1 => format!("{key}s"),
                _ => piece.get(&others).to_string(),
            };
            map.insert(key, value);
        }
        (3, Value::Array(list)) => list.push(new),
        (3, Value::String(text)) => {
            text.push(*piece.get(&['s', '{', '}', ' ', '0', 'h', '/', ':']))
        }
        (_, target) => *target = Value::Array(vec![target.take()]),
    }
}
