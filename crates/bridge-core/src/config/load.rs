//! From the bytes of both files to a checked setup, or to everything that is wrong with them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use foldhash::HashMap;

use super::codes::{self, Code};
use super::diagnostic::{Diagnostic, Findings, Place};
use super::disclosure::secret_keys;
use super::document::{Content, Document, NotText};
use super::fingerprint::{FilesDigest, Fingerprint};
use super::format::Format;
use super::reader::ConfigReader;
use super::settings::{DeliveryPolicy, GlobalSettings};
use super::tree::{Node, parse};
use crate::catalog::{Catalog, PreparedDriver};
use crate::id::InstanceId;
use crate::ports::SecretSource;
use crate::rules::compile::{InstanceFacts, compile};
use crate::rules::{Case, Rules, read_cases};
use crate::secret::{LeakGuard, Secret};

/// A file: its name for people, and its bytes or why there are none.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it was named on the command line.
    pub name: String,
    /// The bytes, or why they can't be read.
    pub content: Result<Vec<u8>, Unreadable>,
}

/// Why a file can't be read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// What kind of problem it is.
    pub code: &'static Code,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

/// What [`load`] made of the files.
pub struct Loaded {
    /// What can be run; `None` if there is an error among the issues.
    pub setup: Option<Setup>,
    /// All problems, the config's first, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// Of what was read.
    pub digest: FilesDigest,
    config: Place,
    root: Option<Node>,
    facts: HashMap<String, InstanceFacts>,
    /// Keys whose values no snippet shows.
    secret_keys: BTreeSet<String>,
}

/// Without the config's tree, which holds secrets.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("setup", &self.setup)
            .field("diagnostics", &self.diagnostics)
            .finish_non_exhaustive()
    }
}

impl Loaded {
    /// Whether the config could be parsed, so that [`text_of`](Self::text_of) finds what it says.
    pub fn is_parsed(&self) -> bool {
        self.root.is_some()
    }

    /// Adds what was found around the files, in the order of the places.
    pub fn add(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(found);
        let config = self.config.file();
        self.diagnostics
            .sort_by_key(|found| (found.place.file() != config, found.place.start()));
    }

    /// Reads a file of tests for these rules: all of them, or everything that is wrong with the
    /// file.
    ///
    /// # Errors
    ///
    /// What is wrong, in the order of the file.
    pub fn cases(&self, source: &Source) -> Result<Vec<Case>, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let mut cases = Vec::new();
        if let Some(document) = open(source, Content::Open, &mut diagnostics) {
            let mut findings = Findings::new(document);
            findings.secret_keys.clone_from(&self.secret_keys);
            cases = read_cases(&self.facts, &mut findings);
            diagnostics.extend(findings.finish());
        }
        match diagnostics.is_empty() {
            true => Ok(cases),
            false => Err(diagnostics),
        }
    }

    /// The text that the config has for a key, whatever else is wrong with the files. Not for keys
    /// that hold secrets.
    pub fn text_of(&self, keys: &[&str]) -> Option<&str> {
        let mut node = self.root.as_ref()?;
        for key in keys {
            node = &node.get(key)?.node;
        }
        node.as_str()
    }

    /// Where a key of the config itself stands, by the keys that lead to it; where it is not
    /// written, the nearest one above it that is.
    pub fn place_of_key(&self, keys: &[&str]) -> Place {
        // No file has this key below any other: the place is that of the one above.
        self.place_of(&[keys, &["\0"]].concat())
    }

    /// Where the value of a key of the config stands, by the keys that lead to it; where it is not
    /// written, the nearest key above it that is.
    pub fn place_of(&self, keys: &[&str]) -> Place {
        let (Place::Span(document, _), Some(root)) = (&self.config, &self.root) else {
            return self.config.clone();
        };
        let mut span = root.opening();
        let mut node = root;
        for (position, key) in keys.iter().enumerate() {
            let Some(entry) = node.get(key) else { break };
            node = &entry.node;
            span = match position + 1 == keys.len() {
                true => node.span.clone(),
                false => entry.key_span.clone(),
            };
        }
        Place::Span(Arc::clone(document), span)
    }
}

/// Everything that `run` needs to know.
#[derive(Debug)]
pub struct Setup {
    /// The block `global`.
    pub global: GlobalSettings,
    /// The configured drivers, sorted by id.
    pub instances: Vec<InstanceSetup>,
    /// The compiled rules.
    pub rules: Rules,
    /// Recognises the config's secrets in texts.
    pub leaks: LeakGuard,
}

