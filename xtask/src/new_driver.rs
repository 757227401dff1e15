//! `cargo xtask new-driver`: a crate for a platform that is documented, tested and linked before a
//! letter is typed; and `cargo xtask test-driver`, which shows the table of its contract.

mod inbound;
mod link;
mod name;
mod rehearsal;
mod template;
mod tutorial;

use std::path::{Component, Path, PathBuf};

use crate::step::{Failed, cargo, cargo_in, say, top};
use name::Name;

pub(crate) use inbound::Inbound;
pub(crate) use rehearsal::rehearse;

/// Makes the crate of the driver `name`: in this workspace, or in the folder `out_of_tree`.
pub(crate) fn run(name: &str, inbound: Inbound, out_of_tree: Option<&Path>) -> Result<(), Failed> {
    let name = Name::parse(name).map_err(Failed::new)?;
    match out_of_tree {
        None => {
            let folder = within(&top(), &name, inbound)?;
            cargo_in(&folder, &["fmt"], &[])?;
            for line in next_steps(&name) {
                say(&line);
            }
        }
        Some(folder) => {
            let current = std::env::current_dir()
                .map_err(|error| Failed::new(format!("there is no current folder: {error}")))?;
            let folder = without_parents(&current.join(folder));
            outside(&top(), &folder, &name, inbound)?;
            cargo_in(&folder, &["fmt"], &[])?;
            say(&format!("made {}", folder.display()));
            say("next: `cargo test` in it, its README.md, and `git init`");
        }
    }
    Ok(())
}

/// Runs the contract test of a driver of this workspace, with its table.
pub(crate) fn test(name: &str) -> Result<(), Failed> {
    let drivers = drivers(&top())?;
    if !drivers.iter().any(|driver| driver == name) {
        return Err(Failed::new(format!(
            "there is no driver {name:?}; there are: {}",
            drivers.join(", ")
        )));
    }
    let package = format!("driver-{name}");
    let test = ["test", "--package", &package, "--test", "contract"];
    cargo(&[&test[..], &["--", "--nocapture"]].concat(), &[])
}

/// Makes the crate in the workspace at `root` and its pages, and links it; the new folder.
fn within(root: &Path, name: &Name, inbound: Inbound) -> Result<PathBuf, Failed> {
    let drivers = drivers(root)?;
    let is_taken = |driver: &String| driver.replace('-', "_") == name.platform();
    if let Some(driver) = drivers.iter().find(|driver| is_taken(driver)) {
        return Err(Failed::new(format!(
            "there is a driver {driver:?} already; take another name, or remove crates/driver-{driver}, its two lines and its pages"
        )));
    }
    let folder = root.join("crates").join(name.package());
    let links = link::links(root, name)?;
    let command = format!("cargo xtask test-driver {name}");
    let crate_of = template::Crate {
        root,
        name,
        command: &command,
        inbound,
        home: template::Home::Workspace,
    };
    crate_of.write_to(&folder)?;
    for (path, text) in crate_of.pages()? {
        let path = root.join(path);
        // One that is there already was written by a person.
        if !path.exists() {
            write(&path, &text)?;
        }
    }
    for (path, text) in links {
        write(&path, &text)?;
    }
    Ok(folder)
}

/// Makes a repository in `folder`, outside the workspace at `root`, which it depends on by path: the
/// driver, and a binary with it.
fn outside(root: &Path, folder: &Path, name: &Name, inbound: Inbound) -> Result<(), Failed> {
    if folder
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some())
    {
        return Err(Failed::new(format!(
            "{} is not empty; name a new folder",
            folder.display()
        )));
    }
    if folder.starts_with(root) {
        return Err(Failed::new(format!(
            "{} is inside this workspace; leave --out-of-tree away, or name a folder outside",
            folder.display()
        )));
    }
    let command = "cargo test --test contract -- --nocapture";
    let crate_of = template::Crate {
        root,
        name,
        command,
        inbound,
        home: template::Home::Repository,
    };
    crate_of.write_to(folder)?;
    // The versions that the bridge itself is tested with.
    let lock = read(&root.join("Cargo.lock"))?;
    write(&folder.join("Cargo.lock"), &lock)
}

/// The path with each `..` done, so that it can be compared, and be written down.
fn without_parents(path: &Path) -> PathBuf {
    let mut done = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(done.pop()),
            other => done.push(other),
        }
    }
    done
}

fn next_steps(name: &Name) -> [String; 6] {
    [
        format!(
            "made crates/{}, and linked it to the binary",
            name.package()
        ),
        "next:".into(),
        format!("  cargo xtask test-driver {name}    its contract, as a table"),
        format!(
            "  crates/{}/README.md    what to change, file by file",
            name.package()
        ),
        format!("  docs/drivers/{name}.md and {name}.zh-CN.md    what operators read"),
        "  cargo xtask generate    schemas and tables of keys; it says what is not translated"
            .into(),
    ]
}

/// The names of the drivers in the workspace at `root`, without `driver-`.
pub(crate) fn drivers(root: &Path) -> Result<Vec<String>, Failed> {
    let crates = root.join("crates");
    let unreadable = |error| Failed::new(format!("{} can't be read: {error}", crates.display()));
    let mut names = Vec::new();
    for entry in crates.read_dir().map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        names.extend(
            name.to_string_lossy()
                .strip_prefix("driver-")
                .map(str::to_owned),
        );
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path)
        .map_err(|error| Failed::new(format!("{} can't be read: {error}", path.display())))
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    std::fs::write(path, text)
        .map_err(|error| Failed::new(format!("{} can't be written: {error}", path.display())))
}

#[cfg(test)]
mod tests;
