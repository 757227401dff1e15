//! The tables, and the marks by which a database is known as a bridge's.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the database as a bridge's: `brdg`.
const APPLICATION_ID: i32 = 0x6272_6467;
/// The version of the tables; a binary refuses a database with a higher one.
pub(crate) const VERSION: i32 = 1;

/// What a database file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing yet.
    Nothing,
    /// Tables of this version.
    Current,
    /// Tables of a version that this binary does not know.
    Newer(i32),
    /// Something else's tables.
    Foreign,
}

/// Rows of `message` and `channel` are named by number from the tables below; they may go only when
/// no row names them any more. `delivered`, `dead_letter` and `record` are the ones that age.
///
/// A delivery is a row of `delivery`, `delivered` or `dead_letter`, always under the same number,
/// which is never given again. `checksum` covers what was accepted (see `row`), not the progress.
const TABLES: &str = "
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
    received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_once ON message (source, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    uncertain INTEGER NOT NULL DEFAULT 0,
    parts_sent INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    last_reason TEXT
) STRICT;
CREATE INDEX delivery_lane ON delivery (lane);
CREATE TABLE delivered (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    rule TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    parts_sent INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    reason TEXT NOT NULL,
    may_have_been_delivered INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE sent_part (
    delivery INTEGER NOT NULL,
    part INTEGER NOT NULL,
    position INTEGER NOT NULL,
    platform_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (delivery, part, position)
) STRICT, WITHOUT ROWID;
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
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
";

/// Looks at what the database holds.
pub(crate) fn find(connection: &Connection) -> rusqlite::Result<Found> {
    let application: i32 = pragma(connection, "application_id")?;
    let version: i32 = pragma(connection, "user_version")?;
    if application == APPLICATION_ID {
        return Ok(if version > VERSION {
            Found::Newer(version)
        } else {
            Found::Current
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
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
