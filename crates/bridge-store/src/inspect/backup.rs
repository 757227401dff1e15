//! A copy of a store, made beside a running bridge or without one.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::{InspectError, Inspector};
use crate::identity;

/// Why a store can't be copied. What was written of the copy is removed.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackupError {
    /// There is a file of that name.
    Exists(PathBuf),
    /// The file can't be written.
    File(PathBuf, io::Error),
    /// The store can't be read, or the copy can't be written.
    Store(InspectError),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => write!(
                f,
                "\"{}\" exists; name a file that does not, nothing is overwritten",
                path.display()
            ),
            Self::File(path, error) => write!(f, "can't write \"{}\": {error}", path.display()),
            Self::Store(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for BackupError {}

impl Inspector {
    /// Copies the store to a new file (0600), as it is at one moment, and syncs it. A bridge that
    /// runs goes on meanwhile. The copy gets an identity of its own when it is opened.
    ///
    /// # Errors
    ///
    /// [`BackupError`].
    pub fn backup(&self, to: &Path) -> Result<(), BackupError> {
        let file_error = |error| BackupError::File(to.to_owned(), error);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(to);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
            _ => file_error(error),
        })?;
        let copied = self.read(|connection| copy(connection, to));
        let synced = copied.map_err(BackupError::Store);
        let synced = synced.and_then(|()| file.sync_all().map_err(file_error));
        if synced.is_err() {
            // The copy is of no use; that it can't be removed either changes nothing.
            std::fs::remove_file(to).ok();
        }
        synced
    }
}

fn copy(from: &Connection, to: &Path) -> rusqlite::Result<()> {
    let mut to = Connection::open(to)?;
    {
        let backup = Backup::new(from, &mut to)?;
        // All pages in one go: in between, a bridge that writes would make it begin anew.
        backup.step(-1)?;
    }
    // Alone in its file, without a log beside it.
    to.pragma_update(None, "journal_mode", "DELETE")?;
    // It gives numbers that the first one gives too: whoever remembers them must be able to tell.
    identity::forget(&to)?;
    to.close().map_err(|(_, error)| error)
}
