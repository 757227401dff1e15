//! Takes possession of a data directory: makes it, locks it, opens its database, or says in one
//! line why not.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bridge_core::config::settings::StoreSettings;
use bridge_core::message::single_line;
use bridge_core::store::StoreIdentity;
use rusqlite::{Connection, OpenFlags};

use crate::identity;
use crate::mend::{self, MendError};
use crate::migrate::{MigrateError, migrate};
use crate::schema::{self, Found};

/// The database within a data directory.
const DATABASE: &str = "store.db";
/// The file whose lock says that a bridge owns the directory.
const LOCK: &str = "lock";
/// The write-ahead log is cut back to this after a checkpoint, so that one burst does not keep the
/// disk for ever.
const LOG_LIMIT_BYTES: i64 = 64 * 1024 * 1024;
const PAGE_BYTES: u64 = 4096;
/// Statements kept compiled per connection; more than either thread uses.
const STATEMENTS: usize = 64;

/// What an operator may choose about the store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoreOptions {
    /// How long the text of a message is kept once all its deliveries have ended, and an entry of a
    /// mailbox that nobody confirms.
    pub retain_bodies: Duration,
    /// How long ids, records, dead letters and keys of entries are kept.
    pub retain_ids: Duration,
    /// Deliveries that one lane holds at most, further ones become dead letters at once; and unread
    /// entries that one mailbox holds at most, further ones are refused.
    pub lane_backlog: u64,
    /// Deliveries that all lanes hold at most; further messages are not taken in.
    pub max_backlog: u64,
    /// The database file grows no further than this; what needs more room is answered as on a full
    /// disk. The write-ahead log is not counted. `None`: as far as the disk reaches.
    pub max_size_bytes: Option<u64>,
    /// For tests: which of the calls that follow fails.
    #[cfg(test)]
    pub(crate) fault: crate::commit::Fault,
}

impl Default for StoreOptions {
    fn default() -> Self {
        let settings = StoreSettings::default();
        Self {
            retain_bodies: settings.retain_bodies.0,
            retain_ids: settings.retain_ids.0,
            lane_backlog: settings.lane_backlog,
            max_backlog: settings.max_backlog,
            max_size_bytes: None,
            #[cfg(test)]
            fault: crate::commit::Fault::default(),
        }
    }
}

