use serde_json::{Value, json};

use super::*;

fn decoded(body: Value) -> Batch {
    decode(&Bytes::from(body.to_string())).unwrap_or_else(|error| panic!("{body}: {error:?}"))
}

fn message(body: Value) -> Message {
    match decoded(body.clone()).events.pop() {
        Some(Event::Message(message)) => message,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn a_message_says_what_its_body_says() {
    let found = message(json!({
        "text": "hi", "sender": { "id": "u1", "name": "张三", "avatar": "https://x/a.png" }, "id": "m-1",
        "attachments": [{ "type": "image", "url": "https://x/1", "name": "p.png", "size": 7 }, { "url": "HTTP://x/2" }],
        "reply_to": ["a1-6.0", "a1-6.1"], "sent_at": "2026-03-01T14:55:34Z", "more": [1],
    }));
    let mut expected = Message::new(Address::default(), Sender::new("u1", "张三"), "hi");
    expected.sender.avatar = "https://x/a.png".into();
    expected.id = Some("m-1".into());
    let mut picture = Attachment::new("p.png", "https://x/1");
    picture.kind = MessageKind::Picture;
    picture.size_bytes = Some(7);
    expected.attachments = vec![picture, Attachment::new("", "HTTP://x/2")];
    expected.reply_to = Some(Quoted::new("a1-6.0"));
    expected.sent_at = parse_timestamp("2026-03-01T14:55:34Z").ok();
    assert_eq!(found, expected);
}

#[test]
fn a_sender_may_be_a_name_and_is_shown_by_something() {
    let rows = [
        (json!("n"), ("", "n")),
        (json!({ "id": "u" }), ("u", "u")),
        (json!({ "id": "u", "name": " " }), ("u", "u")),
        (json!({}), ("", "")),
        (Value::Null, ("", "")),
    ];
    for (sender, expected) in rows {
        let found = message(json!({ "text": "x", "sender": sender })).sender;
        assert_eq!((&*found.id, &*found.name), expected, "{sender}");
    }
}

#[test]
fn what_has_nothing_to_say_is_ignored_and_what_has_only_files_is_not() {
    for body in [
        json!({}),
        json!({ "text": " \n" }),
        json!({ "text": "", "attachments": [] }),
        json!({ "event": "edited", "refers_to": "m", "text": "" }),
        json!({ "event": "reacted", "refers_to": "m" }),
    ] {
        let batch = decoded(body.clone());
        let is_ignored = matches!(
            &batch.events[..],
            [Event::Ignored(Ignored {
                reason: "empty_text",
                ..
            })]
        );
        assert!(is_ignored, "{body}: {batch:?}");
    }
    let found = message(json!({ "attachments": [{ "type": "voice", "url": "https://x/1" }] }));
    assert_eq!(found.kind, MessageKind::Audio);
}

#[test]
fn changes_happened_to_each_that_they_name() {
    let changes = |body: Value| -> Vec<String> {
        let events = decoded(body).events.into_iter();
        let changes = events.map(|event| match event {
            Event::Changed(Change { id, of, kind, .. }) => {
                format!("{} {of} {kind:?}", id.unwrap_or_default())
            }
            other => panic!("{other:?}"),
        });
        changes.collect()
    };
    let rows: [(Value, &[&str]); 4] = [
        (
            json!({ "event": "edited", "id": "e", "refers_to": "m", "text": "new" }),
            &["e m Edited(\"new\")"],
        ),
        (
            json!({ "event": "edited", "id": "e", "refers_to": ["m", "n"], "text": "new" }),
            &["e m Edited(\"new\")", "e#1 n Recalled"],
        ),
        (
            json!({ "event": "recalled", "refers_to": ["m", "n"] }),
            &[" m Recalled", " n Recalled"],
        ),
        (
            json!({ "event": "reaction_removed", "refers_to": ["m"], "text": "👍" }),
            &[" m ReactionRemoved(\"👍\")"],
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(changes(body.clone()), expected, "{body}");
    }
}

#[test]
fn what_is_not_of_the_form_is_refused_without_being_repeated() {
    let many = vec!["x"; MOST_NAMED + 1];
    for body in [
        json!([]),
        json!("canary"),
        json!({ "text": 5 }),
        json!({ "text": "x", "sender": ["canary"] }),
        json!({ "text": "x", "id": "" }),
        json!({ "text": "x", "id": "x".repeat(257) }),
        json!({ "text": "x", "event": "canary" }),
        json!({ "text": "x", "sent_at": "canary" }),
        json!({ "text": "x", "attachments": [{ "url": "file:///canary" }] }),
        json!({ "text": "x", "attachments": [{ "name": "canary" }] }),
        json!({ "text": "x", "attachments": [{ "url": "https://x/1\ncanary: I am the boss" }] }),
        json!(["x", null, null, null, null, null, null, null]),
        json!({ "event": "recalled" }),
        json!({ "event": "recalled", "refers_to": [] }),
        json!({ "event": "recalled", "refers_to": many }),
        json!({ "event": "recalled", "refers_to": [""] }),
        // Taken for a repetition of the message, it would be answered 200 and lost.
        json!({ "event": "edited", "id": "m", "refers_to": "m", "text": "canary" }),
        json!({ "event": "recalled", "id": "n", "refers_to": ["m", "n"] }),
    ] {
        let refusal = decode(&Bytes::from(body.to_string())).expect_err("it is refused");
        assert_eq!(refusal.reason, "malformed");
        assert!(!refusal.detail.contains("canary"), "{body}: {refusal:?}");
    }
}

#[test]
fn the_id_of_a_request_counts_where_the_body_gives_none() {
    let completed = |body: Value, ids: &[&str]| {
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(ID, id.parse().unwrap());
        }
        let mut batch = decoded(body);
        complete(&headers, &mut batch);
        let ids = batch.events.into_iter().map(|event| match event {
            Event::Message(message) => message.id,
            Event::Changed(change) => change.id,
            other => panic!("{other:?}"),
        });
        ids.map(Option::unwrap_or_default).collect::<Vec<_>>()
    };
    let recalled = json!({ "event": "recalled", "refers_to": ["m", "n"] });
    let long = "x".repeat(MOST_ID_CHARS + 1);
    let rows: [(Value, &[&str], &[&str]); 6] = [
        (json!({ "text": "x" }), &["msg_1"], &["msg_1"]),
        (json!({ "text": "x", "id": "own" }), &["msg_1"], &["own"]),
        (json!({ "text": "x" }), &[], &[""]),
        (json!({ "text": "x" }), &["a", "b"], &[""]),
        (json!({ "text": "x" }), &[&long], &[""]),
        (recalled, &["msg_1"], &["msg_1", "msg_1#1"]),
    ];
    for (body, ids, expected) in rows {
        assert_eq!(completed(body.clone(), ids), expected, "{body} {ids:?}");
    }
}
