//! `cargo xtask ci`: everything that must pass before a change lands, cheapest first.

use crate::step::{Failed, cargo, say};
use crate::{examples, generate, new_driver, torture, validate};

/// Runs all steps; stops at the first that fails.
pub(crate) fn run() -> Result<(), Failed> {
    let deny_warnings = [("RUSTDOCFLAGS", "-D warnings")];
    step("format", || cargo(&["fmt", "--all", "--check"], &[]))?;
    step("lints", || {
        cargo(
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
            &[],
        )
    })?;
    step("docs", || {
        cargo(
            &["doc", "--workspace", "--no-deps", "--locked"],
            &deny_warnings,
        )
    })?;
    step("generated files", || generate::run(generate::Mode::Check))?;
    step("example files", || validate::everything(Default::default()))?;
    step("licences and banned crates", deny)?;
    step("demo", || {
        cargo(
            &["run", "--release", "--locked", "--", "demo", "--once"],
            &[],
        )
    })?;
    step("crashes", || {
        let features = ["--features", "fail-points", "--locked"];
        let test = [
            "test",
            "--package",
            "bridge-bin",
            "--test",
            "crashes",
            "--test",
            "change_crashes",
        ];
        cargo(&[&test[..], &features[..]].concat(), &[])
    })?;
    step("a new driver", new_driver::rehearse)?;
    step("drivers out of tree", examples::run)?;
    step("torture", || torture::run(&torture::Options::short()))?;
    step("tests", || cargo(&["test", "--workspace", "--locked"], &[]))?;
    say("== all steps passed");
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<(), Failed>) -> Result<(), Failed> {
    say(&format!("== {name}"));
    work()
}

/// `cargo deny` is an extra program: `.ci/run` installs it, a developer may do without.
fn deny() -> Result<(), Failed> {
    if cargo(&["deny", "--version"], &[]).is_err() {
        say("not run: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
        return Ok(());
    }
    // It reads the crates of every platform, also those that were not built here.
    cargo(&["fetch", "--locked"], &[])?;
    cargo(
        &["deny", "--offline", "check", "bans", "licenses", "sources"],
        &[],
    )
}
