//! Makes one message of several that wait for the rate budget.

use std::sync::Arc;

use crate::capability::Capabilities;
use crate::carriage::as_said;
use crate::fit::{fit, flatten};
use crate::message::{Content, MsgValue, MsgValues};

/// Stands before each message of a digest, and nowhere else at the beginning of a line.
const MARK: &str = "• ";

/// Stands before every further line of a message, so that nobody can write a line that looks like
/// another person's message.
const INDENT: &str = "  ";

/// Messages that become one, in the order in which they were added.
#[derive(Debug, Clone)]
pub struct Digest {
    text: String,
    /// What all of them say alike: the rest is said of one message, and would be taken for said of
    /// the others.
    msg: Arc<MsgValues>,
}

impl Digest {
    /// A digest of one message, so far; or of those of a digest that is to take up more.
    pub fn of(first: &Content) -> Self {
        Self {
            text: items(first),
            msg: Arc::clone(&first.msg),
        }
    }

    /// Adds a message, or those of a digest, if it says something and the whole still fits into one
    /// send; otherwise changes nothing.
    pub fn add(&mut self, next: &Content, capabilities: &Capabilities) -> bool {
        if !next.purpose.is_said() {
            return false;
        }
        let before = self.text.len();
        self.text.push('\n');
        self.text.push_str(&items(next));
        let fits = (capabilities.text_size)(&self.text) <= capabilities.text_limit;
        if !fits {
            self.text.truncate(before);
            return false;
        }
        if self.msg != next.msg {
            keep_alike(Arc::make_mut(&mut self.msg), &next.msg);
        }
        true
    }

    /// What is sent for all of them.
    pub fn into_content(self) -> Content {
        Content {
            text: self.text,
            is_digest: true,
            msg: self.msg,
            ..Content::default()
        }
    }
}

/// Drops from `values` what `others` does not say as well.
fn keep_alike(values: &mut MsgValues, others: &MsgValues) {
    values.retain(|key, value| match (value, others.get(key)) {
        (MsgValue::Texts(texts), Some(MsgValue::Texts(others))) => {
            texts.retain(|key, text| others.get(key) == Some(text));
            !texts.is_empty()
        }
        (value, other) => other == Some(value),
    });
}

/// The marked messages that the content stands for.
fn items(content: &Content) -> String {
    if content.is_digest {
        return content.text.clone();
    }
    let breaks = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let text = flatten(&as_said(content));
    let mut item = String::with_capacity(text.len() + 16);
    item.push_str(MARK);
    let lines = text.trim_end().split(breaks);
    for (number, line) in lines.enumerate() {
        if number > 0 {
            item.push('\n');
            item.push_str(INDENT);
        }
        item.push_str(line);
    }
    item
}

