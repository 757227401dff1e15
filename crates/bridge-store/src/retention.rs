//! Removes what is too old, a little at a time, between commits: texts of messages whose deliveries
//! have all ended and entries that nobody read, then ids, records and dead letters. What is still
//! queued stays, however old.

use std::collections::BTreeMap;
use std::time::Duration;

use bridge_core::time::Timestamp;
use rusqlite::{Connection, params};

use crate::commit::{Database, expire};
use crate::open::StoreOptions;

/// Rows that one step looks at, so that no commit waits for long.
const STEP: i64 = 500;

/// What a round does, in this order.
const STAGES: [Stage; 7] = [
    Stage::Bodies,
    Stage::Unread,
    Stage::Settled,
    Stage::DeadLetters,
    Stage::Messages,
    Stage::Records,
    Stage::Entries,
];

/// The rounds of tidying.
#[derive(Debug)]
pub(crate) struct Retention {
    bodies: Duration,
    ids: Duration,
    stage: usize,
    /// The last row number that this stage has looked at.
    cursor: i64,
    dead_letters: u64,
    /// Entries that expired in this round, by instance.
    expired: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Bodies,
    /// Entries that nobody has confirmed.
    Unread,
    Settled,
    DeadLetters,
    Messages,
    Records,
    /// Keys of entries that were confirmed or dropped.
    Entries,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tidied {
    /// There is more to look at.
    More {
        /// Whether anything was removed.
        is_changed: bool,
    },
    /// The round is over.
    Done,
}

/// What a step looks at: rows with numbers after `first` up to `last`, older than `before`.
struct Slice {
    first: i64,
    last: i64,
    before: i64,
}

impl Retention {
    pub(crate) fn new(options: &StoreOptions) -> Self {
        Self {
            bodies: options.retain_bodies,
            ids: options.retain_ids,
            stage: 0,
            cursor: 0,
            dead_letters: 0,
            expired: BTreeMap::new(),
        }
    }

    /// Does the next step of the round.
    pub(crate) fn step(
        &mut self,
        database: &mut Database,
        now: Timestamp,
    ) -> rusqlite::Result<Tidied> {
        let stage = STAGES[self.stage];
        let age = match stage {
            Stage::Bodies | Stage::Unread => self.bodies,
            _ => self.ids,
        };
        let before = now.minus(age).as_millis();
        if matches!(stage, Stage::Unread) {
            return self.expire(database, before);
        }
        let first = self.cursor;
        let done = database.tidy(|connection| {
            let Some((last, oldest)) = stage.slice(connection, first)? else {
                return Ok(None);
            };
            // Numbers grow with time: where the oldest of a slice is young, so is the rest.
            if oldest >= before {
                return Ok(None);
            }
            let slice = Slice {
                first,
                last,
                before,
            };
            Ok(Some((last, stage.remove(connection, &slice)?)))
        })?;
        if let Some((last, removed)) = done {
            self.cursor = last;
            if matches!(stage, Stage::DeadLetters) {
                self.dead_letters += u64::try_from(removed).unwrap_or(0);
            }
            let is_changed = removed > 0;
            return Ok(Tidied::More { is_changed });
        }
        Ok(self.next_stage())
    }

    fn expire(&mut self, database: &mut Database, before: i64) -> rusqlite::Result<Tidied> {
        let expired = database.tidy(|connection| expire(connection, before, STEP))?;
        if !expired.is_empty() {
            for (instance, entries) in expired {
                *self.expired.entry(instance).or_default() += entries;
            }
            return Ok(Tidied::More { is_changed: true });
        }
        // One line for each mailbox and round, however many steps it took.
        for (instance, entries) in std::mem::take(&mut self.expired) {
            tracing::warn!(
                instance,
                entries,
                "entries of a mailbox were older than retain_bodies before anybody confirmed them and are gone"
            );
        }
        Ok(self.next_stage())
    }

    fn next_stage(&mut self) -> Tidied {
        self.cursor = 0;
        self.stage = (self.stage + 1) % STAGES.len();
        if self.stage > 0 {
            return Tidied::More { is_changed: false };
        }
        self.report();
        Tidied::Done
    }

