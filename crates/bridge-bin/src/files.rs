//! Reads what the loader needs from outside: the two files, and secrets from environment and files.

mod origin;

use std::path::{Path, PathBuf};

use bridge_core::catalog::Catalog;
use bridge_core::config::settings::GlobalSettings;
use bridge_core::config::{Diagnostic, ENDINGS, Loaded, Source, Unreadable, codes, load};
use bridge_core::ports::SecretSource;

use crate::logging;

pub(crate) use origin::{Origin, Reading, Seen};

/// Where the two files are.
#[derive(Debug, Clone, clap::Args)]
pub struct Files {
    /// The config file [default: config/config.json, or .jsonc, .yaml, .yml, .toml].
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The rules file [default: rules/rules.json, or .jsonc, .yaml, .yml, .toml].
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
}

impl Files {
    /// The config file: the one that was named, or the one that is there.
    pub fn config(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| first("config"))
    }

    /// The rules file: the one that was named, or the one that is there.
    pub fn rules(&self) -> PathBuf {
        self.rules.clone().unwrap_or_else(|| first("rules"))
    }

    fn config_source(&self) -> Source {
        named_or_found(self.config.as_deref(), "config")
    }

    /// What stands in the rules file.
    pub(crate) fn rules_source(&self) -> Source {
        named_or_found(self.rules.as_deref(), "rules")
    }
}

impl Files {
    /// Reads, checks and compiles both files.
    pub fn load(&self, catalog: &Catalog, secrets: &dyn SecretSource) -> Loaded {
        let (config, rules) = self.sources();
        self.load_sources(&config, &rules, catalog, secrets)
    }

    /// Both files as they are now.
    fn sources(&self) -> (Source, Source) {
        (self.config_source(), self.rules_source())
    }

    /// [`load`](Self::load), of what was read.
    fn load_sources(
        &self,
        config: &Source,
        rules: &Source,
        catalog: &Catalog,
        secrets: &dyn SecretSource,
    ) -> Loaded {
        let mut loaded = load(config, rules, catalog, secrets);
        // The core does not log, so it does not know what a level is.
        const LEVEL: [&str; 3] = ["global", "log", "level"];
        let level = loaded.text_of(&LEVEL).map(logging::parse_filter);
        if let Some(Err(problem)) = level {
            let mut refused = Diagnostic::new(&codes::BAD_FORMAT, loaded.place_of(&LEVEL), problem);
            refused.path = LEVEL.join(".");
            loaded.diagnostics.push(refused);
            loaded.setup = None;
        }
        loaded
    }
}

impl Files {
    /// The block `global` of the config, which says where the store is. The rules are left out, and
    /// so is the environment: what is wrong there must not keep an operator from the store.
    ///
    /// # Errors
    ///
    /// What is wrong with the config.
    pub fn global(&self, catalog: &Catalog) -> Result<GlobalSettings, Vec<Diagnostic>> {
        let no_rules = Source {
            name: "rules.json".to_owned(),
            content: Ok(br#"{"rules": []}"#.to_vec()),
        };
        let loaded = load(&self.config_source(), &no_rules, catalog, &Offline);
        match loaded.setup {
            Some(setup) => Ok(setup.global),
            None => Err(loaded
                .diagnostics
                .into_iter()
                .filter(Diagnostic::is_error)
                .collect()),
        }
    }
}

/// The files of that name in the folder of that name, in the order of the known endings.
fn found(name: &str) -> Vec<PathBuf> {
    let paths = ENDINGS.map(|(ending, _)| Path::new(name).join(format!("{name}.{ending}")));
    paths.into_iter().filter(|path| path.exists()).collect()
}

fn first(name: &str) -> PathBuf {
    let first = found(name).into_iter().next();
    first.unwrap_or_else(|| Path::new(name).join(format!("{name}.json")))
}

/// The file that was named, or the one in the folder `name`.
fn named_or_found(path: Option<&Path>, name: &str) -> Source {
    let option = format!("--{name}");
    if let Some(path) = path {
        return source(path, &option);
    }
    let there = found(name);
    let mut source = source(&first(name), &option);
    match &mut source.content {
        _ if there.len() > 1 => source.content = Err(ambiguous(&there, &option)),
        Err(unreadable) if there.is_empty() => {
            unreadable
                .help
                .push_str("; .yaml, .yml and .toml are found, too");
        }
        _ => {}
    }
    source
}

fn ambiguous(several: &[PathBuf], option: &str) -> Unreadable {
    let names: Vec<_> = several
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let names = names.join(" and ");
    Unreadable {
        code: &codes::AMBIGUOUS,
        problem: format!("{names} are both there, and only one can be meant"),
        help: format!("remove all but one, or name one with {option}"),
    }
}

/// The file at a path that was given with `option`.
pub(crate) fn source(path: &Path, option: &str) -> Source {
    let content = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Unreadable {
            code: &codes::UNREADABLE,
            problem: "the file does not exist".to_owned(),
            help: format!("write it, beginning with an example of the same folder, or name another with {option}"),
        },
        _ => Unreadable {
            code: &codes::UNREADABLE,
            problem: format!("the file can't be read: {error}"),
            help: "let the user that runs the bridge read it".to_owned(),
        },
    });
    Source {
        name: path.display().to_string(),
        content,
    }
}

/// Secrets from the process's environment and from files.
#[derive(Debug, Clone, Copy)]
pub struct Environment;

impl SecretSource for Environment {
    fn env(&self, name: &str) -> Result<String, String> {
        std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => {
                format!("the environment variable {name} is not set; set it before the start")
            }
            std::env::VarError::NotUnicode(_) => {
                format!("the environment variable {name} is not UTF-8")
            }
        })
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("the secret's file {path} can't be read: {error}"))?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }
}

/// Stands in for secrets where the environment is left out: each is there, with a made-up value
/// that also passes for a URL, since a proxy's is a secret too.
#[derive(Debug, Clone, Copy)]
pub struct Offline;

impl SecretSource for Offline {
    fn env(&self, name: &str) -> Result<String, String> {
        Ok(made_up(name))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Ok(made_up(path))
    }
}

fn made_up(source: &str) -> String {
    let letters: String = source.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("http://made-up.invalid/{letters}")
}
