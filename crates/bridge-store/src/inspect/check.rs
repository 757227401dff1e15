//! Whether a store is whole.

use std::fmt;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{InspectError, Inspector};
use crate::row::{self, select_deliveries};
use crate::salvage::is_damage;

/// Faults that are listed at most.
const MOST: usize = 100;

/// Something in a store that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What, in a sentence.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl Inspector {
    /// Reads everything and reports what is not as it should be: damaged pages, rows that are not
    /// what was written, deliveries that are not accounted for. Reports a hundred faults at most.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`] if it is damaged too badly to be looked at.
    pub fn check(&self) -> Result<Vec<Fault>, InspectError> {
        self.read(|connection| {
            let look = connection.unchecked_transaction()?;
            let mut faults = Vec::new();
            for part in [pages, deliveries, dead_letters, accounts] {
                match part(&look, &mut faults) {
                    Err(error) if is_damage(&error) => faults.push(Fault {
                        problem: error.to_string(),
                    }),
                    checked => checked?,
                }
            }
            faults.dedup();
            faults.truncate(MOST);
            Ok(faults)
        })
    }
}

fn pages(connection: &Connection, faults: &mut Vec<Fault>) -> rusqlite::Result<()> {
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?;
    for line in lines {
        let problem = line?;
        if problem != "ok" {
            faults.push(Fault { problem });
        }
    }
    Ok(())
}

fn deliveries(connection: &Connection, faults: &mut Vec<Fault>) -> rusqlite::Result<()> {
    let sql = select_deliveries!("delivery", "", "ORDER BY d.id");
    rows(connection, sql, "delivery", faults)
}

fn dead_letters(connection: &Connection, faults: &mut Vec<Fault>) -> rusqlite::Result<()> {
    let sql = select_deliveries!("dead_letter", "", "ORDER BY d.id");
    rows(connection, sql, "dead letter", faults)
}

fn accounts(connection: &Connection, faults: &mut Vec<Fault>) -> rusqlite::Result<()> {
    let totals = super::totals::count(connection)?;
    if totals.planned != totals.accounted() {
        faults.push(Fault {
            problem: format!(
                "{} deliveries were planned, {} are accounted for",
                totals.planned,
                totals.accounted()
            ),
        });
    }
    Ok(())
}

fn rows(
    connection: &Connection,
    sql: &str,
    what: &str,
    faults: &mut Vec<Fault>,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([])?;
    while faults.len() < MOST
        && let Some(row) = rows.next()?
    {
        if let Err(row::Damaged(id)) = row::read(row)? {
            faults.push(Fault {
                problem: format!(
                    "the {what} {id} is damaged: what is read is not what was written"
                ),
            });
        }
    }
    Ok(())
}
