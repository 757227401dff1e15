//! `cargo xtask examples`: the drivers out of tree in `examples/`, built and tested as what they are,
//! repositories of their own, in debug and release.

use std::path::{Path, PathBuf};

use crate::step::{Failed, cargo_in, say, shared_build, top};

/// Tests every example, in debug and release. What is built in between is shared with the workspace;
/// results are not, since each has a binary `bridge`.
pub(crate) fn run() -> Result<(), Failed> {
    let examples = top().join("examples");
    let found = folders(&examples)
        .map_err(|error| Failed::new(format!("{} can't be read: {error}", examples.display())))?;
    if found.is_empty() {
        return Err(Failed::new(format!(
            "{} holds no crate",
            examples.display()
        )));
    }
    for folder in found {
        say(&format!("-- {}", folder.display()));
        test(&folder)?;
    }
    Ok(())
}

fn test(folder: &Path) -> Result<(), Failed> {
    // The versions that the bridge itself is tested with; cargo leaves out what is not needed.
    let (from, to) = (top().join("Cargo.lock"), folder.join("Cargo.lock"));
    std::fs::copy(&from, &to).map_err(|error| {
        Failed::new(format!(
            "{} can't be copied to {}: {error}",
            from.display(),
            to.display()
        ))
    })?;
    let name = folder.file_name().unwrap_or_default();
    let results = top().join("target/examples").join(name);
    let results = results.display().to_string();
    let build = shared_build();
    let env = [
        ("CARGO_BUILD_BUILD_DIR", &*build),
        ("CARGO_TARGET_DIR", &*results),
    ];
    cargo_in(folder, &["fmt", "--check"], &[])?;
    let lints = ["clippy", "--offline", "--all-targets"];
    let strict = ["--", "-D", "warnings"];
    cargo_in(folder, &[&lints[..], &strict].concat(), &env)?;
    cargo_in(folder, &["test", "--offline"], &env)?;
    // What holds in release is that it is built, and runs.
    let running = ["test", "--offline", "--release", "--test", "running"];
    cargo_in(folder, &running, &env)
}

/// The folders that hold a crate, sorted.
fn folders(examples: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in examples.read_dir()? {
        let folder = entry?.path();
        if folder.join("Cargo.toml").is_file() {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}
