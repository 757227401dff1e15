//! `bridge channels`: the channels from which something came, as they are pasted into the rules.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::Setup;
use bridge_core::message::single_line;
use bridge_store::{Inspector, SeenChannel};

use super::{Exit, output};
use crate::files::{Files, Offline};

pub(super) fn channels(files: &Files, catalog: &Catalog) -> Exit {
    let loaded = files.load(catalog, &Offline);
    let Some(setup) = loaded.setup else {
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        output::diagnostics(errors);
        return Exit::Config;
    };
    match seen(Path::new(&setup.global.data_dir)) {
        Ok(channels) if channels.is_empty() => {
            output::print(&format_args!(
                "nothing has come from any channel yet (data directory \"{}\"); run the bridge and say something in a group, with an @ of the robot",
                setup.global.data_dir
            ));
            Exit::Fine
        }
        Ok(channels) => {
            for channel in channels {
                output::print(&describe(&channel, &setup));
            }
            Exit::Fine
        }
        Err(error) => {
            output::error(&error);
            Exit::Failed
        }
    }
}

fn seen(data_dir: &Path) -> Result<Vec<SeenChannel>, String> {
    match Inspector::open(data_dir).map_err(|error| error.to_string())? {
        Some(inspector) => inspector.channels().map_err(|error| error.to_string()),
        None => Ok(Vec::new()),
    }
}

/// The address first and alone between its braces, so that it can be copied.
fn describe(seen: &SeenChannel, setup: &Setup) -> String {
    let named = if setup.rules.names(&seen.channel) {
        "in the rules"
    } else {
        "in no rule"
    };
    // People choose titles; one must not begin a line or steer the terminal.
    let title = single_line(&seen.title);
    let title = if title.is_empty() {
        "(no title)"
    } else {
        &title
    };
    format!(
        "{}  {title}  {named}  last heard {}",
        seen.channel, seen.last_seen
    )
}
