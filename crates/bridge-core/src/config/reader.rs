//! Reads a config document: the block `global`, and every instance.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::codes;
use super::diagnostic::{Diagnostic, Findings};
use super::disclosure::{known_keys, looks_secret};
use super::document::Document;
use super::instance::{Draft, InstanceBlock, drafts, read_instance};
use super::key_path::KeyPath;
use super::load::InstanceSetup;
use super::neighbours::Neighbours;
use super::notes::Notes;
use super::placeholder;
use super::retention::check_retention;
use super::settings::{DeliveryPolicy, GlobalSettings};
use super::shape::{FoundSecret, ShapeReader};
use super::tree::{Node, parse};
use super::way::{check_proxy, read_authorities};
use crate::catalog::Catalog;
use crate::id::InstanceId;
use crate::ports::SecretSource;
use crate::rules::Rules;
use crate::rules::compile::InstanceFacts;
use crate::rules::meaning::Hears;
use crate::secret::LeakGuard;

/// The path of the block of what holds for all instances.
const GLOBAL: KeyPath<'static> = KeyPath::new("global");

/// What was read of the config.
pub(super) struct ConfigReader {
    pub(super) document: Arc<Document>,
    pub(super) root: Option<Node>,
    pub(super) global: GlobalSettings,
    pub(super) instances: Vec<InstanceSetup>,
    /// Those of `global.ca_file`.
    authorities: Option<Arc<str>>,
    pub(super) leaks: LeakGuard,
    /// What the rules need to know of the instances; `None` if the file has no tree.
    pub(super) facts: Option<HashMap<String, InstanceFacts>>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// A warning for each instance, in case no rule uses it.
    unused: Vec<(InstanceId, Diagnostic)>,
}

impl ConfigReader {
    pub(super) fn read(
        document: Arc<Document>,
        catalog: &Catalog,
        source: &dyn SecretSource,
    ) -> Self {
        let mut findings = Findings::new(Arc::clone(&document));
        let mut secrets = Vec::new();
        let mut read = Self {
            document: Arc::clone(&document),
            root: None,
            global: GlobalSettings::default(),
            instances: Vec::new(),
            authorities: None,
            leaks: LeakGuard::default(),
            facts: None,
            diagnostics: Vec::new(),
            unused: Vec::new(),
        };
        if let Some(root) = parse(&mut findings) {
            root.keys(&mut |key| {
                if !looks_secret(&document.text()[key.clone()]) {
                    findings.show(key);
                }
            });
            read.facts = Some(HashMap::new());
            read.whole(&root, catalog, source, &mut findings, &mut secrets);
            read.root = Some(root);
        } else {
            document.show_keys(known_keys(catalog));
        }
        read.leaks = LeakGuard::new(secrets.into_iter().map(|found| (found.path, found.value)));
        read.diagnostics = findings.finish();
        read
    }

    fn whole(
        &mut self,
        root: &Node,
        catalog: &Catalog,
        source: &dyn SecretSource,
        findings: &mut Findings,
        secrets: &mut Vec<FoundSecret>,
    ) {
        let Some(entries) = root.as_object() else {
            let problem = format!(
                "expected an object of platforms, found {}",
                root.type_name()
            );
            findings
                .report(&codes::WRONG_TYPE, &root.span, "", problem)
                .help("write `{}` around it");
            return;
        };
        if let Some(entry) = root.get("global") {
            let schema = schemars::schema_for!(GlobalSettings).to_value();
            let mut shape = ShapeReader {
                findings,
                source,
                secrets,
            };
            if let Some(global) = shape.settings(&entry.node, &schema, &GLOBAL) {
                self.global = global;
            }
            check_proxy(&self.global.proxy, &entry.node, &GLOBAL, findings);
            let ca_file = &self.global.ca_file;
            self.authorities = read_authorities(ca_file, &entry.node, &GLOBAL, source, findings);
            check_retention(&self.global.store, &entry.node, findings);
        }
        let drafts = drafts(entries, catalog, findings);
        let mut neighbours = Neighbours::default();
        for draft in &drafts {
            let mut shape = ShapeReader {
                findings,
                source,
                secrets,
            };
            let Some(instance) = self.instance(draft, &mut shape) else {
                continue;
            };
            neighbours.add(draft, &instance, findings);
            self.instances.push(instance);
        }
        if findings.error_count() == 0 {
            // What is left to be put in is of interest once the rest is right.
            let mut notes = Notes::new(findings);
            for draft in &drafts {
                let path = KeyPath::new(&draft.path);
                placeholder::in_config(&draft.entry.node, &path, &mut notes);
            }
            notes.finish();
        }
        self.instances.sort_by(|left, right| left.id.cmp(&right.id));
        if self.unused.is_empty() && findings.error_count() == 0 {
            let linked: Vec<_> = catalog.iter().map(|entry| entry.info().platform).collect();
            let help = format!("add one below a platform; linked: {}", linked.join(", "));
            let span = root.opening();
            findings
                .report(&codes::NO_INSTANCE, &span, "", "no instance is configured")
                .help(help);
        }
    }

