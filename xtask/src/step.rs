//! Runs one command of a task at the top of the workspace, with its output going straight through.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A task that did not succeed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) message: String,
    /// The code to end with: that of the command that failed.
    pub(crate) code: u8,
}

impl Failed {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }
}

/// The top of the workspace.
pub(crate) fn top() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder for what is built in between, as `CARGO_BUILD_BUILD_DIR`: that of the workspace, so that
/// the same crates need not be built again for another one.
pub(crate) fn shared_build() -> String {
    top().join("target").display().to_string()
}

/// `cargo` with arguments, at the top; `envs` are set for it.
pub(crate) fn cargo(args: &[&str], envs: &[(&str, &str)]) -> Result<(), Failed> {
    cargo_in(&top(), args, envs)
}

/// `cargo` with arguments, in a folder.
pub(crate) fn cargo_in(dir: &Path, args: &[&str], envs: &[(&str, &str)]) -> Result<(), Failed> {
    let mut command = command();
    command
        .args(args)
        .envs(envs.iter().copied())
        .current_dir(dir);
    let line = format!("cargo {}", args.join(" "));
    let status = command
        .status()
        .map_err(|error| Failed::new(format!("`{line}` can't start: {error}")))?;
    if status.success() {
        return Ok(());
    }
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Err(Failed {
        message: format!("`{line}` failed: {status}"),
        code,
    })
}

/// What a script has printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) is_success: bool,
    /// What went to stderr, then what went to stdout.
    pub(crate) text: String,
}

/// Runs a script of the shell in a folder, to its first command that fails.
pub(crate) fn shell_in(dir: &Path, script: &str, envs: &[(&str, &str)]) -> Result<Printed, Failed> {
    let output = from_outside(Command::new("sh"))
        .args(["-e", "-c", script])
        .envs(envs.iter().copied())
        .current_dir(dir)
        .output()
        .map_err(|error| Failed::new(format!("`sh` can't start: {error}")))?;
    let text = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes));
    Ok(Printed {
        is_success: output.status.success(),
        text: text.concat(),
    })
}

/// `cargo` as it is called from outside.
fn command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    from_outside(Command::new(cargo))
}

/// A command without what cargo tells this task about its package: some build scripts would take that
/// for a change and build anew.
fn from_outside(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// What `cargo` with arguments, in a folder, prints to stderr while it fails; to succeed is an error.
pub(crate) fn cargo_refuses(
    dir: &Path,
    args: &[&str],
    envs: &[(&str, &str)],
) -> Result<String, Failed> {
    let line = format!("cargo {}", args.join(" "));
    let output = command()
        .args(args)
        .envs(envs.iter().copied())
        .current_dir(dir)
        .output()
        .map_err(|error| Failed::new(format!("`{line}` can't start: {error}")))?;
    if output.status.success() {
        return Err(Failed::new(format!("`{line}` should have failed")));
    }
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What `cargo` with arguments, at the top, prints to stdout.
pub(crate) fn cargo_output(args: &[&str]) -> Result<String, Failed> {
    let line = format!("cargo {}", args.join(" "));
    let output = command()
        .args(args)
        .current_dir(top())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| Failed::new(format!("`{line}` can't start: {error}")))?;
    if !output.status.success() {
        return Err(Failed::new(format!("`{line}` failed: {}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Failed::new(format!("`{line}` prints no UTF-8")))
}

/// What was asked for, to stdout. A reader that has gone away is no reason to fail.
pub(crate) fn print(text: &str) {
    drop(std::io::stdout().write_all(text.as_bytes()));
}

/// A line of the task itself, to stderr. A reader that has gone away is no reason to fail.
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
