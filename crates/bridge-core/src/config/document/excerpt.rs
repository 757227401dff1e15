//! What snippets show of a file: its lines, with everything masked that may be a secret.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use super::{Content, Document};

/// Stands for each character that is not shown, so that columns stay what they are.
const MASK: char = '•';

/// Lines of a file, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The lines; what may be a secret is masked, character by character.
    pub text: String,
    /// The 1-based number of the first line.
    pub first_line: usize,
    /// Byte offsets in the file and in `text`, where the distance between the two changes.
    shifts: Vec<(usize, usize)>,
}

impl Excerpt {
    /// Where the byte range of the file stands in [`Excerpt::text`].
    pub fn locate(&self, span: &Range<usize>) -> Range<usize> {
        let locate = |offset: usize| {
            let position = self.shifts.partition_point(|(from, _)| *from <= offset);
            let (from, to) = self.shifts[position.saturating_sub(1)];
            (to + offset.saturating_sub(from)).min(self.text.len())
        };
        locate(span.start)..locate(span.end)
    }
}

impl Document {
    /// The lines, numbered from 1.
    pub fn excerpt(&self, lines: RangeInclusive<usize>) -> Excerpt {
        let (first_line, last) = (*lines.start(), *lines.end());
        let whole = self.line_span(first_line).start..self.line_span(last).end;
        let mut excerpt = Excerpt {
            text: String::with_capacity(whole.len()),
            first_line,
            shifts: vec![(whole.start, 0)],
        };
        let shown = self.shown_within(&whole);
        let mut shown = shown.iter().peekable();
        let hidden = self.hidden.get().map(Vec::as_slice).unwrap_or_default();
        let from = hidden.partition_point(|span| span.end <= whole.start);
        let mut hidden = hidden[from..].iter().peekable();
        for (offset, character) in self.text[whole.clone()].char_indices() {
            let offset = whole.start + offset;
            while shown.next_if(|span| span.end <= offset).is_some() {}
            while hidden.next_if(|span| span.end <= offset).is_some() {}
            let is_shown = shown.peek().is_some_and(|span| span.contains(&offset))
                && !hidden.peek().is_some_and(|span| span.contains(&offset));
            if is_shown
                || !character.is_alphanumeric() && (character.is_ascii() && !is_inner(character))
            {
                excerpt.text.push(character);
            } else {
                excerpt.text.push(MASK);
                let next = offset + character.len_utf8();
                excerpt.shifts.push((next, excerpt.text.len()));
            }
        }
        excerpt
    }

    /// What may be shown of the lines; sorted.
    fn shown_within(&self, whole: &Range<usize>) -> Vec<Range<usize>> {
        if self.content == Content::Open {
            return vec![whole.clone()];
        }
        let Some(shown) = self.shown.get() else {
            let lines = self.text[whole.clone()].split_inclusive('\n');
            let mut start = whole.start;
            let Some(known) = self.known.get() else {
                return Vec::new();
            };
            return lines
                .flat_map(|line| {
                    let keys = keys(line, known).into_iter();
                    let here = start;
                    start += line.len();
                    keys.map(move |key| here + key.start..here + key.end)
                })
                .collect();
        };
        let from = shown.partition_point(|span| span.end <= whole.start);
        let here = shown[from..].iter();
        here.take_while(|span| span.start < whole.end)
            .cloned()
            .collect()
    }
}

/// Characters that are as likely to be part of a secret as of a file's structure.
fn is_inner(character: char) -> bool {
    !matches!(
        character,
        ' ' | '\t' | '\r' | '\n' | '{' | '}' | '[' | ']' | ':' | ',' | '"' | '\'' | '=' | '#'
    )
}

/// What looks like a key on a line of a file that could not be read: a quoted word with a colon
/// behind it, or a word that begins the line with a colon or an equals sign behind it.
fn keys(line: &str, known: &BTreeSet<String>) -> Vec<Range<usize>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut keys = Vec::new();
    let indented = line.trim_start_matches([' ', '\t', '-']);
    let start = line.len() - indented.len();
    let end = start + indented.find(|c| !is_word(c)).unwrap_or(indented.len());
    let behind = line[end..].trim_start();
    if known.contains(&line[start..end])
        && (behind.starts_with("= ") || behind.starts_with(": ") || behind.trim() == ":")
    {
        keys.push(start..end);
    }
    for (open, _) in line.match_indices('"') {
        let word = &line[open + 1..];
        let length = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let behind = word[length..].strip_prefix('"').map(str::trim_start);
        if known.contains(&word[..length]) && behind.is_some_and(|behind| behind.starts_with(':')) {
            keys.push(open + 1..open + 1 + length);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, content: Content, shown: &[&str]) -> Excerpt {
        let document = Document::new("f.json", text.as_bytes(), content).unwrap();
        let spans = shown.iter().map(|part| {
            let start = text.find(part).unwrap();
            start..start + part.len()
        });
        document.reveal(spans.collect());
        document.show_keys(["app_secret", "proxy"].map(str::to_owned).into());
        document.excerpt(1..=document.lines.len())
    }

    #[test]
    fn what_is_not_known_to_be_harmless_is_masked() {
        let text = r#"{"key": "群", "secret": "a密b", "n": 42} // c"#;
        let open = excerpt(text, Content::Open, &[]);
        assert_eq!(open.text, text);
        let guarded = excerpt(text, Content::Guarded, &["key", "群", "secret", "n"]);
        let expected = r#"{"key": "群", "secret": "•••", "n": ••} •• •"#;
        assert_eq!(guarded.text, expected);
        let secret = text.find("secret").unwrap();
        let located = guarded.locate(&(secret..secret + 6));
        assert_eq!(&guarded.text[located], "secret");
        let number = text.find("42").unwrap();
        assert_eq!(&guarded.text[guarded.locate(&(number..number + 2))], "••");
    }

    #[test]
    fn of_a_file_that_can_not_be_read_only_keys_are_shown() {
        let rows = [
            (
                r#"{"app_secret": "canary" "x": 1}"#,
                r#"{"app_secret": "••••••" "•": •}"#,
            ),
            (r#""app_secret": canary","#, r#""app_secret": ••••••","#),
            (r#""app_secret", "canary","#, r#""••••••••••", "••••••","#),
            ("  app_secret: canary: x", "  app_secret: ••••••: •"),
            ("app_secret = 'a\"b:c'", "app_secret = '•\"•:•'"),
            ("\"proxy\": \"http://u:p@h\"", "\"proxy\": \"••••:•••:•••\""),
            ("canary:x", "••••••:•"),
            ("canary: x", "••••••: •"),
            ("\"canary\": \"app_secret\"", "\"••••••\": \"••••••••••\""),
        ];
        for (text, expected) in rows {
            assert_eq!(excerpt(text, Content::Guarded, &[]).text, expected);
        }
    }
}
