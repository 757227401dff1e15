//! The channels that a rule names: in `from`, in `to`, in `channels`.

use std::ops::Range;
use std::sync::Arc;

use super::{Compiler, InstanceFacts};
use crate::config::issue::suggest;
use crate::config::settings::{DeliveryKeys, DeliveryPolicy};
use crate::config::shape::ShapeReader;
use crate::config::tree::{Entry, Node, Value, join, join_index};
use crate::id::{Address, InstanceId};
use crate::ports::SecretSource;
use crate::rules::template::Template;

/// One end of a rule.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) instance: InstanceId,
    /// `None` for any channel.
    pub(super) address: Option<Address>,
    pub(super) is_source: bool,
    /// The target's own format, if it has one.
    pub(super) template: Option<Arc<Template>>,
    /// `None` for what is only a source.
    pub(super) policy: Option<Arc<DeliveryPolicy>>,
    pub(super) span: Range<usize>,
}

/// What an end does in its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Source,
    Target,
    Both,
}

pub(super) fn delivery_schema() -> serde_json::Value {
    schemars::schema_for!(DeliveryKeys).to_value()
}

/// Rules hold no secrets.
struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, _: &str) -> Result<String, String> {
        Err("rules hold no secrets".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("rules hold no secrets".to_owned())
    }
}

impl Compiler<'_, '_> {
    pub(super) fn endpoints(
        &mut self,
        rule: &Node,
        key: &str,
        role: Role,
        path: &str,
    ) -> Vec<Endpoint> {
        let path = join(path, key);
        let form = format!("write \"{key}\": {{\"dt_main\": {{…}}}}");
        let Some(entry) = rule.get(key) else {
            self.findings.error(
                &rule.span,
                &path,
                format!("the key \"{key}\" is missing"),
                form,
            );
            return Vec::new();
        };
        let Some(instances) = entry.node.as_object() else {
            let problem = format!(
                "expected an object of instances, found {}",
                entry.node.type_name()
            );
            self.findings.error(&entry.node.span, &path, problem, form);
            return Vec::new();
        };
        if instances.is_empty() {
            self.findings.error(
                &entry.node.span,
                &path,
                format!("\"{key}\" names no instance"),
                form,
            );
        }
        let mut ends = Vec::new();
        for instance in instances {
            let path = join(&path, &instance.key);
            let facts = match self.facts.map(|facts| facts.get(&instance.key)) {
                Some(None) => {
                    self.unknown_instance(instance, &path);
                    continue;
                }
                Some(Some(facts)) => Some(facts.clone()),
                None => None,
            };
            match &instance.node.value {
                Value::Array(nodes) => {
                    if nodes.is_empty() {
                        let problem = "the list names no channel";
                        self.findings.error(&instance.node.span, &path, problem, "");
                    }
                    for (index, node) in nodes.iter().enumerate() {
                        let path = join_index(&path, index);
                        ends.extend(self.endpoint(node, instance, facts.as_ref(), role, &path));
                    }
                }
                _ => ends.extend(self.endpoint(
                    &instance.node,
                    instance,
                    facts.as_ref(),
                    role,
                    &path,
                )),
            }
        }
        ends
    }

    fn unknown_instance(&mut self, instance: &Entry, path: &str) {
        let known = self
            .facts
            .into_iter()
            .flat_map(|facts| facts.keys().map(String::as_str));
        let problem = format!("no instance is called \"{}\" in the config", instance.key);
        let help = suggest(&instance.key, known);
        self.findings.error(&instance.key_span, path, problem, help);
    }

    fn endpoint(
        &mut self,
        node: &Node,
        instance: &Entry,
        facts: Option<&InstanceFacts>,
        role: Role,
        path: &str,
    ) -> Option<Endpoint> {
        let id = facts.map_or_else(|| instance.key.as_str().into(), |facts| facts.id.clone());
        let any = node.as_str() == Some("*");
        if any && role == Role::Source {
            let span = node.span.clone();
            return Some(Endpoint {
                instance: id,
                address: None,
                is_source: true,
                template: None,
                policy: None,
                span,
            });
        }
        let Some(entries) = node.as_object() else {
            let problem = match any {
                true => "\"*\" stands for any channel and is allowed in \"from\" only".to_owned(),
                false => format!("expected a channel's address, found {}", node.type_name()),
            };
            self.findings
                .error(&node.span, path, problem, address_form(facts));
            return None;
        };
        let (address, dressing): (Vec<_>, Vec<_>) = entries
            .iter()
            .partition(|entry| !self.is_reserved(&entry.key));
        let address = self.address(node, &address, facts, role, path);
        let (template, policy) = match role {
            Role::Source => {
                for entry in dressing {
                    let problem = format!("\"{}\" belongs to a target, not to \"from\"", entry.key);
                    let help = "move it to the channel in \"to\", or \"msg\" to the rule";
                    self.findings
                        .error(&entry.key_span, &join(path, &entry.key), problem, help);
                }
                (None, None)
            }
            Role::Target | Role::Both => self.dressing(node, dressing, facts, path),
        };
        let span = node.span.clone();
        let is_source = role != Role::Target;
        Some(Endpoint {
            instance: id,
            address: Some(address?),
            is_source,
            template,
            policy,
            span,
        })
    }

