//! What was planned, and where it is.

use rusqlite::{Connection, OptionalExtension};

use super::{InspectError, Inspector, Totals};

impl Inspector {
    /// Counts what is there; takes longer the more there is.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`].
    pub fn totals(&self) -> Result<Totals, InspectError> {
        self.read(|connection| {
            // One transaction, or a delivery that ends meanwhile would be counted twice, or never.
            let look = connection.unchecked_transaction()?;
            count(&look)
        })
    }
}

pub(super) fn count(connection: &Connection) -> rusqlite::Result<Totals> {
    // The sequence counts what was numbered, whatever became of the rows.
    let planned = "SELECT seq FROM sqlite_sequence WHERE name = 'delivery'";
    let planned: Option<i64> = connection
        .query_row(planned, [], |row| row.get(0))
        .optional()?;
    let number = |sql: &str| connection.query_row(sql, [], |row| super::count(row, 0));
    let ended = |end: &str| -> rusqlite::Result<u64> {
        let settled = "SELECT count(*) FROM settled WHERE end = ?1";
        let settled = connection.query_row(settled, [end], |row| super::count(row, 0))?;
        Ok(settled + pruned(connection, end)?)
    };
    Ok(Totals {
        planned: planned.unwrap_or(0).unsigned_abs(),
        queued: number("SELECT count(*) FROM delivery")?,
        delivered: ended("delivered")?,
        merged: ended("merged")?,
        dead: number("SELECT count(*) FROM dead_letter")? + pruned(connection, "dead")?,
        expired: ended("expired")?,
        discarded: ended("discarded")?,
        not_shown: ended("not_shown")?,
        // What ended in a way that nobody knows stands in a damaged row.
        lost: pruned(connection, "lost")?
            + number(
                "SELECT count(*) FROM settled
                 WHERE end NOT IN ('delivered', 'merged', 'expired', 'discarded', 'not_shown')",
            )?,
    })
}

fn pruned(connection: &Connection, end: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(sum(count), 0) FROM pruned WHERE end = ?1";
    connection.query_row(sql, [end], |row| super::count(row, 0))
}
