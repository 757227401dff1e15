//! What a driver's check of its settings finds.

/// Collects what [`Driver::check`](super::Driver::check) finds.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) findings: Vec<Finding>,
}

/// One thing that [`Driver::check`](super::Driver::check) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) is_error: bool,
    pub(crate) key: &'static str,
    pub(crate) problem: String,
    pub(crate) help: String,
}

impl Report {
    /// What would refuse, lose or leak a message. `key` is the settings key; `problem` says what
    /// is wrong (never a secret's value), `help` what to write instead.
    pub fn error(
        &mut self,
        key: &'static str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(true, key, problem.into(), help.into());
    }

    /// What an operator should know and may live with.
    pub fn warning(
        &mut self,
        key: &'static str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(false, key, problem.into(), help.into());
    }

    /// The problem of every error, for tests of drivers.
    pub fn errors(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.of(true)
    }

    /// The problem of every warning, for tests of drivers.
    pub fn warnings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.of(false)
    }

    fn of(&self, is_error: bool) -> impl Iterator<Item = (&'static str, &str)> {
        let findings = self
            .findings
            .iter()
            .filter(move |finding| finding.is_error == is_error);
        findings.map(|finding| (finding.key, &*finding.problem))
    }

    fn push(&mut self, is_error: bool, key: &'static str, problem: String, help: String) {
        self.findings.push(Finding {
            is_error,
            key,
            problem,
            help,
        });
    }
}
