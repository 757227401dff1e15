//! Regular expressions of the rules: compiled once per distinct text, with faults at their places.

use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::ErrorKind;

use super::Compiler;
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::tree::Node;

/// How large a compiled pattern may be, and how large the tables of one search may grow.
const MOST_BYTES: usize = 1 << 20;

/// A fault in a pattern.
#[derive(Debug)]
struct PatternError {
    /// Where the faulty bit stands in the pattern, in bytes.
    span: Range<usize>,
    problem: String,
    help: &'static str,
}

impl Compiler<'_> {
    /// The pattern `text`, which stands at `node`. `None` after a fault, which is reported.
    pub(super) fn pattern(
        &mut self,
        text: &str,
        node: &Node,
        path: &KeyPath<'_>,
    ) -> Option<Arc<Regex>> {
        if let Some(known) = self.patterns.get(text) {
            return Some(Arc::clone(known));
        }
        match compile(text) {
            Ok(pattern) => {
                let pattern = Arc::new(pattern);
                self.patterns.insert(text.to_owned(), Arc::clone(&pattern));
                Some(pattern)
            }
            Err(error) => {
                let span = self.findings.document.inside(&node.span, text, error.span);
                self.report(&codes::BAD_PATTERN, &span, path, error.problem)
                    .help(error.help);
                None
            }
        }
    }
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    let built = RegexBuilder::new(text)
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_BYTES)
        .build();
    built.map_err(|error| match regex_syntax::parse(text) {
        // The builder's own text draws the pattern; the parser says where.
        Err(regex_syntax::Error::Parse(error)) => PatternError {
            span: visible(text, error.span()),
            problem: format!("the pattern can't be read: {}", error.kind()),
            help: cure(error.kind()),
        },
        Err(regex_syntax::Error::Translate(error)) => PatternError {
            span: visible(text, error.span()),
            problem: format!("the pattern can't be read: {}", error.kind()),
            help: LITERALS,
        },
        _ => PatternError {
            span: 0..text.len(),
            problem: match error {
                regex::Error::CompiledTooBig(_) => {
                    format!("the pattern needs more than {MOST_BYTES} bytes of memory")
                }
                other => format!("the pattern can't be used: {other}"),
            },
            help: "repeat less: a count such as {1000} copies what it stands behind",
        },
    })
}

/// Inside JSON, as most rules are, a backslash is written twice.
const LITERALS: &str = r"put a backslash before a character that stands for itself (in JSON: two)";

fn cure(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::GroupUnclosed => {
            r"close it with `)`, or write `\(` for the character (in JSON: `\\(`)"
        }
        ErrorKind::GroupUnopened => r"remove it, or write `\)` for the character (in JSON: `\\)`)",
        ErrorKind::ClassUnclosed => {
            r"close it with `]`, or write `\[` for the character (in JSON: `\\[`)"
        }
        ErrorKind::UnsupportedLookAround => {
            "a pattern is searched in linear time and can't look around; ask with \"when\" and \"unless\" together"
        }
        ErrorKind::UnsupportedBackreference => {
            "a pattern is searched in linear time and can't refer back to a group; write out what may follow"
        }
        ErrorKind::RepetitionMissing
        | ErrorKind::RepetitionCountInvalid
        | ErrorKind::RepetitionCountDecimalEmpty
        | ErrorKind::RepetitionCountUnclosed => {
            r"write what is repeated before it, or `\*`, `\+`, `\?`, `\{` for the character (in JSON: two backslashes)"
        }
        ErrorKind::GroupNameDuplicate { .. } => "give each group a name of its own",
        ErrorKind::NestLimitExceeded(_) => "nest fewer groups",
        _ => LITERALS,
    }
}

/// The faulty bit; where that is empty, the character behind it or, at the end, before it.
fn visible(text: &str, span: &regex_syntax::ast::Span) -> Range<usize> {
    let range = span.start.offset..span.end.offset;
    if !range.is_empty() {
        return range;
    }
    let (before, after) = text.split_at(range.start);
    match after.chars().next() {
        Some(behind) => range.start..range.start + behind.len_utf8(),
        None => range.start - before.chars().next_back().map_or(0, char::len_utf8)..range.end,
    }
}
