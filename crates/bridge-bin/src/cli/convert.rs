//! `bridge convert`: a config or rules file in another format.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bridge_core::config::{Converted, Format, convert as converted};

use super::{Exit, output};
use crate::files;

/// Who may read a file that may hold secrets.
const OWNER_ONLY: u32 = 0o600;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to convert: a config or rules
    #[arg(value_name = "IN")]
    source: PathBuf,

    /// The file to write; must not exist, and its ending says the format: .json, .yaml or .toml
    #[arg(value_name = "OUT")]
    target: PathBuf,
}

pub(super) fn convert(args: &Args) -> Exit {
    let Args { source, target } = args;
    if let Err(error) = Format::of(target) {
        output::error(&format_args!("{}: {error}", target.display()));
        return Exit::Failed;
    }
    let converted = match converted(&files::source(source, "an argument"), target) {
        Ok(converted) => converted,
        Err(diagnostics) => {
            output::diagnostics(&diagnostics);
            return Exit::Config;
        }
    };
    if let Err(error) = write(source, target, &converted.text) {
        output::error(&format_args!("{} {error}", target.display()));
        return Exit::Failed;
    }
    output::print(&format_args!("wrote {}", target.display()));
    if let Some(lost) = lost(&converted, source) {
        output::note(&lost);
    }
    Exit::Fine
}

/// What did not come along.
fn lost(converted: &Converted, source: &Path) -> Option<String> {
    let mut lines = converted.comment_lines.clone();
    let count = output::counted(lines.len(), "comment");
    lines.dedup();
    let mut places = String::new();
    for line in &lines {
        let comma = if places.is_empty() { "" } else { ", " };
        write!(places, "{comma}{line}").ok()?;
    }
    let noun = if lines.len() == 1 { "line" } else { "lines" };
    (!lines.is_empty()).then(|| {
        format!(
            "{count} did not come along ({} {noun} {places}); copy by hand what you want to keep",
            source.display()
        )
    })
}

/// Writes a new file in one step. If not everybody may read the source, nobody else may read it.
fn write(source: &Path, target: &Path, text: &str) -> Result<(), String> {
    let failed = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            "is there already and is not overwritten; remove it, or name another file".to_owned()
        }
        _ => format!("can't be written: {error}"),
    };
    if target.symlink_metadata().is_ok() {
        return Err(failed(&std::io::ErrorKind::AlreadyExists.into()));
    }
    let mode = std::fs::metadata(source).map_or(OWNER_ONLY, |found| found.permissions().mode());
    let mode = match mode & 0o004 {
        0 => OWNER_ONLY,
        _ => mode & 0o666,
    };
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(dir.unwrap_or(Path::new(".")))
        .map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes())
        .map_err(|error| failed(&error))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist_noclobber(target)
        .map_err(|error| failed(&error.error))?;
    Ok(())
}
