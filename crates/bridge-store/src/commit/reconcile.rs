//! Brings mailboxes and their entries into step at the opening, after damage or its mending.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::mailbox::{Mailbox, read_entry, read_mailbox, select_entries};
use crate::row::text;

/// Makes mailboxes that are lost or damaged anew from their entries, drops entries that no mailbox
/// would find, and keeps given numbers from being given again.
pub(super) fn reconcile(connection: &Connection) -> rusqlite::Result<()> {
    let (mut mailboxes, damaged) = read_mailboxes(connection)?;
    let mut unread = count_unread(connection)?;
    let is_stray = |instance: &Option<String>| {
        instance
            .as_ref()
            .is_none_or(|instance| !mailboxes.contains_key(instance))
    };
    if damaged > 0 || unread.keys().any(is_stray) {
        let dropped = drop_damaged(connection)?;
        unread = count_unread(connection)?;
        let made = make_anew(connection, &mut mailboxes)?;
        tracing::error!(
            mailboxes = made,
            dropped_entries = dropped,
            "the rows of some mailboxes are damaged; they were made anew from their entries"
        );
    }
    for (instance, mailbox) in &mut mailboxes {
        let found = unread.get(&Some(instance.clone())).copied().unwrap_or(0);
        let lost = mailbox.unread - found;
        if lost == 0 {
            continue;
        }
        // Nobody knows which they were.
        if lost > 0 {
            mailbox.expired = mailbox.last;
        }
        mailbox.unread = found;
        mailbox.save(connection, instance)?;
        tracing::error!(
            instance,
            lost,
            "the mailbox does not hold as many unread entries as it should"
        );
    }
    keep_numbers(connection, &mailboxes)
}

/// All mailboxes that are whole, and how many are not.
fn read_mailboxes(connection: &Connection) -> rusqlite::Result<(HashMap<String, Mailbox>, usize)> {
    let mut select = connection
        .prepare("SELECT instance, last, confirmed, expired, unread, checksum FROM mailbox")?;
    let mut rows = select.query([])?;
    let mut mailboxes = HashMap::new();
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        match read_mailbox(row) {
            Some((instance, mailbox)) => {
                mailboxes.insert(instance.to_owned(), mailbox);
            }
            None => damaged += 1,
        }
    }
    Ok((mailboxes, damaged))
}

/// How many unread entries there are of each instance; `None` for a name that is no text.
fn count_unread(connection: &Connection) -> rusqlite::Result<HashMap<Option<String>, i64>> {
    let mut select = connection
        .prepare("SELECT instance, count(*) FROM entry WHERE body IS NOT NULL GROUP BY instance")?;
    let mut rows = select.query([])?;
    let mut unread = HashMap::new();
    while let Some(row) = rows.next()? {
        let instance = text(row, 0).map(str::to_owned);
        *unread.entry(instance).or_default() += row.get::<_, i64>(1)?;
    }
    Ok(unread)
}

/// Drops every unread entry that is not what was written; how many.
fn drop_damaged(connection: &Connection) -> rusqlite::Result<usize> {
    let mut damaged = Vec::new();
    let mut select = connection.prepare(select_entries!("ORDER BY number"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        damaged.extend(read_entry(row)?.err());
    }
    for number in &damaged {
        let sql = "UPDATE entry SET body = NULL WHERE number = ?1";
        connection.execute(sql, params![number.0])?;
    }
    Ok(damaged.len())
}

/// Leaves the whole mailboxes, and makes one for each other instance that has entries; how many.
fn make_anew(
    connection: &Connection,
    mailboxes: &mut HashMap<String, Mailbox>,
) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM mailbox", [])?;
    let mut select = connection.prepare("SELECT DISTINCT instance FROM entry")?;
    let mut rows = select.query([])?;
    let mut made = 0;
    while let Some(row) = rows.next()? {
        let Some(instance) = text(row, 0) else {
            continue;
        };
        if !mailboxes.contains_key(instance) {
            let mailbox = Mailbox::recover(connection, instance)?;
            mailboxes.insert(instance.to_owned(), mailbox);
            made += 1;
        }
    }
    for (instance, mailbox) in mailboxes {
        mailbox.save(connection, instance)?;
    }
    Ok(made)
}

/// The sequence may be lost with a damaged page, and the entries that had the last numbers removed.
fn keep_numbers(
    connection: &Connection,
    mailboxes: &HashMap<String, Mailbox>,
) -> rusqlite::Result<()> {
    let last = mailboxes.values().map(|mailbox| mailbox.last).max();
    let Some(last) = last else { return Ok(()) };
    let is_known = "SELECT 1 FROM sqlite_sequence WHERE name = 'entry'";
    let sql = if connection.prepare(is_known)?.exists([])? {
        "UPDATE sqlite_sequence SET seq = ?1
         WHERE name = 'entry' AND (typeof(seq) <> 'integer' OR seq < ?1)"
    } else {
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?1)"
    };
    connection.execute(sql, [last])?;
    Ok(())
}
