//! `cargo xtask validate`: the binary's own check over files, with the environment left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::step::{Failed, cargo_in, say, top};

/// Checks one config with its rules. Relative paths are taken from where the user stands.
pub(crate) fn pair(config: &Path, rules: &Path) -> Result<(), Failed> {
    let here = std::env::current_dir()
        .map_err(|error| Failed::new(format!("the working directory is gone: {error}")))?;
    check(&here, config, rules)
}

/// Checks every pair: `config/NAME.*` with `rules/NAME.*`, and `config/config.*` with
/// `rules/rules.*`. All pairs are checked, whatever the first one brings.
pub(crate) fn everything() -> Result<(), Failed> {
    let configs = files("config")?;
    let rules = files("rules")?;
    let mut failed = Vec::new();
    for name in configs
        .keys()
        .chain(rules.keys().filter(|name| !configs.contains_key(*name)))
    {
        let result = match (configs.get(name), rules.get(name)) {
            (Some(config), Some(rules)) => check(&top(), config, rules),
            (Some(config), None) => Err(lonely(config, "rules")),
            (None, Some(rules)) => Err(lonely(rules, "config")),
            (None, None) => Ok(()),
        };
        if let Err(error) = result {
            say(&format!("error: {}", error.message));
            failed.push((name.as_str(), error.code));
        }
    }
    match failed.first() {
        None if configs.is_empty() => Err(Failed::new(
            "there is nothing to check in config/ and rules/",
        )),
        None => Ok(()),
        Some((_, code)) => {
            let names: Vec<_> = failed.iter().map(|(name, _)| *name).collect();
            Err(Failed {
                message: format!("not valid: {}", names.join(", ")),
                code: *code,
            })
        }
    }
}

fn lonely(path: &Path, folder: &str) -> Failed {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Failed {
        message: format!("{} has no partner; add {folder}/{name}", path.display()),
        code: 78,
    }
}

fn check(dir: &Path, config: &Path, rules: &Path) -> Result<(), Failed> {
    bridge(dir, "check", &["--offline"], config, rules)?;
    // `bridge test` knows how the file beside the rules is called.
    let endings = ["tests.json", "tests.yaml", "tests.yml", "tests.toml"];
    let mut tests = endings.iter().map(|ending| rules.with_extension(ending));
    match tests.any(|tests| dir.join(tests).exists()) {
        true => bridge(dir, "test", &[], config, rules),
        false => Ok(()),
    }
}

/// Runs a command of the binary on a pair.
fn bridge(
    dir: &Path,
    command: &str,
    args: &[&str],
    config: &Path,
    rules: &Path,
) -> Result<(), Failed> {
    let manifest = top().join("Cargo.toml");
    let (manifest, config, rules) = (
        manifest.to_string_lossy(),
        config.to_string_lossy(),
        rules.to_string_lossy(),
    );
    let run = [
        "run",
        "--quiet",
        "--manifest-path",
        &*manifest,
        "--package",
        "bridge-bin",
    ];
    let command = ["--", command, "--config", &*config, "--rules", &*rules];
    let line = [&run[..], &command, args].concat();
    cargo_in(dir, &line, &[]).map_err(|Failed { code, .. }| Failed {
        message: format!("{config} with {rules} is not valid"),
        code,
    })
}

/// The files of a folder at the top by their names without the format's ending. The folder's own
/// `config.*` or `rules.*` are called `config` in both.
fn files(folder: &str) -> Result<BTreeMap<String, PathBuf>, Failed> {
    let unreadable = |error| Failed::new(format!("{folder}/ can't be read: {error}"));
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(top().join(folder)).map_err(unreadable)? {
        let path = Path::new(folder).join(entry.map_err(unreadable)?.file_name());
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_ours = path.extension().is_some_and(|ending| ending == "json");
        let is_other = name.ends_with(".schema") || name.ends_with(".tests");
        if is_ours && !is_other {
            let name = if name == folder {
                "config".to_owned()
            } else {
                name
            };
            files.insert(name, path);
        }
    }
    Ok(files)
}
