//! `cargo xtask test-driver` without a name: which checks of the contract each driver of this workspace
//! passes, as one table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bridge_testkit::driver_contract::ROWS;
use serde_json::Value;

use crate::new_driver::drivers;
use crate::step::{Failed, cargo, print, top};

/// Runs the contract tests of all drivers, and prints what they found.
pub(crate) fn run() -> Result<(), Failed> {
    let drivers = drivers(&top())?;
    let folder = tempfile::tempdir()
        .map_err(|error| Failed::new(format!("a temporary folder can't be made: {error}")))?;
    let path = folder.path().join("rows");
    let packages = drivers
        .iter()
        .flat_map(|name| ["--package".to_owned(), format!("driver-{name}")]);
    let packages: Vec<_> = packages.collect();
    let mut args = vec!["test", "--quiet", "--no-fail-fast", "--test", "contract"];
    args.extend(packages.iter().map(|arg| &**arg));
    let tested = cargo(&args, &[(ROWS, &path.display().to_string())]);
    let rows = std::fs::read_to_string(&path).unwrap_or_default();
    let table = Table::read(&rows, &drivers)?;
    print(&table.to_string());
    tested?;
    table.is_whole_and_passed()
}

/// What became of a check, the worst last: a driver may be tested as several subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    NotClaimed,
    Passed,
    Failed,
}

/// All checks, in the order of the suite.
#[derive(Debug)]
struct Table {
    platforms: Vec<String>,
    checks: Vec<Check>,
    verdicts: BTreeMap<(String, String), Verdict>,
}

#[derive(Debug)]
struct Check {
    group: String,
    clause: String,
    name: String,
}

impl Table {
    /// Reads rows as the suite writes them; `drivers` are those that must have a column.
    fn read(rows: &str, drivers: &[String]) -> Result<Self, Failed> {
        let platforms: BTreeSet<_> = drivers.iter().map(|name| name.replace('-', "_")).collect();
        let mut table = Self {
            platforms: platforms.into_iter().collect(),
            checks: Vec::new(),
            verdicts: BTreeMap::new(),
        };
        for line in rows.lines() {
            table.add(line).ok_or_else(|| {
                Failed::new(format!("a row of the contract suite can't be read: {line}"))
            })?;
        }
        Ok(table)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let row: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| row[key].as_str().map(str::to_owned);
        let verdict = match row["verdict"].as_str()? {
            "passed" => Verdict::Passed,
            "not claimed" => Verdict::NotClaimed,
            "FAILED" => Verdict::Failed,
            _ => return None,
        };
        let (platform, name) = (text("platform")?, text("name")?);
        if !self.platforms.contains(&platform) {
            self.platforms.push(platform.clone());
        }
        if !self.checks.iter().any(|check| check.name == name) {
            self.checks.push(Check {
                group: text("group")?,
                clause: text("clause")?,
                name: name.clone(),
            });
        }
        let known = self.verdicts.entry((name, platform)).or_insert(verdict);
        *known = (*known).max(verdict);
        Some(())
    }

    fn verdict(&self, check: &Check, platform: &str) -> Option<Verdict> {
        let key = (check.name.clone(), platform.to_owned());
        self.verdicts.get(&key).copied()
    }

