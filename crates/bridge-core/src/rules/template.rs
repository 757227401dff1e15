//! `msg_format`: placeholders and the `<richheader>` tag, parsed once and filled in one pass. What
//! users write is data: it is never scanned for placeholders, tags or markup.

use crate::id::InstanceId;
use crate::message::{Content, Message, RichHeader, single_line};

/// The format of a rule that names none.
pub(crate) const DEFAULT_FORMAT: &str = "{user}: {msg}";

const TAG: &str = "<richheader";

/// A parsed `msg_format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    header: Option<Header>,
    body: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    title: Vec<Piece>,
    content: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(Variable),
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variable {
    Platform,
    InstanceId,
    User,
    UserId,
    UserAvatar,
    Msg,
    Time,
}

/// `{from}` is another name of `{instance_id}`.
const VARIABLES: [(&str, Variable); 8] = [
    ("platform", Variable::Platform),
    ("instance_id", Variable::InstanceId),
    ("from", Variable::InstanceId),
    ("user", Variable::User),
    ("user_id", Variable::UserId),
    ("user_avatar", Variable::UserAvatar),
    ("msg", Variable::Msg),
    ("time", Variable::Time),
];

/// What a template is filled from.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) platform: &'a str,
    pub(crate) instance: &'a InstanceId,
    pub(crate) message: &'a Message,
}

/// A fault in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// The faulty bit as it stands in the template.
    pub(crate) raw: String,
    pub(crate) problem: String,
    pub(crate) help: String,
}

impl TemplateError {
    fn new(raw: &str, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            raw: raw.to_owned(),
            problem: problem.into(),
            help: help.into(),
        }
    }
}

impl Template {
    /// Parses a format; reports every fault.
    pub(crate) fn parse(format: &str) -> Result<Self, Vec<TemplateError>> {
        let mut errors = Vec::new();
        let (header, body) = match format.split_once(TAG) {
            None => (None, pieces(format, &mut errors)),
            Some((before, rest)) => match tag(rest, &mut errors) {
                Some((header, after)) => {
                    if after.contains(TAG) {
                        let problem = "a format may hold one <richheader> only";
                        errors.push(TemplateError::new(TAG, problem, "remove the second one"));
                    }
                    // The header gets a line of its own, so the break behind the tag is its.
                    let after = after.strip_prefix('\n').unwrap_or(after);
                    let mut body = pieces(before, &mut errors);
                    body.extend(pieces(after, &mut errors));
                    (Some(header), body)
                }
                None => (None, Vec::new()),
            },
        };
        let is_blank = |piece: &Piece| matches!(piece, Piece::Text(text) if text.trim().is_empty());
        if errors.is_empty() && header.is_none() && body.iter().all(is_blank) {
            let help = format!("write at least one placeholder, such as \"{DEFAULT_FORMAT}\"");
            errors.push(TemplateError::new(format, "the format is empty", help));
        }
        if errors.is_empty() {
            Ok(Self { header, body })
        } else {
            Err(errors)
        }
    }

    /// Fills the template in.
    pub(crate) fn render(&self, scene: &Scene<'_>) -> Content {
        let line = |pieces: &[Piece]| single_line(fill(pieces, scene).trim());
        let header = self.header.as_ref().map(|header| RichHeader {
            title: line(&header.title),
            content: line(&header.content),
        });
        let header = header.filter(|header| !header.title.is_empty() || !header.content.is_empty());
        let attachments = scene.message.attachments.clone();
        Content {
            header,
            text: fill(&self.body, scene),
            attachments,
            ..Content::default()
        }
    }
}

fn fill(pieces: &[Piece], scene: &Scene<'_>) -> String {
    let Message {
        sender,
        text,
        sent_at,
        ..
    } = scene.message;
    let mut filled = String::with_capacity(text.len() + 64);
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(Variable::Platform) => filled.push_str(scene.platform),
            Piece::Variable(Variable::InstanceId) => filled.push_str(scene.instance.as_str()),
            Piece::Variable(Variable::User) => filled.push_str(&single_line(&sender.name)),
            Piece::Variable(Variable::UserId) => filled.push_str(&single_line(&sender.id)),
            Piece::Variable(Variable::UserAvatar) => filled.push_str(&single_line(&sender.avatar)),
            Piece::Variable(Variable::Msg) => filled.push_str(text),
            Piece::Variable(Variable::Time) => {
                filled.extend(sent_at.map(|time| time.to_string()));
            }
        }
    }
    filled
}

/// Reads the tag from behind its name to behind `/>`; the rest follows it.
fn tag<'a>(rest: &'a str, errors: &mut Vec<TemplateError>) -> Option<(Header, &'a str)> {
    const FORM: &str = "write <richheader title=\"{user}\" content=\"{platform}\"/>";
    let mut header = Header {
        title: Vec::new(),
        content: Vec::new(),
    };
    let mut has_title = false;
    let mut left = rest;
    loop {
        left = left.trim_start();
        if let Some(after) = left.strip_prefix("/>") {
            if !has_title {
                errors.push(TemplateError::new(TAG, "<richheader> has no title", FORM));
            }
            return Some((header, after));
        }
        let attribute = left.split_once('=').and_then(|(name, value)| {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, after) = value[1..].split_once(quote)?;
            Some((name.trim(), value, after))
        });
        let Some((name, value, after)) = attribute else {
            errors.push(TemplateError::new(
                TAG,
                "<richheader> is not closed by />",
                FORM,
            ));
            return None;
        };
        match name {
            "title" => {
                has_title = true;
                header.title = pieces(value, errors);
            }
            "content" => header.content = pieces(value, errors),
            other => {
                let problem = format!("<richheader> has no attribute \"{other}\"");
                errors.push(TemplateError::new(other, problem, FORM));
            }
        }
        left = after;
    }
}

fn pieces(format: &str, errors: &mut Vec<TemplateError>) -> Vec<Piece> {
    const BRACES: &str = "write {{ and }} for literal braces";
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut left = format;
    while let Some(at) = left.find(['{', '}']) {
        text.push_str(&left[..at]);
        let brace = &left[at..];
        if let Some(after) = brace.strip_prefix("{{") {
            text.push('{');
            left = after;
        } else if let Some(after) = brace.strip_prefix("}}") {
            text.push('}');
            left = after;
        } else if let Some(after) = brace.strip_prefix('}') {
            errors.push(TemplateError::new("}", "a \"}\" closes nothing", BRACES));
            left = after;
        } else if let Some(end) = brace.find('}') {
            let name = &brace[1..end];
            match VARIABLES.iter().find(|(known, _)| *known == name) {
                Some((_, variable)) => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Variable(*variable));
                }
                None => {
                    let known = VARIABLES.iter().map(|(known, _)| *known);
                    let help = crate::config::issue::suggest(name, known);
                    let problem = format!("unknown placeholder {{{name}}}");
                    errors.push(TemplateError::new(&brace[..=end], problem, help));
                }
            }
            left = &brace[end + 1..];
        } else {
            errors.push(TemplateError::new("{", "a \"{\" is not closed", BRACES));
            left = &brace[1..];
        }
    }
    text.push_str(left);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

#[cfg(test)]
mod tests {
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
        let content = template.render(&scene);
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
                "{user: {msg}",
                "known here: from, instance_id",
            ),
            ("{msg", "{", "write {{ and }} for literal braces"),
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
            assert_eq!(errors[0].raw, raw, "{format}: {errors:?}");
            assert!(errors[0].help.starts_with(help), "{format}: {errors:?}");
        }
        let all = Template::parse("{a} {b}").unwrap_err();
        assert_eq!(all.len(), 2);
    }
}
