//! What is said, shown and written down.

use irc_sandbox::{Said, Sandbox};
use proptest::prelude::*;

use crate::support::Client;

#[test]
fn what_is_said_is_shown_to_the_others_and_written_down_in_order() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    let anna = sandbox.person("anna").join("#ops");
    let ben = sandbox.person("ben").join("#other");
    client.heard();
    anna.say("hi").act("waves").notice("beep");
    ben.say("elsewhere");
    client.holds(&[(
        "PRIVMSG #OPS :hello  all",
        &[
            ":anna!~anna@people.test PRIVMSG #ops :hi",
            ":anna!~anna@people.test PRIVMSG #ops :\u{1}ACTION waves\u{1}",
            ":anna!~anna@people.test NOTICE #ops :beep",
        ],
    )]);
    client.holds(&[("NOTICE #ops :note", &[])]);
    let said: Vec<_> = sandbox
        .room("#ops")
        .said()
        .into_iter()
        .map(|entry| (entry.nick, entry.is_from_client, entry.said, entry.text))
        .collect();
    let row = |nick: &str, is_from_client, said, text: &str| {
        (nick.to_owned(), is_from_client, said, text.to_owned())
    };
    assert_eq!(
        said,
        [
            row("anna", false, Said::Text, "hi"),
            row("anna", false, Said::Action, "waves"),
            row("anna", false, Said::Notice, "beep"),
            row("bridge", true, Said::Text, "hello  all"),
            row("bridge", true, Said::Notice, "note"),
        ]
    );
    assert_eq!(sandbox.said().len(), 6);
}

#[test]
fn what_cannot_be_said_is_refused() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    sandbox.room("#closed");
    sandbox.room("#ops").moderate();
    client.holds(&[
        ("PRIVMSG", &["411 bridge :No recipient given"]),
        ("PRIVMSG #ops", &["412 bridge :No text to send"]),
        (
            "PRIVMSG #ops :x",
            &["404 bridge #ops :Cannot send to channel"],
        ),
        (
            "PRIVMSG #closed :x",
            &["404 bridge #closed :Cannot send to channel"],
        ),
        ("PRIVMSG #none :x", &["403 bridge #none :No such channel"]),
        (
            "PRIVMSG nobody :x",
            &["401 bridge nobody :No such nick/channel"],
        ),
        ("NOTICE nobody :x", &[]),
    ]);
    sandbox.room("#ops").open();
    sandbox.room("#ops").ban("bridge!*@*");
    client.holds(&[(
        "PRIVMSG #ops :x",
        &["404 bridge #ops :Cannot send to channel"],
    )]);
    assert!(sandbox.said().is_empty());
}

#[test]
fn people_speak_to_a_client_alone() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    let anna = sandbox.person("anna");
    assert!(anna.tell("Bridge", "psst") && !anna.tell("nobody", "psst"));
    assert_eq!(
        client.heard(),
        [":anna!~anna@people.test PRIVMSG bridge :psst"]
    );
    assert!(sandbox.said().is_empty());
}

#[test]
fn tags_and_echoes_are_for_those_who_asked() {
    let sandbox = Sandbox::builder().clock(|| 1_772_376_934_909).in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    client.ask("CAP REQ :message-tags server-time account-tag");
    sandbox
        .person("anna")
        .account("anna_a")
        .join("#ops")
        .say("hi");
    let heard = client.heard();
    let (tags, rest) = heard[1].split_once(' ').unwrap();
    assert_eq!(rest, ":anna!~anna@people.test PRIVMSG #ops :hi");
    assert!(
        tags.starts_with("@time=2026-03-01T14:55:34.909Z;msgid=m"),
        "{tags}"
    );
    assert!(tags.ends_with(";account=anna_a"), "{tags}");
    assert!(client.ask("PRIVMSG #ops :x").is_empty());
    client.ask("CAP REQ :-message-tags -server-time echo-message");
    client.holds(&[(
        "PRIVMSG #ops :x",
        &[":bridge!~bridge@127.0.0.1 PRIVMSG #ops :x"],
    )]);
}

#[test]
fn what_is_longer_than_a_line_is_cut_where_others_see_it() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    let reader = Client::of(&sandbox, "reader", "#ops");
    let room_for = 510 - ":bridge!~bridge@127.0.0.1 PRIVMSG #ops :".len();
    for (length, seen) in [
        (room_for, room_for),
        (room_for + 1, room_for),
        (600, room_for),
    ] {
        reader.heard();
        client.ask(&format!("PRIVMSG #ops :{}", "x".repeat(length)));
        let heard = reader.heard();
        assert!(heard[0].len() <= 510);
        assert_eq!(
            sandbox.said().last().unwrap().text,
            "x".repeat(seen),
            "{length}"
        );
        assert!(
            heard[0].ends_with(&format!(":{}", "x".repeat(seen))),
            "{length}"
        );
    }
    sandbox.person("anna").join("#ops").say(&"日".repeat(300));
    let cut = sandbox.said().last().unwrap().text.clone();
    assert!(
        cut.ends_with('\u{fffd}'),
        "a character that was cut apart is seen: {cut}"
    );
}

#[test]
fn who_sends_too_much_is_thrown_out() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;
    let now = Arc::new(AtomicU64::new(1_000_000));
    let clock = Arc::clone(&now);
    let sandbox = Sandbox::builder()
        .flood_limit(3, Duration::from_secs(2))
        .clock(move || clock.load(Ordering::Relaxed))
        .in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    client.ask("PRIVMSG #ops :1\r\nPRIVMSG #ops :2");
    now.fetch_add(2000, Ordering::Relaxed);
    client.ask("PRIVMSG #ops :3");
    assert!(client.link.is_open());
    let answer = client.ask("PRIVMSG #ops :4");
    assert_eq!(answer, ["ERROR :Closing Link: (Excess Flood)"]);
    assert!(!client.link.is_open());
    assert_eq!(sandbox.room("#ops").sent_texts(), ["1", "2", "3"]);
    assert_eq!(sandbox.counters().floods, 1);
}

proptest! {
    #[test]
    fn any_bytes_are_borne(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..400) {
        let sandbox = Sandbox::in_memory();
        let client = Client::of(&sandbox, "bridge", "#ops");
        let at = at.min(bytes.len());
        client.link.write(&bytes[..at]);
        client.link.write(&bytes[at..]);
        client.link.write(b"\r\n");
        let other = Client::of(&sandbox, "other", "#ops");
        other.ask("PING x");
    }
}