    fn instance(
        &mut self,
        draft: &Draft<'_>,
        shape: &mut ShapeReader<'_>,
    ) -> Option<InstanceSetup> {
        let Draft {
            path,
            entry,
            driver,
            ..
        } = draft;
        let id = InstanceId::new(entry.key.as_str());
        let info = driver.info();
        let base = DeliveryPolicy::default().with(&self.global.delivery);
        let mut facts = InstanceFacts {
            id: id.clone(),
            address_keys: info.address_keys,
            msg_keys: info.msg_keys,
            platform: info.platform,
            policy: Arc::new(base.clone()),
            hears: Hears::default(),
            place: shape.findings.at(&entry.key_span),
        };
        let read = read_instance(draft, shape);
        let problem = format!("no rule uses the instance \"{id}\"");
        let place = facts.place.clone();
        let mut unused = Diagnostic::new(&codes::UNUSED_INSTANCE, place, problem);
        path.clone_into(&mut unused.path);
        let hears_any = match &read {
            Some(read) => read.driver.listen().is_some(),
            None => true,
        };
        let reports = hears_any && !info.address_keys.is_empty();
        unused.help(match reports {
            true => "it listens and reports the channels it hears; name it in the rules to forward",
            false => "nothing is taken from it and nothing is sent to it; name it in the rules, or remove it",
        });
        self.unused.push((id.clone(), unused));

        if let Some(read) = &read {
            facts.policy = Arc::new(base.with(&read.delivery));
            facts.hears = Hears::of(&read.driver);
        }
        let policy = Arc::clone(&facts.policy);
        if let Some(table) = &mut self.facts {
            table.insert(entry.key.to_string(), facts);
        }
        let InstanceBlock {
            keys,
            driver: prepared,
            fingerprint,
            ..
        } = read?;
        let path = KeyPath::new(path);
        check_proxy(&keys.proxy, &entry.node, &path, shape.findings);
        let (source, findings) = (shape.source, &mut *shape.findings);
        let own = read_authorities(&keys.ca_file, &entry.node, &path, source, findings);
        let capabilities = prepared.capabilities();
        Some(InstanceSetup {
            id,
            platform: info.platform,
            rate_per_second: keys.rate_per_second.unwrap_or(capabilities.rate_per_second),
            channel_rate_per_minute: keys
                .channel_rate_per_minute
                .unwrap_or(capabilities.channel_rate_per_minute),
            max_in_flight: keys.max_in_flight as usize,
            proxy: keys.proxy.or_else(|| self.global.proxy.clone()),
            authorities: own.or_else(|| self.authorities.clone()),
            policy,
            driver: prepared,
            fingerprint,
        })
    }

    pub(super) fn warn_of_unused(&mut self, rules: &Rules) {
        let unused = self.unused.drain(..);
        let unused = unused.filter(|(id, _)| !rules.uses_instance(id));
        self.diagnostics.extend(unused.map(|(_, warning)| warning));
    }
}
