//! The binary `bridge`.

bridge_bin::main!();
