//! One line of IRC as bytes: read (RFC 2812 with the tags of IRCv3) and written.

use std::borrow::Cow;

/// The longest line with its end, tags apart: RFC 2812, 2.3.
pub(crate) const LINE_BYTES: usize = 512;

/// The longest tags that a server sends: <https://ircv3.net/specs/extensions/message-tags>.
pub(crate) const TAG_BYTES: usize = 8191;

/// A line as the server sent it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    tags: &'a str,
    /// Who it is from: `nick!user@host`, or a server's name; empty where the server says nothing.
    pub(crate) source: &'a str,
    /// In capitals, or three digits.
    pub(crate) command: String,
    pub(crate) params: Vec<&'a str>,
}

impl<'a> Line<'a> {
    /// Reads a line without its end; `None` if it has no command.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text;
        let mut tags = "";
        if let Some(tagged) = rest.strip_prefix('@') {
            (tags, rest) = split_word(tagged);
        }
        let mut source = "";
        if let Some(sourced) = rest.strip_prefix(':') {
            (source, rest) = split_word(sourced);
        }
        let (command, mut rest) = split_word(rest);
        let is_command =
            !command.is_empty() && command.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_command {
            return None;
        }
        let mut params = Vec::new();
        while !rest.is_empty() {
            if let Some(trailing) = rest.strip_prefix(':') {
                params.push(trailing);
                break;
            }
            let (param, after) = split_word(rest);
            params.push(param);
            rest = after;
        }
        Some(Self {
            tags,
            source,
            command: command.to_ascii_uppercase(),
            params,
        })
    }

    /// The value of a tag that the server itself set.
    pub(crate) fn tag(&self, name: &str) -> Option<String> {
        let mut tags = self.tags.split(';');
        let value = tags.find_map(|tag| {
            let (key, value) = tag.split_once('=')?;
            (key == name).then_some(value)
        })?;
        Some(unescaped(value)).filter(|value| !value.is_empty())
    }

    /// The nickname that it is from.
    pub(crate) fn nick(&self) -> &'a str {
        nick_of(self.source)
    }

    /// Whether it is from a person or a robot, and not from a server.
    pub(crate) fn is_from_user(&self) -> bool {
        self.source.contains('!')
    }

    /// The parameter at `index`, or nothing.
    pub(crate) fn param(&self, index: usize) -> &'a str {
        self.params.get(index).copied().unwrap_or_default()
    }

    /// The last parameter, or nothing: in numerics, what the server says in words.
    pub(crate) fn last(&self) -> &'a str {
        self.params.last().copied().unwrap_or_default()
    }

    /// The number of a numeric.
    pub(crate) fn numeric(&self) -> Option<u16> {
        let is_numeric = self.command.len() == 3;
        is_numeric.then(|| self.command.parse().ok()).flatten()
    }
}

/// The nickname in `nick!user@host`.
pub(crate) fn nick_of(source: &str) -> &str {
    source.split(['!', '@']).next().unwrap_or_default()
}

/// The text of a line; what is not UTF-8 is replaced.
pub(crate) fn text_of(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line.trim_ascii_end())
}

/// The first word, and what follows the spaces after it.
fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start_matches(' '))
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some(':') => text.push(';'),
            Some('s') => text.push(' '),
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// How a network compares names: `CASEMAPPING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CaseMapping {
    Ascii,
    /// What RFC 2812, 2.2 has, and what holds until the server says otherwise.
    #[default]
    Rfc1459,
}

impl CaseMapping {
    /// The name as it is compared.
    pub(crate) fn fold(self, name: &str) -> String {
        let fold = |c: char| match c {
            '[' if self == Self::Rfc1459 => '{',
            ']' if self == Self::Rfc1459 => '}',
            '\\' if self == Self::Rfc1459 => '|',
            '~' if self == Self::Rfc1459 => '^',
            _ => c.to_ascii_lowercase(),
        };
        name.chars().map(fold).collect()
    }

    /// Whether two names mean the same.
    pub(crate) fn is_same(self, left: &str, right: &str) -> bool {
        self.fold(left) == self.fold(right)
    }
}

/// The longest channel of any network; a longer name could make a line too long.
const CHANNEL_BYTES: usize = 200;

/// Whether a name can be a channel's: RFC 2812, 1.3, where some networks take longer ones.
pub(crate) fn is_channel(name: &str) -> bool {
    let forbidden = |c: char| c == ' ' || c == ',' || c.is_control();
    (2..=CHANNEL_BYTES).contains(&name.len())
        && name.starts_with(['#', '&', '+', '!'])
        && !name.contains(forbidden)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_read() {
        type Read<'a> = (&'a str, &'a str, &'a [&'a str]);
        let rows: [(&str, Option<Read<'_>>); 11] = [
            (
                ":anna!~a@host PRIVMSG #ops :hello  you",
                Some(("anna!~a@host", "PRIVMSG", &["#ops", "hello  you"])),
            ),
            ("ping x", Some(("", "PING", &["x"]))),
            ("PING ::x", Some(("", "PING", &[":x"]))),
            (
                "@time=1;msgid=x :s 005 me A=1  B :are supported",
                Some(("s", "005", &["me", "A=1", "B", "are supported"])),
            ),
            (
                ":s 433 * bridge :in use",
                Some(("s", "433", &["*", "bridge", "in use"])),
            ),
            ("PRIVMSG #ops :", Some(("", "PRIVMSG", &["#ops", ""]))),
            ("QUIT", Some(("", "QUIT", &[]))),
            ("", None),
            (":source", None),
            ("@tags", None),
            ("P\u{e9}NG x", None),
        ];
        for (text, expected) in rows {
            let line = Line::parse(text);
            let read = line
                .as_ref()
                .map(|line| (line.source, &*line.command, &*line.params));
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn tags_are_read_and_unescaped() {
        let line =
            Line::parse(r"@a=b\:c\s\\d\n\q\;+account=forged;account=anna;empty= PING x").unwrap();
        assert_eq!(line.tag("a").as_deref(), Some("b;c \\d\nq"));
        assert_eq!(line.tag("account").as_deref(), Some("anna"));
        for name in ["empty", "none", "b"] {
            assert_eq!(line.tag(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_compared_as_the_network_does() {
        let rows = [
            (CaseMapping::Rfc1459, "#A[b]", "#a{B}", true),
            (CaseMapping::Ascii, "#A[b]", "#a{B}", false),
            (CaseMapping::Ascii, "#OPS", "#ops", true),
            (CaseMapping::Rfc1459, "#É", "#é", false),
        ];
        for (mapping, left, right, expected) in rows {
            assert_eq!(mapping.is_same(left, right), expected, "{left} {right}");
        }
        for (name, expected) in [
            ("#ops", true),
            ("&x", true),
            ("#", false),
            ("ops", false),
            ("#a b", false),
            ("#a,b", false),
            ("#a\r\nQUIT", false),
            ("", false),
        ] {
            assert_eq!(is_channel(name), expected, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = text_of(&bytes);
            if let Some(line) = Line::parse(&text) {
                line.tag("time");
                line.numeric();
                prop_assert!(!line.command.is_empty());
            }
        }
    }
}
