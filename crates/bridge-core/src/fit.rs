//! Fits a delivery's content to what the target can show: the header as a line, attachments as
//! links, long text in parts. The one place where messages are degraded.

use unicode_segmentation::UnicodeSegmentation;

use crate::capability::Capabilities;
use crate::message::{Attachment, Content};

/// A part of a delivery: one send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Part {
    /// The text; empty only beside attachments.
    pub text: String,
    /// Files that the target shows by itself; none but with the last part.
    pub attachments: Vec<Attachment>,
}

/// The parts to send, in order; the text of each fits `capabilities.text_limit`. Empty if there is
/// nothing to show. The same content and capabilities give the same parts, so that a delivery can go
/// on with the part at which it stopped.
///
/// Where the target shows attachments, they go with the last part, which has no text if there is
/// none at all. Everywhere else they stand in the text as links.
pub fn fit(content: &Content, capabilities: &Capabilities) -> Vec<Part> {
    let is_native = capabilities.shows.attachments && !content.attachments.is_empty();
    let whole = match is_native {
        true => headed(content),
        false => flatten(content),
    };
    let mut parts: Vec<_> = texts(&whole, capabilities)
        .into_iter()
        .map(|text| Part {
            text,
            ..Part::default()
        })
        .collect();
    if is_native {
        if parts.is_empty() {
            parts.push(Part::default());
        }
        if let Some(last) = parts.last_mut() {
            last.attachments.clone_from(&content.attachments);
        }
    }
    parts
}

fn texts(whole: &str, capabilities: &Capabilities) -> Vec<String> {
    if capabilities.line_breaks {
        return split(whole, capabilities);
    }
    let lines = whole.split(['\n', '\r']);
    lines.flat_map(|line| split(line, capabilities)).collect()
}

/// The content's text below its header.
fn headed(content: &Content) -> String {
    let mut whole = String::new();
    if let Some(header) = &content.header {
        whole.push_str(&header.to_string());
        whole.push('\n');
    }
    whole.push_str(&content.text);
    whole
}

/// The content as one text: the header as a line, attachments as links.
pub fn flatten(content: &Content) -> String {
    let mut whole = headed(content);
    for attachment in &content.attachments {
        if !whole.is_empty() && !whole.ends_with('\n') {
            whole.push('\n');
        }
        whole.push_str(&attachment.url);
    }
    whole
}

/// Cuts at the last paragraph border of what fits, else at the last line border, else between two
/// graphemes. A border in the first half of what fits is passed over, so that parts stay few. White
/// space at a cut is dropped.
fn split(text: &str, capabilities: &Capabilities) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim_end();
    while !rest.trim().is_empty() {
        let fitting = prefix(rest, capabilities);
        let cut = if fitting == rest.len() {
            fitting
        } else {
            border(&rest[..fitting])
        };
        let (part, after) = rest.split_at(cut);
        let part = part.trim_end();
        if !part.trim().is_empty() {
            parts.push(part.to_owned());
        }
        rest = if fitting == rest.len() {
            after
        } else {
            after.trim_start_matches(['\n', '\r', ' '])
        };
    }
    parts
}

/// The length of the longest prefix of whole graphemes that fits; at least one character, so that
/// splitting comes to an end.
fn prefix(text: &str, capabilities: &Capabilities) -> usize {
    if (capabilities.text_size)(text) <= capabilities.text_limit {
        return text.len();
    }
    let by_grapheme = longest(text.graphemes(true), capabilities);
    if by_grapheme > 0 {
        return by_grapheme;
    }
    // A single grapheme larger than the limit: hundreds of combining marks on one letter.
    let first = text.chars().next().map_or(0, char::len_utf8);
    longest(text.split_inclusive(|_| true), capabilities).max(first)
}

fn longest<'a>(units: impl Iterator<Item = &'a str>, capabilities: &Capabilities) -> usize {
    let mut length = 0;
    let mut size = 0;
    for unit in units {
        size += (capabilities.text_size)(unit);
        if size > capabilities.text_limit {
            break;
        }
        length += unit.len();
    }
    length
}

