//! `bridge check`: every problem in one run. Goes the same way as `run`, no further than a trial
//! bind.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Code, Diagnostic, Loaded, Setup, codes};
use serde::Serialize;

use super::{Exit, output};
use crate::diagnostics::Record;
use crate::files::{Environment, Files, Offline};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// Leave the environment out: secrets, data directory, ports
    #[arg(long)]
    offline: bool,

    /// End with 78 on warnings, too
    #[arg(long)]
    deny_warnings: bool,

    /// For people, or for editors and CI
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// Problems with their snippets to stderr, the summary to stdout
    #[default]
    Text,
    /// One JSON object to stdout
    Json,
}

/// What a check found, for programs. Fields are added, never renamed.
#[derive(Debug, Serialize)]
struct Report<'a> {
    config: String,
    rules: String,
    digest: String,
    errors: usize,
    warnings: usize,
    diagnostics: Vec<Record<'a>>,
}

pub(super) fn check(args: &Args, catalog: &Catalog) -> Exit {
    let mut loaded = match args.offline {
        true => args.files.load(catalog, &Offline),
        false => args.files.load(catalog, &Environment),
    };
    if let (Some(setup), false) = (&loaded.setup, args.offline) {
        let found = environment(setup, &loaded);
        loaded.diagnostics.extend(found);
    }
    match args.format {
        Format::Text => as_text(args, &loaded),
        Format::Json => as_json(args, &loaded),
    }
    match loaded.setup {
        Some(_) if loaded.diagnostics.is_empty() || !args.deny_warnings => Exit::Fine,
        _ => Exit::Config,
    }
}

fn as_text(args: &Args, loaded: &Loaded) {
    output::diagnostics(&loaded.diagnostics);
    let count = output::count(&loaded.diagnostics);
    match &loaded.setup {
        Some(setup) => output::print(&format_args!(
            "{} and {} are fine: {}, {}, {count}, digest {}",
            args.files.config.display(),
            args.files.rules.display(),
            output::counted(setup.instances.len(), "instance"),
            output::counted(setup.rules.len(), "rule"),
            loaded.digest,
        )),
        None => output::error(&count),
    }
}

fn as_json(args: &Args, loaded: &Loaded) {
    let (errors, warnings) = output::numbers(&loaded.diagnostics);
    output::json(&Report {
        config: args.files.config.display().to_string(),
        rules: args.files.rules.display().to_string(),
        digest: loaded.digest.to_string(),
        errors,
        warnings,
        diagnostics: loaded.diagnostics.iter().map(Record::from).collect(),
    });
}

/// What stands not in the files but around them: warnings, since a bridge that runs on these very
/// files causes them as well.
fn environment(setup: &Setup, loaded: &Loaded) -> Vec<Diagnostic> {
    let warning = |code: &'static Code, keys: &[&str], problem: String, help: &str| {
        let mut warning = Diagnostic::new(code, loaded.place_of(keys), problem);
        warning.path = keys.join(".");
        warning.help(help);
        warning
    };
    let mut found = Vec::new();
    if let Err(error) = writable(Path::new(&setup.global.data_dir)) {
        let problem = format!("the data directory \"{}\" {error}", setup.global.data_dir);
        let help = "make it writable, or set another `data_dir`";
        let keys = ["global", "data_dir"];
        found.push(warning(&codes::DATA_DIR, &keys, problem, help));
    }
    for instance in &setup.instances {
        let Some(listen) = instance.driver.listen() else {
            continue;
        };
        if let Err(error) = std::net::TcpListener::bind((listen.host, listen.port)) {
            let address = std::net::SocketAddr::from((listen.host, listen.port));
            let problem = format!("{address} can't be bound now: {error}");
            let help = "fine if this bridge is running; else stop what holds it, or set another `listen_port`";
            let keys = [instance.platform, instance.id.as_str()];
            found.push(warning(&codes::CANT_BIND, &keys, problem, help));
        }
    }
    found
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
