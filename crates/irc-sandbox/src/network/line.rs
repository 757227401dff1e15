//! Lines as clients send them, and names as the network compares them.

/// The longest line that a client may send, tags and the line's end apart: RFC 2812, 2.3.
pub(crate) const LINE_BYTES: usize = 510;

/// The longest tags that a client may send, `@` and the space included.
pub(crate) const TAG_BYTES: usize = 4096;

/// One command of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// In capitals.
    pub(crate) name: String,
    pub(crate) params: Vec<String>,
}

/// Why a line is no command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    Empty,
    TagsTooLong,
}

impl Command {
    /// Reads a line without its end. What is longer than a line may be is cut, as servers do.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, LineError> {
        let line = without_tags(line)?;
        let line = &line[..line.len().min(LINE_BYTES)];
        let text = String::from_utf8_lossy(line);
        let mut rest = text.trim_start_matches(' ');
        if rest.starts_with(':') {
            // A client has no say in who it is.
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
        }
        let mut words = Vec::new();
        loop {
            rest = rest.trim_start_matches(' ');
            if rest.is_empty() {
                break;
            }
            if let Some(trailing) = rest.strip_prefix(':').filter(|_| !words.is_empty()) {
                words.push(trailing.to_owned());
                break;
            }
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            words.push(word.to_owned());
            rest = after;
        }
        if words.is_empty() {
            return Err(LineError::Empty);
        }
        let name = words.remove(0).to_ascii_uppercase();
        Ok(Self {
            name,
            params: words,
        })
    }

    /// The parameter at `index`, unless it is missing or empty.
    pub(crate) fn param(&self, index: usize) -> Option<&str> {
        let param = self.params.get(index)?;
        (!param.is_empty()).then_some(param)
    }
}

fn without_tags(line: &[u8]) -> Result<&[u8], LineError> {
    if line.first() != Some(&b'@') {
        return Ok(line);
    }
    let end = line.iter().position(|byte| *byte == b' ');
    match end {
        Some(end) if end < TAG_BYTES => Ok(&line[end + 1..]),
        Some(_) => Err(LineError::TagsTooLong),
        None => Err(LineError::Empty),
    }
}

/// A nickname or channel as the network compares it: `CASEMAPPING=rfc1459`.
pub(crate) fn folded(name: &str) -> String {
    let fold = |c: char| match c {
        '[' => '{',
        ']' => '}',
        '\\' => '|',
        '~' => '^',
        _ => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

/// Whether `nick` may be a nickname: RFC 2812, 2.3.1, but of up to `limit` characters.
pub(crate) fn is_nick(nick: &str, limit: usize) -> bool {
    let special = |c: char| "[]\\`_^{|}".contains(c);
    let mut chars = nick.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    nick.len() <= limit
        && (first.is_ascii_alphabetic() || special(first))
        && chars.all(|c| c.is_ascii_alphanumeric() || special(c) || c == '-')
}

/// Whether `name` may be a channel: RFC 2812, 1.3.
pub(crate) fn is_channel(name: &str) -> bool {
    name.starts_with(['#', '&'])
        && (2..=50).contains(&name.len())
        && !name.contains([' ', ',', '\u{7}', '\0', '\r', '\n'])
}

/// Whether `mask`, with `*` and `?`, fits `text`; both folded.
pub(crate) fn is_like(mask: &str, text: &str) -> bool {
    match mask.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &mask[1..];
            let starts = text.char_indices().map(|(at, _)| at);
            starts
                .chain([text.len()])
                .any(|at| is_like(rest, &text[at..]))
        }
        Some(wanted) => text.chars().next().is_some_and(|first| {
            (wanted == '?' || wanted == first)
                && is_like(&mask[wanted.len_utf8()..], &text[first.len_utf8()..])
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_rfc_2812_has_them() {
        let long = format!("PRIVMSG #a :{}", "x".repeat(600));
        let cut = "x".repeat(LINE_BYTES - "PRIVMSG #a :".len());
        let tagged = format!("@a={} PING x", "y".repeat(5000));
        type Read<'a> = Result<(&'a str, &'a [&'a str]), LineError>;
        let rows: [(&str, Read<'_>); 10] = [
            (
                "privmsg #a :hello  you",
                Ok(("PRIVMSG", &["#a", "hello  you"])),
            ),
            ("PRIVMSG #a hello", Ok(("PRIVMSG", &["#a", "hello"]))),
            ("PRIVMSG #a :", Ok(("PRIVMSG", &["#a", ""]))),
            ("  PING   x  ", Ok(("PING", &["x"]))),
            (":me PING ::x", Ok(("PING", &[":x"]))),
            ("@a=b;c :me PING x", Ok(("PING", &["x"]))),
            ("", Err(LineError::Empty)),
            ("@a=b", Err(LineError::Empty)),
            (&tagged, Err(LineError::TagsTooLong)),
            (&long, Ok(("PRIVMSG", &["#a", &cut]))),
        ];
        for (line, expected) in rows {
            let expected = expected.map(|(name, params)| Command {
                name: name.into(),
                params: params.iter().map(|param| (*param).to_owned()).collect(),
            });
            assert_eq!(Command::parse(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn names_are_compared_and_refused() {
        assert_eq!(folded("#A[b]~"), "#a{b}^");
        for (nick, is_good) in [
            ("anna", true),
            ("[a]-1", true),
            ("1a", false),
            ("-a", false),
            ("", false),
            ("a b", false),
            ("日", false),
            ("abcdefghijklmnopq", false),
        ] {
            assert_eq!(is_nick(nick, 16), is_good, "{nick:?}");
        }
        for (name, is_good) in [
            ("#ops", true),
            ("&a", true),
            ("#", false),
            ("ops", false),
            ("#a,b", false),
        ] {
            assert_eq!(is_channel(name), is_good, "{name:?}");
        }
        for (mask, fits) in [
            ("*", true),
            ("an?a!*@*", true),
            ("anna", false),
            ("*!~anna@*.test", true),
            ("b*", false),
        ] {
            assert_eq!(is_like(mask, "anna!~anna@host.test"), fits, "{mask:?}");
        }
    }
}
