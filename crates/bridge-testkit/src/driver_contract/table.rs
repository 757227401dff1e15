//! What a run of the contract found, as a table in which no check is missing.

use std::fmt;

use super::clause::Clause;

/// All checks of a run.
#[derive(Debug, Clone)]
pub struct Table {
    platform: &'static str,
    seed: u64,
    rows: Vec<Row>,
}

/// One check.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is about, such as `verifying`.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The sentence of the contract that it holds.
    pub clause: Clause,
    /// How it ended.
    pub verdict: Verdict,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// The driver does not claim what it is about; says what it lacks.
    NotClaimed(&'static str),
    /// It does not hold; says what was seen.
    Failed(String),
}

impl Table {
    pub(super) fn new(platform: &'static str, seed: u64, rows: Vec<Row>) -> Self {
        Self {
            platform,
            seed,
            rows,
        }
    }

    /// Every check that there is, in the order in which they ran.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether a check failed.
    pub fn has_failures(&self) -> bool {
        self.failures().next().is_some()
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        let failed = |row: &&Row| matches!(row.verdict, Verdict::Failed(_));
        self.rows.iter().filter(failed)
    }
}

/// The failures last, where they are seen.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { platform, seed, .. } = self;
        writeln!(
            f,
            "the contract of drivers, held by `{platform}` (BRIDGE_CONTRACT_SEED={seed}):"
        )?;
        for row in &self.rows {
            let (group, name, id) = (row.group, row.name, row.clause.id);
            match &row.verdict {
                Verdict::Passed => writeln!(f, "  passed       {id:<4}{group:<10}{name}")?,
                Verdict::NotClaimed(why) => {
                    writeln!(f, "  not claimed  {id:<4}{group:<10}{name} ({why})")?;
                }
                Verdict::Failed(_) => writeln!(f, "  FAILED       {id:<4}{group:<10}{name}")?,
            }
        }
        let (all, failed) = (self.rows.len(), self.failures().count());
        let claimed = |row: &&Row| !matches!(row.verdict, Verdict::NotClaimed(_));
        let not_claimed = all - self.rows.iter().filter(claimed).count();
        write!(
            f,
            "{} passed, {not_claimed} not claimed, {failed} failed",
            all - failed - not_claimed
        )?;
        for row in self.failures() {
            if let Verdict::Failed(seen) = &row.verdict {
                let (group, name, clause) = (row.group, row.name, row.clause);
                write!(
                    f,
                    "\n\n{group}::{name} does not hold\n  contract {clause}\n  seen     {seen}"
                )?;
            }
        }
        Ok(())
    }
}
