//! The filters of a rule: `when`, `unless` and `stop`.

use super::Compiler;
use crate::config::codes;
use crate::config::disclosure::named;
use crate::config::key_path::KeyPath;
use crate::config::suggest::suggest;
use crate::config::tree::{Entry, Node, Value};
use crate::message::MessageKind;
use crate::rules::filter::{Accepted, Alternative, Condition, Filter, Test};
use crate::rules::keys::KNOWN;

impl Compiler<'_> {
    pub(super) fn filter(&mut self, rule: &Node, path: &KeyPath<'_>) -> Filter {
        Filter {
            when: self.condition(rule, "when", path),
            unless: self.condition(rule, "unless", path),
        }
    }

    /// Where the rule says that it stops the later ones, if it does.
    pub(super) fn stop(&mut self, rule: &Node, path: &KeyPath<'_>) -> Option<(usize, usize)> {
        let entry = rule.get("stop")?;
        match &entry.node.value {
            Value::Bool(true) => Some(self.findings.document.place(entry.key_span.start)),
            Value::Bool(false) => None,
            _ => {
                let problem = format!("expected true or false, found {}", entry.node.type_name());
                let help = entry.node.hint("true or false");
                self.report(
                    &codes::WRONG_TYPE,
                    &entry.node.span,
                    &path.key("stop"),
                    problem,
                )
                .help(help);
                None
            }
        }
    }

    fn condition(&mut self, rule: &Node, key: &str, path: &KeyPath<'_>) -> Option<Condition> {
        let entry = rule.get(key)?;
        let path = path.key(key);
        let alternatives = match &entry.node.value {
            Value::Array(nodes) => {
                if nodes.is_empty() {
                    self.nothing_asked(&entry.node, key, &path);
                }
                let nodes = nodes.iter().enumerate();
                nodes
                    .filter_map(|(index, node)| self.alternative(node, key, &path.index(index)))
                    .collect()
            }
            _ => self
                .alternative(&entry.node, key, &path)
                .into_iter()
                .collect(),
        };
        Some(Condition { alternatives })
    }

    fn nothing_asked(&mut self, node: &Node, key: &str, path: &KeyPath<'_>) {
        let problem = format!("\"{key}\" asks for nothing");
        let help = format!("remove it, or ask for one of: {}", KNOWN.when.join(", "));
        self.report(&codes::EMPTY_VALUE, &node.span, path, problem)
            .help(help);
    }

    fn alternative(&mut self, node: &Node, key: &str, path: &KeyPath<'_>) -> Option<Alternative> {
        let Some(entries) = node.as_object() else {
            let problem = format!(
                "expected an object of what \"{key}\" asks for, found {}",
                node.type_name()
            );
            let help = format!("write \"{key}\": {{\"text\": \"…\"}}, or a list of such objects");
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help(help);
            return None;
        };
        if entries.is_empty() {
            self.nothing_asked(node, key, path);
        }
        let mut tests = Vec::with_capacity(entries.len());
        for entry in entries {
            let path = path.key(&entry.key);
            let Some(accepted) = self.accepted(node, entry, &path) else {
                continue;
            };
            let place = self.findings.document.place(entry.key_span.start);
            tests.push(Test { place, accepted });
        }
        Some(Alternative { tests })
    }

    fn accepted(&mut self, parent: &Node, entry: &Entry, path: &KeyPath<'_>) -> Option<Accepted> {
        let known = KNOWN.when.iter().map(String::as_str);
        if !known.clone().any(|key| key == entry.key) {
            // A key that is there already is not what was meant.
            let help = suggest(&entry.key, known.filter(|key| parent.get(key).is_none()));
            let problem = format!("unknown key \"{}\"", named(&entry.key));
            self.report(&codes::UNKNOWN_KEY, &entry.key_span, path, problem)
                .help(help);
            return None;
        }
        let values = self.values(&entry.node, path);
        let texts = || values.iter().map(|(text, ..)| (*text).into());
        Some(match entry.key.as_str() {
            "sender_id" => Accepted::SenderId(texts().collect()),
            "sender" => Accepted::Sender(texts().collect()),
            "text" => {
                let patterns = values.iter();
                let patterns = patterns
                    .filter_map(|(text, node, path)| self.pattern(text, node, path))
                    .collect();
                Accepted::Text(patterns)
            }
            _ => {
                let kinds = values.iter();
                let kinds = kinds
                    .filter_map(|(text, node, path)| self.kind(text, node, path))
                    .collect();
                Accepted::Kind(kinds)
            }
        })
    }

    /// The strings that a key takes: one, or a list of them. None of them is empty.
    fn values<'n>(
        &mut self,
        node: &'n Node,
        path: &'n KeyPath<'n>,
    ) -> Vec<(&'n str, &'n Node, KeyPath<'n>)> {
        let nodes = match &node.value {
            Value::Array(nodes) => {
                if nodes.is_empty() {
                    let problem = "the list is empty, so nothing is in it";
                    self.report(&codes::EMPTY_VALUE, &node.span, path, problem)
                        .help("write at least one value, or remove the key");
                }
                let nodes = nodes.iter().enumerate();
                nodes
                    .map(|(index, node)| (node, path.index(index)))
                    .collect()
            }
            _ => vec![(node, *path)],
        };
        let mut values = Vec::with_capacity(nodes.len());
        for (node, path) in nodes {
            match node.as_str() {
                Some("") => {
                    let problem = "the value is empty";
                    self.report(&codes::EMPTY_VALUE, &node.span, &path, problem)
                        .help("write what is asked for, or remove the key");
                }
                Some(text) => values.push((text, node, path)),
                None => {
                    let problem = format!(
                        "expected a string or a list of strings, found {}",
                        node.type_name()
                    );
                    self.report(&codes::WRONG_TYPE, &node.span, &path, problem)
                        .help(node.hint("a string"));
                }
            }
        }
        values
    }

    fn kind(&mut self, name: &str, node: &Node, path: &KeyPath<'_>) -> Option<MessageKind> {
        let kind = MessageKind::from_name(name);
        if kind.is_none() {
            let problem = format!("\"{name}\" is no kind of message");
            let help = suggest(name, MessageKind::ALL.map(MessageKind::name));
            self.report(&codes::UNKNOWN_VALUE, &node.span, path, problem)
                .help(help);
        }
        kind
    }
}
