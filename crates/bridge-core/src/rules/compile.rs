//! From the tree of a rules file to compiled rules, or to everything that is wrong with them.

mod endpoint;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::template::{DEFAULT_FORMAT, Template};
use super::{Channels, Rule, Rules, SourcePattern, Target};
use crate::config::codes::{self, Code};
use crate::config::diagnostic::{Diagnostic, Findings, Place};
use crate::config::disclosure::named;
use crate::config::settings::DeliveryPolicy;
use crate::config::suggest::suggest;
use crate::config::tree::{Entry, Node, Value, join, join_index};
use crate::driver::AddressKey;
use crate::id::{Channel, InstanceId, RuleId};
use endpoint::{Endpoint, Role};

/// What the rules need to know of an instance.
#[derive(Debug, Clone)]
pub(crate) struct InstanceFacts {
    pub(crate) id: InstanceId,
    pub(crate) address_keys: &'static [AddressKey],
    pub(crate) policy: Arc<DeliveryPolicy>,
    /// Where the config defines it.
    pub(crate) place: Place,
}

/// Compiles a rules file. Without `facts` (the config is no tree) only what stands in the file
/// itself is checked. The result is whole only if no error was found.
pub(crate) fn compile(
    root: &Node,
    facts: Option<&HashMap<String, InstanceFacts>>,
    findings: &mut Findings,
) -> Option<Rules> {
    let mut compiler = Compiler::new(facts, findings);
    let nodes = compiler.rule_nodes(root)?;
    let mut rules = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        rules.extend(compiler.rule(node, &join_index("rules", index)));
    }
    if nodes.is_empty() {
        let problem = "there are no rules, so nothing is forwarded";
        let help = "start the bridge, say something in a group, and paste the address it logs";
        compiler
            .report(&codes::NO_RULES, &root.opening(), "rules", problem)
            .help(help);
    }
    Some(Rules::new(rules))
}

/// Keeps what is shared between rules.
struct Compiler<'a> {
    facts: Option<&'a HashMap<String, InstanceFacts>>,
    findings: &'a mut Findings,
    delivery_schema: serde_json::Value,
    /// Formats are few, rules may be many.
    templates: HashMap<String, Arc<Template>>,
    ids: HashMap<RuleId, Range<usize>>,
    /// How often each hash of routing fields was given as an id.
    hashes: HashMap<String, usize>,
}

impl<'a> Compiler<'a> {
    fn new(facts: Option<&'a HashMap<String, InstanceFacts>>, findings: &'a mut Findings) -> Self {
        let delivery_schema = endpoint::delivery_schema();
        Self {
            facts,
            findings,
            delivery_schema,
            templates: HashMap::new(),
            ids: HashMap::new(),
            hashes: HashMap::new(),
        }
    }

    fn report(
        &mut self,
        code: &'static Code,
        span: &Range<usize>,
        path: &str,
        problem: impl Into<String>,
    ) -> &mut Diagnostic {
        self.findings.report(code, span, path, problem)
    }

