//! Warnings that can be many: the first of each kind are shown, the others counted.

use std::fmt;
use std::ops::Range;

use super::codes::Code;
use super::diagnostic::{Diagnostic, Findings};

/// How many findings of one kind are shown. Whoever made a mistake a thousand times mends it by a
/// search, not by reading.
const SHOWN: usize = 20;

/// Reports into [`Findings`], but not more than [`SHOWN`] of one kind.
pub(crate) struct Notes<'f> {
    pub(crate) findings: &'f mut Findings,
    kinds: Vec<Kind>,
}

struct Kind {
    code: &'static Code,
    count: usize,
    /// The first one that is not shown.
    rest: Option<(Range<usize>, String)>,
}

impl<'f> Notes<'f> {
    pub(crate) fn new(findings: &'f mut Findings) -> Self {
        let kinds = Vec::new();
        Self { findings, kinds }
    }

    /// Reports what `problem` says; the rest is said on what is returned. `None` if enough of the
    /// kind have been shown.
    pub(crate) fn report(
        &mut self,
        code: &'static Code,
        span: &Range<usize>,
        path: impl fmt::Display,
        problem: impl FnOnce() -> String,
    ) -> Option<&mut Diagnostic> {
        let position = self.kinds.iter().position(|kind| kind.code == code);
        let position = position.unwrap_or_else(|| {
            let (count, rest) = (0, None);
            self.kinds.push(Kind { code, count, rest });
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[position];
        kind.count += 1;
        if kind.count > SHOWN {
            kind.rest
                .get_or_insert_with(|| (span.clone(), path.to_string()));
            return None;
        }
        Some(self.findings.report(code, span, path, problem()))
    }

    /// Whether no more of the kind would be shown.
    pub(crate) fn is_full(&self, code: &'static Code) -> bool {
        let mut kinds = self.kinds.iter();
        kinds.any(|kind| kind.code == code && kind.count > SHOWN)
    }

    /// Says how many were not shown.
    pub(crate) fn finish(self) {
        for Kind { code, count, rest } in self.kinds {
            let Some((span, path)) = rest else { continue };
            let problem = match count - SHOWN {
                1 => "one more place like those above".to_owned(),
                more => format!("{more} more places like those above, of which this is the first"),
            };
            self.findings.report(code, &span, &path, problem);
        }
    }
}
