//! Writes files that must not exist yet.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Makes the file, and the folders above it; only its owner may read it, since it may hold secrets.
pub(super) fn new_file(path: &Path, text: &str) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{} can't be written: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(said)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).map_err(said)?;
    file.write_all(text.as_bytes()).map_err(said)
}
