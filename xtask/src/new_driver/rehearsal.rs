//! Does in a copy of the workspace what the pages for driver authors say, makes drivers of all kinds
//! outside it, and tests them.

use std::path::Path;

use super::inbound::Inbound;
use super::name::Name;
use super::{drivers, outside, read, tutorial, write};
use crate::step::{Failed, cargo_in, cargo_refuses, say, shared_build, top};

/// What the compiler says of a driver that was built with another `bridge-core`.
const MISMATCH: &str = "this driver was built with another `bridge-core` than `bridge-bin`";

/// Nothing is fetched: all that is needed was built before.
const OFFLINE: (&str, &str) = ("CARGO_NET_OFFLINE", "true");

/// The pages that are followed to the letter, from which heading on.
const PAGES: [(&str, Option<&str>); 2] = [
    ("CONTRIBUTING.md", Some("## Add a driver")),
    ("docs/driver-authors.md", None),
];

/// The folder beside the copy in which they make a repository of its own.
const OUT_OF_TREE: &str = "far-chat";

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
    repository(&copy, &folder.join(OUT_OF_TREE))
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

/// Does what the pages say in the workspace at `copy`, then tests and lints what they have made: a
/// driver of each kind.
fn inside(copy: &Path) -> Result<(), Failed> {
    let build = shared_build();
    let env = [("CARGO_BUILD_BUILD_DIR", &*build), OFFLINE];
    let mut commands = Vec::new();
    for (page, from) in PAGES {
        say(&format!("-- {page}"));
        commands.extend(tutorial::follow(&top().join(page), from, copy, &env)?);
    }
    for inbound in Inbound::ALL {
        let option = format!("--inbound {}", inbound.name());
        let makes = |line: &String| match line.contains("--inbound") {
            true => line.contains(&option),
            false => inbound == Inbound::default() && line.contains("new-driver"),
        };
        if !commands.iter().any(makes) {
            return Err(Failed::new(format!(
                "no page makes a driver with `{option}`"
            )));
        }
    }
    let known = drivers(&top())?;
    let mut made = drivers(copy)?;
    made.retain(|name| !known.contains(name));
    let packages = made.iter().map(|name| format!("driver-{name}"));
    let packages: Vec<_> = packages.collect();
    let of_packages: Vec<_> = packages
        .iter()
        .flat_map(|name| ["--package", name])
        .collect();
    cargo_in(copy, &[&["test"], &of_packages[..]].concat(), &env)?;
    cargo_in(copy, &lints(&of_packages), &env)?;
    // As the scaffold has formatted it, so does the author.
    cargo_in(
        copy,
        &[&["fmt", "--check"], &of_packages[..]].concat(),
        &env,
    )
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

/// The repository of its own that the pages have made and tested in `folder`, beside the workspace at
/// `copy`: its binary links the drivers that were made inside, too.
fn repository(copy: &Path, folder: &Path) -> Result<(), Failed> {
    let (build, results) = (shared_build(), folder.join("target").display().to_string());
    // Both have a binary `bridge`, so each has a folder of its own for results.
    let env = [
        ("CARGO_BUILD_BUILD_DIR", &*build),
        ("CARGO_TARGET_DIR", &*results),
    ];
    cargo_in(folder, &lints(&["--offline"]), &env)?;
    let run = ["run", "--offline", "--quiet", "--"];
    cargo_in(folder, &[&run[..], &["demo", "--once"]].concat(), &env)?;
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
            false => copy_file(&path, &to.join(name)).map_err(failed)?,
        }
    }
    Ok(())
}

/// With the time of its last change, by which cargo knows what it has built before.
fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::copy(from, to)?;
    let changed = from.metadata()?.modified()?;
    std::fs::File::options()
        .write(true)
        .open(to)?
        .set_modified(changed)
}
