//! `bridge check`: every problem in one run. Goes the same way as `run`, no further than a trial
//! bind; with `--online` it also asks the platforms.

mod online;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Diagnostic, FilesDigest, Severity, check_rules, codes};
use serde::Serialize;

use super::{Exit, output};
use crate::diagnostics::Record;
use crate::environment::{self, Purpose};
use crate::files::{Files, Offline};
use online::Probed;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// Leave the environment out: secrets, data directory, ports
    #[arg(long, conflicts_with = "online")]
    offline: bool,

    /// Check the rules by themselves, as far as that goes without a config
    #[arg(long, value_enum, conflicts_with_all = ["config", "online"])]
    only: Option<Only>,

    /// Also ask each platform whether it accepts the credentials; no message is sent
    #[arg(long)]
    online: bool,

    /// End with 78 on warnings, too
    #[arg(long)]
    deny_warnings: bool,

    /// For people, or for editors and CI
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Rules,
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
    /// `null` if only the rules were looked at.
    config: Option<String>,
    rules: String,
    /// Of what was read; left out if only the rules were checked.
    digest: Option<String>,
    errors: usize,
    warnings: usize,
    diagnostics: Vec<Record<'a>>,
    /// What the platforms accepted.
    online: &'a [Probed],
}

/// What was found.
struct Found {
    diagnostics: Vec<Diagnostic>,
    probed: Vec<Probed>,
    /// How many instances and rules there are, if the files are right.
    counts: Option<(usize, usize)>,
    /// Of what was read; `None` if only the rules were.
    digest: Option<FilesDigest>,
}

pub(super) fn check(args: &Args, catalog: &Catalog) -> Exit {
    let found = match (args.only, args.offline) {
        (Some(Only::Rules), _) => only_rules(args, catalog),
        (None, true) => without_environment(args, catalog),
        (None, false) => look_around(args, catalog),
    };
    match args.format {
        Format::Text => as_text(args, &found),
        Format::Json => as_json(args, &found),
    }
    match output::exit(&found.diagnostics) {
        Exit::Fine if args.deny_warnings && !found.diagnostics.is_empty() => Exit::Config,
        exit => exit,
    }
}

fn only_rules(args: &Args, catalog: &Catalog) -> Found {
    Found {
        diagnostics: check_rules(&args.files.rules_source(), catalog),
        probed: Vec::new(),
        counts: None,
        digest: None,
    }
}

fn without_environment(args: &Args, catalog: &Catalog) -> Found {
    let loaded = args.files.load(catalog, &Offline);
    let setup = loaded.setup.as_ref();
    Found {
        counts: setup.map(|setup| (setup.instances.len(), setup.rules.len())),
        diagnostics: loaded.diagnostics,
        probed: Vec::new(),
        digest: Some(loaded.digest),
    }
}

fn look_around(args: &Args, catalog: &Catalog) -> Found {
    let mut here = args.files.load_here(catalog);
    let around = match here.outline() {
        Some(setup) => environment::look(setup, &here.loaded, Purpose::Check),
        None => Vec::new(),
    };
    let counts = here
        .outline()
        .map(|setup| (setup.instances.len(), setup.rules.len()));
    here.loaded.add(around);
    forgive(&mut here.loaded.diagnostics, args);
    let probed = match here.loaded.setup.take() {
        Some(setup) if args.online => {
            let (probed, refused) = online::ask(setup, &here.loaded);
            here.loaded.add(refused);
            probed
        }
        _ => Vec::new(),
    };
    Found {
        diagnostics: here.loaded.diagnostics,
        probed,
        counts,
        digest: Some(here.loaded.digest),
    }
}

/// Makes what is wrong around the files a warning: the bridge may well run on another machine, or
/// with another environment, than this check. But without its secret, and whom
/// to trust, nobody can ask a platform.
fn forgive(diagnostics: &mut [Diagnostic], args: &Args) {
    for diagnostic in diagnostics {
        let needed = [&codes::SECRET_UNAVAILABLE, &codes::CA_FILE];
        let is_needed = args.online && needed.contains(&diagnostic.code);
        if diagnostic.code.is_of_the_environment() && !is_needed {
            diagnostic.severity = Severity::Warning;
        }
    }
}

fn as_text(args: &Args, found: &Found) {
    output::diagnostics(&found.diagnostics);
    for probed in &found.probed {
        output::print(probed);
    }
    let mut count = output::count(&found.diagnostics);
    if let Some(digest) = found.digest {
        count.push_str(&format!(", digest {digest}"));
    }
    let has_errors = found.diagnostics.iter().any(Diagnostic::is_error);
    let rules_file = args.files.rules();
    match found.counts {
        _ if has_errors => output::error(&output::count(&found.diagnostics)),
        Some((instances, rules)) => output::print(&format_args!(
            "{} and {} are fine: {}, {}, {count}",
            args.files.config().display(),
            rules_file.display(),
            output::counted(instances, "instance"),
            output::counted(rules, "rule"),
        )),
        None if args.only.is_some() => output::print(&format_args!(
            "{} is fine by itself, {count}",
            rules_file.display()
        )),
        None => output::error(&count),
    }
    output::refer_to_help(&found.diagnostics);
}

fn as_json(args: &Args, found: &Found) {
    let (errors, warnings) = output::numbers(&found.diagnostics);
    let config = args.files.config().display().to_string();
    output::json(&Report {
        config: args.only.is_none().then_some(config),
        rules: args.files.rules().display().to_string(),
        digest: found.digest.map(|digest| digest.to_string()),
        errors,
        warnings,
        diagnostics: found.diagnostics.iter().map(Record::from).collect(),
        online: &found.probed,
    });
}
