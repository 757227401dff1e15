//! `bridge explain`: what each rule makes of a message, by the same compiled rules as in
//! production.

use std::fmt::Write as _;

use bridge_core::catalog::Catalog;
use bridge_core::config::{InstanceSetup, Setup};
use bridge_core::fit::fit;
use bridge_core::id::{Address, Channel};
use bridge_core::message::{Message, Sender};
use bridge_core::rules::{TargetVerdict, Verdict};

use super::{Exit, output};
use crate::files::{Files, Offline};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// The instance that hears the message
    #[arg(long, value_name = "INSTANCE")]
    from: String,

    /// The channel it is said in; once for each key of its address
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_value)]
    channel: Vec<(String, String)>,

    /// What is said
    #[arg(long)]
    text: String,

    /// Who says it
    #[arg(long, value_name = "NAME", default_value = "someone")]
    user: String,
}

pub(super) fn explain(args: &Args, catalog: &Catalog) -> Exit {
    let loaded = args.files.load(catalog, &Offline);
    let Some(setup) = loaded.setup else {
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        output::diagnostics(errors);
        return Exit::Config;
    };
    match explanation(args, catalog, &setup) {
        Ok(text) => {
            output::print(&text);
            Exit::Fine
        }
        Err(error) => {
            output::error(&error);
            Exit::Failed
        }
    }
}

fn explanation(args: &Args, catalog: &Catalog, setup: &Setup) -> Result<String, String> {
    let instance = find(setup, &args.from).ok_or_else(|| {
        let known: Vec<_> = setup
            .instances
            .iter()
            .map(|known| known.id.as_str())
            .collect();
        format!(
            "no instance is called \"{}\" in the config; known: {}",
            args.from,
            known.join(", ")
        )
    })?;
    let keys = catalog
        .get(instance.platform)
        .map_or(&[][..], |entry| entry.info().address_keys);
    for key in keys {
        if !args.channel.iter().any(|(name, _)| name == key.name) {
            return Err(format!(
                "the channel lacks a key: add --channel {}=…",
                key.name
            ));
        }
    }
    if let Some((name, _)) = args
        .channel
        .iter()
        .find(|(name, _)| !keys.iter().any(|key| key.name == name))
    {
        let known: Vec<_> = keys.iter().map(|key| key.name).collect();
        return Err(format!(
            "unknown channel key \"{name}\"; known: {}",
            known.join(", ")
        ));
    }
    let address = Address::new(args.channel.iter().cloned());
    let source = Channel::new(instance.id.clone(), address.clone());
    let message = Message::new(
        address,
        Sender::new("", args.user.as_str()),
        args.text.as_str(),
    );
    let verdicts = setup.rules.explain(instance.platform, &source, &message);

    let mut text = format!("a message from {source}\n\n");
    for verdict in &verdicts {
        describe(&mut text, verdict, args, setup).map_err(|error| error.to_string())?;
    }
    let reached = verdicts.iter().flat_map(|verdict| &verdict.targets);
    match reached.filter(|target| target.result.is_ok()).count() {
        0 if setup.rules.is_empty() => text.push_str("there are no rules, so it goes nowhere"),
        0 => text.push_str("it goes nowhere"),
        number => text.push_str(&format!(
            "it goes to {}",
            output::counted(number, "channel")
        )),
    }
    Ok(text)
}

fn find<'a>(setup: &'a Setup, name: &str) -> Option<&'a InstanceSetup> {
    setup
        .instances
        .iter()
        .find(|instance| instance.id.as_str() == name)
}

fn describe(
    text: &mut String,
    verdict: &Verdict<'_>,
    args: &Args,
    setup: &Setup,
) -> std::fmt::Result {
    let path = args.files.rules();
    let file = path.display();
    let (line, column) = verdict.place;
    let matched = if verdict.matched {
        "matches"
    } else {
        "does not match"
    };
    writeln!(
        text,
        "rule \"{}\" {matched} ({file}:{line}:{column})",
        verdict.rule
    )?;
    for clause in &verdict.clauses {
        let (line, column) = clause.place;
        writeln!(text, "  {} ({file}:{line}:{column})", clause.text)?;
    }
    for target in &verdict.targets {
        describe_target(text, target, setup)?;
    }
    writeln!(text)
}

fn describe_target(text: &mut String, target: &TargetVerdict, setup: &Setup) -> std::fmt::Result {
    match &target.result {
        Err(reason) => writeln!(text, "  -> {}: skipped, {reason}", target.channel),
        Ok(content) => {
            let Some(instance) = find(setup, target.channel.instance.as_str()) else {
                return Ok(());
            };
            let capabilities = instance.driver.capabilities();
            let parts = fit(content, &capabilities);
            let size: usize = parts
                .iter()
                .map(|part| (capabilities.text_size)(part))
                .sum();
            let limit = capabilities.text_limit;
            let count = output::counted(parts.len(), "part");
            writeln!(
                text,
                "  -> {}: {count}, {size} of {limit} bytes",
                target.channel
            )?;
            for line in parts.iter().flat_map(|part| part.lines()) {
                writeln!(text, "     | {line}")?;
            }
            Ok(())
        }
    }
}
