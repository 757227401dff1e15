//! Makes a driver in a copy of the workspace and one outside, as a stranger would, and tests both.

use std::path::Path;

use super::name::Name;
use super::{outside, within};
use crate::step::{Failed, cargo_in, top};

/// Performed by `cargo xtask ci`. Only the new crates are built and tested, into the workspace's own
/// `target`; the folder is always the same, so that builds do not pile up there.
pub(crate) fn rehearse() -> Result<(), Failed> {
    let name = Name::parse("rehearsed-chat").map_err(Failed::new)?;
    let package = name.package();
    let folder = top().join("target/rehearsal");
    let made_anew = match folder.exists() {
        true => std::fs::remove_dir_all(&folder),
        false => Ok(()),
    };
    made_anew
        .map_err(|error| Failed::new(format!("{} is in the way: {error}", folder.display())))?;
    let copy = folder.join("workspace");
    copy_workspace(&top(), &copy)?;

    let made = within(&copy, &name)?;
    cargo_in(&made, &["fmt"], &[])?;
    let target = top().join("target").display().to_string();
    // With the workspace's profile, the crates of others need not be built again.
    let profile = ("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    let env = [("CARGO_TARGET_DIR", &*target), profile];
    let test = ["test", "--offline", "--package", &*package];
    cargo_in(&copy, &test, &env)?;
    let lints = [
        "clippy",
        "--offline",
        "--package",
        &*package,
        "--all-targets",
    ];
    cargo_in(
        &copy,
        &[&lints[..], &["--", "-D", "warnings"]].concat(),
        &env,
    )?;

    let alone = folder.join("alone");
    outside(&copy, &alone, &name)?;
    cargo_in(&alone, &["fmt"], &[])?;
    cargo_in(&alone, &["test", "--offline"], &env)
}

/// Copies what belongs to the workspace: no build results, no history.
fn copy_workspace(from: &Path, to: &Path) -> Result<(), Failed> {
    const LEFT_OUT: [&str; 3] = ["target", ".git", "data"];
    let failed = |error| Failed::new(format!("{} can't be copied: {error}", from.display()));
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in from.read_dir().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, path) = (entry.file_name(), entry.path());
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        match path.is_dir() {
            true => copy_workspace(&path, &to.join(name))?,
            false => drop(std::fs::copy(&path, to.join(name)).map_err(failed)?),
        }
    }
    Ok(())
}