/// Why a data directory can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Another bridge owns the directory.
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// The directory or a file in it can't be made or written.
    Directory {
        /// What was tried: `create`, `write to`, `lock`.
        action: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A newer bridge wrote the database.
    Newer {
        /// The database.
        path: PathBuf,
        /// The version of its tables.
        found: i32,
        /// The newest version that this binary reads.
        known: i32,
    },
    /// The file is a database of something else.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The description of the database's tables is damaged, or somebody has changed it.
    Schema {
        /// The database.
        path: PathBuf,
    },
    /// SQLite can't open or read the database.
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        error: rusqlite::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { dir } => write!(
                f,
                "data directory \"{}\" is in use by another bridge; stop that one or set another `data_dir`",
                dir.display()
            ),
            Self::Directory {
                action,
                path,
                error,
            } => write!(
                f,
                "can't {action} \"{}\": {error}; set `data_dir` to a directory that the bridge can write",
                path.display()
            ),
            Self::Newer { path, found, known } => write!(
                f,
                "store \"{}\" was written by a newer bridge (version {found} of its tables, this one knows {known}); run that bridge or set another `data_dir`",
                path.display()
            ),
            Self::Foreign { path } => write!(
                f,
                "\"{}\" is not a bridge's store; set another `data_dir`",
                path.display()
            ),
            Self::Schema { path } => write!(
                f,
                "store \"{}\" is damaged where its tables are described, which can't be mended; restore it from a copy or set another `data_dir`",
                path.display()
            ),
            Self::Database { path, error } => write!(
                f,
                "can't open store \"{}\": {}; restore it from a copy or set another `data_dir`",
                path.display(),
                single_line(&error.to_string())
            ),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Directory { error, .. } => Some(error),
            Self::Database { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// A data directory that is ours until the lock is dropped.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) writer: Connection,
    pub(crate) reader: Connection,
    pub(crate) identity: StoreIdentity,
    /// Whether the database was made now.
    pub(crate) is_new: bool,
    /// Held open for its lock, which the kernel takes back when the process dies.
    pub(crate) lock: File,
}

/// The database of a data directory.
pub(crate) fn database_path(dir: &Path) -> PathBuf {
    dir.join(DATABASE)
}

/// The write-ahead log of a data directory's database.
pub(crate) fn log_path(dir: &Path) -> PathBuf {
    companion(&database_path(dir), "-wal")
}

/// A file beside the database.
pub(crate) fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes `dir` ours and opens its database, with its tables made if it is new.
pub(crate) fn open(dir: &Path, options: &StoreOptions) -> Result<Opened, OpenError> {
    create_dir(dir)?;
    let lock = take_lock(dir)?;
    let path = database_path(dir);
    // SQLite gives its companion files the mode of this one.
    create_file(&path).map_err(directory_error("write to", &path))?;
    sync_dir(dir).map_err(directory_error("write to", dir))?;
    match open_writer(dir, &path, options) {
        Ok(Ok((writer, is_new))) => {
            let identity = identity::keep(&writer).map_err(database_error(&path))?;
            let reader = open_reader(&path).map_err(database_error(&path))?;
            Ok(Opened {
                writer,
                reader,
                identity,
                is_new,
                lock,
            })
        }
        Ok(Err(Unfit::Newer(found))) => Err(OpenError::Newer {
            path,
            found,
            known: schema::VERSION,
        }),
        Ok(Err(Unfit::Schema)) => Err(OpenError::Schema { path }),
        Ok(Err(Unfit::Foreign)) => Err(OpenError::Foreign { path }),
        Ok(Err(Unfit::NoCopy(copy, error))) => {
            Err(directory_error("copy the store to", &copy)(error))
        }
        Ok(Err(Unfit::NotMended(file, error))) => {
            Err(directory_error("mend the store with", &file)(error))
        }
        Err(error) => Err(database_error(&path)(error)),
    }
}

/// A connection that only reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// A database that is in order and not for us.
enum Unfit {
    Newer(i32),
    Foreign,
    /// It is an older bridge's, and the copy that comes first can't be made.
    NoCopy(PathBuf, io::Error),
    /// What says how its tables are made is damaged.
    Schema,
    /// It is damaged, and this file can't be written.
    NotMended(PathBuf, io::Error),
}

fn open_writer(
    dir: &Path,
    path: &Path,
    options: &StoreOptions,
) -> rusqlite::Result<Result<(Connection, bool), Unfit>> {
    let mut connection = connect(path, options)?;
    let mut found = schema::find(&connection)?;
    match found {
        Found::Newer(version) => return Ok(Err(Unfit::Newer(version))),
        Found::Foreign => return Ok(Err(Unfit::Foreign)),
        Found::Nothing => schema::create(&mut connection)?,
        Found::Older(version) => {
            if let Err(error) = migrate(&mut connection, path, version) {
                return match error {
                    MigrateError::Copy(path, error) => Ok(Err(Unfit::NoCopy(path, error))),
                    MigrateError::Database(error) => Err(error),
                };
            }
            found = Found::Current;
        }
        Found::Current => {}
    }
    let is_new = matches!(found, Found::Nothing);
    if !schema::is_whole(&connection)? {
        return Ok(Err(Unfit::Schema));
    }
    if let Some(fault) = mend::fault(&connection, dir)? {
        tracing::error!(fault, "the store is damaged; mending it");
        if let Err(error) = mend::mend(dir, path, connection) {
            return match error {
                MendError::File(path, error) => Ok(Err(Unfit::NotMended(path, error))),
                MendError::Database(error) => Err(error),
            };
        }
        connection = connect(path, options)?;
    }
    Ok(Ok((connection, is_new)))
}

fn connect(path: &Path, options: &StoreOptions) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Before anything is changed: a file that is not ours stays as it is.
    if matches!(schema::find(&connection)?, Found::Newer(_) | Found::Foreign) {
        return Ok(connection);
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL syncs the log at every commit: the promise of `admit`.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT_BYTES)?;
    if let Some(bytes) = options.max_size_bytes {
        let pages = i64::try_from((bytes / PAGE_BYTES).max(1)).unwrap_or(i64::MAX);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

fn create_dir(dir: &Path) -> Result<(), OpenError> {
    let missing = dir.ancestors().take_while(|path| {
        let named = !path.as_os_str().is_empty();
        named && !path.exists()
    });
    let missing: Vec<_> = missing.collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(dir)
        .map_err(directory_error("create", dir))?;
    // A new directory survives a power cut only once its parent is synced.
    for made in missing {
        let parent = made.parent().filter(|path| !path.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        sync_dir(parent).map_err(directory_error("write to", parent))?;
    }
    Ok(())
}

fn take_lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = create_file(&path).map_err(directory_error("write to", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(directory_error("lock", &path)(error)),
    }
}

pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn directory_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    move |error| OpenError::Directory {
        action,
        path: path.to_owned(),
        error,
    }
}

fn database_error(path: &Path) -> impl FnOnce(rusqlite::Error) -> OpenError {
    move |error| OpenError::Database {
        path: path.to_owned(),
        error,
    }
}