    fn report(&mut self) {
        let dead_letters = std::mem::take(&mut self.dead_letters);
        if dead_letters > 0 {
            tracing::error!(
                dead_letters,
                "dead letters that nobody replayed were older than retain_ids and are gone"
            );
        }
    }
}

impl Stage {
    /// The number of the last of the next rows, and the time of the oldest among them; `None` if
    /// there are no more rows.
    fn slice(self, connection: &Connection, first: i64) -> rusqlite::Result<Option<(i64, i64)>> {
        let sql = match self {
            Self::Bodies => {
                "SELECT max(id), min(at) FROM (
                     SELECT b.id, coalesce(m.received_at, 0) AS at
                     FROM body b LEFT JOIN message m ON m.id = b.message
                     WHERE b.id > ?1 ORDER BY b.id LIMIT ?2)"
            }
            Self::Settled => {
                "SELECT max(id), min(at) FROM (
                     SELECT id, at FROM settled WHERE id > ?1 ORDER BY id LIMIT ?2)"
            }
            Self::DeadLetters => {
                "SELECT max(id), min(at) FROM (
                     SELECT id, at FROM dead_letter WHERE id > ?1 ORDER BY id LIMIT ?2)"
            }
            Self::Messages => {
                "SELECT max(id), min(at) FROM (
                     SELECT id, received_at AS at FROM message WHERE id > ?1 ORDER BY id LIMIT ?2)"
            }
            // Not looked at by numbers, but by mailboxes.
            Self::Unread => return Ok(None),
            Self::Entries => {
                "SELECT max(number), min(at) FROM (
                     SELECT number, at FROM entry WHERE number > ?1 ORDER BY number LIMIT ?2)"
            }
            Self::Records => {
                "SELECT max(id), min(at) FROM (
                     SELECT id, at FROM record WHERE id > ?1 ORDER BY id LIMIT ?2)"
            }
        };
        let mut select = connection.prepare_cached(sql)?;
        select.query_row(params![first, STEP], |row| {
            let last: Option<i64> = row.get(0)?;
            let oldest: Option<i64> = row.get(1)?;
            Ok(last.zip(oldest))
        })
    }

    /// Removes what is too old of a slice; returns how many rows.
    fn remove(self, connection: &Connection, slice: &Slice) -> rusqlite::Result<usize> {
        let Slice {
            first,
            last,
            before,
        } = *slice;
        let execute = |sql: &str| {
            connection
                .prepare_cached(sql)?
                .execute(params![first, last, before])
        };
        match self {
            // A body stays as long as one of its message's deliveries may still be sent.
            Self::Bodies => execute(
                "DELETE FROM body WHERE id > ?1 AND id <= ?2 AND NOT EXISTS (
                     SELECT 1 FROM message m WHERE m.id = body.message AND (
                         m.received_at >= ?3
                         OR EXISTS (SELECT 1 FROM delivery d WHERE d.id BETWEEN
                             m.first_delivery AND m.first_delivery + m.deliveries - 1)
                         OR EXISTS (SELECT 1 FROM dead_letter d WHERE d.id BETWEEN
                             m.first_delivery AND m.first_delivery + m.deliveries - 1)))",
            ),
            Self::Settled => {
                count_pruned(
                    connection,
                    "SELECT end, count(*) FROM settled
                     WHERE id > ?1 AND id <= ?2 AND at < ?3 GROUP BY end",
                    slice,
                )?;
                for sql in [
                    "DELETE FROM attempt WHERE delivery IN (
                         SELECT id FROM settled WHERE id > ?1 AND id <= ?2 AND at < ?3)",
                    "DELETE FROM sent_part WHERE delivery IN (
                         SELECT id FROM settled WHERE id > ?1 AND id <= ?2 AND at < ?3)",
                    "DELETE FROM identified WHERE delivery IN (
                         SELECT id FROM settled WHERE id > ?1 AND id <= ?2 AND at < ?3)",
                ] {
                    execute(sql)?;
                }
                execute("DELETE FROM settled WHERE id > ?1 AND id <= ?2 AND at < ?3")
            }
            // One that blocks its lane stays, or the lane would go on without it.
            Self::DeadLetters => {
                count_pruned(
                    connection,
                    "SELECT 'dead', count(*) FROM dead_letter
                     WHERE id > ?1 AND id <= ?2 AND at < ?3 AND blocks = 0 HAVING count(*) > 0",
                    slice,
                )?;
                for sql in [
                    "DELETE FROM attempt WHERE delivery IN (SELECT id FROM dead_letter
                         WHERE id > ?1 AND id <= ?2 AND at < ?3 AND blocks = 0)",
                    "DELETE FROM sent_part WHERE delivery IN (SELECT id FROM dead_letter
                         WHERE id > ?1 AND id <= ?2 AND at < ?3 AND blocks = 0)",
                    "DELETE FROM identified WHERE delivery IN (SELECT id FROM dead_letter
                         WHERE id > ?1 AND id <= ?2 AND at < ?3 AND blocks = 0)",
                ] {
                    execute(sql)?;
                }
                execute(
                    "DELETE FROM dead_letter
                     WHERE id > ?1 AND id <= ?2 AND at < ?3 AND blocks = 0",
                )
            }
            // An id stays as long as a row names its message.
            Self::Messages => {
                let removed = execute(
                    "DELETE FROM message WHERE id > ?1 AND id <= ?2 AND received_at < ?3
                     AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id BETWEEN
                         first_delivery AND first_delivery + deliveries - 1)
                     AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.id BETWEEN
                         first_delivery AND first_delivery + deliveries - 1)
                     AND NOT EXISTS (SELECT 1 FROM settled d WHERE d.id BETWEEN
                         first_delivery AND first_delivery + deliveries - 1)",
                )?;
                let mut forget = connection.prepare_cached(
                    "DELETE FROM change WHERE message > ?1 AND message <= ?2
                     AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = change.message)",
                )?;
                forget.execute(params![first, last])?;
                Ok(removed)
            }
            Self::Unread => Ok(0),
            Self::Entries => {
                count_pruned(
                    connection,
                    "SELECT 'entry', count(*) FROM entry
                     WHERE number > ?1 AND number <= ?2 AND at < ?3 AND body IS NULL
                     HAVING count(*) > 0",
                    slice,
                )?;
                execute(
                    "DELETE FROM entry
                     WHERE number > ?1 AND number <= ?2 AND at < ?3 AND body IS NULL",
                )
            }
            Self::Records => execute("DELETE FROM record WHERE id > ?1 AND id <= ?2 AND at < ?3"),
        }
    }
}

/// Adds to the counts of what was removed, so that totals hold for ever.
fn count_pruned(connection: &Connection, select: &str, slice: &Slice) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO pruned (end, count) {select}
         ON CONFLICT (end) DO UPDATE SET count = count + excluded.count"
    );
    let mut insert = connection.prepare_cached(&sql)?;
    insert.execute(params![slice.first, slice.last, slice.before])?;
    Ok(())
}

#[cfg(test)]
mod tests;