fn border(fitting: &str) -> usize {
    let half = fitting.len() / 2;
    let after = |separator: &str| {
        fitting
            .rfind(separator)
            .map(|at| at + separator.len())
            .filter(|at| *at > half)
    };
    after("\n\n")
        .or_else(|| after("\n"))
        .unwrap_or(fitting.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capability::Features;
    use crate::message::RichHeader;

    fn fitted(content: &Content, capabilities: &Capabilities) -> Vec<String> {
        let parts = fit(content, capabilities).into_iter();
        parts.map(|part| part.text).collect()
    }

    fn parts(text: &str, limit: usize) -> Vec<String> {
        let content = Content {
            text: text.to_owned(),
            ..Content::default()
        };
        fitted(&content, &Capabilities::text(limit))
    }

    #[test]
    fn cuts_at_paragraphs_then_lines_then_graphemes() {
        let rows: [(&str, usize, &[&str]); 8] = [
            ("short", 10, &["short"]),
            ("", 10, &[]),
            (" \n ", 10, &[]),
            ("aaaa\n\nbbbb\ncc", 11, &["aaaa", "bbbb\ncc"]),
            ("aaaaaa\nbbbb", 9, &["aaaaaa", "bbbb"]),
            ("a\nbbbbbbbb", 6, &["a\nbbbb", "bbbb"]),
            ("中文字", 7, &["中文", "字"]),
            ("👨‍👩‍👧👨‍👩‍👧", 20, &["👨‍👩‍👧", "👨‍👩‍👧"]),
        ];
        for (text, limit, expected) in rows {
            assert_eq!(parts(text, limit), expected, "{text:?} in {limit}");
        }
    }

    #[test]
    fn headers_and_attachments_become_lines() {
        let content = Content {
            header: Some(RichHeader {
                title: "a".into(),
                content: "b".into(),
            }),
            text: "text".into(),
            attachments: vec![
                Attachment::new("f", "https://x/1"),
                Attachment::new("g", "https://x/2"),
            ],
            ..Content::default()
        };
        let fitted = fitted(&content, &Capabilities::text(100));
        assert_eq!(fitted, ["[a · b]\ntext\nhttps://x/1\nhttps://x/2"]);
    }

    #[test]
    fn attachments_that_a_target_shows_go_with_the_last_part() {
        let mut capabilities = Capabilities::text(4);
        capabilities.shows = Features::ALL;
        let files = vec![Attachment::new("f", "https://x/1")];
        let rows: [(&str, &[(&str, usize)]); 3] = [
            ("aaaabb", &[("aaaa", 0), ("bb", 1)]),
            ("", &[("", 1)]),
            (" \n", &[("", 1)]),
        ];
        for (text, expected) in rows {
            let mut content = Content {
                text: text.to_owned(),
                attachments: files.clone(),
                ..Content::default()
            };
            let parts = fit(&content, &capabilities);
            let found = parts
                .iter()
                .map(|part| (&*part.text, part.attachments.len()));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{text:?}");
            content.attachments.clear();
            assert!(
                fit(&content, &capabilities)
                    .iter()
                    .all(|part| part.attachments.is_empty())
            );
        }
    }

    #[test]
    fn each_line_is_a_part_where_a_text_has_one_line() {
        let mut capabilities = Capabilities::text(5);
        capabilities.line_breaks = false;
        let content = Content {
            text: "one\r\n\ntwo three\n".to_owned(),
            ..Content::default()
        };
        assert_eq!(fitted(&content, &capabilities), ["one", "two t", "hree"]);
    }

    /// Counts as DingTalk does: a line break is two bytes once it is escaped.
    fn escaped(text: &str) -> usize {
        text.chars()
            .map(|c| {
                if matches!(c, '\n' | '"' | '\\') {
                    2
                } else {
                    c.len_utf8()
                }
            })
            .sum()
    }

    proptest! {
        #[test]
        fn every_part_fits_and_nothing_but_white_space_is_lost(
            text in "[a-c中👍\u{301}\n \"]{0,200}",
            limit in 6_usize..40,
        ) {
            let mut capabilities = Capabilities::text(limit);
            capabilities.text_size = escaped;
            let content = Content { text: text.clone(), ..Content::default() };
            let parts = fitted(&content, &capabilities);
            for part in &parts {
                prop_assert!(escaped(part) <= limit && !part.trim().is_empty());
            }
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(solid(&parts.concat()), solid(&text));
        }
    }
}
