//! Brings a store that an older bridge wrote to the form of this one: a copy first, then one
//! transaction.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bridge_core::store::{Progress, Turn};
use bridge_core::time::Timestamp;
use rusqlite::backup::Backup;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::fail_point::fail_point;
use crate::open::{companion, create_file};
use crate::row::progress_sum;
use crate::schema;

/// Why a store can't be brought to the new form. It is as it was.
#[derive(Debug)]
pub(crate) enum MigrateError {
    Copy(PathBuf, io::Error),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Migrates the database at `path`, which has the tables of version `from`.
///
/// The copy is named after the version that it holds. If there is one already, an earlier try was
/// interrupted after it; it is made anew.
pub(crate) fn migrate(
    connection: &mut Connection,
    path: &Path,
    from: i32,
) -> Result<(), MigrateError> {
    let copy = companion(path, &format!(".version-{from}"));
    fail_point("migrate.before_copy");
    make_copy(connection, &copy)?;
    fail_point("migrate.after_copy");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if from < 2 {
        to_version_2(&transaction)?;
    }
    // Version 2 had no mailboxes, no changes, and no identity, which is made once the tables are there.
    transaction.execute_batch(schema::MAILBOXES)?;
    transaction.execute_batch(schema::CHANGES)?;
    transaction.pragma_update(None, "user_version", schema::VERSION)?;
    fail_point("migrate.before_commit");
    transaction.commit()?;
    fail_point("migrate.after_commit");
    tracing::warn!(
        from, to = schema::VERSION, copy = %copy.display(),
        "the store of an older bridge was brought to the new form; remove the copy once all is well"
    );
    Ok(())
}

fn make_copy(connection: &Connection, copy: &Path) -> Result<(), MigrateError> {
    let error = |error| MigrateError::Copy(copy.to_owned(), error);
    match std::fs::remove_file(copy) {
        Err(failure) if failure.kind() != io::ErrorKind::NotFound => return Err(error(failure)),
        _ => {}
    }
    create_file(copy).map_err(error)?;
    let mut to = Connection::open(copy)?;
    Backup::new(connection, &mut to)?.step(-1)?;
    to.pragma_update(None, "journal_mode", "DELETE")?;
    to.close().map_err(|(_, error)| error)?;
    File::open(copy)
        .and_then(|file| file.sync_all())
        .map_err(error)
}

/// Version 1 had no turns, one body for each delivery, and only `delivered` for what had ended.
fn to_version_2(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DROP INDEX message_once;
         DROP INDEX delivery_lane;
         ALTER TABLE channel RENAME TO channel_1;
         ALTER TABLE message RENAME TO message_1;
         ALTER TABLE delivery RENAME TO delivery_1;
         ALTER TABLE dead_letter RENAME TO dead_letter_1;
         ALTER TABLE sent_part RENAME TO sent_part_1;
         ALTER TABLE channel_seen RENAME TO channel_seen_1;
         ALTER TABLE record RENAME TO record_1;",
    )?;
    connection.execute_batch(schema::TABLES)?;
    connection.execute_batch(
        "INSERT INTO channel SELECT id, instance, address FROM channel_1;
         INSERT INTO channel_seen SELECT channel, title, first_seen, last_seen FROM channel_seen_1;
         INSERT INTO record (id, instance, address, message_id, reason, at)
             SELECT id, instance, address, message_id, reason, at FROM record_1;
         INSERT INTO message (id, source, message_id, received_at, first_delivery, deliveries)
             SELECT m.id, m.source, m.message_id, m.received_at,
                 coalesce(d.first, 0), coalesce(d.last - d.first + 1, 0)
             FROM message_1 m LEFT JOIN (
                 SELECT message, min(id) AS first, max(id) AS last FROM (
                     SELECT id, message FROM delivery_1 UNION ALL
                     SELECT id, message FROM delivered UNION ALL
                     SELECT id, message FROM dead_letter_1)
                 GROUP BY message) d ON d.message = m.id;
         INSERT INTO body (id, message, content)
             SELECT id, message, body FROM delivery_1 UNION ALL
             SELECT id, message, body FROM dead_letter_1;
         INSERT INTO delivery (id, message, lane, turn, rule, body, checksum, queued_at, attempts,
                 uncertain, parts_sent, not_before, progress_sum, last_reason)
             SELECT d.id, d.message, d.lane, d.id, d.rule, d.id, d.checksum,
                 coalesce(m.received_at, 0), d.attempts, d.uncertain, d.parts_sent, d.not_before, 0,
                 d.last_reason
             FROM delivery_1 d LEFT JOIN message_1 m ON m.id = d.message;
         INSERT INTO dead_letter (id, message, lane, turn, rule, body, checksum, queued_at, attempts,
                 uncertain, parts_sent, not_before, progress_sum, reason, may_have_been_delivered,
                 blocks, at)
             SELECT d.id, d.message, d.lane, d.id, d.rule, d.id, d.checksum,
                 coalesce(m.received_at, 0), d.attempts, d.uncertain, d.parts_sent, d.not_before, 0,
                 d.reason, d.may_have_been_delivered, 0, d.at
             FROM dead_letter_1 d LEFT JOIN message_1 m ON m.id = d.message;
         INSERT INTO settled (id, message, lane, rule, body, end, platform_ids, attempts, uncertain, at)
             SELECT d.id, d.message, d.lane, d.rule, 0, 'delivered',
                 (SELECT json_group_array(platform_id) FROM (
                     SELECT platform_id FROM sent_part_1 p WHERE p.delivery = d.id
                         AND p.part = (SELECT max(part) FROM sent_part_1 WHERE delivery = d.id)
                     ORDER BY p.position)),
                 d.attempts, 0, d.at
             FROM delivered d;
         INSERT INTO sent_part (delivery, part, platform_ids, at)
             SELECT delivery, part, json_group_array(platform_id), min(at) FROM (
                 SELECT * FROM sent_part_1 ORDER BY delivery, part, position) p
             WHERE EXISTS (SELECT 1 FROM sent_part_1 l WHERE l.delivery = p.delivery AND l.part > p.part)
                 OR NOT EXISTS (SELECT 1 FROM delivered d WHERE d.id = p.delivery)
             GROUP BY delivery, part;",
    )?;
    for table in ["delivery", "dead_letter"] {
        sum_progress(connection, table)?;
    }
    connection.execute_batch(
        "DELETE FROM sqlite_sequence WHERE name = 'delivery';
         UPDATE sqlite_sequence SET name = 'delivery' WHERE name = 'delivery_1';
         DROP TABLE sent_part_1;
         DROP TABLE record_1;
         DROP TABLE channel_seen_1;
         DROP TABLE delivered;
         DROP TABLE dead_letter_1;
         DROP TABLE delivery_1;
         DROP TABLE message_1;
         DROP TABLE channel_1;",
    )
}

fn sum_progress(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    let mut select = connection.prepare(&format!(
        "SELECT id, turn, queued_at, attempts, uncertain, parts_sent, not_before FROM {table}"
    ))?;
    let mut update = connection.prepare(&format!(
        "UPDATE {table} SET progress_sum = ?2 WHERE id = ?1"
    ))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let progress = Progress {
            attempts: row.get(3)?,
            uncertain: row.get(4)?,
            parts_sent: row.get(5)?,
            not_before: Timestamp::from_millis(row.get(6)?),
        };
        let queued_at = Timestamp::from_millis(row.get(2)?);
        let sum = progress_sum(Turn(row.get(1)?), queued_at, &progress);
        update.execute(params![id, sum])?;
    }
    Ok(())
}
