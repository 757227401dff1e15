//! The ids of rules: the operator's, or made from the routing.

use sha2::{Digest, Sha256};

use super::Compiler;
use super::endpoint::Endpoint;
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::config::tree::Node;
use crate::id::RuleId;

impl Compiler<'_> {
    pub(super) fn rule_id(
        &mut self,
        node: &Node,
        kind: &str,
        endpoints: &[Endpoint],
        path: &KeyPath<'_>,
    ) -> Option<RuleId> {
        let Some(entry) = node.get("id") else {
            let base = routing_hash(kind, endpoints);
            let mut id = RuleId::new(base.as_str());
            let number = self.hashes.entry(base.clone()).or_insert(0);
            *number += 1;
            while *number > 1 || self.ids.contains_key(&id) {
                id = RuleId::new(format!("{base}-{number}"));
                if !self.ids.contains_key(&id) {
                    break;
                }
                *number += 1;
            }
            self.ids.insert(id.clone(), node.opening());
            return Some(id);
        };
        let path = path.key("id");
        let Some(text) = entry.node.as_str().filter(|text| !text.trim().is_empty()) else {
            let problem = "a rule's id must be a string that is not empty";
            self.report(&codes::EMPTY_VALUE, &entry.node.span, &path, problem)
                .help("remove it, or write a name");
            return None;
        };
        let id = RuleId::new(text);
        if let Some(first) = self.ids.get(&id) {
            let first = self.findings.at(first);
            let problem = format!("the rule id \"{id}\" stands here a second time");
            self.report(&codes::DUPLICATE_RULE_ID, &entry.node.span, &path, problem)
                .label(first, "the first one stands here")
                .help("rename one of the two");
            return None;
        }
        self.ids.insert(id.clone(), entry.node.span.clone());
        Some(id)
    }
}

/// The id of a rule without one: the same as long as its routing stays the same.
fn routing_hash(kind: &str, endpoints: &[Endpoint]) -> String {
    let mut hash = Sha256::new();
    hash.update(kind);
    for end in endpoints {
        let address = end.address.as_ref().map(ToString::to_string);
        let parts = [end.instance.as_str(), address.as_deref().unwrap_or("*")];
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.update([u8::from(end.is_source)]);
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first[2..].copy_from_slice(&digest[..6]);
    format!("rule-{:012x}", u64::from_be_bytes(first))
}
