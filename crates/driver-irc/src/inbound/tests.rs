use bridge_core::time::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::wire::CaseMapping;

fn known() -> Known {
    Known {
        nick: "bridge".into(),
        mapping: CaseMapping::Rfc1459,
        channels: vec!["#Ops".into(), "#dev[1]".into()],
    }
}

#[test]
fn what_people_say_becomes_a_message() {
    // The line; channel, sender's id and name, text.
    let rows = [
        (
            ":anna!~a@host PRIVMSG #Ops :hello  you",
            ["#Ops", "anna!~a@host", "anna", "hello  you"],
        ),
        (
            ":anna!~a@host PRIVMSG #OPS :case",
            ["#Ops", "anna!~a@host", "anna", "case"],
        ),
        (
            ":anna!~a@host PRIVMSG #DEV{1} :case",
            ["#dev[1]", "anna!~a@host", "anna", "case"],
        ),
        (
            ":anna!~a@host PRIVMSG &local :not named",
            ["&local", "anna!~a@host", "anna", "not named"],
        ),
        (
            "@account=anna_a :anna!~a@host PRIVMSG #ops :known",
            ["#Ops", "anna_a", "anna", "known"],
        ),
        (
            "@account=ben!x :anna!~a@host PRIVMSG #ops :odd",
            ["#Ops", "anna!~a@host", "anna", "odd"],
        ),
        (
            ":anna!~a@host PRIVMSG #ops :\u{1}ACTION waves\u{1}",
            ["#Ops", "anna!~a@host", "anna", "* waves"],
        ),
        (
            ":anna!~a@host PRIVMSG #ops :\u{2}\u{3}4bold red\u{f}",
            ["#Ops", "anna!~a@host", "anna", "bold red"],
        ),
        (
            ":anna!~a@host PRIVMSG #ops word",
            ["#Ops", "anna!~a@host", "anna", "word"],
        ),
    ];
    for (line, [channel, id, name, text]) in rows {
        let batch = decode(line.as_bytes(), &known()).expect(line);
        let [Event::Message(message)] = &*batch.events else {
            panic!("{line}: {:?}", batch.events);
        };
        let mut expected = Message::new(
            Address::new([(ADDRESS_KEY, channel)]),
            Sender::new(id, name),
            text,
        );
        expected.channel_title = channel.into();
        assert_eq!(message, &expected, "{line}");
    }
}

#[test]
fn ids_and_times_come_from_tags() {
    let line = "@time=2026-03-01T14:55:34.909Z;msgid=x\\:1 :anna!~a@host PRIVMSG #ops :hi";
    let batch = decode(line.as_bytes(), &known()).unwrap();
    let [Event::Message(message)] = &*batch.events else {
        panic!("{:?}", batch.events);
    };
    assert_eq!(message.id.as_deref(), Some("x;1"));
    assert_eq!(
        message.sent_at,
        Some(Timestamp::from_millis(1_772_376_934_909))
    );
}

#[test]
fn what_is_not_forwarded_is_told_or_passed_over() {
    let rows = [
        (":anna!~a@host PRIVMSG bridge :psst", Some("private_chat")),
        (":anna!~a@host PRIVMSG @#ops :psst", Some("not_for_all")),
        (":BRIDGE!~b@host PRIVMSG #ops :own", Some("own_message")),
        (":anna!~a@host NOTICE #ops :beep", Some("notice")),
        (":anna!~a@host NOTICE bridge :beep", Some("private_chat")),
        (
            ":anna!~a@host PRIVMSG #ops :\u{1}VERSION\u{1}",
            Some("ctcp"),
        ),
        (":anna!~a@host PRIVMSG #ops : ", Some("empty_text")),
        (":anna!~a@host PRIVMSG #ops :\u{2}\u{2}", Some("empty_text")),
        (":anna!~a@host PRIVMSG #ops", Some("empty_text")),
        (":irc.test NOTICE * :looking up your host", None),
        (":irc.test PRIVMSG #ops :from a server", None),
        (":anna!~a@host JOIN #ops", None),
        ("PING x", None),
    ];
    for (line, expected) in rows {
        let batch = decode(line.as_bytes(), &known()).expect(line);
        let reasons: Vec<_> = batch
            .events
            .iter()
            .map(|event| match event {
                Event::Ignored(ignored) => ignored.reason,
                event => panic!("{line}: {event:?}"),
            })
            .collect();
        assert_eq!(reasons, Vec::from_iter(expected), "{line}");
    }
    for line in [&b""[..], b"\r\n", b":source", b"\xff\xfe"] {
        assert_eq!(decode(line, &known()).unwrap_err().reason, "not_irc");
    }
    let several = b":a!a@h PRIVMSG #ops :1\r\n:a!a@h PRIVMSG #ops :2\r\n";
    assert_eq!(decode(several, &known()).unwrap().events.len(), 2);
}

proptest! {
    #[test]
    fn any_bytes_are_borne(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        drop(decode(&bytes, &known()));
        let line = format!(":a!b@c PRIVMSG #ops :{text}");
        for event in decode(line.as_bytes(), &known()).map(|batch| batch.events).unwrap_or_default() {
            if let Event::Message(message) = event {
                prop_assert!(!message.text.trim().is_empty());
                prop_assert!(!message.text.contains(char::is_control));
            }
        }
    }
}
