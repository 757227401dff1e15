//! The keys of a `msg` block that only some platforms know.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Compiler;
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::tree::{Entry, Node};
use crate::driver::{MsgForm, MsgKey};
use crate::rules::template::ValueTemplate;
use crate::rules::values::{Value, Values};

impl Compiler<'_> {
    /// The keys that the drivers of the rule's targets know; those of all linked drivers where it is
    /// not known which those are.
    pub(super) fn keys_of_targets(&self, rule: &Node) -> Vec<MsgKey> {
        let targets = ["to", "channels"].map(|part| rule.get(part));
        let instances = targets.into_iter().flatten();
        let instances = instances.filter_map(|part| part.node.as_object()).flatten();
        let mut keys: Vec<MsgKey> = Vec::new();
        let mut is_any = false;
        for instance in instances {
            is_any = true;
            let known = self.facts.and_then(|facts| facts.get(&*instance.key));
            let of_driver = known.map_or(self.linked, |facts| facts.msg_keys);
            let is_new = |key: &&MsgKey| {
                let mut others = keys.iter();
                !others.any(|other| other.name == key.name && other.form == key.form)
            };
            let new: Vec<_> = of_driver.iter().filter(is_new).copied().collect();
            keys.extend(new);
        }
        match is_any {
            true => keys,
            false => self.linked.to_vec(),
        }
    }

    /// What stands at these keys.
    pub(super) fn own_values(
        &mut self,
        entries: &[Entry],
        keys: &[MsgKey],
        path: &KeyPath<'_>,
    ) -> Values {
        let mut values = Values::default();
        for Entry { key, node, .. } in entries {
            let fits = |known: &&MsgKey| match known.form {
                MsgForm::Template => node.as_str().is_some(),
                MsgForm::Templates => node.as_object().is_some(),
            };
            let mut of_name = keys.iter().filter(|known| known.name == key.as_str());
            let Some(known) = of_name.clone().find(fits).or_else(|| of_name.next()) else {
                continue;
            };
            let path = path.key(known.name);
            let value = match known.form {
                MsgForm::Template => self.value_template(node, &path).map(Value::One),
                MsgForm::Templates => self.value_templates(node, known, &path).map(Value::Several),
            };
            if let Some(value) = value {
                values.insert(known.name, value);
            }
        }
        values
    }

    /// The same value for all who say the same, so that it is rendered once.
    pub(super) fn shared(&mut self, values: Values) -> Arc<Values> {
        if let Some(known) = self.values.get(&values) {
            return Arc::clone(known);
        }
        let shared = Arc::new(values);
        self.values.insert(Arc::clone(&shared));
        shared
    }

    fn value_template(&mut self, node: &Node, path: &KeyPath<'_>) -> Option<ValueTemplate> {
        let Some(text) = node.as_str() else {
            let problem = format!("expected a string, found {}", node.type_name());
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help(node.hint("a string"));
            return None;
        };
        match ValueTemplate::parse(text) {
            Ok(template) => Some(template),
            Err(errors) => {
                self.template_errors(errors, text, node, path);
                None
            }
        }
    }

    fn value_templates(
        &mut self,
        node: &Node,
        known: &MsgKey,
        path: &KeyPath<'_>,
    ) -> Option<BTreeMap<String, ValueTemplate>> {
        let Some(entries) = node.as_object() else {
            let problem = format!("expected an object, found {}", node.type_name());
            let help = format!("write \"{}\": {{\"sender\": \"{{user}}\"}}", known.name);
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help(help);
            return None;
        };
        let mut templates = BTreeMap::new();
        for Entry {
            key,
            key_span,
            node,
        } in entries
        {
            let path = path.key(key);
            if known.reserved.contains(&key.as_str()) {
                let problem =
                    format!("\"{key}\" has a meaning of its own here and can't be replaced");
                self.report(&codes::REFUSED_BY_DRIVER, key_span, &path, problem)
                    .help("choose another name");
            }
            if let Some(template) = self.value_template(node, &path) {
                templates.insert(key.to_string(), template);
            }
        }
        Some(templates)
    }
}
