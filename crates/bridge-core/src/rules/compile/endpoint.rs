//! The channels that a rule names: in `from`, in `to`, in `channels`.

use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashSet, HashSetExt};

use super::format::Msg;
use super::{Compiler, InstanceFacts};
use crate::config::codes;
use crate::config::diagnostic::Findings;
use crate::config::key_path::KeyPath;
use crate::config::settings::{DeliveryKeys, DeliveryPolicy};
use crate::config::shape::{NoSecrets, ShapeReader};
use crate::config::suggest::{nearest, suggest};
use crate::config::tree::{Entry, Node, Value};
use crate::driver::AddressKey;
use crate::id::{Address, Channel, InstanceId};
use crate::rules::keys::{DELIVERY, KNOWN};

/// One end of a rule.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) instance: InstanceId,
    /// `None` for any channel.
    pub(super) address: Option<Address>,
    pub(super) is_source: bool,
    /// What the target itself says of its messages' looks.
    pub(super) msg: Msg,
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
    /// One channel in a test.
    Exact,
}

/// Reads the one channel that `key` of a test names; what is wrong with it is reported.
pub(crate) fn exact_channel(
    node: &Node,
    key: &str,
    path: &KeyPath<'_>,
    facts: &HashMap<String, InstanceFacts>,
    findings: &mut Findings,
) -> Option<Channel> {
    let before = findings.error_count();
    // What is no object, or lacks the key, has been reported by whoever read the whole.
    node.get(key)?.node.as_object()?;
    let mut ends = Compiler::new(Some(facts), findings).endpoints(node, key, Role::Exact, path);
    if findings.error_count() > before {
        return None;
    }
    let end = ends.pop()?;
    if !ends.is_empty() {
        let span = node.get(key).map_or(&node.span, |entry| &entry.node.span);
        let problem = format!("\"{key}\" of a test names one channel");
        findings
            .report(&codes::NO_CHANNEL, span, path.key(key), problem)
            .help("keep one, and write another test for each of the others");
        return None;
    }
    Some(Channel::new(end.instance, end.address?))
}

