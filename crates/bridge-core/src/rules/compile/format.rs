//! The `msg` blocks of rules and of their targets.

use std::sync::Arc;

use super::Compiler;
use crate::config::codes;
use crate::config::tree::{Node, join};
use crate::rules::template::Template;

impl Compiler<'_> {
    /// The rule-wide format, if there is one.
    pub(super) fn msg_format(&mut self, node: &Node, path: &str) -> Option<Arc<Template>> {
        let entry = node.get("msg")?;
        self.msg_block(&entry.node, &join(path, "msg"))
    }

    /// The format that a `msg` block names, if it names one.
    pub(super) fn msg_block(&mut self, node: &Node, path: &str) -> Option<Arc<Template>> {
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

    pub(super) fn template(&mut self, format: &str) -> Option<Arc<Template>> {
        if let Some(known) = self.templates.get(format) {
            return Some(Arc::clone(known));
        }
        let template = Arc::new(Template::parse(format).ok()?);
        self.templates
            .insert(format.to_owned(), Arc::clone(&template));
        Some(template)
    }
}
