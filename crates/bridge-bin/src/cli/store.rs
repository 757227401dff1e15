//! `bridge store`: whether the store is whole, and a copy of it.

use std::path::PathBuf;

use bridge_core::catalog::Catalog;
use clap::Subcommand;

use super::operate::{Operator, unexpected};
use super::{Exit, output};
use crate::control::{Question, Reply};
use crate::files::Files;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read everything, and report what is damaged
    Check(Files),
    /// Copy the store to a new file, beside a running bridge or without one
    Backup(BackupArgs),
}

#[derive(Debug, clap::Args)]
struct BackupArgs {
    #[command(flatten)]
    files: Files,

    /// The file to make; it must not exist
    file: PathBuf,
}

pub(super) fn store(args: &Args, catalog: &Catalog) -> Exit {
    let done = match &args.command {
        Command::Check(files) => check(files, catalog),
        Command::Backup(args) => backup(args, catalog),
    };
    done.unwrap_or_else(|exit| exit)
}

fn check(files: &Files, catalog: &Catalog) -> Result<Exit, Exit> {
    let operator = Operator::new(files, catalog)?;
    let Reply::Check { faults } = operator.ask(&Question::Check)? else {
        return Err(unexpected());
    };
    for fault in &faults {
        output::error(fault);
    }
    if faults.is_empty() {
        output::print(&"the store is whole");
        return Ok(Exit::Fine);
    }
    output::error(&format_args!(
        "{} found; damaged deliveries become dead letters when their turn comes, damaged pages are mended at the next start",
        output::counted(faults.len(), "fault")
    ));
    Ok(Exit::Failed)
}

fn backup(args: &BackupArgs, catalog: &Catalog) -> Result<Exit, Exit> {
    let operator = Operator::new(&args.files, catalog)?;
    // A running bridge has a working directory of its own.
    let to = std::path::absolute(&args.file).map_err(|error| {
        output::error(&format_args!("\"{}\": {error}", args.file.display()));
        Exit::Failed
    })?;
    let Reply::Copied = operator.ask(&Question::Backup { to })? else {
        return Err(unexpected());
    };
    output::print(&format_args!(
        "copied to \"{}\"; to use it, put it in an empty data directory as store.db",
        args.file.display()
    ));
    Ok(Exit::Fine)
}