/// A configured driver.
#[derive(Debug)]
pub struct InstanceSetup {
    /// The operator's name for it.
    pub id: InstanceId,
    /// The platform.
    pub platform: &'static str,
    /// Its settings, read and checked.
    pub driver: PreparedDriver,
    /// Sends a second; 0 for no limit.
    pub rate_per_second: u32,
    /// Sends a minute for one channel; 0 for no limit.
    pub channel_rate_per_minute: u32,
    /// Sends that may run at once.
    pub max_in_flight: usize,
    /// URL of the proxy for its requests.
    pub proxy: Option<Secret>,
    /// Authorities that are trusted beside Mozilla's, as the text of a PEM file.
    pub authorities: Option<Arc<str>>,
    /// How deliveries to it are tried unless a rule says otherwise.
    pub policy: Arc<DeliveryPolicy>,
    /// Of the driver's own settings.
    pub fingerprint: Fingerprint,
}

/// Reads, checks and compiles both files. Pure but for the secrets that `secrets` fetches.
pub fn load(
    config: &Source,
    rules: &Source,
    catalog: &Catalog,
    secrets: &dyn SecretSource,
) -> Loaded {
    let digest = FilesDigest::of(config, rules);
    let name = config.name.as_str();
    let secret_keys = secret_keys(catalog);
    let mut of_config = Vec::new();
    let mut of_rules = Vec::new();
    let mut config = open(config, Content::Guarded, &mut of_config)
        .map(|document| ConfigReader::read(document, catalog, secrets));
    let facts = config.as_ref().and_then(|read| read.facts.as_ref());
    // Without any instance, that has been said, and the rules are not to blame for it.
    let facts = facts.filter(|facts| !facts.is_empty());
    let compiled = read_rules(rules, facts, catalog, &secret_keys, &mut of_rules);
    let place = match &config {
        Some(read) => Place::Span(Arc::clone(&read.document), 0..0),
        None => Place::File(name.into()),
    };
    let root = config.as_mut().and_then(|read| read.root.take());
    let facts = config.as_mut().and_then(|read| read.facts.take());
    let facts = facts.unwrap_or_default();
    // A rule with an error was not compiled: it may well use what no other uses.
    let rules_are_whole = !of_rules.iter().any(Diagnostic::is_error);
    if let (Some(read), Some(rules), true) = (&mut config, &compiled, rules_are_whole) {
        read.warn_of_unused(rules);
    }
    if let Some(read) = &mut config {
        of_config.append(&mut read.diagnostics);
        of_config.sort_by_key(|diagnostic| diagnostic.place.start());
    }
    let diagnostics = [of_config, of_rules].concat();
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let setup = match (config, compiled) {
        (Some(read), Some(rules)) if !failed => Some(Setup {
            global: read.global,
            instances: read.instances,
            rules,
            leaks: read.leaks,
        }),
        _ => None,
    };
    Loaded {
        setup,
        diagnostics,
        digest,
        config: place,
        root,
        facts,
        secret_keys,
    }
}

/// Checks a rules file alone: its syntax, and what can be said without knowing the instances. All
/// problems, in the order of their places.
pub fn check_rules(rules: &Source, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let secret_keys = secret_keys(catalog);
    read_rules(rules, None, catalog, &secret_keys, &mut diagnostics);
    diagnostics
}

fn read_rules(
    rules: &Source,
    facts: Option<&HashMap<String, InstanceFacts>>,
    catalog: &Catalog,
    secret_keys: &BTreeSet<String>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Rules> {
    let document = open(rules, Content::Open, diagnostics)?;
    let mut findings = Findings::new(document);
    findings.secret_keys.clone_from(secret_keys);
    let of_drivers = catalog.iter().flat_map(|driver| driver.info().msg_keys);
    let linked: Vec<_> = of_drivers.copied().collect();
    let root = parse(&mut findings);
    let rules = root.and_then(|root| compile(&root, facts, &linked, &mut findings));
    diagnostics.extend(findings.finish());
    rules
}

pub(super) fn open(
    source: &Source,
    content: Content,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<Document>> {
    let (code, problem, help) = match &source.content {
        Ok(bytes) => match Document::new(&source.name, bytes, content) {
            Ok(document) => return Some(Arc::new(document)),
            Err(NotText::UnknownEnding(problem)) => {
                (&codes::UNKNOWN_FORMAT, problem, "rename the file")
            }
            Err(NotText::NotUtf8(offset)) => (
                &codes::NOT_UTF8,
                format!("byte {offset} is not UTF-8"),
                "save the file as UTF-8",
            ),
            Err(NotText::Empty(format)) => (
                &codes::EMPTY,
                "the file is empty".to_owned(),
                match format {
                    Format::Json => "write a JSON object, as in the examples",
                    Format::Yaml | Format::Toml => "write keys and values, as in the examples",
                },
            ),
        },
        Err(unreadable) => (
            unreadable.code,
            unreadable.problem.clone(),
            &*unreadable.help,
        ),
    };
    let mut diagnostic = Diagnostic::of_file(code, &source.name, problem);
    diagnostic.help(help);
    diagnostics.push(diagnostic);
    None
}
