//! `bridge reload`: lets the running bridge read its files again, and says what came of it.

use bridge_core::catalog::Catalog;
use bridge_core::config::settings::GlobalSettings;

use super::operate::{Operator, unexpected};
use super::{Exit, output};
use crate::app::{Parked, Reloaded};
use crate::control::{Question, Reply};
use crate::files::{Files, Offline};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn reload(args: &Args, catalog: &Catalog) -> Exit {
    reloaded(args, catalog).unwrap_or_else(|exit| exit)
}

fn reloaded(args: &Args, catalog: &Catalog) -> Result<Exit, Exit> {
    let loaded = args.files.load(catalog, &Offline);
    // A config with errors may still say where the bridge is, which then says all that is wrong: it
    // knows its own environment.
    let global = match args.files.global(catalog) {
        Ok(global) => Some(global),
        Err(_) if loaded.is_parsed() => {
            let mut global = GlobalSettings::default();
            if let Some(data_dir) = loaded.text_of(&["global", "data_dir"]) {
                global.data_dir = data_dir.to_owned();
            }
            Some(global)
        }
        Err(_) => None,
    };
    let is_wrong = loaded.setup.is_none();
    let answer = match global {
        Some(global) => Operator::of(global)?.ask_running(&Question::Reload)?,
        None => None,
    };
    match answer {
        Some(Reply::Reloaded(reloaded)) => Ok(show(args, &reloaded)),
        Some(_) => Err(unexpected()),
        None if is_wrong => {
            let problems = output::text(&loaded.diagnostics);
            let digest = loaded.digest.to_string();
            Ok(show(args, &Reloaded::Refused { digest, problems }))
        }
        None => {
            output::error(
                &"no bridge runs on the data directory of this config; start it with `bridge run`",
            );
            Ok(Exit::Failed)
        }
    }
}

fn show(args: &Args, reloaded: &Reloaded) -> Exit {
    if args.json {
        output::json(reloaded);
    } else {
        show_as_text(reloaded);
    }
    match reloaded {
        Reloaded::Applied { .. } | Reloaded::Unchanged { .. } => Exit::Fine,
        Reloaded::Refused { .. } => Exit::Config,
        Reloaded::NotApplied { .. } => Exit::Failed,
    }
}

fn show_as_text(reloaded: &Reloaded) {
    match reloaded {
        Reloaded::Applied {
            digest,
            generation,
            added,
            changed,
            removed,
            untouched,
            needs_restart,
            warnings,
        } => {
            output::problems(warnings);
            output::print(&format_args!(
                "reloaded: digest {digest}, generation {generation}"
            ));
            for (what, instances) in [("new", added), ("changed", changed)] {
                if !instances.is_empty() {
                    output::print(&format_args!("  {what:<9}  {}", instances.join(", ")));
                }
            }
            for removed in removed {
                output::print(&format_args!("  removed    {}", parked(removed)));
            }
            let untouched = output::counted(*untouched, "instance");
            output::print(&format_args!("  untouched  {untouched}"));
            show_waiting(needs_restart);
        }
        Reloaded::Unchanged {
            digest,
            needs_restart,
        } => {
            output::print(&format_args!(
                "nothing was changed: digest {digest} is in force already"
            ));
            show_waiting(needs_restart);
        }
        Reloaded::Refused { digest, problems } => {
            output::problems(problems);
            output::error(&format_args!(
                "the files have errors (digest {digest}); nothing was changed"
            ));
        }
        Reloaded::NotApplied {
            digest,
            reason,
            problems,
        } => {
            output::problems(problems);
            output::error(&format_args!(
                "the files can't be applied (digest {digest}); nothing was changed: {reason}"
            ));
        }
    }
}

fn parked(removed: &Parked) -> String {
    let Parked {
        instance,
        parked,
        failure,
    } = removed;
    let list = format!("bridge dead list --instance {instance}");
    match (parked, failure) {
        (0, None) => format!("{instance}; nothing waited for it"),
        (_, None) => format!("{instance}; dead letters now: {parked} ({list})"),
        (_, Some(error)) => {
            format!("{instance}; dead letters now: {parked}; the others stay queued: {error}")
        }
    }
}

fn show_waiting(needs_restart: &[String]) {
    if !needs_restart.is_empty() {
        output::print(&format_args!(
            "  changed, but needs a restart: {}",
            needs_restart.join(", ")
        ));
    }
}