    fn rule_nodes<'n>(&mut self, root: &'n Node) -> Option<&'n [Node]> {
        const FORM: &str = "write {\"rules\": [ … ]}";
        let Some(entries) = root.as_object() else {
            let problem = format!(
                "expected an object with the key \"rules\", found {}",
                root.type_name()
            );
            self.report(&codes::WRONG_TYPE, &root.span, "", problem)
                .help(FORM);
            return None;
        };
        self.refuse_unknown(entries, &["$schema", "rules"], "");
        let Some(rules) = root.get("rules") else {
            let problem = "the key \"rules\" is missing";
            self.report(&codes::MISSING_KEY, &root.opening(), "rules", problem)
                .help(FORM);
            return None;
        };
        match &rules.node.value {
            Value::Array(nodes) => Some(nodes),
            _ => {
                let problem = format!("expected a list of rules, found {}", rules.node.type_name());
                self.report(&codes::WRONG_TYPE, &rules.node.span, "rules", problem)
                    .help(FORM);
                None
            }
        }
    }

    fn rule(&mut self, node: &Node, path: &str) -> Option<Rule> {
        let Some(entries) = node.as_object() else {
            let problem = format!("expected a rule, found {}", node.type_name());
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help("write {\"from\": {…}, \"to\": {…}}");
            return None;
        };
        let errors_before = self.findings.error_count();
        let format = self.msg_format(node, path);
        let (kind, endpoints) = match self.rule_type(node, path)? {
            RuleType::Connect => {
                self.refuse_unknown(entries, &["id", "type", "channels", "msg"], path);
                ("connect", self.connected(node, path))
            }
            RuleType::Forward => {
                let known = ["id", "type", "from", "to", "msg"];
                if let Some(channels) = node.get("channels") {
                    let path = join(path, "channels");
                    let problem = "a forward rule has no \"channels\"";
                    let help = "add \"type\": \"connect\", or write \"from\" and \"to\"";
                    self.report(
                        &codes::NOT_FOR_THIS_RULE,
                        &channels.key_span,
                        &path,
                        problem,
                    )
                    .help(help);
                }
                let rest: Vec<_> = entries
                    .iter()
                    .filter(|entry| entry.key != "channels")
                    .collect();
                self.refuse_unknown(rest, &known, path);
                let mut ends = self.endpoints(node, "from", Role::Source, path);
                ends.extend(self.endpoints(node, "to", Role::Target, path));
                ("forward", ends)
            }
        };
        let id = self.rule_id(node, kind, &endpoints, path);
        let default = self.template(DEFAULT_FORMAT);
        let format = format.or(default);
        if self.findings.error_count() > errors_before {
            return None;
        }
        let place = self.findings.document.place(node.span.start);
        let mut rule = Rule {
            id: id?,
            place,
            sources: Vec::new(),
            targets: Vec::new(),
        };
        for end in endpoints {
            let place = self.findings.document.place(end.span.start);
            if let (Some(address), Some(policy), Some(format)) =
                (end.address.clone(), end.policy, &format)
            {
                let channel = Channel::new(end.instance.clone(), address);
                let template = end.template.unwrap_or_else(|| Arc::clone(format));
                rule.targets.push(Target {
                    channel,
                    template,
                    policy,
                });
            }
            if end.is_source {
                let channels = end.address.map_or(Channels::Any, Channels::Matching);
                rule.sources.push(SourcePattern {
                    instance: end.instance,
                    channels,
                    place,
                });
            }
        }
        Some(rule)
    }

    fn rule_type(&mut self, node: &Node, path: &str) -> Option<RuleType> {
        let Some(entry) = node.get("type") else {
            return Some(RuleType::Forward);
        };
        match entry.node.as_str() {
            Some("connect") => Some(RuleType::Connect),
            Some("forward") => Some(RuleType::Forward),
            other => {
                let word = other.unwrap_or_default();
                let (code, problem) = match other {
                    Some(word) => (
                        &codes::UNKNOWN_VALUE,
                        format!("unknown rule type \"{word}\""),
                    ),
                    None => {
                        let found = entry.node.type_name();
                        (
                            &codes::WRONG_TYPE,
                            format!("expected a string, found {found}"),
                        )
                    }
                };
                let help = suggest(word, ["connect", "forward"]);
                self.report(code, &entry.node.span, &join(path, "type"), problem)
                    .help(help);
                None
            }
        }
    }

    fn connected(&mut self, node: &Node, path: &str) -> Vec<Endpoint> {
        let ends = self.endpoints(node, "channels", Role::Both, path);
        let mut distinct: Vec<_> = ends
            .iter()
            .map(|end| (&end.instance, &end.address))
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() == 1 {
            let span = node
                .get("channels")
                .map_or(&node.span, |entry| &entry.key_span);
            let problem = "connect needs at least two different channels";
            let help = "add another instance, or write a list of channels: \"dt_main\": [{…}, {…}]";
            self.report(&codes::NO_CHANNEL, span, &join(path, "channels"), problem)
                .help(help);
        }
        ends
    }

    /// The rule-wide format, if there is one.
    fn msg_format(&mut self, node: &Node, path: &str) -> Option<Arc<Template>> {
        let entry = node.get("msg")?;
        self.msg_block(&entry.node, &join(path, "msg"))
    }

    /// The format that a `msg` block names, if it names one.
    fn msg_block(&mut self, node: &Node, path: &str) -> Option<Arc<Template>> {
        let Some(entries) = node.as_object() else {
            let problem = format!("expected an object, found {}", node.type_name());
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help("write {\"msg_format\": \"{user}: {msg}\"}");
            return None;
        };
        self.refuse_unknown(entries, &["msg_format"], path);
        let format = node.get("msg_format")?;
        let path = join(path, "msg_format");
        let Some(text) = format.node.as_str() else {
            let problem = format!("expected a string, found {}", format.node.type_name());
            self.report(&codes::WRONG_TYPE, &format.node.span, &path, problem)
                .help(format.node.hint("a string"));
            return None;
        };
        if let Some(known) = self.templates.get(text) {
            return Some(Arc::clone(known));
        }
        match Template::parse(text) {
            Ok(_) => self.template(text),
            Err(errors) => {
                for error in errors {
                    let document = &self.findings.document;
                    let span = document.inside(&format.node.span, text, error.span);
                    self.report(error.code, &span, &path, error.problem)
                        .help(error.help);
                }
                None
            }
        }
    }

    fn template(&mut self, format: &str) -> Option<Arc<Template>> {
        if let Some(known) = self.templates.get(format) {
            return Some(Arc::clone(known));
        }
        let template = Arc::new(Template::parse(format).ok()?);
        self.templates
            .insert(format.to_owned(), Arc::clone(&template));
        Some(template)
    }

    fn rule_id(
        &mut self,
        node: &Node,
        kind: &str,
        endpoints: &[Endpoint],
        path: &str,
    ) -> Option<RuleId> {
        let Some(entry) = node.get("id") else {
            let base = routing_hash(kind, endpoints);
            let mut id = RuleId::new(base.as_str());
            let number = self.hashes.entry(base.clone()).or_insert(0);
            *number += 1;
            while *number > 1 || self.ids.contains_key(&id) {
                id = RuleId::new(format!("{base}-{number}"));
                if !self.ids.contains_key(&id) {
                    break;
                }
                *number += 1;
            }
            self.ids.insert(id.clone(), node.opening());
            return Some(id);
        };
        let path = join(path, "id");
        let Some(text) = entry.node.as_str().filter(|text| !text.trim().is_empty()) else {
            let problem = "a rule's id must be a string that is not empty";
            self.report(&codes::EMPTY_VALUE, &entry.node.span, &path, problem)
                .help("remove it, or write a name");
            return None;
        };
        let id = RuleId::new(text);
        if let Some(first) = self.ids.get(&id) {
            let first = self.findings.at(first);
            let problem = format!("the rule id \"{id}\" stands here a second time");
            self.report(&codes::DUPLICATE_RULE_ID, &entry.node.span, &path, problem)
                .label(first, "the first one stands here")
                .help("rename one of the two");
            return None;
        }
        self.ids.insert(id.clone(), entry.node.span.clone());
        Some(id)
    }

    fn refuse_unknown<'n>(
        &mut self,
        entries: impl IntoIterator<Item = &'n Entry>,
        known: &[&str],
        path: &str,
    ) {
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let problem = format!("unknown key \"{}\"", named(&entry.key));
                let help = suggest(&entry.key, known.iter().copied());
                self.report(
                    &codes::UNKNOWN_KEY,
                    &entry.key_span,
                    &join(path, &entry.key),
                    problem,
                )
                .help(help);
            }
        }
    }
}

enum RuleType {
    Connect,
    Forward,
}

/// The id of a rule without one: the same as long as its routing stays the same.
fn routing_hash(kind: &str, endpoints: &[Endpoint]) -> String {
    let mut hash = Sha256::new();
    hash.update(kind);
    for end in endpoints {
        let address = end.address.as_ref().map(ToString::to_string);
        let parts = [end.instance.as_str(), address.as_deref().unwrap_or("*")];
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.update([u8::from(end.is_source)]);
    }
    let digest = hash.finalize();
    let hex: String = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("rule-{hex}")
}
