//! From a value that has its schema's shape to the settings type itself, with faults placed.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::codes;
use super::key_path::KeyPath;
use super::shape::ShapeReader;
use super::tree::{Node, Value};

impl ShapeReader<'_> {
    /// Reads `node` into settings of the framework; `None` after an error.
    pub(crate) fn settings<T: DeserializeOwned>(
        &mut self,
        node: &Node,
        schema: &Json,
        path: &KeyPath<'_>,
    ) -> Option<T> {
        let before = self.findings.error_count();
        let value = self.read(node, schema, path);
        if self.findings.error_count() > before {
            None
        } else {
            self.typed(value, node, path)
        }
    }

    pub(super) fn typed<T: DeserializeOwned>(
        &mut self,
        value: Json,
        node: &Node,
        path: &KeyPath<'_>,
    ) -> Option<T> {
        let result: Result<T, _> = serde_path_to_error::deserialize(value);
        result
            .map_err(|error| {
                let at = error.path().to_string();
                self.report_at(node, path, &at, error.into_inner().to_string());
            })
            .ok()
    }

    /// Reports a problem at the value that `at`, relative to `node`, leads to.
    pub(super) fn report_at(&mut self, node: &Node, path: &KeyPath<'_>, at: &str, problem: String) {
        let mut place = node;
        let mut whole = path.to_string();
        for key in at.split('.').filter(|key| !key.is_empty()) {
            let name = key.split('[').next().unwrap_or(key);
            whole = KeyPath::new(&whole).key(key).to_string();
            match place.get(name) {
                Some(entry) => place = &entry.node,
                None => break,
            }
        }
        if let Value::Array(elements) = &place.value
            && let Some(index) = at
                .rsplit('[')
                .next()
                .and_then(|rest| rest.trim_end_matches(']').parse::<usize>().ok())
            && let Some(element) = elements.get(index)
        {
            place = element;
        }
        self.findings
            .report(&codes::BAD_FORMAT, &place.span, &whole, problem);
    }
}
