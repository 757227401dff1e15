//! Where a running bridge has its setup from: read it again, or only look whether it has changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bridge_core::catalog::Catalog;
use bridge_core::config::{FilesDigest, Loaded, Source};
use bridge_core::ports::SecretSource;

use super::{Environment, Files, Here, secret_path, usable_authorities, without_line_break};

/// The files of a running bridge.
#[derive(Debug)]
pub(crate) struct Origin {
    files: Files,
    catalog: Catalog,
    /// Its keys are of this process only: what is kept of a secret's file says nothing about it.
    hasher: RandomState,
    /// Of the files as they were read first.
    pub(crate) digest: FilesDigest,
    /// What was read first.
    pub(crate) seen: Seen,
    /// Whether a change of the files is reason enough to read them again.
    pub(crate) is_watched: bool,
}

/// What was read, in a form that can only be compared within this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    config: Option<u64>,
    rules: Option<u64>,
    /// The files that hold secrets, as the config names them.
    secrets: BTreeMap<String, Option<u64>>,
}

/// What was read, and what came of it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) loaded: Loaded,
    pub(crate) seen: Seen,
}

impl Origin {
    /// Reads the files for the first time.
    pub(crate) fn open(files: &Files, catalog: &Catalog) -> (Self, Here) {
        let hasher = RandomState::new();
        let (here, seen) = read(files, catalog, &hasher);
        let origin = Self {
            files: files.clone(),
            catalog: catalog.clone(),
            hasher,
            digest: here.loaded.digest,
            seen,
            is_watched: true,
        };
        (origin, here)
    }

    /// Reads, checks and compiles the files as they are now. Blocks.
    pub(crate) fn read(&self) -> Reading {
        let (here, seen) = read(&self.files, &self.catalog, &self.hasher);
        let loaded = here.loaded;
        Reading { loaded, seen }
    }

    /// Looks at the files that were read to get `seen`, as they are now. Blocks.
    pub(crate) fn look(&self, seen: &Seen) -> Seen {
        let sources = self.files.sources();
        let secrets = seen.secrets.keys();
        let secrets = secrets.map(|path| {
            let secret = Environment.file(path).ok();
            (path.clone(), secret.map(|text| self.hasher.hash_one(text)))
        });
        Seen {
            config: hash(&self.hasher, &sources.config),
            rules: hash(&self.hasher, &sources.rules),
            secrets: secrets.collect(),
        }
    }

    /// The folders of the files that were read to get `seen`.
    pub(crate) fn folders(&self, seen: &Seen) -> BTreeSet<PathBuf> {
        let secrets: Vec<_> = seen.secrets.keys().map(|path| secret_path(path)).collect();
        let (config, rules) = (self.files.config(), self.files.rules());
        let files = [&*config, &*rules].into_iter();
        let secrets = secrets.iter().map(PathBuf::as_path);
        let folders = files.chain(secrets).filter_map(Path::parent);
        folders.map(Path::to_owned).collect()
    }
}

fn read(files: &Files, catalog: &Catalog, hasher: &RandomState) -> (Here, Seen) {
    let sources = files.sources();
    let secrets = Noting {
        hasher,
        noted: RefCell::default(),
    };
    let here = sources.load_here(catalog, &secrets);
    let seen = Seen {
        config: hash(hasher, &sources.config),
        rules: hash(hasher, &sources.rules),
        secrets: secrets.noted.into_inner(),
    };
    (here, seen)
}

fn hash(hasher: &RandomState, source: &Source) -> Option<u64> {
    let content = source.content.as_ref().ok()?;
    Some(hasher.hash_one(content))
}

/// The environment, which takes note of the files that are asked for.
struct Noting<'a> {
    hasher: &'a RandomState,
    noted: RefCell<BTreeMap<String, Option<u64>>>,
}

impl SecretSource for Noting<'_> {
    fn env(&self, name: &str) -> Result<String, String> {
        Environment.env(name)
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let secret = Environment.file(path);
        let seen = secret.as_ref().ok().map(|text| self.hasher.hash_one(text));
        self.noted.borrow_mut().insert(path.to_owned(), seen);
        secret
    }

    fn authorities(&self, path: &str) -> Result<Option<Arc<str>>, String> {
        let file = secret_path(path);
        let text = std::fs::read_to_string(&file);
        // Whether or not it can be used; as `look` sees it.
        let seen = text.as_deref().ok().map(without_line_break);
        let seen = seen.map(|text| self.hasher.hash_one(text));
        self.noted.borrow_mut().insert(path.to_owned(), seen);
        usable_authorities(&file, text).map(Some)
    }

    fn doubt_about_file(&self, path: &str) -> Option<String> {
        Environment.doubt_about_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str =
        r#"{ "global": { "proxy": { "file": "DIR/proxy" }, "ca_file": "DIR/ca.pem" } }"#;

    #[test]
    fn a_change_of_any_file_is_seen_and_a_touch_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        let config = CONFIG.replace("DIR", dir.path().to_str().unwrap());
        write("config.json", &config);
        write("rules.json", "{}");
        write("proxy", "http://one.invalid");
        write("ca.pem", "no certificate");
        let files = Files {
            config: Some(path("config.json")),
            rules: Some(path("rules.json")),
        };
        let (origin, _) = Origin::open(&files, &Catalog::default());
        let mut seen = origin.seen.clone();
        assert_eq!(origin.folders(&seen), [dir.path().to_owned()].into());
        for (name, text, is_other) in [
            ("rules.json", "{}", false),
            ("rules.json", "{ }", true),
            ("proxy", "http://one.invalid\n", false),
            ("proxy", "http://two.invalid", true),
            ("ca.pem", "no certificate\n", false),
            ("ca.pem", "none either", true),
            ("config.json", &*format!("{config} "), true),
        ] {
            write(name, text);
            let now = origin.look(&seen);
            assert_eq!(now != seen, is_other, "{name}: {text}");
            assert_eq!(origin.read().seen, now, "{name}: {text}");
            seen = now;
        }
        std::fs::remove_file(path("proxy")).unwrap();
        assert_ne!(origin.look(&seen), seen);
    }
}
