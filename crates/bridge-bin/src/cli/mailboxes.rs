//! `bridge mailboxes`: what waits for programs that read by themselves.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::Setup;
use bridge_store::{Inspector, MailboxView};

use super::list_format::ListFormat;
use super::{Exit, output};
use crate::files::{Files, Offline};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// For people, or for programs
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

pub(super) fn mailboxes(args: &Args, catalog: &Catalog) -> Exit {
    let loaded = args.files.load(catalog, &Offline);
    let Some(setup) = loaded.setup else {
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        output::diagnostics(errors);
        return Exit::Config;
    };
    let data_dir = &setup.global.data_dir;
    let found = match found(Path::new(data_dir)) {
        Ok(found) => found,
        Err(error) => {
            output::error(&error);
            return Exit::Failed;
        }
    };
    match args.format {
        ListFormat::Json => output::json(&found),
        ListFormat::Text if found.is_empty() => output::print(&format_args!(
            "nothing has been put into a mailbox yet (data directory \"{data_dir}\")"
        )),
        ListFormat::Text => {
            for mailbox in &found {
                output::print(&describe(mailbox, &setup));
            }
        }
    }
    Exit::Fine
}

fn found(data_dir: &Path) -> Result<Vec<MailboxView>, String> {
    match Inspector::open(data_dir).map_err(|error| error.to_string())? {
        Some(inspector) => inspector.mailboxes().map_err(|error| error.to_string()),
        None => Ok(Vec::new()),
    }
}

/// `hook  3 unread, the oldest since …  confirmed up to number 17, the last is number 20`
fn describe(mailbox: &MailboxView, setup: &Setup) -> String {
    let MailboxView {
        instance,
        unread,
        oldest_unread,
        last,
        confirmed,
        dropped,
    } = mailbox;
    let unread = match oldest_unread {
        Some(oldest) => format!("{unread} unread, the oldest since {oldest}"),
        None => "all read".to_owned(),
    };
    let confirmed = match confirmed {
        Some(confirmed) => format!("confirmed up to number {confirmed}, the last is number {last}"),
        None => format!("nothing confirmed yet, the last is number {last}"),
    };
    let mut line = format!("{instance}  {unread}  {confirmed}");
    if let Some(dropped) = dropped {
        line += &format!("  something was dropped unread, at last number {dropped}");
    }
    let mut instances = setup.instances.iter();
    if !instances.any(|known| known.id.as_str() == instance) {
        line += "  no longer in the config: nobody can read it";
    }
    line
}
