//! Every recorded callback, and every field missing or of a wrong type.

use serde_json::{Value, json};

use super::*;

const ROBOT: &str = "dingx7q2m4k9t1b8w5z3";

#[track_caller]
fn accepted(body: &str) -> Batch {
    match decode(body.as_bytes(), ROBOT) {
        Ok(batch) => {
            assert_eq!(batch.answer, Answer::json("{}"));
            batch
        }
        other => panic!("{other:?} for {body}"),
    }
}

#[track_caller]
fn only_message(body: &str) -> Message {
    match accepted(body).events.remove(0) {
        Event::Message(message) => message,
        other => panic!("{other:?} for {body}"),
    }
}

#[track_caller]
fn only_ignored(body: &str) -> Ignored {
    match accepted(body).events.remove(0) {
        Event::Ignored(ignored) => ignored,
        other => panic!("{other:?} for {body}"),
    }
}

macro_rules! fixtures {
    ($($name:literal => $expected:expr),* $(,)?) => {
        [$(($name, include_str!(concat!("../../tests/fixtures/", $name, ".json")), $expected)),*]
    };
}

#[test]
fn every_recorded_callback_is_decoded_or_ignored_for_a_reason() {
    // Ok is the text of a message, Err the reason of none.
    let rows: [(&str, &str, Result<&str, &str>); 25] = fixtures![
        "audio" => Err("private_chat"),
        "chat-record" => Err("private_chat"),
        "file" => Err("private_chat"),
        "picture" => Err("private_chat"),
        "reply-quote" => Ok("这个时间定了吗？"),
        "reply-quote-chatrecord" => Ok("重新学习一下"),
        "reply-quote-empty-text" => Err("empty_text"),
        "reply-quote-legacy" => Ok("当前消息"),
        "reply-quote-picture" => Ok("看这张图"),
        "reply-quote-private" => Err("private_chat"),
        "reply-quote-richtext" => Ok("当前消息"),
        "reply-quote-unknown" => Err("private_chat"),
        "reply-quote-video" => Err("private_chat"),
        "richtext" => Err("private_chat"),
        "richtext-group-at" => Err("not_text"),
        "richtext-image-only" => Err("private_chat"),
        "richtext-quote" => Err("not_text"),
        "text-custom-robot" => Ok("hello"),
        "text-group-at" => Ok("你好，帮我查一下今天的值班表"),
        "text-group-at-empty" => Err("empty_text"),
        "text-group-at-retained" => Ok("@小白 /new"),
        "text-group-http-minimal" => Ok("你好"),
        "text-private" => Err("private_chat"),
        "unknown" => Err("private_chat"),
        "video" => Err("private_chat"),
    ];
    for (name, body, expected) in rows {
        check_recorded(name, body, expected);
    }
}

