//! `msg_format`: placeholders and the `<richheader>` tag, parsed once and filled in one pass. What
//! users write is data: it is never scanned for placeholders, tags or markup.

pub(crate) mod pieces;

use crate::config::codes;
use crate::config::suggest::suggest;
use crate::id::InstanceId;
use crate::message::{Content, Message, RichHeader, single_line};

use pieces::{Faults, Piece, TemplateError};

/// The format of a rule that names none.
pub(crate) const DEFAULT_FORMAT: &str = "{user}: {msg}";

const TAG: &str = "<richheader";

/// A parsed `msg_format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    header: Option<Header>,
    body: Vec<Piece<Variable>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    title: Vec<Piece<Variable>>,
    content: Vec<Piece<Variable>>,
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// The names of all placeholders.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|(name, _)| *name)
}

/// What a template is filled from.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) platform: &'a str,
    pub(crate) instance: &'a InstanceId,
    pub(crate) message: &'a Message,
}

impl Template {
    /// Parses a format; reports every fault.
    pub(crate) fn parse(format: &str) -> Result<Self, Vec<TemplateError>> {
        let mut faults = Faults::of(format);
        let (header, body) = match format.split_once(TAG) {
            None => (None, pieces(format, &mut faults)),
            Some((before, rest)) => match tag(&format[before.len()..], rest, &mut faults) {
                Some((header, after)) => {
                    if let Some(second) = after.find(TAG) {
                        let second = &after[second..second + TAG.len()];
                        let problem = "a format may hold one <richheader> only";
                        let help = "remove the second one";
                        faults.report(&codes::BAD_TEMPLATE, second, problem, help);
                    }
                    // The header gets a line of its own, so the break behind the tag is its.
                    let after = after.strip_prefix('\n').unwrap_or(after);
                    let mut body = pieces(before, &mut faults);
                    body.extend(pieces(after, &mut faults));
                    (Some(header), body)
                }
                None => (None, Vec::new()),
            },
        };
        let is_blank =
            |piece: &Piece<Variable>| matches!(piece, Piece::Text(text) if text.trim().is_empty());
        if faults.errors.is_empty() && header.is_none() && body.iter().all(is_blank) {
            let help = format!("write at least one placeholder, such as \"{DEFAULT_FORMAT}\"");
            faults.report(&codes::BAD_TEMPLATE, format, "the format is empty", help);
        }
        match faults.errors.is_empty() {
            true => Ok(Self { header, body }),
            false => Err(faults.errors),
        }
    }

    /// Fills the template in, with `text` as the message's.
    pub(crate) fn render(&self, scene: &Scene<'_>, text: &str) -> Content {
        let line = |pieces: &[Piece<Variable>]| single_line(fill(pieces, scene, text).trim());
        let header = self.header.as_ref().map(|header| RichHeader {
            title: line(&header.title),
            content: line(&header.content),
        });
        let header = header.filter(|header| !header.title.is_empty() || !header.content.is_empty());
        let attachments = scene.message.attachments.clone();
        Content {
            header,
            text: fill(&self.body, scene, text),
            attachments,
            ..Content::default()
        }
    }
}

/// A template without a heading: what stands at a key of a driver's own. It may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ValueTemplate(Vec<Piece<Variable>>);

impl ValueTemplate {
    /// Parses a template; reports every fault.
    pub(crate) fn parse(template: &str) -> Result<Self, Vec<TemplateError>> {
        let mut faults = Faults::of(template);
        for (at, tag) in template.match_indices(TAG) {
            let tag = &template[at..at + tag.len()];
            let problem = "a <richheader> belongs to \"msg_format\", and is not known here";
            let help = "write placeholders such as {user}";
            faults.report(&codes::BAD_TEMPLATE, tag, problem, help);
        }
        let pieces = pieces(template, &mut faults);
        match faults.errors.is_empty() {
            true => Ok(Self(pieces)),
            false => Err(faults.errors),
        }
    }

    /// Fills the template in, with `text` as the message's.
    pub(crate) fn render(&self, scene: &Scene<'_>, text: &str) -> String {
        fill(&self.0, scene, text)
    }
}

fn fill(pieces: &[Piece<Variable>], scene: &Scene<'_>, text: &str) -> String {
    let Message {
        sender, sent_at, ..
    } = scene.message;
    let mut filled = String::with_capacity(text.len() + 64);
    for piece in pieces {
        match piece {
            Piece::Text(literal) => filled.push_str(literal),
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

/// Reads the tag, which `whole` begins with, from behind its name to behind `/>`; the rest follows
/// it.
fn tag<'a>(whole: &str, rest: &'a str, faults: &mut Faults<'_>) -> Option<(Header, &'a str)> {
    const FORM: &str = "write <richheader title=\"{user}\" content=\"{platform}\"/>";
    let name = &whole[..TAG.len()];
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
                faults.report(
                    &codes::BAD_TEMPLATE,
                    name,
                    "<richheader> has no title",
                    FORM,
                );
            }
            return Some((header, after));
        }
        let attribute = left.split_once('=').and_then(|(name, value)| {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, after) = value[1..].split_once(quote)?;
            Some((name.trim(), value, after))
        });
        let Some((attribute, value, after)) = attribute else {
            let problem = "<richheader> is not closed by />";
            faults.report(&codes::BAD_TEMPLATE, name, problem, FORM);
            return None;
        };
        match attribute {
            "title" => {
                has_title = true;
                header.title = pieces(value, faults);
            }
            "content" => header.content = pieces(value, faults),
            other => {
                let problem = format!("<richheader> has no attribute \"{other}\"");
                faults.report(&codes::BAD_TEMPLATE, other, problem, FORM);
            }
        }
        left = after;
    }
}

fn pieces(format: &str, faults: &mut Faults<'_>) -> Vec<Piece<Variable>> {
    pieces::pieces(format, faults, &|name| {
        let mut known = VARIABLES.iter();
        match known.find(|(known, _)| *known == name) {
            Some((_, variable)) => Ok(*variable),
            None => Err(suggest(name, VARIABLES.iter().map(|(known, _)| *known))),
        }
    })
}

#[cfg(test)]
mod tests;
