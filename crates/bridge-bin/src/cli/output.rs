//! The one place that writes to the terminal. A reader that has gone away (`bridge … | head`) is no
//! reason to fail.

use std::fmt::Display;
use std::io::Write as _;

use bridge_core::config::Diagnostic;

use super::Exit;
use crate::diagnostics::{Style, draw};

/// What was asked for, to stdout.
pub(crate) fn print(text: &dyn Display) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// What was asked for by a program: one JSON value, to stdout.
pub(crate) fn json(value: &impl serde::Serialize) {
    // These types hold nothing that JSON can't.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    print(&text);
}

/// What went wrong, to stderr.
pub(crate) fn error(error: &dyn Display) {
    drop(writeln!(std::io::stderr(), "error: {error}"));
}

/// What is worth knowing beside what was asked for, to stderr.
pub(crate) fn note(note: &dyn Display) {
    drop(writeln!(std::io::stderr(), "note: {note}"));
}

/// Problems of the files, to stderr.
pub(crate) fn diagnostics<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>) {
    let stderr = std::io::stderr();
    let style = match anstream::AutoStream::choice(&stderr) {
        anstream::ColorChoice::Never => Style::Plain,
        _ => Style::Coloured,
    };
    for diagnostic in diagnostics {
        drop(writeln!(&stderr, "{}\n", draw(diagnostic, style)));
    }
}

/// Which code ends a command that found this: what the files say weighs more than what is around.
pub(super) fn exit(diagnostics: &[Diagnostic]) -> Exit {
    let errors = || diagnostics.iter().filter(|found| found.is_error());
    if errors().any(|error| error.code.blames_the_files()) {
        Exit::Config
    } else if errors().next().is_some() {
        Exit::Failed
    } else {
        Exit::Fine
    }
}

/// Problems of the files in one text, as [`diagnostics`] prints them without colours.
pub(crate) fn text(diagnostics: &[Diagnostic]) -> String {
    let all = diagnostics.iter();
    let all: Vec<_> = all
        .map(|diagnostic| draw(diagnostic, Style::Plain))
        .collect();
    all.join("\n\n")
}

/// Problems of the files that a running bridge has found, to stderr.
pub(crate) fn problems(text: &str) {
    if !text.is_empty() {
        drop(writeln!(std::io::stderr(), "{text}\n"));
    }
}

/// Where to read on about the worst of the problems, to stderr.
pub(crate) fn refer_to_help(diagnostics: &[Diagnostic]) {
    if let Some(worst) = diagnostics.iter().min_by_key(|found| found.severity) {
        let line = format!("for more about a problem: bridge help {}", worst.code.id);
        drop(writeln!(std::io::stderr(), "{line}"));
    }
}

/// `2 errors, 1 warning`
pub(crate) fn count(diagnostics: &[Diagnostic]) -> String {
    let (errors, warnings) = numbers(diagnostics);
    format!(
        "{}, {}",
        counted(errors, "error"),
        counted(warnings, "warning")
    )
}

/// How many errors and how many warnings there are.
pub(crate) fn numbers(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let is_error = |diagnostic: &&Diagnostic| diagnostic.is_error();
    let errors = diagnostics.iter().filter(is_error).count();
    (errors, diagnostics.len() - errors)
}

/// `1 rule`, `2 rules`
pub(crate) fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
