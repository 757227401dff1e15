//! `bridge check`: every problem in one run. Goes the same way as `run`, no further than a trial
//! bind.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Issue, Setup, Severity};

use super::{Exit, output};
use crate::files::{Environment, Files, Offline};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// Leave the environment out: secrets, data directory, ports
    #[arg(long)]
    offline: bool,
}

pub(super) fn check(args: &Args, catalog: &Catalog) -> Exit {
    let mut loaded = match args.offline {
        true => args.files.load(catalog, &Offline),
        false => args.files.load(catalog, &Environment),
    };
    if let (Some(setup), false) = (&loaded.setup, args.offline) {
        let file = args.files.config.display().to_string();
        loaded.issues.extend(environment(setup, &file));
    }
    output::issues(&loaded.issues);
    match &loaded.setup {
        Some(setup) => {
            output::print(&format_args!(
                "{} and {} are fine: {}, {}, {}",
                args.files.config.display(),
                args.files.rules.display(),
                output::counted(setup.instances.len(), "instance"),
                output::counted(setup.rules.len(), "rule"),
                output::count(&loaded.issues),
            ));
            Exit::Fine
        }
        None => {
            output::error(&output::count(&loaded.issues));
            Exit::Config
        }
    }
}

/// What stands not in the files but around them: warnings, since a bridge that runs on these very
/// files causes them as well.
fn environment(setup: &Setup, file: &str) -> Vec<Issue> {
    let warning = |path: String, problem: String, help: &str| Issue {
        severity: Severity::Warning,
        path,
        ..Issue::of_file(file, problem, help)
    };
    let mut issues = Vec::new();
    if let Err(error) = writable(Path::new(&setup.global.data_dir)) {
        let problem = format!("the data directory \"{}\" {error}", setup.global.data_dir);
        let help = "make it writable, or set another `data_dir`";
        issues.push(warning("global.data_dir".to_owned(), problem, help));
    }
    for instance in &setup.instances {
        let Some(listen) = instance.driver.listen() else {
            continue;
        };
        if let Err(error) = std::net::TcpListener::bind((listen.host, listen.port)) {
            let address = std::net::SocketAddr::from((listen.host, listen.port));
            let path = format!("{}.{}", instance.platform, instance.id);
            let problem = format!("{address} can't be bound now: {error}");
            let help = "fine if this bridge is running; else stop what holds it, or set another `listen_port`";
            issues.push(warning(path, problem, help));
        }
    }
    issues
}

/// Tries the directory, or the nearest one above it that exists, with a file that has no name.
fn writable(dir: &Path) -> Result<(), String> {
    let here = dir
        .ancestors()
        .find(|dir| dir.exists())
        .unwrap_or(Path::new("."));
    let here = if here.as_os_str().is_empty() {
        Path::new(".")
    } else {
        here
    };
    if !here.is_dir() {
        return Err(format!("can't be used: {} is no directory", here.display()));
    }
    match tempfile::tempfile_in(here) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("can't be written: {error}")),
    }
}