#[track_caller]
fn check_recorded(name: &str, body: &str, expected: Result<&str, &str>) {
    let recorded: Value = serde_json::from_str(body).unwrap();
    let batch = accepted(body);
    assert_eq!(batch.events.len(), 1, "{name}");
    let (id, actual) = match &batch.events[0] {
        Event::Message(message) => (&message.id, Ok(&*message.text)),
        Event::Ignored(ignored) => (&ignored.message_id, Err(ignored.reason)),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(actual, expected, "{name}");
    assert_eq!(id.as_deref(), recorded["msgId"].as_str(), "{name}");
    let foreign = recorded["robotCode"]
        .as_str()
        .is_some_and(|code| code != ROBOT);
    assert_eq!(batch.notices.len(), usize::from(foreign), "{name}");
}

#[test]
fn a_group_message_is_read_whole() {
    let message = only_message(include_str!("../../tests/fixtures/text-group-at.json"));
    let address = Address::new([(ADDRESS_KEY, "ciddyW50dFVaPgR3F3f+xLFTw==")]);
    let mut expected = Message::new(
        address,
        Sender::new("042531297", "张三"),
        "你好，帮我查一下今天的值班表",
    );
    expected.id = Some("msg9U9FIg7t0yJQbhcnrG/qKQ==".into());
    expected.channel_title = "机器人测试群".into();
    expected.sent_at = Some(Timestamp::from_millis(1_772_376_934_909));
    assert_eq!(message, expected);
}

fn group_text() -> Value {
    json!({
        "msgtype": "text", "msgId": "m1", "conversationType": "2", "conversationId": "c1",
        "conversationTitle": "t1", "senderId": "u1", "senderStaffId": "s1", "senderNick": "n1",
        "chatbotUserId": "b1", "createAt": 5, "text": { "content": " hi " }
    })
}

fn changed(changes: &[(&str, Value)]) -> String {
    let mut body = group_text();
    for (name, value) in changes {
        body[*name] = value.clone();
    }
    body.to_string()
}

#[test]
fn reasons_are_looked_for_in_their_documented_order() {
    let quota = ("errorCode", json!(20001));
    let no_conversation = ("conversationId", json!(""));
    let private = ("conversationType", json!("1"));
    let own = ("chatbotUserId", json!("u1"));
    let no_type = ("msgtype", json!(null));
    let picture = ("msgtype", json!("picture"));
    let empty = ("text", json!({ "content": " \u{2005}\u{a0}\n" }));
    let rows = [
        (
            vec![&quota, &no_conversation, &private, &own, &no_type, &empty],
            "over_quota",
        ),
        (
            vec![&no_conversation, &private, &own, &no_type, &empty],
            "no_conversation",
        ),
        (vec![&private, &own, &no_type, &empty], "private_chat"),
        (vec![&own, &no_type, &empty], "own_message"),
        (vec![&no_type, &empty], "no_message_type"),
        (vec![&picture, &empty], "not_text"),
        (vec![&empty], "empty_text"),
    ];
    for (changes, expected) in rows {
        let changes: Vec<_> = changes.into_iter().cloned().collect();
        assert_eq!(only_ignored(&changed(&changes)).reason, expected);
    }
}

#[test]
fn an_ignored_callback_keeps_its_id_and_its_group() {
    let ignored = only_ignored(&changed(&[("msgtype", json!("picture"))]));
    assert_eq!(ignored.message_id.as_deref(), Some("m1"));
    assert_eq!(ignored.address, Some(Address::new([(ADDRESS_KEY, "c1")])));
    let private = only_ignored(&changed(&[("conversationType", json!("1"))]));
    assert_eq!(
        (private.message_id.as_deref(), private.address),
        (Some("m1"), None)
    );
}

#[test]
fn the_open_conversation_id_comes_first() {
    let rows = [
        (json!("o1"), json!("c1"), Some("o1")),
        (json!("o1"), json!(null), Some("o1")),
        (json!(""), json!("c1"), Some("c1")),
        (json!(7), json!("c1"), Some("c1")),
        (json!([]), json!({}), None),
    ];
    for (open, plain, expected) in rows {
        let body = changed(&[("openConversationId", open), ("conversationId", plain)]);
        match expected {
            Some(id) => assert_eq!(only_message(&body).address.get(ADDRESS_KEY), Some(id)),
            None => assert_eq!(only_ignored(&body).reason, "no_conversation"),
        }
    }
}

#[test]
fn the_sender_is_the_staff_id_else_the_opaque_one_else_nobody() {
    let rows = [
        (json!("s1"), json!("u1"), "s1"),
        (json!(""), json!("u1"), "u1"),
        (json!(5), json!("u1"), "u1"),
        (json!(null), json!(null), ""),
    ];
    for (staff, opaque, expected) in rows {
        let body = changed(&[("senderStaffId", staff), ("senderId", opaque)]);
        assert_eq!(only_message(&body).sender.id, expected);
    }
}

#[test]
fn absent_ids_of_sender_and_robot_are_not_the_same_person() {
    let body = changed(&[("senderId", json!("")), ("chatbotUserId", json!(""))]);
    assert_eq!(only_message(&body).text, "hi");
}

#[test]
fn a_conversation_of_unknown_type_counts_as_a_group() {
    for kind in [json!(null), json!("2"), json!(""), json!(1), json!("3")] {
        assert_eq!(
            only_message(&changed(&[("conversationType", kind)])).text,
            "hi"
        );
    }
}

#[test]
fn the_time_may_be_a_number_or_a_string() {
    let rows = [
        (json!(5), Some(5)),
        (json!("5"), Some(5)),
        (json!("x"), None),
        (json!(null), None),
    ];
    for (value, expected) in rows {
        let sent_at = only_message(&changed(&[("createAt", value)])).sent_at;
        assert_eq!(sent_at.map(Timestamp::as_millis), expected);
    }
}

#[test]
fn an_empty_object_is_accepted_and_ignored() {
    let ignored = only_ignored("{}");
    assert_eq!(
        ignored,
        Ignored {
            reason: "no_conversation",
            message_id: None,
            address: None
        }
    );
}

#[test]
fn the_quota_notice_is_passed_on_to_the_operator() {
    for code in [json!(20001), json!("20001")] {
        let body =
            json!({ "errorCode": code, "errorMessage": "over quota", "conversationId": "c1" });
        let batch = accepted(&body.to_string());
        assert_eq!(batch.notices.len(), 1);
        assert_eq!(batch.notices[0].key, "over_quota");
    }
    assert_eq!(
        only_message(&changed(&[("errorCode", json!(1))])).text,
        "hi"
    );
}

#[test]
fn another_robot_code_is_noticed_and_changes_nothing_else() {
    let plain = only_message(&changed(&[]));
    for (code, noticed) in [
        (json!(ROBOT), false),
        (json!(""), false),
        (json!(3), false),
        (json!("x"), true),
    ] {
        let body = changed(&[("robotCode", code)]);
        assert_eq!(only_message(&body), plain);
        let notices = accepted(&body).notices;
        assert_eq!(notices.len(), usize::from(noticed));
        assert!(notices.iter().all(|notice| notice.key == "robot_code:x"));
    }
}

#[test]
fn a_foreign_robot_code_can_neither_flood_nor_forge_a_log() {
    let body = changed(&[(
        "robotCode",
        json!("\n\u{1b}[31m".to_owned() + &"長".repeat(5000)),
    )]);
    let notice = accepted(&body).notices.remove(0);
    assert!(notice.key.chars().count() < 100 && notice.text.chars().count() < 400);
    assert!(!notice.text.chars().any(char::is_control));
}

#[test]
fn what_is_not_one_json_object_is_malformed() {
    let bodies: [&[u8]; 10] = [
        b"",
        b" ",
        b"[]",
        b"1",
        b"null",
        b"\"{}\"",
        b"{}{}",
        b"{} x",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
    ];
    for body in bodies {
        assert!(decode(body, ROBOT).is_err(), "{body:?}");
    }
}

#[test]
fn an_answer_names_what_it_answers() {
    let key = ("originalProcessQueryKey", json!("k1"));
    let original = ("originalMsgId", json!("m0"));
    let reply = |replied: Value| {
        let text = json!({ "content": "hi", "isReplyMsg": true, "repliedMsg": replied });
        ("text", text)
    };
    let whole = json!({
        "msgId": "m0", "senderNick": "n0", "msgType": "text", "content": { "text": "old" }
    });
    let legacy = json!({ "msgId": "m0", "senderNick": "n0", "text": { "content": "old" } });
    /// What is changed, and id, name and text of what it answers.
    type Row<'a> = (&'a [(&'a str, Value)], Option<[&'a str; 3]>);
    let rows: [Row<'_>; 9] = [
        (&[reply(whole.clone())], Some(["m0", "n0", "old"])),
        (&[("quoteMessage", json!(null)), original.clone()], None),
        // What the robot itself has sent is known by the key of the send.
        (
            &[reply(whole.clone()), key.clone()],
            Some(["k1", "n0", "old"]),
        ),
        (
            &[reply(json!(null)), original.clone()],
            Some(["m0", "", ""]),
        ),
        (
            &[reply(json!({ "msgId": "m0", "content": "{}" }))],
            Some(["m0", "", ""]),
        ),
        (&[("quoteMessage", legacy)], Some(["m0", "n0", "old"])),
        // It has been seen on messages that answer nothing.
        (&[original, key], None),
        (
            &[(
                "text",
                json!({ "content": "hi", "isReplyMsg": false, "repliedMsg": whole }),
            )],
            None,
        ),
        (&[], None),
    ];
    for (changes, expected) in rows {
        let message = only_message(&changed(changes));
        assert_eq!(message.text, "hi");
        let found = message.reply_to.as_ref();
        let found = found.map(|quoted| [&*quoted.id, &*quoted.sender_name, &*quoted.text]);
        assert_eq!(found, expected, "{changes:?}");
    }
}
