//! `cargo xtask validate`: the binary's own check over files, with the environment left out unless
//! it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::step::{Failed, cargo_in, say, top};

/// The endings of config and rules files, as the binary knows them.
const ENDINGS: [&str; 5] = ["json", "jsonc", "yaml", "yml", "toml"];

/// How strict the check is.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Strictness {
    /// Look at the environment, too: secrets, data directory, ports
    #[arg(long)]
    environment: bool,

    /// Fail on warnings, too
    #[arg(long)]
    deny_warnings: bool,
}

impl Strictness {
    /// What `bridge check` is told.
    fn args(self) -> Vec<&'static str> {
        let offline = (!self.environment).then_some("--offline");
        let deny = self.deny_warnings.then_some("--deny-warnings");
        offline.into_iter().chain(deny).collect()
    }
}

/// Checks one config with its rules. Relative paths are taken from where the user stands.
pub(crate) fn pair(config: &Path, rules: &Path, strictness: Strictness) -> Result<(), Failed> {
    let here = std::env::current_dir()
        .map_err(|error| Failed::new(format!("the working directory is gone: {error}")))?;
    check(&here, config, rules, strictness)
}

/// Checks every pair: `config/NAME.*` with `rules/NAME.*`, and `config/config.*` with
/// `rules/rules.*`, whatever formats they have. Rules without a partner are checked by themselves.
/// All are checked, whatever the first ones bring.
pub(crate) fn everything(strictness: Strictness) -> Result<(), Failed> {
    let configs = files("config")?;
    let rules = files("rules")?;
    let mut failed = Vec::new();
    let mut tally = |name: &str, result: Result<(), Failed>| {
        if let Err(error) = result {
            say(&format!("error: {}", error.message));
            failed.push((name.to_owned(), error.code));
        }
    };
    for (name, configs) in &configs {
        let Some(rules) = rules.get(name) else {
            tally(name, Err(lonely(configs)));
            continue;
        };
        for (config, rules) in pairs(configs, rules) {
            tally(name, check(&top(), config, rules, strictness));
        }
    }
    for (name, rules) in rules
        .iter()
        .filter(|(name, _)| !configs.contains_key(*name))
    {
        for rules in rules {
            tally(name, check_alone(&top(), rules, strictness));
        }
    }
    match failed.first() {
        None if configs.is_empty() && rules.is_empty() => Err(Failed::new(
            "there is nothing to check in config/ and rules/",
        )),
        None => Ok(()),
        Some((_, code)) => {
            let names: Vec<_> = failed.iter().map(|(name, _)| name.as_str()).collect();
            Err(Failed {
                message: format!("not valid: {}", names.join(", ")),
                code: *code,
            })
        }
    }
}

/// Each file of one name with one of the other folder: the one of its own format, or the first.
fn pairs<'a>(configs: &'a [PathBuf], rules: &'a [PathBuf]) -> BTreeSet<(&'a Path, &'a Path)> {
    let partner = |path: &Path, others: &'a [PathBuf]| {
        let same = |other: &&PathBuf| other.extension() == path.extension();
        others.iter().find(same).or(others.first())
    };
    let mut pairs = BTreeSet::new();
    for config in configs {
        pairs.extend(partner(config, rules).map(|rules| (config.as_path(), rules.as_path())));
    }
    for rules in rules {
        pairs.extend(partner(rules, configs).map(|config| (config.as_path(), rules.as_path())));
    }
    pairs
}

fn lonely(configs: &[PathBuf]) -> Failed {
    let names: Vec<_> = configs
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let name = configs
        .first()
        .and_then(|path| path.file_name())
        .unwrap_or_default();
    Failed {
        message: format!(
            "{} has no partner; add rules/{}",
            names.join(", "),
            name.to_string_lossy()
        ),
        code: 78,
    }
}

fn check(dir: &Path, config: &Path, rules: &Path, strictness: Strictness) -> Result<(), Failed> {
    let names = [config, rules].map(|path| path.to_string_lossy().into_owned());
    let pair = ["--config", &*names[0], "--rules", &*names[1]];
    let what = names.join(" with ");
    let check = [&["check"], &pair[..], &strictness.args()].concat();
    bridge(dir, &check, &what)?;
    // `bridge test` knows how the file beside the rules is called.
    let endings = ["tests.json", "tests.yaml", "tests.yml", "tests.toml"];
    let mut tests = endings.iter().map(|ending| rules.with_extension(ending));
    match tests.any(|tests| dir.join(tests).exists()) {
        true => bridge(dir, &[&["test"], &pair[..]].concat(), &what),
        false => Ok(()),
    }
}

/// Syntax, keys and values of rules whose instances are not known.
fn check_alone(dir: &Path, rules: &Path, strictness: Strictness) -> Result<(), Failed> {
    let rules = rules.to_string_lossy();
    let command = ["check", "--only", "rules", "--rules", &*rules];
    // Rules alone have no environment.
    let deny = strictness.deny_warnings.then_some("--deny-warnings");
    let command: Vec<_> = command.into_iter().chain(deny).collect();
    bridge(dir, &command, &rules)
}

/// Runs a command of the binary on the files that `what` names.
fn bridge(dir: &Path, command: &[&str], what: &str) -> Result<(), Failed> {
    let manifest = top().join("Cargo.toml");
    let manifest = manifest.to_string_lossy();
    let run = [
        "run",
        "--quiet",
        "--manifest-path",
        &*manifest,
        "--package",
        "bridge-bin",
        "--",
    ];
    let line = [&run[..], command].concat();
    cargo_in(dir, &line, &[]).map_err(|Failed { code, .. }| Failed {
        message: format!("{what} is not valid"),
        code,
    })
}

/// The files of a folder at the top, sorted, by their names without the format's ending. The
/// folder's own `config.*` or `rules.*` are called `config` in both.
fn files(folder: &str) -> Result<BTreeMap<String, Vec<PathBuf>>, Failed> {
    let unreadable = |error| Failed::new(format!("{folder}/ can't be read: {error}"));
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(top().join(folder)).map_err(unreadable)? {
        let path = Path::new(folder).join(entry.map_err(unreadable)?.file_name());
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let is_ours = ENDINGS.contains(&&*ending);
        let is_other = name.ends_with(".schema") || name.ends_with(".tests");
        if is_ours && !is_other {
            let name = if name == folder {
                "config".to_owned()
            } else {
                name
            };
            files.entry(name).or_default().push(path);
        }
    }
    files.values_mut().for_each(|paths| paths.sort_unstable());
    Ok(files)
}
