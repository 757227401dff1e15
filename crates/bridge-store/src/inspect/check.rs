//! Whether a store is whole.

use std::fmt;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{InspectError, Inspector};
use crate::mailbox::{read_entry, read_mailbox, select_entries};
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
    /// what was written, deliveries and entries of mailboxes that are not accounted for. Reports a hundred faults at most.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`] if it is damaged too badly to be looked at.
    pub fn check(&self) -> Result<Vec<Fault>, InspectError> {
        self.read(|connection| {
            let look = connection.unchecked_transaction()?;
            let mut faults = Vec::new();
            for part in [
                pages,
                deliveries,
                dead_letters,
                accounts,
                entries,
                mailboxes,
            ] {
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

fn entries(connection: &Connection, faults: &mut Vec<Fault>) -> rusqlite::Result<()> {
    let mut select = connection.prepare(select_entries!("ORDER BY number"))?;
    let mut rows = select.query([])?;
    while faults.len() < MOST
        && let Some(row) = rows.next()?
    {
        if let Err(number) = read_entry(row)? {
            faults.push(Fault {
                problem: format!(
                    "the entry {number} of a mailbox is damaged: what is read is not what was written"
                ),
            });
        }
    }
    let (posted, accounted): (i64, i64) = connection.query_row(
        "SELECT CAST(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entry'), 0) AS INTEGER),
             (SELECT count(*) FROM entry)
             + coalesce((SELECT sum(count) FROM pruned WHERE end LIKE 'entry%'), 0)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if posted != accounted {
        faults.push(Fault {
            problem: format!(
                "{posted} entries were posted to mailboxes, {accounted} are accounted for"
            ),
        });
    }
    Ok(())
}

fn mailboxes(connection: &Connection, faults: &mut Vec<Fault>) -> rusqlite::Result<()> {
    let mut select = connection.prepare(
        "SELECT instance, last, confirmed, expired, unread, checksum,
             (SELECT count(*) FROM entry e
              WHERE e.instance = mailbox.instance AND e.body IS NOT NULL)
         FROM mailbox",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let found: i64 = row.get(6)?;
        let problem = match read_mailbox(row) {
            None => "the row of a mailbox is damaged: what is read is not what was written".into(),
            Some((instance, mailbox)) if mailbox.unread != found => format!(
                "the mailbox of \"{instance}\" should hold {} unread entries, it holds {found}",
                mailbox.unread
            ),
            Some(_) => continue,
        };
        faults.push(Fault { problem });
    }
    let lost: i64 = connection.query_row(
        "SELECT count(*) FROM entry WHERE body IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.instance = entry.instance)",
        [],
        |row| row.get(0),
    )?;
    if lost > 0 {
        let problem = format!("{lost} unread entries are in no mailbox");
        faults.push(Fault { problem });
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
