//! The binary `bridge`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bridge_bin::cli::main()
}
