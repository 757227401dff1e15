//! Puts a crate together from the folders of `xtask/templates`, and fills in the driver's names.

use std::path::{Path, PathBuf};

use super::inbound::Inbound;
use super::name::Name;
use super::{read, write};
use crate::step::Failed;

/// The ending of files that hold names to fill in.
const ENDING: &str = ".template";

/// The beginning of the names of files that are filled into others.
const PIECE: char = '_';

/// Where the new crate lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// In this workspace, from whose manifest its own inherits.
    Workspace,
    /// In a repository of its own, with a binary; the bridge's crates are named by path.
    Repository,
}

/// A crate to make.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crate<'a> {
    /// The workspace whose templates are taken.
    pub(super) root: &'a Path,
    pub(super) name: &'a Name,
    /// What runs its contract test.
    pub(super) command: &'a str,
    pub(super) inbound: Inbound,
    pub(super) home: Home,
}

impl Crate<'_> {
    /// Writes it to `folder`.
    pub(super) fn write_to(&self, folder: &Path) -> Result<(), Failed> {
        for kind in self.templates() {
            let templates = self.root.join("xtask/templates").join(kind);
            for path in files(&templates)? {
                let inner = path
                    .strip_prefix(&templates)
                    .unwrap_or(&path)
                    .to_string_lossy();
                if inner.starts_with(PIECE) {
                    continue;
                }
                let mut text = read(&path)?;
                let target = folder.join(inner.strip_suffix(ENDING).unwrap_or(&inner));
                if inner.ends_with(ENDING) {
                    text = self.filled(&text)?;
                }
                if self.home == Home::Repository && target.ends_with("Cargo.toml") {
                    text = standing_alone(&text, self.root)?;
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

    /// The pages of the driver in both languages, with the marks between which the tables of its keys are
    /// generated; each with its path below the top of the workspace.
    pub(super) fn pages(&self) -> Result<[(PathBuf, String); 2], Failed> {
        let page = |ending: &str| {
            let template = format!("xtask/templates/documents/page{ending}{ENDING}");
            let text = self.filled(&read(&self.root.join(template))?)?;
            let path = format!("docs/drivers/{}{ending}", self.name);
            Ok((PathBuf::from(path), text))
        };
        Ok([page(".md")?, page(".zh-CN.md")?])
    }

    /// The folders of templates, each winning over those before it.
    fn templates(&self) -> Vec<&'static str> {
        let mut folders = self.inbound.templates().to_vec();
        if self.home == Home::Repository {
            folders.extend(["repository", self.inbound.of_repository()]);
        }
        folders
    }

    /// The template of the driver's own kind.
    fn own(&self, file: &str) -> Result<String, Failed> {
        let templates = self.root.join("xtask/templates");
        read(&templates.join(self.inbound.name()).join(file))
    }

    fn filled(&self, text: &str) -> Result<String, Failed> {
        let Self { root, name, .. } = self;
        let mut text = text.to_owned();
        for (place, file) in [
            ("{{_files}}", "_files.md"),
            ("{{dependencies}}", "Cargo.toml.template"),
        ] {
            if text.contains(place) {
                let own = self.own(file)?;
                // Of a manifest, what stands behind the first line of its dependencies.
                let piece = own.split_once("[dependencies]\n");
                let piece = piece.map_or(&*own, |(_, piece)| piece);
                text = text.replace(place, piece.trim_end());
            }
        }
        Ok(text
            .replace("{{name}}", &name.to_string())
            .replace("{{root}}", &root.display().to_string())
            .replace("{{crate}}", &name.krate())
            .replace("{{Type}}", &name.type_name())
            .replace("{{platform}}", &name.platform())
            .replace("{{PLATFORM}}", &name.platform().to_uppercase())
            .replace("{{test_command}}", self.command))
    }
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
