//! Odd JSON, and how much of it is still read.

use super::*;

#[track_caller]
fn check(body: &str, expected: Option<&str>) {
    let callback = Callback::parse(body).expect("one object");
    assert_eq!(callback.sender_nick.as_deref(), expected, "{body}");
}

#[test]
fn strings_are_read_leniently() {
    check(r#"{"senderNick":"张三"}"#, Some("张三"));
    check(r#"{"sender\u004eick":"\u5f20\n"}"#, Some("张\n"));
    check(r#"{"senderNick":"\ud83d\ude00"}"#, Some("😀"));
    check(r#"{"senderNick":""}"#, None);
    for wrong in ["null", "1", "true", "[\"a\"]", "{\"a\":1}", "1e999"] {
        check(&format!(r#"{{"senderNick":{wrong}}}"#), None);
    }
}

#[test]
fn half_a_surrogate_pair_does_not_cost_the_message() {
    let callback = Callback::parse(r#"{"\ud83d":1,"senderNick":"a\ud83d"}"#).expect("object");
    let nick = callback.sender_nick.expect("a string");
    assert!(
        nick.starts_with('a') && nick.ends_with('\u{fffd}'),
        "{nick}"
    );
}

#[test]
fn the_last_of_repeated_keys_counts() {
    check(r#"{"senderNick":"a","senderNick":"b"}"#, Some("b"));
    check(r#"{"senderNick":"a","senderNick":7}"#, None);
}

#[test]
fn depth_is_no_problem() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    for name in ["unknown", "senderNick", "text", "errorCode"] {
        let body = format!(r#"{{"{name}":{deep},"msgId":"m"}}"#);
        assert_eq!(
            Callback::parse(&body).expect("object").msg_id.as_deref(),
            Some("m")
        );
        assert!(Callback::parse(&body[..body.len() / 2]).is_none());
    }
}

#[test]
fn integers_may_be_strings_or_floats() {
    let rows = [
        ("1772376934909", Some(1_772_376_934_909)),
        ("\"1772376934909\"", Some(1_772_376_934_909)),
        ("1.772376934909E12", Some(1_772_376_934_909)),
        ("-1", Some(-1)),
        ("1e300", None),
        ("1e999", None),
        ("\"soon\"", None),
        ("\"\"", None),
        ("null", None),
        ("[1]", None),
    ];
    for (value, expected) in rows {
        let body = format!(r#"{{"createAt":{value}}}"#);
        let callback = Callback::parse(&body).expect("object");
        assert_eq!(callback.created_at_ms, expected, "{value}");
    }
}

#[test]
fn only_one_object_is_a_body() {
    for body in [
        "", " ", "[]", "1", "null", "\"{}\"", "{}{}", "{} x", "{", "{\"a\":}", "{,}",
    ] {
        assert!(Callback::parse(body).is_none(), "{body}");
    }
    for body in ["{}", " {} \n", "{\"a\":{\"b\":[1]}}"] {
        assert!(Callback::parse(body).is_some(), "{body}");
    }
}

#[test]
fn all_forms_of_error_answers_are_read() {
    let rows = [
        (
            r#"{"code":"a.b","message":"m","requestid":"r"}"#,
            Some("a.b"),
            Some("r"),
        ),
        (r#"{"code":"a.b","requestId":"r"}"#, Some("a.b"), Some("r")),
        (
            r#"{"errcode":40014,"errmsg":"m","request_id":"r"}"#,
            Some("40014"),
            Some("r"),
        ),
        (r#"{"errcode":88,"sub_code":"90018"}"#, Some("90018"), None),
        (r#"{"errcode":0,"errmsg":"ok"}"#, None, None),
        (r#"{"errcode":"0"}"#, None, None),
        (r#"{"code":{}}"#, None, None),
    ];
    for (body, code, request_id) in rows {
        let answer = ErrorAnswer::parse(body).expect("object");
        assert_eq!(answer.code.as_deref(), code, "{body}");
        assert_eq!(answer.request_id.as_deref(), request_id, "{body}");
    }
}
