use serde_json::{Value, json};

use super::*;

fn settings(change: Value) -> Settings {
    let mut whole = json!({ "server": "irc.example.org", "nick": "bridge" });
    let (Value::Object(whole_map), Value::Object(change)) = (&mut whole, change) else {
        panic!("objects");
    };
    whole_map.extend(change);
    serde_json::from_value(whole).unwrap()
}

fn report(change: Value) -> Report {
    let mut report = Report::default();
    settings(change).check(&mut report);
    report
}

#[test]
fn little_is_required_and_the_port_follows_tls() {
    let rows = [
        (json!({}), 6697, Security::Tls),
        (json!({ "tls": false }), 6667, Security::Plain),
        (json!({ "port": 7000 }), 7000, Security::Tls),
    ];
    for (change, port, security) in rows {
        let target = settings(change).target();
        assert_eq!((target.port, target.security), (port, security));
        assert_eq!(target.host, "irc.example.org");
    }
    let defaults = settings(json!({}));
    assert_eq!(defaults.flood_pause.0, Duration::from_secs(1));
    assert_eq!((defaults.flood_burst, &*defaults.username), (5, "bridge"));
}

#[test]
fn what_can_not_work_is_an_error_at_its_key() {
    let rows = [
        (json!({ "server": "" }), Some("server")),
        (json!({ "server": "irc.example.org:6697" }), Some("server")),
        (
            json!({ "server": "ircs://irc.example.org" }),
            Some("server"),
        ),
        (json!({ "server": "[::1]" }), Some("server")),
        (json!({ "server": "::1" }), None),
        (json!({ "server": "10.0.0.1" }), None),
        (json!({ "port": 0 }), Some("port")),
        (json!({ "nick": "" }), Some("nick")),
        (json!({ "nick": "1bridge" }), Some("nick")),
        (json!({ "nick": "the bridge" }), Some("nick")),
        (json!({ "nick": "桥" }), Some("nick")),
        (json!({ "nick": "b".repeat(33) }), Some("nick")),
        (json!({ "nick": "[bridge]-1" }), None),
        (json!({ "username": "" }), Some("username")),
        (json!({ "username": "a@b" }), Some("username")),
        (json!({ "realname": " " }), Some("realname")),
        (json!({ "realname": "a\r\nQUIT" }), Some("realname")),
        (json!({ "password": "" }), Some("password")),
        (json!({ "password": "a\nb" }), Some("password")),
        (json!({ "password": "a b" }), None),
        (json!({ "sasl_user": "b" }), Some("sasl_password")),
        (json!({ "sasl_password": "b" }), Some("sasl_user")),
        (
            json!({ "sasl_user": "", "sasl_password": "b" }),
            Some("sasl_user"),
        ),
        (json!({ "sasl_user": "b", "sasl_password": "b" }), None),
    ];
    for (change, expected) in rows {
        let report = report(change.clone());
        let keys: Vec<_> = report.errors().map(|(key, _)| key).collect();
        assert_eq!(keys, Vec::from_iter(expected), "{change}");
    }
}

#[test]
fn an_open_connection_is_warned_of_unless_it_stays_on_the_machine() {
    let rows = [
        (json!({ "tls": false }), 1),
        (json!({ "tls": false, "server": "localhost" }), 0),
        (json!({ "tls": false, "server": "127.0.0.1" }), 0),
        (json!({}), 0),
    ];
    for (change, expected) in rows {
        assert_eq!(
            report(change.clone()).warnings().count(),
            expected,
            "{change}"
        );
    }
}

#[test]
fn who_has_the_same_nickname_on_the_same_server_is_one() {
    let identity = |change| settings(change).identity().value;
    let one = identity(json!({}));
    assert_eq!(
        one,
        identity(json!({ "nick": "BRIDGE", "server": "IRC.example.org", "port": 6697 }))
    );
    for other in [
        json!({ "nick": "other" }),
        json!({ "server": "other" }),
        json!({ "port": 1 }),
    ] {
        assert_ne!(one, identity(other));
    }
}

#[test]
fn the_limit_leaves_room_for_the_largest_frame() {
    let settings = settings(json!({}));
    let source = format!("bridge____!~bridge@{}", "h".repeat(63));
    let channel = format!("#{}", "c".repeat(63));
    let text = "x".repeat(settings.text_limit());
    let line = format!(":{source} PRIVMSG {channel} :{text}\r\n");
    assert_eq!(line.len(), 512);
    assert_eq!(settings.source_bytes(), source.len());
}
