//! `bridge explain`: what each rule makes of a message, by the same compiled rules as in
//! production.

mod expect;
mod given;
mod report;
mod text;

use std::path::PathBuf;

use bridge_core::catalog::Catalog;
use bridge_core::message::MessageKind;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{Exit, output};
use crate::files::{Files, Offline};
use expect::Expected;
use given::Given;
use report::Report;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// The instance that hears the message
    #[arg(long, value_name = "INSTANCE")]
    from: String,

    /// The channel it is said in; once for each key of its address
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_value, conflicts_with = "event")]
    channel: Vec<(String, String)>,

    /// What is said
    #[arg(long, required_unless_present = "event", conflicts_with = "event")]
    text: Option<String>,

    /// Who says it
    #[arg(
        long,
        value_name = "NAME",
        default_value = "someone",
        conflicts_with = "event"
    )]
    user: String,

    /// The sender's id on the platform
    #[arg(long, value_name = "ID", default_value = "", conflicts_with = "event")]
    user_id: String,

    /// What the message mainly is
    #[arg(long, default_value = "text", value_parser = kinds(), conflicts_with = "event")]
    kind: MessageKind,

    /// Take the message from the body of a recorded callback, whose signature is not looked at
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,

    /// For people, or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// A channel that it must go to, or `none`; together all of them, or the command ends with 1
    #[arg(long, value_name = "INSTANCE:KEY=VALUE,…")]
    expect: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// Rules and texts, one below the other
    #[default]
    Text,
    /// One JSON object
    Json,
}

fn kinds() -> impl TypedValueParser<Value = MessageKind> {
    PossibleValuesParser::new(MessageKind::ALL.map(MessageKind::name))
        .map(|name| MessageKind::from_name(&name).unwrap_or_default())
}

pub(super) fn explain(args: &Args, catalog: &Catalog) -> Exit {
    let loaded = args.files.load(catalog, &Offline);
    let Some(setup) = loaded.setup else {
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        output::diagnostics(errors);
        return Exit::Config;
    };
    let expected = match &args.expect[..] {
        [] => Ok(None),
        expected => Expected::parse(expected, &setup, catalog).map(Some),
    };
    let report = expected.and_then(|expected| {
        let (given, setup) = Given::of(args, setup, catalog)?;
        Ok(Report::new(given, &setup, &args.files, expected.as_ref()))
    });
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            output::error(&error);
            return Exit::Failed;
        }
    };
    match args.format {
        Format::Text => output::print(&text::Text(&report)),
        Format::Json => output::json(&report),
    }
    match &report.expected {
        Some(comparison) if !comparison.agrees() => {
            output::error(comparison);
            Exit::Failed
        }
        _ => Exit::Fine,
    }
}
