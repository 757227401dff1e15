//! A file's text, and where things stand in it.

mod excerpt;
mod inside;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use super::format::Format;

pub use excerpt::Excerpt;

/// How many bytes lie between two counts of characters: a file of one long line is as fast as one
/// of many lines.
const STRIDE: usize = 128;

/// A file's text. Its `Debug` form shows the name only: a config holds secrets.
pub struct Document {
    name: String,
    format: Format,
    text: String,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    /// Characters before each multiple of [`STRIDE`] bytes.
    characters: Vec<usize>,
    content: Content,
    /// What is known to be no secret, once the document has been read; sorted.
    shown: OnceLock<Vec<Range<usize>>>,
    /// The keys that are shown if the document can't be read.
    known: OnceLock<BTreeSet<String>>,
    /// What is hidden all the same; sorted, without overlaps.
    hidden: OnceLock<Vec<Range<usize>>>,
}

/// Whether a document may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing is shown but what is known to be no secret.
    Guarded,
    /// Everything may be shown.
    Open,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.name).finish()
    }
}

/// Bytes that can't be a config or rules file of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotText {
    /// The name does not tell the format; the text says which endings do.
    UnknownEnding(String),
    /// The byte at this offset is not UTF-8.
    NotUtf8(usize),
    /// There is nothing but white space in a file of this format.
    Empty(Format),
}

impl Document {
    /// Takes the bytes of a file as text, of the format that its name tells; a leading byte order
    /// mark is dropped.
    pub(crate) fn new(name: &str, bytes: &[u8], content: Content) -> Result<Self, NotText> {
        let format = Format::of(Path::new(name)).map_err(NotText::UnknownEnding)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = str::from_utf8(bytes).map_err(|error| NotText::NotUtf8(error.valid_up_to()))?;
        if text.trim().is_empty() {
            return Err(NotText::Empty(format));
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
            format,
            text: text.to_owned(),
            lines,
            characters,
            content,
            shown: OnceLock::new(),
            known: OnceLock::new(),
            hidden: OnceLock::new(),
        })
    }

    /// The file, as it was named on the command line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 1-based line and column (in characters) of a byte offset.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.line_of(offset);
        let start = self.lines[line - 1];
        (
            line,
            self.characters_before(offset) - self.characters_before(start) + 1,
        )
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Says what snippets may show of a guarded document.
    pub(crate) fn reveal(&self, mut shown: Vec<Range<usize>>) {
        if shown.is_empty() {
            // Nothing was read: what looks like a key is all that is shown.
            return;
        }
        shown.sort_unstable_by_key(|span| span.start);
        // A document is read once; what a second reading knows is the same.
        self.shown.set(shown).ok();
    }

    /// Says which words snippets may show where they stand as keys do, if the document can't be
    /// read. Without a tree nobody knows what belongs to a secret of several lines, so no other
    /// words are shown.
    pub(crate) fn show_keys(&self, known: BTreeSet<String>) {
        // What a second reading knows is the same.
        self.known.set(known).ok();
    }

    /// Says what snippets must not show, whatever else is known of it.
    pub(crate) fn conceal(&self, mut hidden: Vec<Range<usize>>) {
        hidden.sort_unstable_by_key(|span| span.start);
        hidden.dedup_by(|next, span| {
            let overlap = next.start <= span.end;
            if overlap {
                span.end = span.end.max(next.end);
            }
            overlap
        });
        // A document is read once.
        self.hidden.set(hidden).ok();
    }

    /// Whether it holds no secrets, if everything is in its place.
    pub(crate) fn is_open(&self) -> bool {
        self.content == Content::Open
    }

    /// The 1-based line of a byte offset.
    fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// Where the 1-based line begins and ends, its line break left out.
    fn line_span(&self, line: usize) -> Range<usize> {
        let start = self.lines[line - 1];
        let end = self
            .lines
            .get(line)
            .map_or(self.text.len(), |next| next - 1);
        let text = &self.text[start..end];
        start..start + text.strip_suffix('\r').unwrap_or(text).len()
    }

    fn characters_before(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let stride = (offset / STRIDE).min(self.characters.len() - 1);
        self.characters[stride] + starts(&self.text.as_bytes()[stride * STRIDE..offset])
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
        let new = |bytes: &[u8]| Document::new("f.json", bytes, Content::Open).map(|_| ());
        assert_eq!(new(b"{\"a\": \"\xff\"}"), Err(NotText::NotUtf8(7)));
        assert_eq!(new(b" \n"), Err(NotText::Empty(Format::Json)));
        let unknown = Document::new("f.ini", b"{}", Content::Open);
        assert!(matches!(unknown, Err(NotText::UnknownEnding(_))));
    }

    #[test]
    fn places_count_characters_in_short_and_in_long_lines() {
        let long = format!("{{\n{}x", "群".repeat(5000));
        let document = Document::new("f.json", long.as_bytes(), Content::Open).unwrap();
        for (offset, place) in [(0, (1, 1)), (1, (1, 2)), (2, (2, 1)), (5, (2, 2))] {
            assert_eq!(document.place(offset), place);
        }
        for count in [341, 342, 4999, 5000] {
            assert_eq!(document.place(2 + 3 * count), (2, count + 1));
        }
        assert_eq!(document.place(long.len() + 7), (2, 5002));
    }
}
