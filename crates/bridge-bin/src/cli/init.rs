//! `bridge init`: asks a few questions, or takes flags, and writes a config and rules that pass the
//! check. Nothing is written that would not, and nothing that exists is touched.

mod draft;
mod questions;
mod write;

use std::io::{IsTerminal as _, stderr, stdin};
use std::path::Path;

use bridge_core::catalog::{Catalog, DriverEntry};
use bridge_core::config::{Format, Loaded, Source, convert, load};
use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::{Cli, Exit, output};
use crate::files::{Files, Offline};
use draft::{Draft, Setting};
use questions::Questions;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// The platform; needed only if this binary has several
    #[arg(long)]
    platform: Option<String>,

    /// Your name for the instance
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,

    /// A setting of the instance; a secret as env:NAME, file:PATH, or the secret itself
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_value)]
    set: Vec<(String, String)>,

    /// The address of a channel; give two or more to link them. Keys of one address with commas
    #[arg(long, value_name = "KEY=VALUE[,KEY=VALUE]", value_parser = draft::address)]
    channel: Vec<Vec<(String, String)>>,
}

/// Why nothing was written.
enum Refused {
    /// A sentence, and how the command ends.
    Said(String, Exit),
    /// What the files would have been refused for.
    Checked(Box<Loaded>),
}

impl Refused {
    fn failed(problem: impl Into<String>) -> Self {
        Self::Said(problem.into(), Exit::Failed)
    }
}

pub(super) fn init(args: &Args, catalog: &Catalog) -> Exit {
    match try_init(args, catalog) {
        Ok(()) => Exit::Fine,
        Err(Refused::Said(problem, exit)) => {
            output::error(&problem);
            exit
        }
        Err(Refused::Checked(loaded)) => {
            output::diagnostics(loaded.diagnostics.iter().filter(|found| found.is_error()));
            output::error(&"nothing was written");
            Exit::Config
        }
    }
}

fn try_init(args: &Args, catalog: &Catalog) -> Result<(), Refused> {
    for path in [args.files.config(), args.files.rules()] {
        refuse_existing(&path)?;
        Format::of(&path)
            .map_err(|error| Refused::failed(format!("{}: {error}", path.display())))?;
    }
    let (mut questions, asks) = (
        Questions::new(stdin().lock(), stderr()),
        stdin().is_terminal(),
    );
    let driver = match (&args.platform, asks) {
        (None, true) => questions.platform(catalog).map_err(gone)?,
        (name, _) => platform(name.as_deref(), catalog)?,
    };
    let mut draft = Draft::new(driver);
    draft
        .instance
        .clone_from(&args.instance.clone().unwrap_or_else(|| draft.usual_name()));
    for (key, value) in &args.set {
        draft.set(key, value);
    }
    draft.channels.clone_from(&args.channel);
    if asks {
        let acceptable = |draft: &Draft<'_>, key: &str| {
            let loaded = check(draft, &args.files, catalog);
            let path = draft.path_of(key);
            let mut faults = loaded
                .diagnostics
                .into_iter()
                .filter(|found| found.is_error());
            match faults.find(|fault| fault.path == path) {
                Some(fault) => Err(format!("{}; {}", fault.problem, fault.help)),
                None => Ok(()),
            }
        };
        questions
            .ask(&mut draft, args.instance.is_none(), acceptable)
            .map_err(gone)?;
    } else if let missing @ [_, ..] = &*draft.missing() {
        usage(&describe(missing));
    }
    let loaded = check(&draft, &args.files, catalog);
    if loaded.setup.is_none() {
        return Err(Refused::Checked(Box::new(loaded)));
    }
    let files = [
        (args.files.config(), draft.config()),
        (args.files.rules(), draft.rules()),
    ];
    let files = files.map(|(path, json)| in_format(&path, json).map(|text| (path, text)));
    for file in files {
        let (path, text) = file?;
        write::new_file(&path, &text).map_err(Refused::failed)?;
        output::print(&format_args!("wrote {}", path.display()));
    }
    output::print(&next_steps(&draft));
    Ok(())
}

fn gone(error: std::io::Error) -> Refused {
    Refused::failed(format!("the terminal can't be read: {error}"))
}

fn refuse_existing(path: &Path) -> Result<(), Refused> {
    match path.symlink_metadata() {
        Ok(_) => Err(Refused::failed(format!(
            "{} exists and is not touched; move it away, or name another file",
            path.display()
        ))),
        Err(_) => Ok(()),
    }
}

fn platform<'a>(name: Option<&str>, catalog: &'a Catalog) -> Result<&'a DriverEntry, Refused> {
    let linked: Vec<_> = catalog.iter().map(|entry| entry.info().platform).collect();
    match (name, &*linked) {
        (Some(name), _) => catalog.get(name).ok_or_else(|| {
            Refused::failed(format!(
                "driver \"{name}\" is not linked into this binary; linked: {}",
                linked.join(", ")
            ))
        }),
        (None, [only]) => catalog
            .get(only)
            .ok_or_else(|| Refused::failed("no driver is linked into this binary")),
        (None, _) => usage(&format!("name one with --platform: {}", linked.join(", "))),
    }
}

/// The draft's files, loaded as `check --offline` would.
fn check(draft: &Draft<'_>, files: &Files, catalog: &Catalog) -> Loaded {
    let source = |path: &Path, json: String| Source {
        name: path.with_extension("json").display().to_string(),
        content: Ok(json.into_bytes()),
    };
    load(
        &source(&files.config(), draft.config()),
        &source(&files.rules(), draft.rules()),
        catalog,
        &Offline,
    )
}

/// What the draft has in JSON, in the format that the file's name tells.
fn in_format(path: &Path, json: String) -> Result<String, Refused> {
    if Format::of(path) == Ok(Format::Json) {
        return Ok(json);
    }
    let draft = Source {
        name: "draft.json".to_owned(),
        content: Ok(json.into_bytes()),
    };
    match convert(&draft, path) {
        Ok(converted) => Ok(converted.text),
        Err(_) => Err(Refused::failed(format!(
            "the draft can't be written as {}; name a file that ends in .json",
            path.display()
        ))),
    }
}

fn describe(missing: &[&Setting]) -> String {
    let lines = missing
        .iter()
        .map(|setting| format!("--set {}=…  {}", setting.key, setting.description));
    let lines: Vec<_> = lines.collect();
    format!(
        "settings are missing, and stdin is no terminal to ask on:\n  {}",
        lines.join("\n  ")
    )
}

/// Ends the process like any other wrong argument.
fn usage(problem: &str) -> ! {
    Cli::command()
        .error(ErrorKind::MissingRequiredArgument, problem)
        .exit()
}

fn next_steps(draft: &Draft<'_>) -> String {
    let mut steps = Vec::new();
    for (key, source) in draft.secrets_outside() {
        steps.push(format!("  put `{key}` into {source}"));
    }
    steps.push("  bridge check".to_owned());
    steps.push("  bridge".to_owned());
    if draft.channels.is_empty() {
        steps.push(naming_channels(draft));
    }
    format!("next:\n{}", steps.join("\n"))
}

/// How the rules name channels: what is logged is not the way everywhere, since some platforms bring
/// nothing from channels that no rule names.
fn naming_channels(draft: &Draft<'_>) -> String {
    let keys: Vec<_> = draft
        .address_keys()
        .map(|(name, description)| format!("`{name}`: {description}"))
        .collect();
    match keys.is_empty() {
        true => format!(
            "  name its one channel in the rules: `\"{}\": {{}}`",
            draft.instance
        ),
        false => format!("  name channels in the rules by {}", keys.join("; ")),
    }
}
