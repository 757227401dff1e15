//! Fills the files of `xtask/templates/driver` with a driver's names.

use std::path::{Path, PathBuf};

use super::name::Name;
use super::{read, write};
use crate::step::Failed;

/// The ending of files that hold names to fill in.
const ENDING: &str = ".template";

/// Where the new crate lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// In this workspace, from whose manifest its own inherits.
    Workspace,
    /// In a repository of its own, with a binary; the bridge's crates are named by path.
    Repository,
}

impl Home {
    /// The folders of templates, each winning over those before it.
    fn templates(self) -> &'static [&'static str] {
        match self {
            Self::Workspace => &["driver"],
            Self::Repository => &["driver", "repository"],
        }
    }
}

/// Writes the crate to `folder`; `command` runs its contract test.
pub(super) fn write_crate(
    root: &Path,
    folder: &Path,
    name: &Name,
    command: &str,
    home: Home,
) -> Result<(), Failed> {
    for kind in home.templates() {
        let templates = root.join("xtask/templates").join(kind);
        for path in files(&templates)? {
            let inner = path
                .strip_prefix(&templates)
                .unwrap_or(&path)
                .to_string_lossy();
            let mut text = read(&path)?;
            let target = folder.join(inner.strip_suffix(ENDING).unwrap_or(&inner));
            if inner.ends_with(ENDING) {
                text = filled(&text, root, name, command);
            }
            if home == Home::Repository && target.ends_with("Cargo.toml") {
                text = standing_alone(&text, root)?;
            }
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent).map_err(|error| {
                    Failed::new(format!("{} can't be made: {error}", parent.display()))
                })?;
            }
            write(&target, &text)?;
        }
    }
    Ok(())
}

fn filled(text: &str, root: &Path, name: &Name, command: &str) -> String {
    text.replace("{{name}}", &name.to_string())
        .replace("{{root}}", &root.display().to_string())
        .replace("{{crate}}", &name.krate())
        .replace("{{Type}}", &name.type_name())
        .replace("{{platform}}", &name.platform())
        .replace("{{PLATFORM}}", &name.platform().to_uppercase())
        .replace("{{test_command}}", command)
}

/// A manifest with what it inherits from the workspace at `root` written out.
fn standing_alone(manifest: &str, root: &Path) -> Result<String, Failed> {
    let workspace = read(&root.join("Cargo.toml"))?;
    let mut lines = Vec::new();
    for line in manifest.lines() {
        if let Some(key) = line.strip_suffix(".workspace = true") {
            let inherited = workspace
                .lines()
                .find(|line| {
                    line.split_once(" = ")
                        .is_some_and(|(other, _)| other == key)
                })
                .ok_or_else(|| Failed::new(format!("the workspace's Cargo.toml has no `{key}`")))?;
            let path = format!("path = \"{}/", root.display());
            lines.push(inherited.replace("path = \"", &path));
        } else {
            lines.push(line.to_owned());
        }
    }
    Ok(lines.join("\n") + "\n")
}

/// All files below `folder`.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let unreadable = |error| Failed::new(format!("{} can't be read: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}
