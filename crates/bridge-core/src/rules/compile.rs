//! From the tree of a rules file to compiled rules, or to everything that is wrong with them.

mod endpoint;
mod filter;
mod format;
mod id;
mod pattern;
mod replace;
mod rule;
mod spelling;
mod values;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet as FastSet, HashSetExt as _};
use regex::Regex;

use super::keys::KNOWN;
use super::meaning::Hears;
use super::replace::Replacements;
use super::template::Template;
use super::values::Values;
use super::{Rules, meaning};
use crate::config::Format;
use crate::config::codes::{self, Code};
use crate::config::diagnostic::{Diagnostic, Findings, Place};
use crate::config::disclosure::named;
use crate::config::key_path::KeyPath;
use crate::config::settings::DeliveryPolicy;
use crate::config::suggest::{nearest, suggest};
use crate::config::tree::{Entry, Node, Value};
use crate::driver::{AddressKey, MsgKey};
use crate::id::{InstanceId, RuleId};
use crate::rules::RULES;

pub(super) use endpoint::exact_channel;

/// What the rules need to know of an instance.
#[derive(Debug, Clone)]
pub(crate) struct InstanceFacts {
    pub(crate) id: InstanceId,
    pub(crate) address_keys: &'static [AddressKey],
    pub(crate) msg_keys: &'static [MsgKey],
    pub(crate) platform: &'static str,
    pub(crate) policy: Arc<DeliveryPolicy>,
    pub(crate) hears: Hears,
    /// Where the config defines it.
    pub(crate) place: Place,
}

/// Compiles a rules file. Without `facts` (the config is no tree) only what stands in the file
/// itself is checked; the keys of `msg` that linked drivers have are `linked`. The result is whole
/// only if no error was found.
pub(crate) fn compile(
    root: &Node,
    facts: Option<&HashMap<String, InstanceFacts>>,
    linked: &[MsgKey],
    findings: &mut Findings,
) -> Option<Rules> {
    let mut compiler = Compiler::new(facts, findings);
    compiler.linked = linked;
    let nodes = compiler.rule_nodes(root)?;
    let mut rules = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        rules.extend(compiler.rule(node, &RULES.index(index)));
    }
    if nodes.is_empty() {
        let problem = "there are no rules, so nothing is forwarded";
        let help = "add a rule; the bridge logs the address of each channel that it hears, ready to be pasted";
        compiler
            .report(&codes::NO_RULES, &root.opening(), &RULES, problem)
            .help(help);
    }
    let rules = Rules::new(rules);
    // A rule with an error was not compiled: what is said of the others might not hold with it.
    if rules.len() == nodes.len() {
        meaning::check(&rules, root, facts, findings);
    }
    Some(rules)
}

/// Keeps what is shared between rules.
struct Compiler<'a> {
    facts: Option<&'a HashMap<String, InstanceFacts>>,
    /// The keys of `msg` that some linked driver has.
    linked: &'a [MsgKey],
    findings: &'a mut Findings,
    /// Formats are few, rules may be many.
    templates: HashMap<String, Arc<Template>>,
    /// A clone of a pattern would have tables of its own.
    patterns: HashMap<String, Arc<Regex>>,
    /// By what is written: what looks the same is rendered once.
    replacements: HashMap<Vec<(String, String)>, Arc<Replacements>>,
    /// Equal ones are one.
    values: FastSet<Arc<Values>>,
    ids: HashMap<RuleId, Range<usize>>,
    /// By instance, key and fold, how a value was written first, and where.
    spellings: HashMap<(InstanceId, &'static str, String), (String, Range<usize>)>,
    /// How often each hash of routing fields was given as an id.
    hashes: HashMap<String, usize>,
}

impl<'a> Compiler<'a> {
    fn new(facts: Option<&'a HashMap<String, InstanceFacts>>, findings: &'a mut Findings) -> Self {
        Self {
            facts,
            linked: &[],
            findings,
            templates: HashMap::new(),
            patterns: HashMap::new(),
            replacements: HashMap::new(),
            values: FastSet::new(),
            ids: HashMap::new(),
            spellings: HashMap::new(),
            hashes: HashMap::new(),
        }
    }

    fn report(
        &mut self,
        code: &'static Code,
        span: &Range<usize>,
        path: &KeyPath<'_>,
        problem: impl Into<String>,
    ) -> &mut Diagnostic {
        self.findings.report(code, span, path, problem)
    }

    fn rule_nodes<'n>(&mut self, root: &'n Node) -> Option<&'n [Node]> {
        let form = match self.findings.document.format() {
            Format::Json => "write {\"rules\": [ … ]}",
            Format::Yaml => "write `rules:`, and each rule below it behind a `-`",
            Format::Toml => "write [[rules]] before each rule",
        };
        let Some(entries) = root.as_object() else {
            let problem = format!(
                "expected an object with the key \"rules\", found {}",
                root.type_name()
            );
            self.report(&codes::WRONG_TYPE, &root.span, &KeyPath::ROOT, problem)
                .help(form);
            return None;
        };
        let meant = self.refuse_unknown(entries, &KNOWN.file, &KeyPath::ROOT);
        let Some(rules) = root.get("rules") else {
            if meant.contains("rules") {
                return None;
            }
            let problem = "the key \"rules\" is missing";
            self.report(&codes::MISSING_KEY, &root.opening(), &RULES, problem)
                .help(form);
            return None;
        };
        match &rules.node.value {
            Value::Array(nodes) => Some(nodes),
            _ => {
                let problem = format!("expected a list of rules, found {}", rules.node.type_name());
                self.report(&codes::WRONG_TYPE, &rules.node.span, &RULES, problem)
                    .help(form);
                None
            }
        }
    }

    /// Whether the key stands in `msg` blocks, of some targets at least.
    fn is_of_msg(&self, key: &str) -> bool {
        KNOWN.msg.iter().any(|known| known == key)
            || self.linked.iter().any(|known| known.name == key)
    }

    /// Reports the keys that are not known. The result are the known keys that were meant by them:
    /// that those are missing need not be said as well.
    fn refuse_unknown<'n, 'k>(
        &mut self,
        entries: impl IntoIterator<Item = &'n Entry>,
        known: &'k [String],
        path: &KeyPath<'_>,
    ) -> HashSet<&'k str> {
        let entries: Vec<_> = entries.into_iter().collect();
        let known = known.iter().map(String::as_str);
        // A key that is there already is not what was meant.
        let is_absent = |key: &&str| entries.iter().all(|entry| entry.key != *key);
        let mut meant = HashSet::new();
        for entry in &entries {
            if known.clone().any(|key| key == entry.key) {
                continue;
            }
            let near = nearest(&entry.key, known.clone().filter(is_absent));
            meant.extend(near);
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.is_of_msg(&entry.key) && known.clone().any(|key| key == "msg") => {
                    format!("write it into \"msg\": {{\"{}\": …}}", entry.key)
                }
                None => suggest(&entry.key, known.clone()),
            };
            let problem = format!("unknown key \"{}\"", named(&entry.key));
            let path = path.key(&entry.key);
            self.report(&codes::UNKNOWN_KEY, &entry.key_span, &path, problem)
                .help(help);
        }
        meant
    }
}
