//! The talk with servers of other kinds than the sandbox: each row is what the server says and what
//! we say then.

use bridge_core::outcome::ErrorKind;
use serde_json::{Value, json};

use super::*;

fn session(change: &Value) -> Session {
    let mut whole = json!({ "server": "irc.test", "nick": "bridge", "flood_burst": 100 });
    for (key, value) in change.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let settings: Arc<Settings> = Arc::new(serde_json::from_value(whole).unwrap());
    let outbox = Arc::new(Outbox::new(settings.flood_pause.0));
    let knowledge = Arc::new(Knowledge::new(&settings.nick));
    let mut session = Session::new(settings, outbox, knowledge);
    session.name_channels(vec!["#ops".into()]);
    session
}

/// What is to be written now.
fn said(session: &mut Session) -> Vec<String> {
    let text = String::from_utf8(session.outbound().to_vec()).unwrap();
    session.wrote(text.len());
    text.lines().map(str::to_owned).collect()
}

/// Hears each line at `now` and compares what is said then.
fn holds(session: &mut Session, now: u64, rows: &[(&str, &[&str])]) {
    let now = Duration::from_secs(now);
    for (line, expected) in rows {
        session.receive(line.as_bytes(), now).expect(line);
        session.tick(now).expect(line);
        assert_eq!(said(session), *expected, "{line}");
    }
}

fn registered() -> Session {
    let mut session = session(&json!({}));
    said(&mut session);
    let rows: [(&str, &[&str]); 5] = [
        (":s CAP * LS :", &["CAP END"]),
        (":s 001 bridge :Welcome", &[]),
        (
            ":s 005 bridge CASEMAPPING=ascii NICKLEN=30 :are supported",
            &[],
        ),
        (":s 376 bridge :End of MOTD", &["JOIN #ops"]),
        (":bridge!~b@h JOIN :#ops", &[]),
    ];
    holds(&mut session, 0, &rows);
    session
}

#[test]
fn a_server_without_capabilities_and_one_that_asks_first() {
    let mut session = session(&json!({ "password": "se same" }));
    let hello = [
        "CAP LS 302",
        "PASS :se same",
        "NICK bridge",
        "USER bridge 0 * :chat bridge",
    ];
    assert_eq!(said(&mut session), hello);
    let rows: [(&str, &[&str]); 5] = [
        ("PING :cookie", &["PONG :cookie"]),
        (":s 421 * CAP :Unknown command", &[]),
        (":s 001 bridge :Welcome", &[]),
        (":s 422 bridge :no MOTD", &["JOIN #ops"]),
        (":s CAP bridge NEW :away-notify", &[]),
    ];
    holds(&mut session, 0, &rows);
}

#[test]
fn capabilities_are_asked_for_once_all_are_known() {
    let mut session = session(&json!({ "sasl_user": "u", "sasl_password": "p" }));
    said(&mut session);
    let rows: [(&str, &[&str]); 6] = [
        (":s CAP * LS * :server-time multi-prefix", &[]),
        (
            ":s CAP * LS :echo-message=x sasl=EXTERNAL,PLAIN",
            &["CAP REQ :echo-message server-time sasl"],
        ),
        (
            ":s CAP * NAK :echo-message server-time sasl",
            &["CAP REQ :sasl"],
        ),
        (":s CAP * ACK :sasl", &["AUTHENTICATE PLAIN"]),
        ("AUTHENTICATE +", &["AUTHENTICATE AHUAcA=="]),
        (":s 903 bridge :successful", &["CAP END"]),
    ];
    holds(&mut session, 0, &rows);
}

#[test]
fn what_ends_the_connection_says_why() {
    let sasl = json!({ "sasl_user": "u", "sasl_password": "p" });
    let none = json!({});
    let rows = [
        (&sasl, ":s CAP * LS :sasl=EXTERNAL", ErrorKind::Rejected),
        (&sasl, ":s CAP * LS :", ErrorKind::Rejected),
        (&sasl, ":s 904 * :failed", ErrorKind::Unauthorized),
        (&sasl, ":s 001 bridge :Welcome", ErrorKind::Rejected),
        (&none, ":s 464 * :wrong", ErrorKind::Unauthorized),
        (&none, ":s 465 * :banned", ErrorKind::Rejected),
        (&none, ":s 432 * bridge :bad", ErrorKind::Rejected),
        (
            &none,
            "ERROR :Closing Link: (Throttled: Reconnecting too fast)",
            ErrorKind::Throttled,
        ),
        (&none, "ERROR :Closing Link", ErrorKind::Unavailable),
    ];
    for (settings, line, kind) in rows {
        let mut session = session(settings);
        let error = session
            .receive(line.as_bytes(), Duration::ZERO)
            .expect_err(line);
        assert_eq!(error.kind, kind, "{line}: {error}");
        assert_eq!(
            error.retry_after.is_some(),
            kind == ErrorKind::Throttled,
            "{line}"
        );
    }
    let mut session = session(&none);
    for _ in 0..8 {
        session
            .receive(b":s 433 * x :in use", Duration::ZERO)
            .unwrap();
    }
    let error = session
        .receive(b":s 433 * x :in use", Duration::ZERO)
        .unwrap_err();
    assert_eq!(
        error.kind,
        ErrorKind::Unavailable,
        "somebody may let one go"
    );
}

