//! One rule: its kind, its ends, and what is made of them.

use super::Compiler;
use super::endpoint::{Endpoint, Role};
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::suggest::{nearest, suggest};
use crate::config::tree::{Entry, Node};
use crate::id::Channel;
use crate::rules::keys::{KNOWN, OF_FORWARD, RuleType};
use crate::rules::{Channels, Rule, SourcePattern, Target};

impl Compiler<'_> {
    pub(super) fn rule(&mut self, node: &Node, path: &KeyPath<'_>) -> Option<Rule> {
        let Some(entries) = node.as_object() else {
            let problem = format!("expected a rule, found {}", node.type_name());
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help("write {\"from\": {…}, \"to\": {…}}");
            return None;
        };
        let errors_before = self.findings.error_count();
        let wide = self.rule_msg(node, path);
        let filter = self.filter(node, path);
        let stop = self.stop(node, path);
        let (kind, endpoints) = match self.rule_type(node, path)? {
            RuleType::Connect => {
                let (foreign, rest): (Vec<_>, Vec<_>) = entries
                    .iter()
                    .partition(|entry| OF_FORWARD.contains(&&*entry.key));
                let misspelled = self.refuse_unknown(rest, &KNOWN.connect, path);
                for entry in &foreign {
                    let help = "write \"channels\": {…}, or remove \"type\": \"connect\"";
                    self.not_for_this_rule(entry, "connect", help, path);
                }
                let is_meant = misspelled.contains("channels") || !foreign.is_empty();
                let ends = match is_meant && node.get("channels").is_none() {
                    true => Vec::new(),
                    false => self.connected(node, path),
                };
                ("connect", ends)
            }
            RuleType::Forward => {
                let channels = node.get("channels");
                if let Some(channels) = channels {
                    let help = "add \"type\": \"connect\", or write \"from\" and \"to\"";
                    self.not_for_this_rule(channels, "forward", help, path);
                }
                let rest: Vec<_> = entries
                    .iter()
                    .filter(|entry| entry.key != "channels")
                    .collect();
                let misspelled = self.refuse_unknown(rest, &KNOWN.forward, path);
                let sides = [("from", Role::Source), ("to", Role::Target)];
                let mut ends = Vec::new();
                for (key, role) in sides {
                    let is_meant = misspelled.contains(key) || channels.is_some();
                    if !is_meant || node.get(key).is_some() {
                        ends.extend(self.endpoints(node, key, role, path));
                    }
                }
                ("forward", ends)
            }
        };
        let id = self.rule_id(node, kind, &endpoints, path);
        if self.findings.error_count() > errors_before {
            return None;
        }
        let place = self.findings.document.place(node.span.start);
        let span = node.get("id").map(|id| id.node.span.clone());
        let mut rule = Rule {
            id: id?,
            place,
            span: span.unwrap_or_else(|| node.opening()),
            sources: Vec::new(),
            filter,
            stop,
            targets: Vec::new(),
        };
        for end in endpoints {
            let place = self.findings.document.place(end.span.start);
            let facts = self
                .facts
                .and_then(|facts| facts.get(end.instance.as_str()));
            let keys = facts.map_or(self.linked, |facts| facts.msg_keys);
            let dress = self.dress(end.msg, &wide, keys);
            if let (Some(address), Some(policy), Some(dress)) =
                (end.address.clone(), end.policy, dress)
            {
                let channel = Channel::new(end.instance.clone(), address);
                rule.targets.push(Target {
                    channel,
                    dress,
                    policy,
                    span: end.span.clone(),
                });
            }
            if end.is_source {
                let channels = end.address.map_or(Channels::Any, Channels::Matching);
                rule.sources.push(SourcePattern {
                    instance: end.instance,
                    channels,
                    place,
                    span: end.span,
                });
            }
        }
        Some(rule)
    }

    fn rule_type(&mut self, node: &Node, path: &KeyPath<'_>) -> Option<RuleType> {
        let Some(entry) = node.get("type") else {
            return Some(meant_type(node).unwrap_or_default());
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
                self.report(code, &entry.node.span, &path.key("type"), problem)
                    .help(help);
                None
            }
        }
    }

    /// A key that rules of the other kind have.
    fn not_for_this_rule(&mut self, entry: &Entry, kind: &str, help: &str, path: &KeyPath<'_>) {
        let key = &entry.key;
        let problem = format!("a {kind} rule has no \"{key}\"");
        self.report(
            &codes::NOT_FOR_THIS_RULE,
            &entry.key_span,
            &path.key(key),
            problem,
        )
        .help(help);
    }

    fn connected(&mut self, node: &Node, path: &KeyPath<'_>) -> Vec<Endpoint> {
        let errors_before = self.findings.error_count();
        let ends = self.endpoints(node, "channels", Role::Both, path);
        let mut distinct: Vec<_> = ends
            .iter()
            .map(|end| (&end.instance, &end.address))
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        // One that has an error is another one, once that is mended.
        if distinct.len() == 1 && self.findings.error_count() == errors_before {
            let span = node
                .get("channels")
                .map_or(&node.span, |entry| &entry.key_span);
            let problem = "connect needs at least two different channels";
            let help = "add another instance, or write a list of channels: \"dt_main\": [{…}, {…}]";
            self.report(&codes::NO_CHANNEL, span, &path.key("channels"), problem)
                .help(help);
        }
        ends
    }
}

/// What a rule without a type is meant to be: one whose `type` is misspelled is not blamed for the
/// keys of its kind as well.
fn meant_type(node: &Node) -> Option<RuleType> {
    let entries = node.as_object()?.iter();
    let mut words = entries
        .filter(|entry| nearest(&entry.key, ["type"]).is_some())
        .filter_map(|entry| entry.node.as_str());
    words
        .any(|word| word == "connect")
        .then_some(RuleType::Connect)
}
