//! The `msg` blocks of rules and of their targets.

use std::sync::Arc;

use super::Compiler;
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::suggest::suggest;
use crate::config::tree::{Entry, Node};
use crate::driver::MsgKey;
use crate::rules::Dress;
use crate::rules::keys::KNOWN;
use crate::rules::replace::Replacements;
use crate::rules::template::pieces::TemplateError;
use crate::rules::template::{DEFAULT_FORMAT, Template};
use crate::rules::values::Values;

/// What a `msg` block says; what it does not say is `None`.
#[derive(Debug, Default)]
pub(super) struct Msg {
    template: Option<Arc<Template>>,
    replacements: Option<Arc<Replacements>>,
    values: Values,
}

impl Compiler<'_> {
    /// What the rule says of the looks of its messages.
    pub(super) fn rule_msg(&mut self, node: &Node, path: &KeyPath<'_>) -> Msg {
        let mut msg = match node.get("msg") {
            Some(entry) => {
                let keys = self.keys_of_targets(node);
                self.msg_block(&entry.node, &keys, &path.key("msg"))
            }
            None => Msg::default(),
        };
        msg.template = msg.template.or_else(|| self.template(DEFAULT_FORMAT));
        msg
    }

    /// What a `msg` block says; `keys` are those that it may have beside those of all platforms.
    pub(super) fn msg_block(&mut self, node: &Node, keys: &[MsgKey], path: &KeyPath<'_>) -> Msg {
        let Some(entries) = node.as_object() else {
            let problem = format!("expected an object, found {}", node.type_name());
            self.report(&codes::WRONG_TYPE, &node.span, path, problem)
                .help("write {\"msg_format\": \"{user}: {msg}\"}");
            return Msg::default();
        };
        let own = keys.iter().map(|key| key.name.to_owned());
        let known: Vec<_> = KNOWN.msg.iter().cloned().chain(own).collect();
        let foreign = |entry: &&Entry| {
            let is_linked = self.linked.iter().any(|key| key.name == entry.key);
            is_linked && !known.iter().any(|key| *key == entry.key)
        };
        let (foreign, others): (Vec<_>, Vec<_>) = entries.iter().partition(foreign);
        self.refuse_unknown(others, &known, path);
        self.refuse_foreign(&foreign, &known, path);
        Msg {
            template: self.msg_format(node, path),
            replacements: self.replacements(node, path),
            values: self.own_values(entries, keys, path),
        }
    }

    /// Reports keys that platforms know which are not sent to.
    fn refuse_foreign(&mut self, foreign: &[&Entry], known: &[String], path: &KeyPath<'_>) {
        for entry in foreign {
            let key = &entry.key;
            let problem = format!("\"{key}\" is a key of another platform than is sent to here");
            let help = suggest("", known.iter().map(String::as_str));
            self.report(
                &codes::FOREIGN_MSG_KEY,
                &entry.key_span,
                &path.key(key),
                problem,
            )
            .help(help);
        }
    }

    /// The looks of a target that says `msg`, in a rule that says `wide`. `keys` are those of the
    /// target's driver.
    pub(super) fn dress(&mut self, msg: Msg, wide: &Msg, keys: &[MsgKey]) -> Option<Dress> {
        let template = msg.template.or_else(|| wide.template.clone())?;
        let replacements = msg.replacements.or_else(|| wide.replacements.clone());
        let replacements = replacements.filter(|replacements| !replacements.list.is_empty());
        let values = msg.values.within(&wide.values, keys);
        Some(Dress {
            template,
            replacements,
            values: (!values.is_empty()).then(|| self.shared(values)),
        })
    }

    fn msg_format(&mut self, node: &Node, path: &KeyPath<'_>) -> Option<Arc<Template>> {
        let format = node.get("msg_format")?;
        let path = path.key("msg_format");
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
                self.template_errors(errors, text, &format.node, &path);
                None
            }
        }
    }

    /// Reports the faults of the template `text`, which stands at `node`, each at its place.
    pub(super) fn template_errors(
        &mut self,
        errors: Vec<TemplateError>,
        text: &str,
        node: &Node,
        path: &KeyPath<'_>,
    ) {
        for error in errors {
            let document = &self.findings.document;
            let span = document.inside(&node.span, text, error.span);
            self.report(error.code, &span, path, error.problem)
                .help(error.help);
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
}