impl Compiler<'_> {
    pub(super) fn endpoints(
        &mut self,
        rule: &Node,
        key: &str,
        role: Role,
        path: &KeyPath<'_>,
    ) -> Vec<Endpoint> {
        let path = path.key(key);
        let form = || format!("write \"{key}\": {{\"dt_main\": {{…}}}}");
        let Some(entry) = rule.get(key) else {
            let problem = format!("the key \"{key}\" is missing");
            self.report(&codes::MISSING_KEY, &rule.opening(), &path, problem)
                .help(form());
            return Vec::new();
        };
        let Some(instances) = entry.node.as_object() else {
            let problem = format!(
                "expected an object of instances, found {}",
                entry.node.type_name()
            );
            self.report(&codes::WRONG_TYPE, &entry.node.span, &path, problem)
                .help(form());
            return Vec::new();
        };
        if instances.is_empty() {
            let problem = format!("\"{key}\" names no instance");
            self.report(&codes::NO_CHANNEL, &entry.node.span, &path, problem)
                .help(form());
        }
        let mut ends = Vec::new();
        for instance in instances {
            let path = path.key(&instance.key);
            let facts = self.facts.map(|facts| facts.get(instance.key.as_str()));
            let facts = match facts {
                Some(None) => {
                    self.unknown_instance(instance, &path);
                    continue;
                }
                Some(facts) => facts,
                None => None,
            };
            match &instance.node.value {
                Value::Array(nodes) => {
                    if nodes.is_empty() {
                        let problem = "the list names no channel";
                        self.report(&codes::NO_CHANNEL, &instance.node.span, &path, problem)
                            .help("write at least one channel, or remove the instance");
                    }
                    for (index, node) in nodes.iter().enumerate() {
                        let path = path.index(index);
                        ends.extend(self.endpoint(node, instance, facts, role, &path));
                    }
                }
                _ => ends.extend(self.endpoint(&instance.node, instance, facts, role, &path)),
            }
        }
        ends
    }

    fn unknown_instance(&mut self, instance: &Entry, path: &KeyPath<'_>) {
        let Some(facts) = self.facts else { return };
        let known = facts.keys().map(String::as_str);
        let problem = format!("no instance is called \"{}\" in the config", instance.key);
        let help = suggest(&instance.key, known.clone());
        // The one that was meant, or else the first one: there the others are, too.
        let label = match nearest(&instance.key, known) {
            Some(meant) => facts
                .get(meant)
                .map(|facts| (&facts.place, format!("`{meant}` is defined here"))),
            None => {
                let first = facts.values().min_by_key(|facts| facts.place.start());
                first.map(|facts| (&facts.place, "instances are defined here".to_owned()))
            }
        };
        let diagnostic = self.report(&codes::UNKNOWN_INSTANCE, &instance.key_span, path, problem);
        diagnostic.help(help);
        if let Some((place, text)) = label {
            diagnostic.label(place.clone(), text);
        }
    }

    fn endpoint(
        &mut self,
        node: &Node,
        instance: &Entry,
        facts: Option<&InstanceFacts>,
        role: Role,
        path: &KeyPath<'_>,
    ) -> Option<Endpoint> {
        let id = facts.map_or_else(|| instance.key.as_str().into(), |facts| facts.id.clone());
        let any = node.as_str() == Some("*");
        if any && role == Role::Source {
            let span = node.span.clone();
            return Some(Endpoint {
                instance: id,
                address: None,
                is_source: true,
                msg: Msg::default(),
                policy: None,
                span,
            });
        }
        let Some(entries) = node.as_object() else {
            let (code, problem) = match any {
                true => (
                    &codes::BAD_WILDCARD,
                    "\"*\" stands for any channel and is allowed in \"from\" only".to_owned(),
                ),
                false => (
                    &codes::WRONG_TYPE,
                    format!("expected a channel's address, found {}", node.type_name()),
                ),
            };
            self.report(code, &node.span, path, problem)
                .help(address_form(facts));
            return None;
        };
        let (address, dressing): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| !is_reserved(&entry.key));
        let address = self.address(node, &address, facts, role, path);
        let (msg, policy) = match role {
            Role::Source => {
                for entry in dressing {
                    let problem = format!("\"{}\" belongs to a target, not to \"from\"", entry.key);
                    let help = "move it to the channel in \"to\", or \"msg\" to the rule";
                    let path = path.key(&entry.key);
                    self.report(
                        &codes::TARGET_KEY_IN_SOURCE,
                        &entry.key_span,
                        &path,
                        problem,
                    )
                    .help(help);
                }
                (Msg::default(), None)
            }
            Role::Target | Role::Both => self.dressing(node, dressing, facts, path),
            Role::Exact => {
                for entry in dressing {
                    let problem = format!("\"{}\" belongs to a rule, not to a test", entry.key);
                    let path = path.key(&entry.key);
                    self.report(
                        &codes::TARGET_KEY_IN_SOURCE,
                        &entry.key_span,
                        &path,
                        problem,
                    )
                    .help("keep only the keys of the channel's address");
                }
                (Msg::default(), None)
            }
        };
        let span = node.span.clone();
        let is_source = role != Role::Target;
        Some(Endpoint {
            instance: id,
            address: Some(address?),
            is_source,
            msg,
            policy,
            span,
        })
    }

    fn address(
        &mut self,
        node: &Node,
        entries: &[&Entry],
        facts: Option<&InstanceFacts>,
        role: Role,
        path: &KeyPath<'_>,
    ) -> Option<Address> {
        let before = self.findings.error_count();
        let mut pairs = Vec::new();
        let mut misspelled = HashSet::new();
        for entry in entries {
            let path = path.key(&entry.key);
            let keys = facts.map(|facts| facts.address_keys);
            let known = keys.and_then(|keys| keys.iter().find(|known| known.name == entry.key));
            if let Some(keys) = keys
                && known.is_none()
            {
                let problem = format!("unknown channel key \"{}\"", entry.key);
                let valid = Self::valid_beside(node, keys, role);
                let meant = nearest(&entry.key, valid.iter().copied());
                misspelled.extend(meant.map(str::to_owned));
                let help = suggest(&entry.key, valid);
                self.findings
                    .report(&codes::UNKNOWN_CHANNEL_KEY, &entry.key_span, path, problem)
                    .help(help);
                continue;
            }
            let (code, problem) = match entry.node.as_str() {
                Some("*") => (
                    &codes::BAD_WILDCARD,
                    "\"*\" can't stand for a value of an address".to_owned(),
                ),
                Some(text) if text.trim().is_empty() => (
                    &codes::EMPTY_ADDRESS_VALUE,
                    "an empty value never matches".to_owned(),
                ),
                Some(text) => {
                    if let Some(known) = known
                        && let Err(fault) = (known.check)(text)
                    {
                        let problem = format!("{text:?} {fault}");
                        self.report(&codes::REFUSED_BY_DRIVER, &entry.node.span, &path, problem)
                            .help(known.description);
                    }
                    if let (Some(facts), Some(known)) = (facts, known) {
                        self.spelled_once(&facts.id, known, text, &entry.node.span, &path);
                    }
                    pairs.push((entry.key.as_str(), text));
                    continue;
                }
                None => (
                    &codes::WRONG_TYPE,
                    format!("expected a string, found {}", entry.node.type_name()),
                ),
            };
            let help = match entry.node.as_str() {
                Some("*") => "for any channel of the instance write \"dt_main\": \"*\" in \"from\"",
                _ => "write the channel's id in quotes",
            };
            self.report(code, &entry.node.span, &path, problem)
                .help(help);
        }
        let missing: Vec<_> = facts
            .into_iter()
            .flat_map(|facts| facts.address_keys)
            .filter(|key| !entries.iter().any(|entry| entry.key == key.name))
            .filter(|key| !misspelled.contains(key.name))
            .collect();
        let incomplete = !missing.is_empty() && (role != Role::Source || entries.is_empty());
        for key in missing.into_iter().filter(|_| incomplete) {
            let problem = format!("the channel key \"{}\" is missing", key.name);
            let path = path.key(key.name);
            self.report(&codes::MISSING_CHANNEL_KEY, &node.opening(), &path, problem)
                .help(key.description);
        }
        (self.findings.error_count() == before).then(|| Address::new(pairs))
    }

    /// The keys that an address may still have: those that it has are not what was meant.
    fn valid_beside(node: &Node, keys: &[AddressKey], role: Role) -> Vec<&'static str> {
        let delivery = KNOWN.delivery.iter().map(String::as_str);
        let dressing = delivery.chain(["msg"]);
        let dressing = dressing.filter(|_| matches!(role, Role::Target | Role::Both));
        let names = keys.iter().map(|key| key.name);
        let absent = names.clone().chain(dressing);
        let absent: Vec<_> = absent.filter(|key| node.get(key).is_none()).collect();
        match absent.is_empty() {
            true => names.collect(),
            false => absent,
        }
    }

    /// What a target says beside its address: how it looks and how it is tried.
    fn dressing(
        &mut self,
        node: &Node,
        entries: Vec<&Entry>,
        facts: Option<&InstanceFacts>,
        path: &KeyPath<'_>,
    ) -> (Msg, Option<Arc<DeliveryPolicy>>) {
        let (msg, delivery): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.key == "msg");
        let keys = facts.map_or(self.linked, |facts| facts.msg_keys);
        let msg = msg
            .first()
            .map(|entry| self.msg_block(&entry.node, keys, &path.key("msg")));
        let msg = msg.unwrap_or_default();
        let wider = facts
            .map(|facts| Arc::clone(&facts.policy))
            .unwrap_or_default();
        if delivery.is_empty() {
            return (msg, Some(wider));
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
        let keys: Option<DeliveryKeys> = shape.settings(&block, &DELIVERY, path);
        (msg, keys.map(|keys| Arc::new(wider.with(&keys))))
    }
}

/// Whether the word never names a part of an address.
fn is_reserved(key: &str) -> bool {
    key == "msg" || KNOWN.delivery.iter().any(|known| known == key)
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
