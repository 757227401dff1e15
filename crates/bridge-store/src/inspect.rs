//! Looks into a store without owning or changing it, beside a running bridge or while none runs.

mod backup;
mod check;
mod lenient;
mod letters;
mod mailboxes;
mod totals;
mod trace;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};

use bridge_core::id::{Address, InstanceId};
use bridge_core::message::single_line;
use bridge_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags, Row};

pub use self::backup::BackupError;
pub use self::check::Fault;
pub use self::letters::LetterFilter;
pub use self::view::{
    DeadLetter, MailboxView, NotForwarded, SeenChannel, Totals, Trace, TracedAttempt,
    TracedDelivery, TracedMessage, TracedPart, TracedRecord,
};
use crate::open::{database_path, open_reader};
use crate::row;
use crate::schema::{self, Found};

/// A store that is only read. Each call sees everything that was committed before it.
#[derive(Debug)]
pub struct Inspector {
    database: PathBuf,
}

/// Why a store can't be looked into.
#[derive(Debug)]
#[non_exhaustive]
pub enum InspectError {
    /// SQLite can't open or read it.
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        error: rusqlite::Error,
    },
    /// A newer bridge wrote it.
    Newer {
        /// The database.
        path: PathBuf,
        /// The version of its tables.
        found: i32,
        /// The newest version that this binary reads.
        known: i32,
    },
    /// An older bridge wrote it; the next start brings it to the new form.
    Older {
        /// The database.
        path: PathBuf,
        /// The version of its tables.
        found: i32,
    },
    /// It is a database of something else.
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database { path, error } => {
                write!(
                    f,
                    "can't read store \"{}\": {}",
                    path.display(),
                    single_line(&error.to_string())
                )
            }
            Self::Newer { path, found, known } => write!(
                f,
                "store \"{}\" was written by a newer bridge (version {found} of its tables, this one knows {known}); use that bridge",
                path.display()
            ),
            Self::Older { path, found } => write!(
                f,
                "store \"{}\" was written by an older bridge (version {found} of its tables); start this bridge once, which brings it to the new form",
                path.display()
            ),
            Self::Foreign { path } => write!(
                f,
                "\"{}\" is not a bridge's store; check `data_dir`",
                path.display()
            ),
        }
    }
}

impl std::error::Error for InspectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl Inspector {
    /// The store in `data_dir`; `None` if there is none yet. Needs no lock and leaves the store as
    /// it is.
    ///
    /// # Errors
    ///
    /// [`InspectError`] if there is a store that this binary can't read.
    pub fn open(data_dir: &Path) -> Result<Option<Self>, InspectError> {
        let database = database_path(data_dir);
        if !database.exists() {
            return Ok(None);
        }
        let inspector = Self { database };
        let path = inspector.database.clone();
        match inspector.read(schema::find)? {
            Found::Current => Ok(Some(inspector)),
            Found::Older(found) => Err(InspectError::Older { path, found }),
            Found::Nothing => Ok(None),
            Found::Newer(found) => Err(InspectError::Newer {
                path,
                found,
                known: schema::VERSION,
            }),
            Found::Foreign => Err(InspectError::Foreign { path }),
        }
    }

    /// All channels from which something came, the one that was heard last first.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`].
    pub fn channels(&self) -> Result<Vec<SeenChannel>, InspectError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT c.instance, c.address, s.title, s.first_seen, s.last_seen
                 FROM channel_seen s JOIN channel c ON c.id = s.channel
                 ORDER BY s.last_seen DESC, s.channel",
            )?;
            let channels = select.query_map([], |row| {
                Ok(SeenChannel {
                    channel: row::read_channel(row, 0).ok_or_else(unreadable_channel)?,
                    title: row.get(2)?,
                    first_seen: timestamp(row, 3)?,
                    last_seen: timestamp(row, 4)?,
                })
            })?;
            channels.collect()
        })
    }

    /// The latest `limit` messages that were not forwarded, the newest first.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`].
    pub fn records(&self, limit: usize) -> Result<Vec<NotForwarded>, InspectError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT instance, address, message_id, at, reason FROM record
                 ORDER BY id DESC LIMIT ?1",
            )?;
            let records = select.query_map([rows(limit)], |row| {
                let instance: String = row.get(0)?;
                let address: Option<String> = row.get(1)?;
                Ok(NotForwarded {
                    instance: InstanceId::new(instance),
                    address: address.as_deref().and_then(Address::from_json),
                    message_id: row.get(2)?,
                    at: timestamp(row, 3)?,
                    reason: row.get(4)?,
                })
            })?;
            records.collect()
        })
    }

    /// Opens the store for one look.
    ///
    /// Even a read-only connection makes the log and its index where they are missing. They are
    /// missing exactly if no bridge runs and the last one closed its store; the file then does not
    /// change and is opened as such. Should a bridge start meanwhile, the look is taken again.
    pub(crate) fn read<T>(
        &self,
        look: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, InspectError> {
        let result = if self.has_log() {
            open_reader(&self.database).and_then(|connection| look(&connection))
        } else {
            let result = open_immutable(&self.database).and_then(|connection| look(&connection));
            if self.has_log() {
                open_reader(&self.database).and_then(|connection| look(&connection))
            } else {
                result
            }
        };
        result.map_err(|error| InspectError::Database {
            path: self.database.clone(),
            error,
        })
    }

    fn has_log(&self) -> bool {
        let mut log = self.database.clone().into_os_string();
        log.push("-wal");
        Path::new(&log).exists()
    }
}

fn open_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let text = path
        .to_str()
        .ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))?;
    // The characters that mean something in a URI's path, the escape first.
    let path = text
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    // An absolute path goes behind an empty authority, or one with two slashes would name a host.
    let authority = if path.starts_with('/') { "//" } else { "" };
    Connection::open_with_flags(format!("file:{authority}{path}?immutable=1"), flags)
}

fn unreadable_channel() -> rusqlite::Error {
    let error = "a stored channel is damaged".into();
    rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error)
}

fn timestamp(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    row.get(at).map(Timestamp::from_millis)
}

fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(at)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
