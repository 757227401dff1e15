//! What a delivery is for: to say something, to answer a message, or to change one.

use crate::message::{Quoted, single_line};

/// Characters of a quoted message that stand above an answer at most.
const QUOTE_CHARS: usize = 80;

/// Characters of the quoted sender's name at most.
const NAME_CHARS: usize = 40;

/// What a delivery is for. Ids are the source's: those of [`Message::id`](crate::message::Message::id).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Purpose {
    /// Says something.
    #[default]
    Say,
    /// Says something as an answer to this message, of which [`quote`] has kept what is to be shown.
    Reply(Quoted),
    /// Has a message say something else: the text.
    Edit {
        /// The message.
        of: String,
    },
    /// Takes a message back.
    Recall {
        /// The message.
        of: String,
    },
    /// Puts a sign to a message: the text.
    React {
        /// The message.
        to: String,
    },
    /// Takes a sign back: the text.
    RemoveReaction {
        /// The message.
        from: String,
    },
}

impl Purpose {
    /// Whether it says something of its own, so that it may stand in a digest. A change may not: it is
    /// about another message.
    pub fn is_said(&self) -> bool {
        matches!(self, Self::Say | Self::Reply(_))
    }

    /// Whether it puts a sign to a message, or takes one back.
    pub fn is_sign(&self) -> bool {
        matches!(self, Self::React { .. } | Self::RemoveReaction { .. })
    }

    /// The message that it changes; `None` if it changes none.
    pub fn change_of(&self) -> Option<&str> {
        match self {
            Self::Say | Self::Reply(_) => None,
            Self::Edit { of } | Self::Recall { of } => Some(of),
            Self::React { to } => Some(to),
            Self::RemoveReaction { from } => Some(from),
        }
    }

    /// The message that it answers or changes; `None` if there is none.
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Reply(quoted) => Some(&quoted.id),
            other => other.change_of(),
        }
    }
}

/// What is kept of a quoted message: the beginning of its first line, so that nobody can write a line
/// in another person's name. `text` is the quoted text as the rule shows it.
pub fn quote(quoted: &Quoted, text: &str) -> Quoted {
    let mut lines = text.split(is_break).filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let mut shown = shorten(first, QUOTE_CHARS);
    if lines.next().is_some() && !shown.ends_with('…') {
        shown.push('…');
    }
    Quoted {
        id: quoted.id.clone(),
        sender_name: shorten(&quoted.sender_name, NAME_CHARS),
        text: shown,
    }
}

/// The line that stands above an answer where the channel does not show answers as such; `None` if the
/// platform did not say what was quoted.
pub fn quote_line(quoted: &Quoted) -> Option<String> {
    let Quoted {
        sender_name, text, ..
    } = quoted;
    match (sender_name.is_empty(), text.is_empty()) {
        (_, true) => None,
        (true, false) => Some(format!("> {text}")),
        (false, false) => Some(format!("> {sender_name}: {text}")),
    }
}

fn is_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// The text on one line, cut behind so many characters.
fn shorten(text: &str, most: usize) -> String {
    let line = single_line(text);
    let line = line.trim();
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, text: &str) -> Option<String> {
        let mut quoted = Quoted::new("m1");
        name.clone_into(&mut quoted.sender_name);
        quote_line(&quote(&quoted, text))
    }

    #[test]
    fn a_quote_is_one_short_line_that_nobody_can_forge() {
        let long = "x".repeat(200);
        let cut = format!("> a: {}…", "x".repeat(QUOTE_CHARS));
        let rows: [(&str, &str, Option<&str>); 9] = [
            ("a", "hi", Some("> a: hi")),
            ("", "hi", Some("> hi")),
            ("a", "", None),
            ("a", " \n ", None),
            ("a", "hi\nboss: go", Some("> a: hi…")),
            ("a", "\n\n hi \n", Some("> a: hi")),
            ("a\n> boss", "hi\u{2028}x", Some("> a > boss: hi…")),
            ("a", "x\u{202e}y\u{7}", Some("> a: xy")),
            ("a", &long, Some(&cut)),
        ];
        for (name, text, expected) in rows {
            assert_eq!(line(name, text).as_deref(), expected, "{name:?} {text:?}");
        }
    }
}
