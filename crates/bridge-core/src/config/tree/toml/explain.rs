//! The TOML parser's faults in our words, with what to write instead.

use std::collections::HashSet;
use std::ops::Range;

use toml::de::Error;

use super::super::Fault;
use super::outline::Outline;
use crate::config::key_path::KeyPath;

/// The parser's faults.
pub(super) struct Explained {
    pub(super) faults: Vec<Fault>,
    /// Whether the parser's tree is whole all the same.
    pub(super) is_whole: bool,
}

/// The parser's faults at the places that can be mended. It goes on after each as it can, so of
/// those on one line only the first is told, and none that comes of a bracket left open.
pub(super) fn explained(text: &str, errors: &[Error]) -> Explained {
    let mut explained = Explained {
        faults: Vec::new(),
        is_whole: true,
    };
    if errors.is_empty() {
        return explained;
    }
    let outline = Outline::of(text);
    let last = outline.unclosed.map_or(text.len(), |(start, _)| start);
    let mut errors: Vec<_> = errors
        .iter()
        .map(|error| (place(text, error), error))
        .collect();
    errors.sort_by_key(|(span, _)| span.start);
    let mut lines = HashSet::new();
    for (span, error) in errors {
        let kind = kind(error);
        if kind == "duplicate key" {
            let line = &text[line_start(text, span.start)..span.start];
            // A table that stands twice replaces the first one.
            explained.is_whole &= !line.trim_start().starts_with('[');
            explained.faults.push(duplicate(span, &outline));
            continue;
        }
        explained.is_whole = false;
        if span.start <= last && lines.insert(line_start(text, span.start)) {
            explained.faults.push(fault(text, span, kind, &outline));
        }
    }
    if let Some((start, bracket)) = outline.unclosed {
        explained.is_whole = false;
        let problem = format!("this is not TOML: the {bracket} here is never closed");
        explained.faults.retain(|fault| fault.span.start < start);
        let fault = Fault::syntax(start..start + 1, problem, "close it, or remove it");
        explained.faults.push(fault);
    }
    explained
}

fn place(text: &str, error: &Error) -> Range<usize> {
    let span = error.span().unwrap_or(0..0);
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end).max(start)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The parser's sentence without what it expected.
fn kind(error: &Error) -> &str {
    let message = error.message();
    message.split(", expected ").next().unwrap_or(message)
}

fn duplicate(span: Range<usize>, outline: &Outline) -> Fault {
    let parts = outline.path(span.start);
    let path = parts
        .iter()
        .fold(String::new(), |path, part| match part.starts_with('[') {
            true => path + part,
            false => KeyPath::new(&path).key(part).to_string(),
        });
    let key = parts.last().map_or("", String::as_str);
    let first = outline.first(span.start);
    Fault::duplicate(span, path, key, first)
}

fn fault(text: &str, span: Range<usize>, kind: &str, outline: &Outline) -> Fault {
    let token = outline.scalar(span.start).unwrap_or(span.start);
    let here = &text[span.clone()];
    let is_word = here.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let (span, problem, help) = match kind {
        "cannot recurse further; max recursion depth met" | "recursion limit" => {
            return Fault::too_deep(span);
        }
        "invalid basic string" | "invalid literal string" => (
            token..span.end,
            "the quote that opens here is not closed on its line, or something within it is not allowed",
            "close it with the same kind of quote; a text of several lines stands in \"\"\"",
        ),
        "invalid multi-line basic string" | "invalid multi-line literal string" => (
            token..span.end,
            "the quotes that open here are never closed, or something within them is not allowed",
            "close them with three of the same kind",
        ),
        "missing escaped value" | "too few unicode value digits" => (
            span,
            "unknown escape in a string",
            "write \\\\ for a backslash, or use single quotes, which know no escapes",
        ),
        "string values must be quoted" if here.is_empty() => {
            (span, "a value is missing", "write key = value on one line")
        }
        "invalid integer number"
        | "invalid float"
        | "invalid boolean"
        | "invalid date-time"
        | "string values must be quoted"
        | "invalid value"
            if is_word =>
        {
            (
                span,
                "a word stands where a value should",
                "put a text in quotes; true and false are the only words",
            )
        }
        "string values must be quoted" => (
            span,
            "what stands here is no value",
            "put a text in quotes, a comma between values of a list, and each key on a line of its own",
        ),
        "unexpected leading zero" => (
            span,
            "a number can't begin with 0",
            "remove the 0; if a text is meant, put it in quotes",
        ),
        kind if kind.starts_with("invalid ") && kind.ends_with(" number")
            || matches!(
                kind,
                "invalid float" | "invalid date-time" | "invalid boolean"
            )
            || matches!(kind, "redundant numeric sign" | "unexpected sign")
            || matches!(
                kind,
                "redundant integer number prefix" | "radix must be lowercase"
            )
            || kind == "`_` may only go between digits"
            || kind == "integers with a radix cannot be signed" =>
        {
            (
                span,
                "this is no number",
                "if a text is meant, put it in quotes",
            )
        }
        "missing value"
        | "missing value for key"
        | "key with no value"
        | "missing assignment between key-value pairs"
        | "invalid key-value pair" => (
            span,
            "a key without a value",
            "write key = value on one line",
        ),
        "invalid unquoted key"
        | "unquoted keys cannot be empty"
        | "missing key for inline table element" => (
            span,
            "a key is missing, or holds characters that need quotes",
            "letters, digits, - and _ need none; write key = value",
        ),
        "missing comma between array elements" | "missing comma between key-value pairs" => {
            (span, "expected a comma", "put a comma between two values")
        }
        "extra comma in inline table" | "extra comma in array" => {
            (span, "a comma too many", "remove it")
        }
        "unexpected `=` in array" => (
            span,
            "a = can't stand in a list",
            "close the list before it, or put key = value in { }",
        ),
        "unclosed table" => (span, "the header is not closed", "close it with ]"),
        "unclosed array table" => (span, "the header is not closed", "close it with ]]"),
        "unexpected key or value"
        | "unexpected content"
        | "unexpected content between comment and newline" => (
            span,
            "something stands here that belongs to no value",
            "begin each key and each [header] on a line of its own",
        ),
        "carriage return must be followed by newline" => (
            span,
            "a lone carriage return stands here",
            "end lines with a line feed",
        ),
        "invalid comment character" => {
            (span, "a control character stands in a comment", "remove it")
        }
        kind if kind.starts_with("cannot extend value") => (
            span,
            "this key has a value already, so no key can stand below it",
            "keep one of the two",
        ),
        _ => (
            span,
            "the text here can't be read",
            "compare it with the examples in config/ and rules/",
        ),
    };
    Fault::syntax(span, format!("this is not TOML: {problem}"), help)
}
