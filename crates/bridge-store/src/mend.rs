//! Mends a database whose pages are damaged: everything that can be read goes into a fresh file, the
//! damaged one is kept beside it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::open::{companion, create_file, sync_dir};
use crate::salvage::{Salvaged, is_damage, salvage};
use crate::schema;

/// Databases up to this size are read whole at each opening; of larger ones, the tables that the
/// queue needs.
const READ_WHOLE_BYTES: u64 = 64 * 1024 * 1024;

/// Left in the directory by a bridge that met a damaged page, so that the next opening reads the
/// database whole, whatever its size.
const MARK: &str = "store-damaged";

/// Why a database can't be mended. It is as it was.
#[derive(Debug)]
pub(crate) enum MendError {
    File(PathBuf, io::Error),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for MendError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Remembers for the next opening that a page is damaged.
pub(crate) fn mark(dir: &Path) {
    if let Err(error) = create_file(&dir.join(MARK)) {
        tracing::error!(%error, "can't leave a mark that the store is damaged");
    }
}

/// What is wrong with the database's pages; `None` if nothing is.
pub(crate) fn fault(connection: &Connection, dir: &Path) -> rusqlite::Result<Option<String>> {
    let path = crate::open::database_path(dir);
    let size = path.metadata().map_or(0, |file| file.len());
    let checks: &[&str] = if size <= READ_WHOLE_BYTES || dir.join(MARK).exists() {
        &["PRAGMA integrity_check(1)"]
    } else {
        &[
            "PRAGMA integrity_check(delivery)",
            "PRAGMA integrity_check(dead_letter)",
            "PRAGMA integrity_check(channel)",
            "PRAGMA integrity_check(mailbox)",
        ]
    };
    for check in checks {
        let found = connection.query_row(check, [], |row| row.get::<_, String>(0));
        match found {
            Ok(found) if found == "ok" => {}
            Ok(found) => return Ok(Some(found)),
            Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Puts a fresh database in the place of the damaged one at `path`.
pub(crate) fn mend(dir: &Path, path: &Path, damaged: Connection) -> Result<(), MendError> {
    let named = |path: &Path| {
        let path = path.to_owned();
        move |error| MendError::File(path, error)
    };
    // What is in the log goes into the file first; afterwards there must be no log, which would be
    // taken for the fresh file's.
    damaged.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let fresh_path = companion(path, ".fresh");
    remove(&fresh_path).map_err(named(&fresh_path))?;
    create_file(&fresh_path).map_err(named(&fresh_path))?;
    let mut fresh = Connection::open(&fresh_path)?;
    schema::create(&mut fresh)?;
    let salvaged = salvage(&damaged, &mut fresh)?;
    let lost = account_for_losses(&fresh)?;
    let lost_entries = account_for_lost_entries(&fresh)?;
    fresh.close().map_err(|(_, error)| error)?;
    sync(&fresh_path).map_err(named(&fresh_path))?;
    damaged.close().map_err(|(_, error)| error)?;

    let log = companion(path, "-wal");
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        let error = io::Error::other("it could not be taken into the database");
        return Err(MendError::File(log, error));
    }
    remove(&log).map_err(named(&log))?;
    let kept = free_name(path);
    std::fs::hard_link(path, &kept).map_err(named(&kept))?;
    std::fs::rename(&fresh_path, path).map_err(named(path))?;
    sync_dir(dir).map_err(named(dir))?;
    remove(&dir.join(MARK)).map_err(named(dir))?;
    report(&salvaged, (lost, lost_entries), &kept);
    Ok(())
}

/// Counts what is nowhere any more, so that totals hold; how many deliveries.
fn account_for_losses(fresh: &Connection) -> rusqlite::Result<i64> {
    let lost: i64 = fresh.query_row(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'delivery'), 0)
             - (SELECT count(*) FROM delivery) - (SELECT count(*) FROM settled)
             - (SELECT count(*) FROM dead_letter)
             - coalesce((SELECT sum(count) FROM pruned WHERE end NOT LIKE 'entry%'), 0)",
        [],
        |row| row.get(0),
    )?;
    add_lost(fresh, "lost", lost)
}

/// The same for entries of mailboxes.
fn account_for_lost_entries(fresh: &Connection) -> rusqlite::Result<i64> {
    let lost: i64 = fresh.query_row(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entry'), 0)
             - (SELECT count(*) FROM entry)
             - coalesce((SELECT sum(count) FROM pruned WHERE end LIKE 'entry%'), 0)",
        [],
        |row| row.get(0),
    )?;
    add_lost(fresh, "entry_lost", lost)
}

fn add_lost(fresh: &Connection, end: &str, lost: i64) -> rusqlite::Result<i64> {
    if lost > 0 {
        fresh.execute(
            "INSERT INTO pruned (end, count) VALUES (?1, ?2)
             ON CONFLICT (end) DO UPDATE SET count = count + excluded.count",
            params![end, lost],
        )?;
    }
    Ok(lost.max(0))
}

fn report(salvaged: &Salvaged, (lost, lost_entries): (i64, i64), kept: &Path) {
    let gaps: Vec<_> = salvaged.gaps.iter().map(ToString::to_string).collect();
    tracing::error!(
        rows = salvaged.rows,
        lost_deliveries = lost,
        lost_entries,
        gaps = gaps.join(", "),
        damaged = %kept.display(),
        "the store was damaged and has been mended; what could not be read is only in the damaged file, which is kept"
    );
}

fn free_name(path: &Path) -> PathBuf {
    let names = (1..).map(|number| companion(path, &format!(".damaged-{number}")));
    let mut free = names.filter(|name| !name.exists());
    free.next().unwrap_or_else(|| companion(path, ".damaged"))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
