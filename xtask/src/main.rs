//! Tasks of the project. They run the product and the toolchain from outside; no driver is linked.

mod ci;
mod conformance;
mod examples;
mod generate;
mod new_driver;
mod step;
mod torture;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the project
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check a config with its rules, or every pair in config/ and rules/; environment left out
    Validate {
        /// The config file; without it, every pair in config/ and rules/
        #[arg(requires = "rules")]
        config: Option<PathBuf>,
        /// The rules file
        rules: Option<PathBuf>,
        #[command(flatten)]
        strictness: validate::Strictness,
    },
    /// Write the schemas in config/ and rules/, and the tables of keys in docs/
    Generate {
        /// Write nothing; fail if something is out of date
        #[arg(long)]
        check: bool,
    },
    /// Make a crate for a new platform: compiles, is documented, tested and linked
    NewDriver {
        /// Lower-case words joined by hyphens, such as my-chat
        name: String,
        /// How messages come in
        #[arg(long, value_enum, default_value_t)]
        inbound: new_driver::Inbound,
        /// Make it in this folder, outside the workspace: a repository with a binary of its own
        #[arg(long, value_name = "DIR")]
        out_of_tree: Option<PathBuf>,
    },
    /// Run the contract test of a driver, or of all, with their table
    TestDriver {
        /// The driver, such as dingtalk; without it, all of them side by side
        name: Option<String>,
    },
    /// Make drivers as a stranger would, in a copy of the workspace and outside, and test them
    Rehearse,
    /// Build and test the drivers out of tree in examples/, in debug and release
    Examples,
    /// Kill, overload and starve the real binary, and compare with what it acknowledged
    Torture(torture::Options),
    /// Run everything that must pass before a change lands
    Ci,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Validate {
            config: Some(config),
            rules: Some(rules),
            strictness,
        } => validate::pair(&config, &rules, strictness),
        Task::Validate { strictness, .. } => validate::everything(strictness),
        Task::Generate { check: true } => generate::run(generate::Mode::Check),
        Task::Generate { check: false } => generate::run(generate::Mode::Write),
        Task::NewDriver {
            name,
            inbound,
            out_of_tree,
        } => new_driver::run(&name, inbound, out_of_tree.as_deref()),
        Task::TestDriver { name: Some(name) } => new_driver::test(&name),
        Task::TestDriver { name: None } => conformance::run(),
        Task::Rehearse => new_driver::rehearse(),
        Task::Examples => examples::run(),
        Task::Torture(options) => torture::run(&options),
        Task::Ci => ci::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(step::Failed { message, code }) => {
            step::say(&format!("error: {message}"));
            ExitCode::from(code)
        }
    }
}
