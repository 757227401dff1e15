//! One rule: its kind, its ends, and what is made of them.

use super::Compiler;
use super::endpoint::{Endpoint, Role};
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::suggest::suggest;
use crate::config::tree::Node;
use crate::id::Channel;
use crate::rules::keys::{KNOWN, RuleType};
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
                self.refuse_unknown(entries, &KNOWN.connect, path);
                ("connect", self.connected(node, path))
            }
            RuleType::Forward => {
                if let Some(channels) = node.get("channels") {
                    let path = path.key("channels");
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
                self.refuse_unknown(rest, &KNOWN.forward, path);
                let mut ends = self.endpoints(node, "from", Role::Source, path);
                ends.extend(self.endpoints(node, "to", Role::Target, path));
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
            if let (Some(address), Some(policy), Some(dress)) =
                (end.address.clone(), end.policy, end.msg.within(&wide))
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
                self.report(code, &entry.node.span, &path.key("type"), problem)
                    .help(help);
                None
            }
        }
    }

    fn connected(&mut self, node: &Node, path: &KeyPath<'_>) -> Vec<Endpoint> {
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
            self.report(&codes::NO_CHANNEL, span, &path.key("channels"), problem)
                .help(help);
        }
        ends
    }
}
