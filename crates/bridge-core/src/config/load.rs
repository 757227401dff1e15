//! From the bytes of both files to a checked setup, or to everything that is wrong with them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use super::document::{Document, NotText};
use super::instance::{Draft, check_proxy, drafts, read_instance};
use super::issue::{Findings, Issue, Severity};
use super::listen::collide;
use super::retention::check_retention;
use super::settings::{DeliveryPolicy, GlobalSettings};
use super::shape::{FoundSecret, ShapeReader};
use super::tree::{Node, parse};
use crate::catalog::{Catalog, PreparedDriver};
use crate::id::InstanceId;
use crate::ports::SecretSource;
use crate::rules::Rules;
use crate::rules::compile::{InstanceFacts, compile};
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
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

/// What [`load`] made of the files.
#[derive(Debug)]
pub struct Loaded {
    /// What can be run; `None` if there is an error among the issues.
    pub setup: Option<Setup>,
    /// All problems, the config's first, in the order of their places.
    pub issues: Vec<Issue>,
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
    /// How deliveries to it are tried unless a rule says otherwise.
    pub policy: Arc<DeliveryPolicy>,
}

/// Reads, checks and compiles both files. Pure but for the secrets that `secrets` fetches.
pub fn load(
    config: &Source,
    rules: &Source,
    catalog: &Catalog,
    secrets: &dyn SecretSource,
) -> Loaded {
    let mut issues = Vec::new();
    let mut config =
        open(config, &mut issues).map(|document| ConfigReader::read(document, catalog, secrets));
    let facts = config.as_ref().and_then(|read| read.facts.as_ref());
    let compiled = open(rules, &mut issues).and_then(|document| {
        let mut findings = Findings::new(&document);
        let rules = parse(&mut findings).and_then(|root| compile(&root, facts, &mut findings));
        let mut found = findings.issues;
        found.sort_by_key(|issue| issue.place);
        issues.extend(found);
        rules
    });
    if let (Some(read), Some(rules)) = (&mut config, &compiled) {
        read.warn_of_unused(rules);
    }
    if let Some(read) = &mut config {
        read.issues.sort_by_key(|issue| issue.place);
        issues.splice(0..0, read.issues.drain(..));
    }
    let failed = issues.iter().any(|issue| issue.severity == Severity::Error);
    let setup = match (config, compiled) {
        (Some(read), Some(rules)) if !failed => Some(Setup {
            global: read.global,
            instances: read.instances,
            rules,
            leaks: read.leaks,
        }),
        _ => None,
    };
    Loaded { setup, issues }
}

fn open(source: &Source, issues: &mut Vec<Issue>) -> Option<Document> {
    let document = match &source.content {
        Ok(bytes) => Document::new(&source.name, bytes)
            .map_err(|NotText { problem, help }| Issue::of_file(&source.name, problem, help)),
        Err(Unreadable { problem, help }) => Err(Issue::of_file(
            &source.name,
            problem.as_str(),
            help.as_str(),
        )),
    };
    match document {
        Ok(document) => Some(document),
        Err(issue) => {
            issues.push(issue);
            None
        }
    }
}

/// What was read of the config.
struct ConfigReader {
    global: GlobalSettings,
    instances: Vec<InstanceSetup>,
    leaks: LeakGuard,
    /// What the rules need to know of the instances; `None` if the file has no tree.
    facts: Option<HashMap<String, InstanceFacts>>,
    issues: Vec<Issue>,
    /// Where each instance's key stands, for warnings that only the rules can cause.
    places: Vec<(InstanceId, Issue)>,
}

impl ConfigReader {
    fn read(document: Document, catalog: &Catalog, source: &dyn SecretSource) -> Self {
        let mut findings = Findings::new(&document);
        let mut secrets = Vec::new();
        let mut read = Self {
            global: GlobalSettings::default(),
            instances: Vec::new(),
            leaks: LeakGuard::default(),
            facts: None,
            issues: Vec::new(),
            places: Vec::new(),
        };
        if let Some(root) = parse(&mut findings) {
            read.facts = Some(HashMap::new());
            read.root(&root, catalog, source, &mut findings, &mut secrets);
        }
        read.leaks = LeakGuard::new(secrets.into_iter().map(|found| (found.path, found.value)));
        read.issues = findings.issues;
        read
    }

