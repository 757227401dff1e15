//! A problem in a file: where, what, and how to mend it.

use std::fmt;
use std::ops::Range;

use super::document::Document;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Would refuse, lose or leak a message: nothing is started.
    Error,
    /// The operator should know and may live with it.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A problem in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// The file as it was named on the command line.
    pub file: String,
    /// Where it starts, as 1-based line and column (in characters); `None` for the file as a whole.
    pub place: Option<(usize, usize)>,
    /// The path of the key, such as `dingtalk.dt_main.listen_port`; empty for the file as a whole.
    pub path: String,
    /// What is wrong. Never a secret's value.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

impl Issue {
    /// An error of a file as a whole, such as one that can't be read.
    pub fn of_file(file: &str, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            place: None,
            path: String::new(),
            problem: problem.into(),
            help: help.into(),
        }
    }
}

/// ```text
/// error: unknown key "listen_prot"
///  --> config/config.json:7:7 (dingtalk.dt_main.listen_prot)
///  help: did you mean `listen_port`?
/// ```
impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n --> {}", self.severity, self.problem, self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, " ({})", self.path)?;
        }
        if !self.help.is_empty() {
            write!(f, "\n help: {}", self.help)?;
        }
        Ok(())
    }
}

/// Collects the problems of one document.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) document: &'a Document,
    pub(crate) issues: Vec<Issue>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        Self {
            document,
            issues: Vec::new(),
        }
    }

    pub(crate) fn error(
        &mut self,
        span: &Range<usize>,
        path: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, span, path, problem.into(), help.into());
    }

    pub(crate) fn warning(
        &mut self,
        span: &Range<usize>,
        path: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, span, path, problem.into(), help.into());
    }

    pub(crate) fn push(
        &mut self,
        severity: Severity,
        span: &Range<usize>,
        path: &str,
        problem: String,
        help: String,
    ) {
        self.issues.push(Issue {
            severity,
            file: self.document.name.clone(),
            place: Some(self.document.place(span.start)),
            path: path.to_owned(),
            problem,
            help,
        });
    }

    /// How many errors were found so far.
    pub(crate) fn error_count(&self) -> usize {
        self.issues
            .iter()
            .filter(|issue| issue.severity == Severity::Error)
            .count()
    }
}

/// `` did you mean `x`? `` where `word` is close to one of `valid`, else a list of them.
pub(crate) fn suggest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let mut valid: Vec<&str> = valid.into_iter().collect();
    valid.sort_unstable();
    valid.dedup();
    let distance = |candidate: &&&str| strsim::damerau_levenshtein(word, candidate);
    let close = (word.chars().count() / 3).max(1);
    match valid.iter().min_by_key(distance) {
        Some(best) if distance(&best) <= close => format!("did you mean `{best}`?"),
        Some(_) => format!("known here: {}", valid.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_close_or_a_list() {
        let valid = ["app_key", "listen_port", "to"];
        assert_eq!(suggest("listen_prot", valid), "did you mean `listen_port`?");
        assert_eq!(suggest("ot", valid), "did you mean `to`?");
        assert_eq!(
            suggest("colour", valid),
            "known here: app_key, listen_port, to"
        );
        assert_eq!(suggest("x", []), "");
    }
}
