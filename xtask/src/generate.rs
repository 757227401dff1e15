//! `cargo xtask generate`: the schemas of both files, as the binary prints them, the tables of keys in
//! the documents, made from those schemas, and the table of what drivers hear and show.

mod abilities;
mod page;
mod words;

use std::path::{Path, PathBuf};

use bridge_core::key_table::KeyTables;
use serde_json::Value;

use crate::step::{Failed, cargo_output, say, top};
use abilities::Abilities;
use page::fill;
use words::Language;

/// The command that mends what is out of date.
const COMMAND: &str = "cargo xtask generate";

/// Before the name of a table of keys.
const KEYS: &str = "keys of ";

/// The table of what drivers hear and show.
const ABILITIES: &str = "capabilities of drivers";

/// The same for programs.
const ABILITIES_PATH: &str = "docs/capabilities.json";

/// Whether files are written, or only compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

/// Generates everything; in [`Mode::Check`] it fails if something would change.
pub(crate) fn run(mode: Mode) -> Result<(), Failed> {
    let schema = |kind: &str| printed(&["schema", kind]);
    let (config, rules) = (schema("config")?, schema("rules")?);
    let mut files = vec![
        (schema_path("config"), config.clone()),
        (schema_path("rules"), rules.clone()),
    ];
    let tables = KeyTables::of(parse(&config)?, parse(&rules)?);
    let drivers = printed(&["capabilities", "--drivers", "--format=json"])?;
    files.extend(pages(&tables, &Abilities::of(&parse(&drivers)?))?);
    files.push((ABILITIES_PATH.into(), drivers));
    let mut differing = Vec::new();
    for (path, text) in files {
        if std::fs::read_to_string(top().join(&path)).is_ok_and(|old| old == text) {
            continue;
        }
        let path_text = path.display().to_string();
        match mode {
            Mode::Check => differing.push(path_text),
            Mode::Write => {
                std::fs::write(top().join(&path), text).map_err(|error| {
                    Failed::new(format!("{path_text} can't be written: {error}"))
                })?;
                say(&format!("wrote {path_text}"));
            }
        }
    }
    match differing.is_empty() {
        true => Ok(()),
        false => Err(Failed::new(format!(
            "out of date: {}; run `{COMMAND}` and commit what it changes",
            differing.join(", ")
        ))),
    }
}

/// All documents with tables of keys, as they should be; paths are from the top of the workspace.
fn pages(tables: &KeyTables, abilities: &Abilities) -> Result<Vec<(PathBuf, String)>, Failed> {
    let mut pages = Vec::new();
    for language in [Language::english(), Language::chinese(&top())?] {
        let mut used = Vec::new();
        for path in documents(&language)? {
            let text = read(&path)?;
            let filled = fill(&text, &mut |name| match name.strip_prefix(KEYS) {
                Some(name) => {
                    let table = tables.table(name, &language)?;
                    used.push(name.to_owned());
                    Ok(table)
                }
                None if name == ABILITIES => Ok(abilities.table(&language)),
                None => Err(format!("nothing is generated that is called `{name}`")),
            });
            let filled =
                filled.map_err(|problem| Failed::new(format!("{}: {problem}", path.display())))?;
            pages.push((path, filled));
        }
        language.finish()?;
        let missing: Vec<_> = tables
            .names()
            .into_iter()
            .filter(|name| !used.contains(name))
            .collect();
        if !missing.is_empty() {
            return Err(Failed::new(format!(
                "no page in {} has a table for: {}; put `<!-- generated: keys of NAME -->` and \
                 `<!-- end of generated -->` where it belongs",
                language.name,
                missing.join(", ")
            )));
        }
    }
    Ok(pages)
}

/// The documents of a language below `docs`.
fn documents(language: &Language) -> Result<Vec<PathBuf>, Failed> {
    let mut found = Vec::new();
    for folder in ["docs", "docs/drivers"] {
        let unreadable = |error| Failed::new(format!("{folder}/ can't be read: {error}"));
        for entry in std::fs::read_dir(top().join(folder)).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let name = name.to_string_lossy();
            if language.has(&name) {
                found.push(Path::new(folder).join(&*name));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn schema_path(kind: &str) -> PathBuf {
    Path::new(kind).join(format!("{kind}.schema.json"))
}

/// What the binary prints.
fn printed(arguments: &[&str]) -> Result<String, Failed> {
    let package = ["run", "--quiet", "--package", "bridge-bin", "--"];
    cargo_output(&[&package[..], arguments].concat())
}

fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(top().join(path))
        .map_err(|error| Failed::new(format!("{} can't be read: {error}", path.display())))
}

fn parse(text: &str) -> Result<Value, Failed> {
    serde_json::from_str(text).map_err(|error| Failed::new(format!("a schema is no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That the schemas, and what drivers can do, are those of the binary is held by its own tests.
    #[test]
    fn documents_show_the_committed_schemas() {
        let schema = |kind: &str| parse(&read(&schema_path(kind)).unwrap()).unwrap();
        let tables = KeyTables::of(schema("config"), schema("rules"));
        let abilities = Abilities::of(&parse(&read(Path::new(ABILITIES_PATH)).unwrap()).unwrap());
        for (path, text) in pages(&tables, &abilities).unwrap() {
            let committed = read(&path).unwrap();
            assert!(
                committed == text,
                "{} is out of date; run `{COMMAND}`",
                path.display()
            );
        }
    }
}