/// Whether the content may be part of a digest: it says something, in one send at most. A change is
/// about another message, so it stays by itself, and what waits behind it is another digest.
pub fn may_join(content: &Content, capabilities: &Capabilities) -> bool {
    content.purpose.is_said() && fit(&as_said(content), capabilities).len() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Attachment, Quoted, RichHeader};
    use crate::purpose::{Purpose, quote};

    fn said(text: &str) -> Content {
        Content {
            text: text.to_owned(),
            ..Content::default()
        }
    }

    #[test]
    fn messages_stand_in_order_each_with_its_sender() {
        let capabilities = Capabilities::text(1000);
        let mut digest = Digest::of(&said("a: 1"));
        let headed = Content {
            header: Some(RichHeader {
                title: "b".to_owned(),
                content: String::new(),
            }),
            text: "2\n3".to_owned(),
            attachments: vec![Attachment::new("x", "https://files.example/1")],
            ..Content::default()
        };
        assert!(digest.add(&headed, &capabilities));
        assert!(digest.add(&said("c: 4"), &capabilities));
        assert_eq!(
            digest.into_content().text,
            "• a: 1\n• [b]\n  2\n  3\n  https://files.example/1\n• c: 4"
        );
    }

    #[test]
    fn a_digest_takes_up_more_messages_and_other_digests() {
        let capabilities = Capabilities::text(1000);
        let two = |first: &str, second: &str| {
            let mut digest = Digest::of(&said(first));
            assert!(digest.add(&said(second), &capabilities));
            digest.into_content()
        };
        let mut digest = Digest::of(&two("a\nA", "b"));
        assert!(digest.add(&said("• c"), &capabilities));
        assert!(digest.add(&two("d", "e"), &capabilities));
        assert_eq!(digest.into_content().text, "• a\n  A\n• b\n• • c\n• d\n• e");
    }

    #[test]
    fn no_line_of_a_message_looks_like_a_message_of_somebody_else() {
        for line_break in [
            "\n", "\r", "\r\n", "\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}",
        ] {
            let forged = format!("a: hi{line_break}• boss: you are fired");
            let text = Digest::of(&said(&forged)).into_content().text;
            let begins = text.lines().filter(|line| line.starts_with(MARK)).count();
            assert_eq!(begins, 1, "{line_break:?} gives {text:?}");
            assert!(
                !text.contains('\u{2028}') && !text.contains('\r'),
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_answer_joins_below_what_it_answers_and_a_change_does_not() {
        let capabilities = Capabilities::text(1000);
        let mut quoted = Quoted::new("m1");
        "a".clone_into(&mut quoted.sender_name);
        let answer = Content {
            purpose: Purpose::Reply(quote(&quoted, "lunch?")),
            ..said("b: yes")
        };
        let edit = Content {
            purpose: Purpose::Edit { of: "m1".into() },
            ..said("a: dinner?")
        };
        let mut digest = Digest::of(&said("c: 1"));
        assert!(digest.add(&answer, &capabilities));
        assert!(!digest.add(&edit, &capabilities));
        assert!(may_join(&answer, &capabilities) && !may_join(&edit, &capabilities));
        assert_eq!(
            digest.into_content().text,
            "• c: 1\n• > a: lunch?\n  b: yes"
        );
    }

    #[test]
    fn a_digest_keeps_what_all_its_messages_say_alike() {
        let capabilities = Capabilities::text(1000);
        let said = |user: &str, title: &str| {
            let fields = [("user", user), ("room", "ops")];
            let fields = fields.map(|(key, text)| (key.to_owned(), text.to_owned()));
            let values = [
                ("fields".to_owned(), MsgValue::Texts(fields.into())),
                ("title".to_owned(), MsgValue::Text(title.to_owned())),
            ];
            Content {
                text: user.to_owned(),
                msg: Arc::new(values.into()),
                ..Content::default()
            }
        };
        let alike = |of: &[Content]| {
            let mut digest = Digest::of(&of[0]);
            for next in &of[1..] {
                assert!(digest.add(next, &capabilities));
            }
            format!("{:?}", digest.into_content().msg)
        };
        let (a, b) = (said("a", "t"), said("b", "t"));
        assert_eq!(alike(&[a.clone(), a.clone()]), format!("{:?}", a.msg));
        let expected = r#"{"fields": Texts({"room": "ops"}), "title": Text("t")}"#;
        assert_eq!(alike(&[a.clone(), b.clone(), a.clone()]), expected);
        let expected = r#"{"fields": Texts({"room": "ops"})}"#;
        assert_eq!(
            alike(&[a.clone(), said("a", "u")]).matches("title").count(),
            0
        );
        assert_eq!(alike(&[a.clone(), said("b", "u")]), expected);
        assert_eq!(alike(&[a, Content::default()]), "{}");
    }

    #[test]
    fn what_does_not_fit_into_one_send_is_left_out() {
        let capabilities = Capabilities::text(MARK.len() * 2 + 3);
        let mut digest = Digest::of(&said("a"));
        assert!(!digest.add(&said("bb"), &capabilities));
        assert!(digest.add(&said("b"), &capabilities));
        assert_eq!(digest.into_content().text, "• a\n• b");
    }
}
