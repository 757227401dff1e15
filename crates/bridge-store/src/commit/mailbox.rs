//! The statements that put entries into mailboxes and take them out.

use bridge_core::store::{EntryNumber, NewEntry};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Effect, Tables};
use crate::fail_point::fail_point;
use crate::mailbox::{EntrySeal, Found, Mailbox, find};

/// Puts an entry behind all others, unless its key is known or there is no room.
pub(super) fn post(
    tables: &Tables<'_>,
    instance: &str,
    entry: &NewEntry,
    seal: EntrySeal,
) -> rusqlite::Result<Effect> {
    let connection = tables.connection;
    let mut known =
        connection.prepare_cached("SELECT number FROM entry WHERE instance = ?1 AND key = ?2")?;
    let known = known.query_row([instance, &entry.key], |row| row.get(0));
    if let Some(number) = known.optional()? {
        return Ok(Effect::Posted(EntryNumber(number)));
    }
    let mut mailbox = load(connection, instance)?;
    let (limit, _) = tables.backlog.limits();
    if mailbox.unread.unsigned_abs() >= limit {
        return Ok(Effect::MailboxFull { limit });
    }
    let number = EntryNumber(last_number(connection)?.saturating_add(1));
    let mut insert = connection.prepare_cached(
        "INSERT INTO entry (number, instance, key, body, checksum, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute(params![
        number.0,
        instance,
        entry.key,
        entry.body,
        seal.checksum(number),
        entry.at.as_millis(),
    ])?;
    fail_point("post.between_tables");
    mailbox.last = number.0;
    mailbox.unread += 1;
    mailbox.save(connection, instance)?;
    Ok(Effect::Posted(number))
}

/// Drops the bodies up to a number; whether that changed anything.
pub(super) fn confirm(
    connection: &Connection,
    instance: &str,
    up_to: EntryNumber,
) -> rusqlite::Result<bool> {
    let mut mailbox = load(connection, instance)?;
    let up_to = up_to.0.min(mailbox.last);
    if up_to <= mailbox.confirmed {
        return Ok(false);
    }
    let mut drop_bodies = connection.prepare_cached(
        "UPDATE entry SET body = NULL WHERE instance = ?1 AND number <= ?2 AND body IS NOT NULL",
    )?;
    let dropped = drop_bodies.execute(params![instance, up_to])?;
    fail_point("confirm.between_tables");
    mailbox.confirmed = up_to;
    mailbox.take(dropped);
    mailbox.save(connection, instance)?;
    Ok(true)
}

/// Drops a damaged entry; whether it was unread.
pub(super) fn quarantine(
    connection: &Connection,
    instance: &str,
    number: EntryNumber,
) -> rusqlite::Result<bool> {
    let mut drop_body = connection
        .prepare_cached("UPDATE entry SET body = NULL WHERE number = ?1 AND body IS NOT NULL")?;
    let dropped = drop_body.execute([number.0])?;
    if dropped > 0 {
        let mut mailbox = load(connection, instance)?;
        mailbox.expired = mailbox.expired.max(number.0);
        mailbox.take(dropped);
        mailbox.save(connection, instance)?;
    }
    Ok(dropped > 0)
}

/// Drops unread entries that are older than `before`, of each mailbox those among the next `most`;
/// how many, by instance.
pub(crate) fn expire(
    connection: &Connection,
    before: i64,
    most: i64,
) -> rusqlite::Result<Vec<(String, usize)>> {
    let mut select = connection.prepare_cached("SELECT instance FROM mailbox WHERE unread > 0")?;
    let mut rows = select.query([])?;
    let mut instances = Vec::new();
    while let Some(row) = rows.next()? {
        instances.extend(crate::row::text(row, 0).map(str::to_owned));
    }
    let mut expired = Vec::new();
    for instance in instances {
        let mut drop_bodies = connection.prepare_cached(
            "UPDATE entry SET body = NULL WHERE at < ?3 AND number IN (
                 SELECT number FROM entry WHERE instance = ?1 AND body IS NOT NULL
                 ORDER BY number LIMIT ?2)
             RETURNING number",
        )?;
        let numbers = drop_bodies.query_map(params![instance, most, before], |row| row.get(0))?;
        let numbers: Vec<i64> = numbers.collect::<rusqlite::Result<_>>()?;
        let Some(last) = numbers.iter().max() else {
            continue;
        };
        let mut mailbox = load(connection, &instance)?;
        mailbox.expired = mailbox.expired.max(*last);
        mailbox.take(numbers.len());
        mailbox.save(connection, &instance)?;
        expired.push((instance, numbers.len()));
    }
    Ok(expired)
}

impl Mailbox {
    /// Counts so many unread entries less.
    fn take(&mut self, entries: usize) {
        let entries = i64::try_from(entries).unwrap_or(i64::MAX);
        self.unread = self.unread.saturating_sub(entries).max(0);
    }
}

/// The mailbox of an instance; a damaged one is made anew from its entries.
fn load(connection: &Connection, instance: &str) -> rusqlite::Result<Mailbox> {
    match find(connection, instance)? {
        Found::Nothing => Ok(Mailbox::default()),
        Found::Whole(mailbox) => Ok(mailbox),
        Found::Damaged => {
            let mailbox = Mailbox::recover(connection, instance)?;
            mailbox.save(connection, instance)?;
            tracing::error!(
                instance,
                "the row of a mailbox is damaged and was made anew from its entries"
            );
            Ok(mailbox)
        }
    }
}

/// The highest number that was ever given.
fn last_number(connection: &Connection) -> rusqlite::Result<i64> {
    let mut select = connection
        .prepare_cached("SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'entry'")?;
    let last = select.query_row([], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0))
}
