//! `bridge check`: every problem in one run. Goes the same way as `run`, no further than a trial
//! bind.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Code, Diagnostic, Loaded, Setup, check_rules, codes};
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

    /// Check the rules by themselves, as far as that goes without a config
    #[arg(long, value_enum, conflicts_with = "config")]
    only: Option<Only>,

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// The rules: syntax, keys and values; not whether instances and their channel keys are known
    Rules,
}

/// What a check found, for programs. Fields are added, never renamed.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Left out if only the rules were checked.
    config: Option<String>,
    rules: String,
    /// Of what was read; left out if only the rules were checked.
    digest: Option<String>,
    errors: usize,
    warnings: usize,
    diagnostics: Vec<Record<'a>>,
}

/// What a check found.
struct Checked {
    diagnostics: Vec<Diagnostic>,
    /// What is said if there is no error among them.
    fine: Option<String>,
    digest: Option<String>,
}

pub(super) fn check(args: &Args, catalog: &Catalog) -> Exit {
    let checked = match args.only {
        Some(Only::Rules) => only_rules(args),
        None => both(args, catalog),
    };
    match args.format {
        Format::Text => as_text(&checked),
        Format::Json => as_json(args, &checked),
    }
    match checked.fine {
        Some(_) if checked.diagnostics.is_empty() || !args.deny_warnings => Exit::Fine,
        _ => Exit::Config,
    }
}

fn both(args: &Args, catalog: &Catalog) -> Checked {
    let mut loaded = match args.offline {
        true => args.files.load(catalog, &Offline),
        false => args.files.load(catalog, &Environment),
    };
    if let (Some(setup), false) = (&loaded.setup, args.offline) {
        let found = environment(setup, &loaded);
        loaded.diagnostics.extend(found);
    }
    let fine = loaded.setup.map(|setup| {
        format!(
            "{} and {} are fine: {}, {}",
            args.files.config().display(),
            args.files.rules().display(),
            output::counted(setup.instances.len(), "instance"),
            output::counted(setup.rules.len(), "rule"),
        )
    });
    Checked {
        diagnostics: loaded.diagnostics,
        fine,
        digest: Some(loaded.digest.to_string()),
    }
}

fn only_rules(args: &Args) -> Checked {
    let diagnostics = check_rules(&args.files.rules_source());
    let is_fine = !diagnostics.iter().any(Diagnostic::is_error);
    let fine = is_fine.then(|| format!("{} is fine by itself", args.files.rules().display()));
    Checked {
        diagnostics,
        fine,
        digest: None,
    }
}

fn as_text(checked: &Checked) {
    output::diagnostics(&checked.diagnostics);
    let count = output::count(&checked.diagnostics);
    match (&checked.fine, &checked.digest) {
        (Some(fine), Some(digest)) => {
            output::print(&format_args!("{fine}, {count}, digest {digest}"));
        }
        (Some(fine), None) => output::print(&format_args!("{fine}, {count}")),
        (None, _) => output::error(&count),
    }
}

fn as_json(args: &Args, checked: &Checked) {
    let (errors, warnings) = output::numbers(&checked.diagnostics);
    let config = args.files.config().display().to_string();
    output::json(&Report {
        config: args.only.is_none().then_some(config),
        rules: args.files.rules().display().to_string(),
        digest: checked.digest.clone(),
        errors,
        warnings,
        diagnostics: checked.diagnostics.iter().map(Record::from).collect(),
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
