//! Makes drivers of all kinds in a copy of the workspace and outside, as a stranger would, and tests
//! them.

use std::path::Path;

use super::inbound::Inbound;
use super::name::Name;
use super::{outside, read, within, write};
use crate::step::{Failed, cargo_in, cargo_refuses, say, shared_build, top};

/// What the compiler says of a driver that was built with another `bridge-core`.
const MISMATCH: &str = "this driver was built with another `bridge-core` than `bridge-bin`";

/// Performed by `cargo xtask ci`. Only the new crates are built and tested, beside what the
/// workspace's own `target` holds already; the folder is always the same, so that builds do not pile
/// up there.
pub(crate) fn rehearse() -> Result<(), Failed> {
    let folder = top().join("target/rehearsal");
    let made_anew = match folder.exists() {
        true => std::fs::remove_dir_all(&folder),
        false => Ok(()),
    };
    made_anew
        .map_err(|error| Failed::new(format!("{} is in the way: {error}", folder.display())))?;
    let copy = folder.join("workspace");
    copy_workspace(&top(), &copy)?;
    set_version(&copy)?;
    inside(&copy)?;
    for inbound in [Inbound::Stream, Inbound::Poll] {
        library(&copy, &folder.join(inbound.name()), inbound)?;
    }
    repository(&copy, &folder.join("repository"))
}

/// Gives the copy a version of its own: a lock file can't hold two packages that differ by path only.
fn set_version(copy: &Path) -> Result<(), Failed> {
    let path = copy.join("Cargo.toml");
    let manifest = read(&path)?;
    let lines = manifest.lines().map(|line| match line {
        line if line.starts_with("version = ") => "version = \"0.0.0-rehearsal\"",
        line => line,
    });
    let changed = lines.fold(String::new(), |text, line| text + line + "\n");
    write(&path, &changed)
}

/// A driver of each kind within the workspace at `copy`.
fn inside(copy: &Path) -> Result<(), Failed> {
    let mut packages = Vec::new();
    for inbound in Inbound::ALL {
        let name = format!("rehearsed-{}", inbound.name());
        let name = Name::parse(&name).map_err(Failed::new)?;
        let made = within(copy, &name, inbound)?;
        cargo_in(&made, &["fmt"], &[])?;
        packages.push(name.package());
    }
    let of_packages: Vec<_> = packages
        .iter()
        .flat_map(|name| ["--package", name])
        .collect();
    let of_packages = [&["--offline"], &of_packages[..]].concat();
    let shared = shared_build();
    let env = [("CARGO_TARGET_DIR", &*shared)];
    cargo_in(copy, &[&["test"], &of_packages[..]].concat(), &env)?;
    cargo_in(copy, &lints(&of_packages), &env)
}

/// A driver in a repository of its own, `folder`, without the binary.
fn library(copy: &Path, folder: &Path, inbound: Inbound) -> Result<(), Failed> {
    let name = Name::parse("rehearsed-far").map_err(Failed::new)?;
    outside(copy, folder, &name, inbound)?;
    let shared = shared_build();
    let env = [("CARGO_TARGET_DIR", &*shared)];
    let test = ["test", "--offline", "--no-default-features"];
    cargo_in(folder, &test, &env)
}

/// A driver in a repository of its own, `folder`, whose bridge is that of the workspace at `copy`.
fn repository(copy: &Path, folder: &Path) -> Result<(), Failed> {
    // The binary links the drivers that were made inside, too.
    let name = Name::parse("rehearsed-far").map_err(Failed::new)?;
    outside(copy, folder, &name, Inbound::Webhook)?;
    cargo_in(folder, &["fmt"], &[])?;
    let (build, results) = (shared_build(), folder.join("target").display().to_string());
    // Both have a binary `bridge`, so each has a folder of its own for results.
    let env = [
        ("CARGO_BUILD_BUILD_DIR", &*build),
        ("CARGO_TARGET_DIR", &*results),
    ];
    cargo_in(folder, &["test", "--offline"], &env)?;
    cargo_in(folder, &lints(&["--offline"]), &env)?;
    let run = ["run", "--offline", "--quiet", "--"];
    cargo_in(folder, &[&run[..], &["demo", "--once"]].concat(), &env)?;
    let docs = ["docs", &*name.platform()];
    cargo_in(folder, &[&run[..], &docs].concat(), &env)?;
    two_cores_do_not_compile(copy, folder, &env)
}

/// Lets the driver in `folder` depend on another `bridge-core` than `bridge-bin` does.
fn two_cores_do_not_compile(
    copy: &Path,
    folder: &Path,
    env: &[(&str, &str)],
) -> Result<(), Failed> {
    let path = folder.join("Cargo.toml");
    let of = |workspace: &Path| {
        let core = workspace.join("crates/bridge-core");
        format!("bridge-core = {{ path = \"{}\" }}", core.display())
    };
    let manifest = read(&path)?;
    write(&path, &manifest.replace(&of(copy), &of(&top())))?;
    let said = cargo_refuses(folder, &["check", "--offline", "--bin", "bridge"], env)?;
    write(&path, &manifest)?;
    if !said.contains(MISMATCH) {
        return Err(Failed::new(format!(
            "two bridge-core in one binary are not refused with {MISMATCH:?}, but with:\n{said}"
        )));
    }
    say("two bridge-core in one binary are refused, as they should be");
    Ok(())
}

fn lints<'a>(of: &[&'a str]) -> Vec<&'a str> {
    let strict = ["--all-targets", "--", "-D", "warnings"];
    [&["clippy"], of, &strict].concat()
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
