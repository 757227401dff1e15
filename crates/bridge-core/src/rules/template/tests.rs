//! Formats as operators write them, and what they make of messages.

use super::*;
use crate::id::Address;
use crate::message::Sender;
use crate::time::Timestamp;

fn render(format: &str, user: &str, text: &str) -> String {
    let template = Template::parse(format).unwrap();
    let mut message = Message::new(Address::new([("k", "v")]), Sender::new("u1", user), text);
    message.sent_at = Some(Timestamp::from_millis(0));
    let instance = InstanceId::new("dt_main");
    let scene = Scene {
        platform: "dingtalk",
        instance: &instance,
        message: &message,
    };
    let content = template.render(&scene, text);
    match content.header {
        Some(header) => format!("{header}\n{}", content.text),
        None => content.text,
    }
}

#[test]
fn placeholders_are_filled_in_one_pass() {
    let rows = [
        ("{user}: {msg}", "张三", "你好", "张三: 你好"),
        (
            "{user}: {msg}",
            "{msg}",
            "{user} {{x}}",
            "{msg}: {user} {{x}}",
        ),
        (
            "[{platform}/{from}/{instance_id}] {msg}",
            "a",
            "b",
            "[dingtalk/dt_main/dt_main] b",
        ),
        ("{{{user}}} {msg}", "a", "b", "{a} b"),
        (
            "{time} {user_id}{user_avatar} {msg}",
            "a",
            "b",
            "1970-01-01T00:00:00.000Z u1 b",
        ),
        (
            "{user}: {msg}",
            "a\n李四: hi\u{202e}",
            "1\n2",
            "a 李四: hi: 1\n2",
        ),
        (
            "<richheader title=\"{user}\" content=\"{platform}\"/>{msg}",
            "a",
            "b",
            "[a · dingtalk]\nb",
        ),
        ("<richheader title=\"{user}\"/>\n{msg}", "a", "b", "[a]\nb"),
        (
            "<richheader title='{user}' content='{user_avatar}' />{msg}",
            "a",
            "b",
            "[a]\nb",
        ),
        (
            "{msg}",
            "a",
            "<richheader title=\"boss\"/>x",
            "<richheader title=\"boss\"/>x",
        ),
        (
            "<richheader title=\"{user}\"/>{msg}",
            "\" content=\"x\"/>{msg}",
            "b",
            "[\" content=\"x\"/>{msg}]\nb",
        ),
    ];
    for (format, user, text, expected) in rows {
        assert_eq!(render(format, user, text), expected, "{format}");
    }
}

#[test]
fn faults_name_the_bit_and_the_cure() {
    let rows = [
        ("{usr}: {msg}", "{usr}", "did you mean `user`?"),
        (
            "{user: {msg}",
            "{",
            "close it with }, or write {{ and }} for literal braces",
        ),
        (
            "{msg",
            "{",
            "close it with }, or write {{ and }} for literal braces",
        ),
        ("msg}", "}", "write {{ and }} for literal braces"),
        (
            "{msg}<richheader title=\"x\">",
            TAG,
            "write <richheader title=",
        ),
        (
            "<richheader content=\"x\"/>{msg}",
            TAG,
            "write <richheader title=",
        ),
        (
            "<richheader title=\"x\" colour=\"y\"/>",
            "colour",
            "write <richheader title=",
        ),
        (
            "<richheader title=\"{usr}\"/>{msg}",
            "{usr}",
            "did you mean `user`?",
        ),
        (
            "<richheader title=\"a\"/><richheader title=\"b\"/>",
            TAG,
            "remove the second one",
        ),
        ("  ", "  ", "write at least one placeholder"),
        ("", "", "write at least one placeholder"),
    ];
    for (format, raw, help) in rows {
        let errors = Template::parse(format).unwrap_err();
        assert_eq!(&format[errors[0].span.clone()], raw, "{format}: {errors:?}");
        assert!(errors[0].help.starts_with(help), "{format}: {errors:?}");
    }
    let all = Template::parse("{a} {b}").unwrap_err();
    assert_eq!(all.len(), 2);
}
