//! What a run of the contract found, as a table in which no check is missing.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::json;

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

impl Table {
    /// Adds its rows to a file, each a line of JSON with the keys `platform`, `group`, `name`,
    /// `clause` and `verdict`, which is `passed`, `not claimed` or `FAILED`.
    ///
    /// # Errors
    ///
    /// If the file can't be written.
    pub fn append_to(&self, path: &Path) -> io::Result<()> {
        let lines = self.rows.iter().map(|row| {
            let line = json!({
                "platform": self.platform, "group": row.group, "name": row.name,
                "clause": row.clause.id, "verdict": row.verdict.name(),
            });
            format!("{line}\n")
        });
        let lines: String = lines.collect();
        // In one piece, as several tests may write at once.
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(lines.as_bytes())
    }
}

impl Verdict {
    /// One of three words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotClaimed(_) => "not claimed",
            Self::Failed(_) => "FAILED",
        }
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
            let verdict = row.verdict.name();
            write!(f, "  {verdict:<13}{id:<4}{group:<11}{name}")?;
            match &row.verdict {
                Verdict::NotClaimed(why) => writeln!(f, " ({why})")?,
                Verdict::Passed | Verdict::Failed(_) => writeln!(f)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_added_to_a_file_as_lines() {
        let clause = Clause { id: "N1", text: "" };
        let row = |name, verdict| Row {
            group: "settings",
            name,
            clause,
            verdict,
        };
        let rows = vec![
            row("first", Verdict::NotClaimed("no such thing")),
            row("second", Verdict::Failed("seen".into())),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        for platform in ["one", "two"] {
            let table = Table::new(platform, 7, rows.clone());
            table.append_to(&path).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 4);
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let expected = json!({
            "platform": "two", "group": "settings", "name": "second", "clause": "N1",
            "verdict": "FAILED"
        });
        assert_eq!(last, expected);
    }
}
