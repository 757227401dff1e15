//! The one place that writes to the terminal. A reader that has gone away (`bridge … | head`) is no
//! reason to fail.

use std::fmt::Display;
use std::io::Write as _;

use bridge_core::config::{Issue, Severity};

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

/// Problems of the files, to stderr.
pub(crate) fn issues<'a>(issues: impl IntoIterator<Item = &'a Issue>) {
    for issue in issues {
        drop(writeln!(std::io::stderr(), "{issue}\n"));
    }
}

/// `2 errors, 1 warning`
pub(crate) fn count(issues: &[Issue]) -> String {
    let of = |severity| {
        issues
            .iter()
            .filter(|issue| issue.severity == severity)
            .count()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    format!(
        "{}, {}",
        counted(errors, "error"),
        counted(warnings, "warning")
    )
}

/// `1 rule`, `2 rules`
pub(crate) fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
