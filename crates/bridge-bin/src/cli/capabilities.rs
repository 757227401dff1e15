//! `bridge capabilities`: what crosses from one instance to another, and what becomes of the rest.

use bridge_core::capability::Capabilities;
use bridge_core::catalog::{Catalog, DriverEntry};
use bridge_core::config::{InstanceSetup, Setup};
use bridge_core::crossing::{Row, between, of_driver};
use bridge_core::id::InstanceId;
use serde_json::json;

use super::docs::sample;
use super::list_format::ListFormat;
use super::{Exit, output};
use crate::files::{Files, Offline};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// Any two instances, whether or not a rule connects them
    #[arg(long)]
    all: bool,

    /// What each driver of this binary hears and shows, without any files
    #[arg(long, conflicts_with = "all")]
    drivers: bool,

    /// For people, or for programs
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// A table and what it is of.
struct Table {
    title: String,
    /// What it is of, for programs.
    of: serde_json::Value,
    rows: Vec<Row>,
}

pub(super) fn capabilities(args: &Args, catalog: &Catalog) -> Exit {
    let tables = if args.drivers {
        catalog.iter().map(of_entry).collect()
    } else {
        let loaded = args.files.load(catalog, &Offline);
        let Some(setup) = loaded.setup else {
            let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
            output::diagnostics(errors);
            return Exit::Config;
        };
        of_pairs(args, &setup)
    };
    match args.format {
        ListFormat::Text if tables.is_empty() => {
            output::print(&"no rule connects two channels; `--all` shows any two instances");
        }
        ListFormat::Text => {
            let texts: Vec<_> = tables.iter().map(text).collect();
            output::print(&texts.join("\n").trim_end());
        }
        ListFormat::Json => {
            let tables = tables.into_iter().map(|table| {
                let mut of = table.of;
                of["rows"] = json!(table.rows);
                of
            });
            output::json(&tables.collect::<Vec<_>>());
        }
    }
    Exit::Fine
}

/// Those that rules connect come first.
fn of_pairs(args: &Args, setup: &Setup) -> Vec<Table> {
    let mut pairs = setup.rules.pairs();
    if args.all {
        for from in &setup.instances {
            for to in &setup.instances {
                let pair = (&from.id, &to.id);
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
    }
    let capabilities = |id: &InstanceId| {
        let mut instances = setup.instances.iter();
        instances.find(|one| one.id == *id).map(configured)
    };
    let tables = pairs.into_iter().filter_map(|(from, to)| {
        Some(Table {
            title: format!("{from} → {to}"),
            of: json!({ "from": from.as_str(), "to": to.as_str() }),
            rows: between(&capabilities(from)?, &capabilities(to)?),
        })
    });
    tables.collect()
}

/// The driver's, with the rates of the config.
fn configured(instance: &InstanceSetup) -> Capabilities {
    let mut capabilities = instance.driver.capabilities();
    capabilities.rate_per_second = instance.rate_per_second;
    capabilities.channel_rate_per_minute = instance.channel_rate_per_minute;
    capabilities
}

/// With the settings that an instance needs, and no others.
fn of_entry(entry: &DriverEntry) -> Table {
    let platform = entry.info().platform;
    let settings = sample::settings(&entry.schema().to_value());
    let rows = match entry.prepare(settings) {
        Ok(prepared) => of_driver(&prepared.capabilities()),
        // It depends on settings that nobody wrote.
        Err(_) => Vec::new(),
    };
    Table {
        title: platform.to_owned(),
        of: json!({ "driver": platform }),
        rows,
    }
}

fn text(table: &Table) -> String {
    let mut text = format!("{}\n", table.title);
    for Row { what, how } in &table.rows {
        text += &format!("  {what:<50} {how}\n");
    }
    text
}