#[test]
fn a_channel_that_we_are_put_in_unasked_is_left() {
    let mut session = registered();
    session.name_channels(vec!["#ops".into(), "#full".into()]);
    let rows: [(&str, &[&str]); 4] = [
        (":x!y@z JOIN #elsewhere", &["JOIN #full"]),
        (":s 470 bridge #full ##overflow :Forwarding", &[]),
        (":bridge!~b@h JOIN ##overflow", &["PART ##overflow"]),
        (":bridge!~b@h PART ##overflow", &[]),
    ];
    holds(&mut session, 1, &rows);
    holds(&mut session, 31, &[("PING x", &["PONG :x", "JOIN #full"])]);
}

#[test]
fn a_lost_nickname_is_asked_for_again() {
    let mut session = registered();
    let rows: [(&str, &[&str]); 3] = [
        // Services have renamed us.
        (":bridge!~b@h NICK Guest12", &[]),
        (":bridge!~x@y QUIT :gone", &["NICK bridge"]),
        (":Guest12!~b@h NICK bridge", &[]),
    ];
    holds(&mut session, 1, &rows);
    assert!(session.has_right_nick());
    assert_eq!(session.source.as_deref(), Some("bridge!~b@h"));
}

#[test]
fn two_channels_may_pass_for_one_until_the_network_says_otherwise() {
    let mut session = session(&json!({}));
    session.name_channels(vec!["#a[".into(), "#a{".into()]);
    said(&mut session);
    let rows: [(&str, &[&str]); 3] = [
        (":s 001 bridge :Welcome", &[]),
        (":s 005 bridge CASEMAPPING=ascii :are supported", &[]),
        (":s 376 bridge :End of MOTD", &["JOIN #a[,#a{"]),
    ];
    holds(&mut session, 0, &rows);
}

#[test]
fn the_network_says_how_names_are_compared() {
    let mut session = registered();
    // By RFC 1459 these would be one channel.
    session.name_channels(vec!["#ops".into(), "#a[".into(), "#a{".into()]);
    holds(&mut session, 1, &[("PING x", &["PONG :x", "JOIN #a[,#a{"])]);
}

#[test]
fn a_join_that_is_not_answered_is_tried_again() {
    let mut session = registered();
    session.name_channels(vec!["#ops".into(), "#new".into()]);
    holds(&mut session, 1, &[("PING x", &["PONG :x", "JOIN #new"])]);
    holds(&mut session, 31, &[("PING x", &["PONG :x"])]);
    holds(&mut session, 61, &[("PING x", &["PONG :x", "JOIN #new"])]);
}

#[test]
fn time_is_asked_for_only_when_something_is_due() {
    let mut session = registered();
    session.tick(Duration::from_secs(1)).unwrap();
    assert_eq!(session.next_tick(), Duration::from_secs(59));
    session.tick(Duration::from_secs(60)).unwrap();
    assert_eq!(said(&mut session), ["PING :bridge-1"]);
    assert_eq!(session.next_tick(), Duration::from_secs(30));
    // Other things come, but no answer.
    session
        .receive(b":a!b@c JOIN #ops", Duration::from_secs(70))
        .unwrap();
    session.tick(Duration::from_secs(100)).unwrap();
    assert_eq!(session.next_tick(), Duration::from_secs(80));
    // While the bridge itself does not listen, nobody is late.
    session.does_not_listen(Duration::from_secs(170));
    session.tick(Duration::from_secs(185)).unwrap();
    assert_eq!(session.next_tick(), Duration::from_secs(15));
    assert_eq!(
        session.tick(Duration::from_secs(200)).unwrap_err().kind,
        ErrorKind::Timeout
    );
}