    fn is_whole_and_passed(&self) -> Result<(), Failed> {
        if self.checks.is_empty() {
            return Err(Failed::new("the contract tests have written no rows"));
        }
        for platform in &self.platforms {
            for check in &self.checks {
                let name = &check.name;
                match self.verdict(check, platform) {
                    Some(Verdict::Passed | Verdict::NotClaimed) => {}
                    Some(Verdict::Failed) => {
                        return Err(Failed::new(format!("{platform} fails {name}")));
                    }
                    None => {
                        return Err(Failed::new(format!(
                            "{platform} has no row for {name}; does its tests/contract.rs call `check_all`?"
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const VERDICT_CHARS: usize = 13;
        let widest = self.checks.iter().map(|check| check.name.len()).max();
        let widest = widest.unwrap_or_default() + 2;
        let mut group = "";
        for check in &self.checks {
            if check.group != group {
                group = &check.group;
                let mut heads = String::new();
                for platform in &self.platforms {
                    write!(heads, "{platform:<VERDICT_CHARS$}")?;
                }
                writeln!(f, "{:<1$}{2}", group, widest + 6, heads.trim_end())?;
            }
            let mut cells = String::new();
            for platform in &self.platforms {
                let cell = match self.verdict(check, platform) {
                    Some(Verdict::Passed) => "passed",
                    Some(Verdict::NotClaimed) => "not claimed",
                    Some(Verdict::Failed) => "FAILED",
                    None => "MISSING",
                };
                write!(cells, "{cell:<VERDICT_CHARS$}")?;
            }
            let (clause, name) = (&check.clause, &check.name);
            writeln!(f, "  {clause:<4}{name:<widest$}{}", cells.trim_end())?;
        }
        let all = self.checks.len();
        for platform in &self.platforms {
            let count = |wanted: Verdict| {
                let checks = self.checks.iter();
                checks
                    .filter(|check| self.verdict(check, platform) == Some(wanted))
                    .count()
            };
            writeln!(
                f,
                "{platform}: of {all} checks {} passed, {} not claimed, {} failed",
                count(Verdict::Passed),
                count(Verdict::NotClaimed),
                count(Verdict::Failed)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(platform: &str, name: &str, verdict: &str) -> String {
        format!(
            "{{\"platform\":\"{platform}\",\"group\":\"settings\",\"name\":\"{name}\",\"clause\":\"N1\",\"verdict\":\"{verdict}\"}}\n"
        )
    }

    fn table(rows: &[(&str, &str, &str)]) -> Table {
        let rows: String = rows
            .iter()
            .map(|(platform, name, verdict)| row(platform, name, verdict))
            .collect();
        Table::read(&rows, &["one".into(), "my-chat".into()]).unwrap()
    }

    #[test]
    fn each_check_is_a_row_and_each_driver_a_column() {
        let table = table(&[
            ("one", "first", "passed"),
            ("one", "second", "not claimed"),
            ("my_chat", "first", "not claimed"),
            ("my_chat", "second", "FAILED"),
            // A second subject of the same driver.
            ("my_chat", "first", "passed"),
            ("my_chat", "second", "passed"),
        ]);
        let expected = "\
settings      my_chat      one
  N1  first   passed       passed
  N1  second  FAILED       not claimed
my_chat: of 2 checks 1 passed, 0 not claimed, 1 failed
one: of 2 checks 1 passed, 1 not claimed, 0 failed
";
        assert_eq!(table.to_string(), expected);
        let problem = table.is_whole_and_passed().unwrap_err().message;
        assert_eq!(problem, "my_chat fails second");
    }

    #[test]
    fn a_missing_row_and_a_missing_driver_are_told() {
        let missing_row = table(&[
            ("one", "first", "passed"),
            ("one", "second", "passed"),
            ("my_chat", "second", "passed"),
        ]);
        let missing_driver = table(&[("one", "first", "passed")]);
        for table in [missing_row, missing_driver] {
            assert!(table.to_string().contains("MISSING"), "{table}");
            let problem = table.is_whole_and_passed().unwrap_err().message;
            assert!(
                problem.contains("my_chat has no row for first"),
                "{problem}"
            );
        }
        let nothing = table(&[]).is_whole_and_passed().unwrap_err().message;
        assert_eq!(nothing, "the contract tests have written no rows");
    }

    #[test]
    fn what_is_no_row_is_refused() {
        for line in ["{}", "no JSON", "{\"verdict\":\"perhaps\"}"] {
            assert!(Table::read(line, &[]).is_err(), "{line}");
        }
    }
}
