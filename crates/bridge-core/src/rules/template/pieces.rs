//! The braces of templates: `{name}`, `{{` and `}}`, read once; what is filled in is never read.

use std::ops::Range;

use crate::config::codes::{self, Code};

/// A bit of a template: text as it is, or a placeholder for a `V`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Piece<V> {
    Text(String),
    Variable(V),
}

/// A fault in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) code: &'static Code,
    /// Where the faulty bit stands in the template, in bytes.
    pub(crate) span: Range<usize>,
    pub(crate) problem: String,
    pub(crate) help: String,
}

/// Collects the faults of one template.
pub(crate) struct Faults<'a> {
    format: &'a str,
    pub(crate) errors: Vec<TemplateError>,
}

impl<'a> Faults<'a> {
    pub(crate) fn of(format: &'a str) -> Self {
        let errors = Vec::new();
        Self { format, errors }
    }

    /// Reports `raw`, which must be a part of the format.
    pub(crate) fn report(
        &mut self,
        code: &'static Code,
        raw: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        let start = raw.as_ptr().addr() - self.format.as_ptr().addr();
        self.errors.push(TemplateError {
            code,
            span: start..start + raw.len(),
            problem: problem.into(),
            help: help.into(),
        });
    }
}

/// Reads `format`, which must be a part of what the faults are of. `variable` says what a name
/// stands for, or what to write instead.
pub(crate) fn pieces<V>(
    format: &str,
    faults: &mut Faults<'_>,
    variable: &dyn Fn(&str) -> Result<V, String>,
) -> Vec<Piece<V>> {
    const UNCLOSED: &str = "close it with }, or write {{ and }} for literal braces";
    const BRACES: &str = "write {{ and }} for literal braces";
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut left = format;
    while let Some(at) = left.find(['{', '}']) {
        text.push_str(&left[..at]);
        let brace = &left[at..];
        if let Some(after) = brace.strip_prefix("{{") {
            text.push('{');
            left = after;
        } else if let Some(after) = brace.strip_prefix("}}") {
            text.push('}');
            left = after;
        } else if let Some(after) = brace.strip_prefix('}') {
            let problem = "a \"}\" closes nothing";
            faults.report(&codes::BAD_TEMPLATE, &brace[..1], problem, BRACES);
            left = after;
        } else if let Some(end) = closed(brace) {
            let name = &brace[1..end];
            match variable(name) {
                Ok(variable) => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Variable(variable));
                }
                Err(help) => {
                    let problem = format!("unknown placeholder {{{name}}}");
                    let raw = &brace[..=end];
                    faults.report(&codes::UNKNOWN_PLACEHOLDER, raw, problem, help);
                }
            }
            left = &brace[end + 1..];
        } else {
            let problem = "a \"{\" is not closed";
            faults.report(&codes::BAD_TEMPLATE, &brace[..1], problem, UNCLOSED);
            left = &brace[1..];
        }
    }
    text.push_str(left);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// Where the brace that a text begins with is closed, if that is before another one opens.
fn closed(brace: &str) -> Option<usize> {
    let end = 1 + brace[1..].find(['{', '}'])?;
    brace[end..].starts_with('}').then_some(end)
}