    /// Words that never name a part of an address.
    fn is_reserved(&self, key: &str) -> bool {
        let delivery = self.delivery_schema.pointer("/properties");
        key == "msg" || delivery.is_some_and(|keys| keys.get(key).is_some())
    }

    fn address(
        &mut self,
        node: &Node,
        entries: &[&Entry],
        facts: Option<&InstanceFacts>,
        role: Role,
        path: &str,
    ) -> Option<Address> {
        let before = self.findings.error_count();
        let mut pairs = Vec::new();
        for entry in entries {
            let path = join(path, &entry.key);
            let keys = facts.map(|facts| facts.address_keys);
            if let Some(keys) = keys
                && !keys.iter().any(|known| known.name == entry.key)
            {
                let problem = format!("unknown channel key \"{}\"", entry.key);
                let reserved = ["msg"].into_iter().filter(|_| role != Role::Source);
                let help = suggest(
                    &entry.key,
                    keys.iter().map(|known| known.name).chain(reserved),
                );
                self.findings.error(&entry.key_span, &path, problem, help);
                continue;
            }
            let problem = match entry.node.as_str() {
                Some("*") => "\"*\" can't stand for a value of an address".to_owned(),
                Some(text) if text.trim().is_empty() => "an empty value never matches".to_owned(),
                Some(text) => {
                    pairs.push((entry.key.as_str(), text));
                    continue;
                }
                None => format!("expected a string, found {}", entry.node.type_name()),
            };
            let help = match entry.node.as_str() {
                Some("*") => "for any channel of the instance write \"dt_main\": \"*\" in \"from\"",
                _ => "write the channel's id in quotes",
            };
            self.findings.error(&entry.node.span, &path, problem, help);
        }
        let missing: Vec<_> = facts
            .into_iter()
            .flat_map(|facts| facts.address_keys)
            .filter(|key| !entries.iter().any(|entry| entry.key == key.name))
            .collect();
        let incomplete = !missing.is_empty() && (role != Role::Source || entries.is_empty());
        for key in missing.into_iter().filter(|_| incomplete) {
            let problem = format!("the channel key \"{}\" is missing", key.name);
            self.findings
                .error(&node.span, &join(path, key.name), problem, key.description);
        }
        (self.findings.error_count() == before).then(|| Address::new(pairs))
    }

    /// What a target says beside its address: its format and how it is tried.
    fn dressing(
        &mut self,
        node: &Node,
        entries: Vec<&Entry>,
        facts: Option<&InstanceFacts>,
        path: &str,
    ) -> (Option<Arc<Template>>, Option<Arc<DeliveryPolicy>>) {
        let (msg, delivery): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.key == "msg");
        let template = msg
            .first()
            .and_then(|entry| self.msg_block(&entry.node, &join(path, "msg")));
        let wider = facts
            .map(|facts| Arc::clone(&facts.policy))
            .unwrap_or_default();
        if delivery.is_empty() {
            return (template, Some(wider));
        }
        let block = Node {
            value: Value::Object(delivery.into_iter().cloned().collect()),
            span: node.span.clone(),
        };
        let mut secrets = Vec::new();
        let mut shape = ShapeReader {
            findings: &mut *self.findings,
            source: &NoSecrets,
            secrets: &mut secrets,
        };
        let keys: Option<DeliveryKeys> = shape.settings(&block, &self.delivery_schema, path);
        (template, keys.map(|keys| Arc::new(wider.with(&keys))))
    }
}

/// How an address of the instance is written.
fn address_form(facts: Option<&InstanceFacts>) -> String {
    let keys = facts.map_or(&[][..], |facts| facts.address_keys);
    let pairs: Vec<_> = keys
        .iter()
        .map(|key| format!("\"{}\": \"…\"", key.name))
        .collect();
    format!("write {{{}}}", pairs.join(", "))
}