    fn root(
        &mut self,
        root: &Node,
        catalog: &Catalog,
        source: &dyn SecretSource,
        findings: &mut Findings<'_>,
        secrets: &mut Vec<FoundSecret>,
    ) {
        let Some(entries) = root.as_object() else {
            let problem = format!(
                "expected an object of platforms, found {}",
                root.type_name()
            );
            findings.error(&root.span, "", problem, "write `{}` around it");
            return;
        };
        if let Some(entry) = root.get("global") {
            let schema = schemars::schema_for!(GlobalSettings).to_value();
            let mut shape = ShapeReader {
                findings,
                source,
                secrets,
            };
            if let Some(global) = shape.settings(&entry.node, &schema, "global") {
                self.global = global;
            }
            check_proxy(&self.global.proxy, &entry.node, "global", findings);
            check_retention(&self.global.store, &entry.node, findings);
        }
        let drafts = drafts(entries, catalog, findings);
        let mut listeners: Vec<(String, Range<usize>, (IpAddr, u16))> = Vec::new();
        for draft in drafts {
            let mut shape = ShapeReader {
                findings,
                source,
                secrets,
            };
            let Some(instance) = self.instance(&draft, &mut shape) else {
                continue;
            };
            if let Some(listen) = instance.driver.listen() {
                let span = draft.entry.key_span.clone();
                listeners.push((draft.path.clone(), span, (listen.host, listen.port)));
            }
            self.instances.push(instance);
        }
        report_collisions(&listeners, findings);
        self.instances.sort_by(|left, right| left.id.cmp(&right.id));
        if self.places.is_empty() && findings.error_count() == 0 {
            let linked: Vec<_> = catalog.iter().map(|entry| entry.info().platform).collect();
            let help = format!("add one below a platform; linked: {}", linked.join(", "));
            findings.error(&root.span, "", "no instance is configured", help);
        }
    }

    fn instance(
        &mut self,
        draft: &Draft<'_>,
        shape: &mut ShapeReader<'_, '_>,
    ) -> Option<InstanceSetup> {
        let Draft {
            path,
            entry,
            driver,
        } = draft;
        let id = InstanceId::new(entry.key.as_str());
        let info = driver.info();
        let base = DeliveryPolicy::default().with(&self.global.delivery);
        let mut facts = InstanceFacts {
            id: id.clone(),
            address_keys: info.address_keys,
            policy: Arc::new(base.clone()),
        };
        let problem = format!("no rule uses the instance \"{id}\"");
        let help = "it listens and reports the channels it hears; name it in the rules to forward";
        let mut unused = Findings::new(shape.findings.document);
        unused.warning(&entry.key_span, path, problem, help);
        self.places
            .extend(unused.issues.pop().map(|issue| (id.clone(), issue)));

        let read = read_instance(draft, shape);
        if let Some((_, keys, _)) = &read {
            facts.policy = Arc::new(base.with(keys));
        }
        let policy = Arc::clone(&facts.policy);
        if let Some(table) = &mut self.facts {
            table.insert(entry.key.clone(), facts);
        }
        let (keys, _, prepared) = read?;
        check_proxy(&keys.proxy, &entry.node, path, shape.findings);
        let capabilities = prepared.capabilities();
        Some(InstanceSetup {
            id,
            platform: info.platform,
            rate_per_second: keys.rate_per_second.unwrap_or(capabilities.rate_per_second),
            channel_rate_per_minute: keys
                .channel_rate_per_minute
                .unwrap_or(capabilities.channel_rate_per_minute),
            max_in_flight: usize::try_from(keys.max_in_flight.unwrap_or(32)).unwrap_or(32),
            proxy: keys.proxy.or_else(|| self.global.proxy.clone()),
            policy,
            driver: prepared,
        })
    }

    fn warn_of_unused(&mut self, rules: &Rules) {
        let unused = self
            .places
            .iter()
            .filter(|(id, _)| !rules.uses_instance(id));
        self.issues.extend(unused.map(|(_, issue)| issue.clone()));
    }
}

fn report_collisions(
    listeners: &[(String, Range<usize>, (IpAddr, u16))],
    findings: &mut Findings<'_>,
) {
    for (index, (path, span, address)) in listeners.iter().enumerate() {
        let earlier = listeners[..index]
            .iter()
            .find(|(.., other)| collide(*other, *address));
        if let Some((other, ..)) = earlier {
            let problem = format!(
                "\"{path}\" and \"{other}\" listen on the same address: {}:{}",
                address.0, address.1
            );
            let help = "give one of them another `listen_port`";
            findings.error(span, path, problem, help);
        }
    }
}
