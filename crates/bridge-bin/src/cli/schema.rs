//! `bridge schema`: the JSON Schema of the config or of the rules, for editors and other programs.

use bridge_core::catalog::Catalog;
use bridge_core::{config, rules};

use super::{Exit, output};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of which file
    #[arg(value_enum)]
    of: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum File {
    /// The config: the framework's keys and those of the drivers of this binary
    Config,
    /// The rules
    Rules,
}

pub(super) fn schema(args: &Args, catalog: &Catalog) -> Exit {
    output::json(&match args.of {
        File::Config => config::json_schema(catalog),
        File::Rules => rules::json_schema(catalog),
    });
    Exit::Fine
}
