//! The replacements of a `msg` block.

use std::collections::HashSet;
use std::sync::Arc;

use super::Compiler;
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::tree::{Node, Value};
use crate::rules::keys::KNOWN;
use crate::rules::replace::{Replacement, Replacements, With};

const FORM: &str = "write [{\"pattern\": \"…\", \"with\": \"…\"}]";

impl Compiler<'_> {
    pub(super) fn replacements(
        &mut self,
        msg: &Node,
        path: &KeyPath<'_>,
    ) -> Option<Arc<Replacements>> {
        let entry = msg.get("replace")?;
        let path = path.key("replace");
        let Value::Array(nodes) = &entry.node.value else {
            let problem = format!(
                "expected a list of replacements, found {}",
                entry.node.type_name()
            );
            self.report(&codes::WRONG_TYPE, &entry.node.span, &path, problem)
                .help(FORM);
            return None;
        };
        let mut written = Vec::with_capacity(nodes.len());
        let mut list = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            let path = path.index(index);
            let (text, replacement) = self.replacement(node, &path).unzip();
            written.extend(text);
            list.extend(replacement);
        }
        let replacements = self.replacements.entry(written);
        Some(Arc::clone(
            replacements.or_insert_with(|| Arc::new(Replacements { list })),
        ))
    }

    /// What is written, and what it means.
    fn replacement(
        &mut self,
        node: &Node,
        path: &KeyPath<'_>,
    ) -> Option<((String, String), Replacement)> {
        let Some(entries) = node.as_object() else {
            let problem = format!("expected a replacement, found {}", node.type_name());
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help(FORM);
            return None;
        };
        let meant = self.refuse_unknown(entries, &KNOWN.replace, path);
        let pattern = self.text_of(node, "pattern", &meant, path);
        let with = self.text_of(node, "with", &meant, path);
        let compiled = match pattern {
            Some(("", node)) => {
                let problem = "the value is empty";
                self.report(
                    &codes::EMPTY_VALUE,
                    &node.span,
                    &path.key("pattern"),
                    problem,
                )
                .help("write what is to be replaced; an empty \"with\" removes it");
                None
            }
            Some((text, node)) => self.pattern(text, node, &path.key("pattern")),
            None => None,
        };
        let (with, with_node) = with?;
        let filled = match With::parse(with, compiled.as_deref()) {
            Ok(filled) => filled,
            Err(errors) => {
                self.template_errors(errors, with, with_node, &path.key("with"));
                return None;
            }
        };
        let written = (pattern?.0.to_owned(), with.to_owned());
        let replacement = Replacement {
            pattern: compiled?,
            with: filled,
        };
        Some((written, replacement))
    }

    /// A string that must be there, if not under one of the misspelled keys.
    fn text_of<'n>(
        &mut self,
        node: &'n Node,
        key: &str,
        misspelled: &HashSet<&str>,
        path: &KeyPath<'_>,
    ) -> Option<(&'n str, &'n Node)> {
        let path = path.key(key);
        let Some(entry) = node.get(key) else {
            if misspelled.contains(key) {
                return None;
            }
            let problem = format!("the key \"{key}\" is missing");
            self.report(&codes::MISSING_KEY, &node.opening(), &path, problem)
                .help(FORM);
            return None;
        };
        let text = entry.node.as_str();
        if text.is_none() {
            let problem = format!("expected a string, found {}", entry.node.type_name());
            let help = entry.node.hint("a string");
            self.report(&codes::WRONG_TYPE, &entry.node.span, &path, problem)
                .help(help);
        }
        text.map(|text| (text, &entry.node))
    }
}
