//! The command line: what each command prints, and with which code it ends.

mod capabilities;
mod channels;
mod check;
mod convert;
mod dead;
mod demo;
mod docs;
mod drivers;
mod explain;
mod help;
mod init;
mod list_format;
mod mailboxes;
mod operate;
pub(crate) mod output;
mod reload;
mod run;
mod schema;
mod store;
mod test;
mod trace;

use std::process::ExitCode;

use bridge_core::catalog::Catalog;
use clap::{Parser, Subcommand};

use crate::files::Files;

/// A chat bridge: messages from a group on one platform appear in groups on others, by rules.
#[derive(Debug, Parser)]
#[command(
    name = "bridge",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    run: run::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge (the default command)
    Run(run::Args),
    /// Write a config and rules that pass the check, from a few questions or from flags
    Init(init::Args),
    /// Report every problem of config and rules; exit 78 if there is an error
    Check(check::Args),
    /// Write a config or rules file in another format: JSON, YAML or TOML
    Convert(convert::Args),
    /// Let the running bridge read its files again; exit 78 if they have errors
    Reload(reload::Args),
    /// Show what each rule makes of a message, and which clause decided
    Explain(explain::Args),
    /// Test the rules: whether messages reach the channels, and with the text, that a file says
    Test(test::Args),
    /// Show where a message is and what happened to it
    Trace(trace::Args),
    /// List, show, replay or discard dead letters: deliveries that ended without success
    Dead(dead::Args),
    /// Check the store, or copy it while the bridge runs
    Store(store::Args),
    /// List the channels from which something came, as they are pasted into the rules
    Channels(Files),
    /// Show what waits in mailboxes for programs that read by themselves
    Mailboxes(mailboxes::Args),
    /// Show what crosses from one instance to another, and what becomes of the rest
    Capabilities(capabilities::Args),
    /// List the drivers of this binary, with their keys
    Drivers,
    /// Print the page of a driver, as Markdown: its keys, its channels, what it can do
    Docs(docs::Args),
    /// Print the JSON Schema of the config or of the rules, for editors
    Schema(schema::Args),
    /// Bridge two sandbox groups on this machine: no account, no network, no file
    Demo(demo::Args),
    /// Explain the code of a problem, such as E0203, or a command
    Help(help::Args),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Fine,
    Failed,
    /// Wrong arguments.
    Usage,
    /// Something that stands in the files; sysexits' `EX_CONFIG`.
    Config,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Config => Self::from(78),
        }
    }
}

/// Parses the arguments and runs the command; wrong arguments end the process with code 2.
pub fn main() -> ExitCode {
    let Cli { command, run } = Cli::parse();
    let catalog = match Catalog::linked() {
        Ok(catalog) => catalog,
        Err(error) => {
            output::error(&error);
            return Exit::Failed.into();
        }
    };
    let exit = match command {
        None => run::run(&run, &catalog),
        Some(Command::Run(args)) => run::run(&args, &catalog),
        Some(Command::Init(args)) => init::init(&args, &catalog),
        Some(Command::Check(args)) => check::check(&args, &catalog),
        Some(Command::Convert(args)) => convert::convert(&args),
        Some(Command::Reload(args)) => reload::reload(&args, &catalog),
        Some(Command::Explain(args)) => explain::explain(&args, &catalog),
        Some(Command::Test(args)) => test::test(&args, &catalog),
        Some(Command::Trace(args)) => trace::trace(&args, &catalog),
        Some(Command::Dead(args)) => dead::dead(&args, &catalog),
        Some(Command::Store(args)) => store::store(&args, &catalog),
        Some(Command::Channels(files)) => channels::channels(&files, &catalog),
        Some(Command::Mailboxes(args)) => mailboxes::mailboxes(&args, &catalog),
        Some(Command::Capabilities(args)) => capabilities::capabilities(&args, &catalog),
        Some(Command::Drivers) => drivers::drivers(&catalog),
        Some(Command::Docs(args)) => docs::docs(&args, &catalog),
        Some(Command::Schema(args)) => schema::schema(&args, &catalog),
        Some(Command::Demo(args)) => demo::demo(&args, &catalog),
        Some(Command::Help(args)) => help::help(&args),
    };
    exit.into()
}

/// `KEY=VALUE`, as several commands take it.
fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
