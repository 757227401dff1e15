//! The tables, and the marks by which a database is known as a bridge's.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rusqlite::{Connection, TransactionBehavior};

/// Marks the database as a bridge's: `brdg`.
const APPLICATION_ID: i32 = 0x6272_6467;
/// The version of the tables; a binary refuses a database with a higher one.
pub(crate) const VERSION: i32 = 3;

/// What a database file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing yet.
    Nothing,
    /// Tables of this version.
    Current,
    /// Tables of a version that this binary can bring to its own.
    Older(i32),
    /// Tables of a version that this binary does not know.
    Newer(i32),
    /// Something else's tables.
    Foreign,
}

/// A delivery is a row of `delivery`, `settled` or `dead_letter`, always under the same number, which
/// is never given again; the deliveries of a message have consecutive numbers. `checksum` covers what
/// was accepted, `progress_sum` how far it has come (see `row`). `turn` is the place in the lane.
///
/// `body` has what is to be shown, once for all deliveries of a message that show the same.
/// `pruned` counts what retention has removed, so that totals hold for ever; `entry` and `entry_lost`
/// in it are entries of mailboxes, all else is deliveries.
///
/// These are the tables of version 2; [`MAILBOXES`] and [`CHANGES`] came with version 3.
pub(crate) const TABLES: &str = "
CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (instance, address)
) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    message_id TEXT,
    received_at INTEGER NOT NULL,
    first_delivery INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    last_duplicate_at INTEGER
) STRICT;
CREATE UNIQUE INDEX message_once ON message (message_id, source) WHERE message_id IS NOT NULL;
CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    parts_sent INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    progress_sum INTEGER NOT NULL,
    last_reason TEXT
) STRICT;
CREATE INDEX delivery_lane ON delivery (lane, turn);
CREATE TABLE settled (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body INTEGER NOT NULL,
    end TEXT NOT NULL,
    reason TEXT,
    platform_ids TEXT,
    merged_into INTEGER,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    parts_sent INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    progress_sum INTEGER NOT NULL,
    reason TEXT NOT NULL,
    may_have_been_delivered INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letter_blocks ON dead_letter (lane, turn) WHERE blocks = 1;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    part INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    answer TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX attempt_delivery ON attempt (delivery);
CREATE TABLE sent_part (
    delivery INTEGER NOT NULL,
    part INTEGER NOT NULL,
    platform_ids TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (delivery, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE spent (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX spent_lane ON spent (lane);
CREATE TABLE channel_seen (
    channel INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    address TEXT,
    message_id TEXT,
    delivery INTEGER,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX record_message ON record (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX record_delivery ON record (delivery) WHERE delivery IS NOT NULL;
CREATE TABLE pruned (
    end TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// `change` has the message that a message changes: the id of one from the same source. `identified`
/// has ids of parts that were told apart from the settlements, and count instead of theirs. The
/// latest sends of a lane are looked through for one that got an id.
pub(crate) const CHANGES: &str = "
CREATE TABLE change (
    message INTEGER PRIMARY KEY,
    changed TEXT NOT NULL,
    is_edit INTEGER NOT NULL
) STRICT;
CREATE INDEX change_changed ON change (changed);
CREATE TABLE identified (
    delivery INTEGER NOT NULL,
    part INTEGER NOT NULL,
    platform_ids TEXT NOT NULL,
    PRIMARY KEY (delivery, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX settled_lane ON settled (lane, id);
CREATE INDEX settled_merged_into ON settled (merged_into) WHERE merged_into IS NOT NULL;
";

/// An entry of a mailbox stands in `entry` as long as its key must be known, and has a body as long as
/// it is unread. Its `checksum` covers everything that was posted, and its number. A row of `mailbox`
/// counts what can't be told from the entries that are left (see `mailbox`).
///
/// Entries name their instance themselves, so that no damage elsewhere can hide them.
pub(crate) const MAILBOXES: &str = "
CREATE TABLE identity (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE mailbox (
    instance TEXT PRIMARY KEY,
    last INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT,
    checksum INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_once ON entry (instance, key);
CREATE INDEX entry_unread ON entry (instance, number) WHERE body IS NOT NULL;
";

/// Looks at what the database holds.
pub(crate) fn find(connection: &Connection) -> rusqlite::Result<Found> {
    let application: i32 = pragma(connection, "application_id")?;
    let version: i32 = pragma(connection, "user_version")?;
    if application == APPLICATION_ID {
        return Ok(match version.cmp(&VERSION) {
            Ordering::Less => Found::Older(version),
            Ordering::Equal => Found::Current,
            Ordering::Greater => Found::Newer(version),
        });
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if application == 0 && version == 0 && tables == 0 {
        Found::Nothing
    } else {
        Found::Foreign
    })
}

/// Makes all tables and sets the marks, in one transaction.
pub(crate) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(CHANGES)?;
    transaction.execute_batch(MAILBOXES)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Whether all tables of this version are there, to the letter: a damaged one must not be taken for
/// another's.
pub(crate) fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    let mut expected = Connection::open_in_memory()?;
    create(&mut expected)?;
    Ok(statements(connection)?.is_superset(&statements(&expected)?))
}

fn statements(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let sql = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '')
        FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'";
    let mut select = connection.prepare(sql)?;
    let statements = select.query_map([], |row| row.get(0))?;
    statements.collect()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
