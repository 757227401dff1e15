//! Reads what the loader needs from outside: the two files, and secrets from environment and files.

mod origin;

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bridge_core::catalog::Catalog;
use bridge_core::config::settings::GlobalSettings;
use bridge_core::config::{Diagnostic, ENDINGS, Loaded, Setup, Source, Unreadable, codes, load};
use bridge_core::ports::SecretSource;
use bridge_core::secret::Secret;
use bridge_http::Authorities;

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

/// What the files say on this machine.
#[derive(Debug)]
pub(crate) struct Here {
    /// With everything that is wrong with the files and with their secrets.
    pub(crate) loaded: Loaded,
    /// The files' setup where nothing is missing but secrets. It holds made-up ones, and is good for
    /// looking only.
    outline: Option<Setup>,
}

impl Here {
    /// What the files set up, if they are right. To be looked at, not to be started.
    pub(crate) fn outline(&self) -> Option<&Setup> {
        self.loaded.setup.as_ref().or(self.outline.as_ref())
    }
}

impl Files {
    /// Reads, checks and compiles both files.
    pub fn load(&self, catalog: &Catalog, secrets: &dyn SecretSource) -> Loaded {
        self.sources().load(catalog, secrets)
    }

    /// Reads, checks and compiles both files with the secrets of this machine. Secrets that are not
    /// there hide nothing else that is wrong.
    pub(crate) fn load_here(&self, catalog: &Catalog) -> Here {
        self.sources().load_here(catalog, &Environment)
    }

    /// Both files as they are now.
    fn sources(&self) -> Sources {
        Sources {
            config: self.config_source(),
            rules: self.rules_source(),
        }
    }
}

/// What only a second reading of the same files found.
fn missing(found: &[Diagnostic], more: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let name = |found: &Diagnostic| (found.code.id, found.path.clone(), found.place.to_string());
    let known: HashSet<_> = found.iter().map(name).collect();
    more.into_iter()
        .filter(|found| !known.contains(&name(found)))
        .collect()
}

/// Both files' bytes.
struct Sources {
    config: Source,
    rules: Source,
}

impl Sources {
    /// [`Files::load_here`], of what was read, with the secrets of `machine`.
    fn load_here(&self, catalog: &Catalog, machine: &dyn SecretSource) -> Here {
        let mut loaded = self.load(catalog, machine);
        let is_of_machine = |found: &Diagnostic| found.code.is_of_the_environment();
        let is_error = Diagnostic::is_error;
        let outline = match loaded
            .diagnostics
            .iter()
            .any(|d| is_error(d) && is_of_machine(d))
        {
            true => {
                let offline = self.load(catalog, &Offline);
                loaded.add(missing(&loaded.diagnostics, offline.diagnostics));
                offline.setup
            }
            false => None,
        };
        // Made-up secrets pass where a real one is refused.
        let are_right = !loaded
            .diagnostics
            .iter()
            .any(|d| is_error(d) && !is_of_machine(d));
        let outline = outline.filter(|_| are_right);
        Here { loaded, outline }
    }

    fn load(&self, catalog: &Catalog, secrets: &dyn SecretSource) -> Loaded {
        let mut loaded = load(&self.config, &self.rules, catalog, secrets);
        // The core does not log, so it does not know what a level is.
        const LEVEL: [&str; 3] = ["global", "log", "level"];
        let level = loaded.text_of(&LEVEL).map(logging::parse_filter);
        if let Some(Err(problem)) = level {
            let mut refused = Diagnostic::new(&codes::BAD_FORMAT, loaded.place_of(&LEVEL), problem);
            refused.path = LEVEL.join(".");
            loaded.add([refused]);
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
        std::io::ErrorKind::IsADirectory => Unreadable {
            code: &codes::UNREADABLE,
            problem: "this is a folder, not a file".to_owned(),
            help: format!("name the file in it with {option}"),
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
                format!("the environment variable {name} is not set")
            }
            std::env::VarError::NotUnicode(_) => {
                format!("the environment variable {name} is not UTF-8")
            }
        })
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let place = SecretFile::of(path);
        let text = std::fs::read_to_string(&place.found).map_err(|error| match &place.tried {
            Some(tried) => format!(
                "the secret's file {path} is neither in $CREDENTIALS_DIRECTORY ({}) nor can it be read from the working directory: {error}",
                tried.display()
            ),
            None => format!("the secret's file {} can't be read: {error}", place.found.display()),
        })?;
        Ok(without_line_break(&text).to_owned())
    }

    fn authorities(&self, path: &str) -> Result<Option<Arc<str>>, String> {
        let file = SecretFile::of(path).found;
        usable_authorities(&file, std::fs::read_to_string(&file)).map(Some)
    }

    fn doubt_about_file(&self, path: &str) -> Option<String> {
        let file = SecretFile::of(path).found;
        let mode = file.metadata().ok()?.permissions().mode();
        let is_open = mode & 0o004 != 0;
        is_open.then(|| {
            format!(
                "everybody on this machine can read the secret's file {} (mode {:04o})",
                file.display(),
                mode & 0o7777
            )
        })
    }
}

/// A file's text without one line break at its end.
fn without_line_break(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line)
}

/// What was read of a file of authorities, if they can be used.
fn usable_authorities(file: &Path, text: io::Result<String>) -> Result<Arc<str>, String> {
    let shown = file.display();
    let text =
        text.map_err(|error| format!("the file of authorities {shown} can't be read: {error}"))?;
    Authorities::from_pem(&text)
        .map_err(|error| format!("the file of authorities {shown} can't be used: {error}"))?;
    Ok(text.into())
}

/// Where a secret's file is, by the path that the config names.
fn secret_path(path: &str) -> PathBuf {
    SecretFile::of(path).found
}

/// Where a secret's file is looked for.
struct SecretFile {
    found: PathBuf,
    /// Below the credentials' directory, where it is not.
    tried: Option<PathBuf>,
}

impl SecretFile {
    /// A relative path leads below `$CREDENTIALS_DIRECTORY`, where systemd puts credentials, if it
    /// is there, and otherwise from the working directory.
    fn of(path: &str) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|dir| !dir.is_empty());
        let here = PathBuf::from(path);
        match credentials.map(|dir| Path::new(&dir).join(path)) {
            Some(credential) if here.is_relative() && credential.exists() => Self {
                found: credential,
                tried: None,
            },
            Some(credential) if here.is_relative() => Self {
                found: here,
                tried: Some(credential),
            },
            _ => Self {
                found: here,
                tried: None,
            },
        }
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
    format!("{}{letters}", Secret::STAND_IN)
}
