//! A problem in a file: where, what, and how to mend it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::codes::{self, Code};
use super::disclosure::{value_behind, values_of};
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
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// What kind of problem it is; `bridge help` explains it.
    pub code: &'static Code,
    /// How bad it is; usually the code's own severity.
    pub severity: Severity,
    /// The path of the key, such as `dingtalk.dt_main.listen_port`; empty for the file as a whole.
    pub path: String,
    /// What is wrong. Never a secret's value.
    pub problem: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// Where the offending token stands.
    pub place: Place,
    /// Other places that explain it.
    pub labels: Vec<Label>,
}

/// A place in a file.
#[derive(Debug, Clone)]
pub enum Place {
    /// The file as a whole, by the name it was given on the command line.
    File(Arc<str>),
    /// A token in the file's text.
    Span(Arc<Document>, Range<usize>),
}

/// A place that explains a problem, and what stands there.
#[derive(Debug, Clone)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What stands there, as a clause: `instances are defined here`.
    pub text: String,
}

impl Place {
    /// The file, as it was named on the command line.
    pub fn file(&self) -> &str {
        match self {
            Self::File(name) => name,
            Self::Span(document, _) => document.name(),
        }
    }

    /// The 1-based line and column (in characters) of the token's first character; `None` for the
    /// file as a whole.
    pub fn start(&self) -> Option<(usize, usize)> {
        match self {
            Self::File(_) => None,
            Self::Span(document, span) => Some(document.place(span.start)),
        }
    }

    /// The 1-based line and column behind the token's last character.
    pub fn end(&self) -> Option<(usize, usize)> {
        match self {
            Self::File(_) => None,
            Self::Span(document, span) => Some(document.place(span.end)),
        }
    }
}

/// `config/config.json:7:7`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file())?;
        match self.start() {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

impl Diagnostic {
    /// A problem of the kind `code`, as severe as the code says.
    pub fn new(code: &'static Code, place: Place, problem: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            path: String::new(),
            problem: problem.into(),
            help: String::new(),
            place,
            labels: Vec::new(),
        }
    }

    /// A problem of a file as a whole, such as one that can't be read.
    pub fn of_file(code: &'static Code, file: &str, problem: impl Into<String>) -> Self {
        Self::new(code, Place::File(file.into()), problem)
    }

    /// Says what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Points to another place that explains it.
    pub fn label(&mut self, place: Place, text: impl Into<String>) -> &mut Self {
        let text = text.into();
        self.labels.push(Label { place, text });
        self
    }

    /// Whether it keeps the bridge from starting.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// One line, without the snippet: `error[E0203] config/config.json:7:7: unknown key "listen_prot"`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            code,
            place,
            problem,
            ..
        } = self;
        write!(f, "{severity}[{}] {place}: {problem}", code.id)
    }
}

/// What an open document should not hold and may hold all the same, such as one that was taken for
/// the other: the values of keys of secrets, and of keys that are not known.
fn misplaced(
    document: &Document,
    diagnostics: &[Diagnostic],
    secret_keys: &BTreeSet<String>,
) -> Vec<Range<usize>> {
    if diagnostics.is_empty() {
        return Vec::new();
    }
    let text = document.text();
    let unknown = diagnostics
        .iter()
        .filter(|found| found.code == &codes::UNKNOWN_KEY);
    let behind = unknown.filter_map(|found| match &found.place {
        Place::Span(_, key) => Some(value_behind(text, key.end)),
        Place::File(_) => None,
    });
    behind.chain(values_of(text, secret_keys)).collect()
}

/// Collects the problems of one document.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) document: Arc<Document>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    errors: usize,
    /// Values that are known to be no secrets, and the keys.
    shown: Vec<Range<usize>>,
    /// Keys whose values are secrets, should they stand in an open document.
    pub(crate) secret_keys: BTreeSet<String>,
}

impl Findings {
    pub(crate) fn new(document: Arc<Document>) -> Self {
        Self {
            document,
            diagnostics: Vec::new(),
            errors: 0,
            shown: Vec::new(),
            secret_keys: BTreeSet::new(),
        }
    }

    /// Reports a problem at `span`; the rest is said on what is returned.
    pub(crate) fn report(
        &mut self,
        code: &'static Code,
        span: &Range<usize>,
        path: impl fmt::Display,
        problem: impl Into<String>,
    ) -> &mut Diagnostic {
        let mut diagnostic = Diagnostic::new(code, self.at(span), problem);
        diagnostic.path = path.to_string();
        self.add(diagnostic)
    }

    /// Takes a problem that was made elsewhere.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.errors += usize::from(diagnostic.is_error());
        let position = self.diagnostics.len();
        self.diagnostics.push(diagnostic);
        &mut self.diagnostics[position]
    }

    /// The place of `span` in this document.
    pub(crate) fn at(&self, span: &Range<usize>) -> Place {
        Place::Span(Arc::clone(&self.document), span.clone())
    }

    /// Says that what stands there is no secret, so that snippets may show it.
    pub(crate) fn show(&mut self, span: &Range<usize>) {
        self.shown.push(span.clone());
    }

    /// How many errors were found so far.
    pub(crate) fn error_count(&self) -> usize {
        self.errors
    }

    /// All that was found, in the order of the file.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.document.reveal(self.shown);
        if self.document.is_open() {
            self.document.conceal(misplaced(
                &self.document,
                &self.diagnostics,
                &self.secret_keys,
            ));
        }
        self.diagnostics
            .sort_by_key(|diagnostic| diagnostic.place.start());
        self.diagnostics
    }
}
