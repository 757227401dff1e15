//! A file's text, and where things stand in it.

use std::ops::Range;

/// How many bytes lie between two counts of characters: a file of one long line is as fast as one
/// of many lines.
const STRIDE: usize = 1024;

/// A file's text.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) name: String,
    text: String,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    /// Characters before each multiple of [`STRIDE`] bytes.
    characters: Vec<usize>,
}

/// Bytes that can't be a config or rules file of any kind.
#[derive(Debug)]
pub(crate) struct NotText {
    pub(crate) problem: String,
    pub(crate) help: &'static str,
}

impl Document {
    /// Takes the bytes of a file as text; a leading byte order mark is dropped.
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Result<Self, NotText> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = str::from_utf8(bytes).map_err(|error| NotText {
            problem: format!("byte {} is not UTF-8", error.valid_up_to()),
            help: "save the file as UTF-8",
        })?;
        if text.trim().is_empty() {
            let help = "write a JSON object; `{}` is the smallest one";
            return Err(NotText {
                problem: "the file is empty".to_owned(),
                help,
            });
        }
        let breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        let counts = text.as_bytes().chunks(STRIDE).scan(0, |sum, chunk| {
            let before = *sum;
            *sum += starts(chunk);
            Some(before)
        });
        let characters = counts.collect();
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            lines,
            characters,
        })
    }

    /// The 1-based line and column (in characters) of a byte offset.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        (
            line,
            self.characters_before(offset) - self.characters_before(start) + 1,
        )
    }

    fn characters_before(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let stride = (offset / STRIDE).min(self.characters.len() - 1);
        self.characters[stride] + starts(&self.text.as_bytes()[stride * STRIDE..offset])
    }

    /// Where `raw` stands within `span`, or all of `span` if it is not found as it is.
    pub(crate) fn find_within(&self, span: &Range<usize>, raw: &str) -> Range<usize> {
        match self.text[span.clone()].find(raw) {
            Some(offset) => span.start + offset..span.start + offset + raw.len(),
            None => span.clone(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// How many characters begin in the bytes.
fn starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let issue = Document::new("f.json", b"{\"a\": \"\xff\"}").unwrap_err();
        assert_eq!(issue.problem, "byte 7 is not UTF-8");
    }

    #[test]
    fn places_count_characters_in_short_and_in_long_lines() {
        let long = format!("{{\n{}x", "群".repeat(5000));
        let document = Document::new("f.json", long.as_bytes()).unwrap();
        for (offset, place) in [(0, (1, 1)), (1, (1, 2)), (2, (2, 1)), (5, (2, 2))] {
            assert_eq!(document.place(offset), place);
        }
        for count in [341, 342, 4999, 5000] {
            assert_eq!(document.place(2 + 3 * count), (2, count + 1));
        }
        assert_eq!(document.place(long.len() + 7), (2, 5002));
    }
}
