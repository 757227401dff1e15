//! How long things are kept: what the types of the keys can't say.

use std::time::Duration;

use super::codes;
use super::diagnostic::Findings;
use super::settings::StoreSettings;
use super::tree::Node;
use crate::time::format_duration;

/// Platforms send a callback again for hours; a message whose id was forgotten by then would be
/// delivered twice.
const LEAST_RETAIN_IDS: Duration = Duration::from_secs(48 * 60 * 60);

/// Reports what is wrong with the block `global.store` that `global` may hold.
pub(super) fn check_retention(store: &StoreSettings, global: &Node, findings: &mut Findings) {
    let Some(block) = global.get("store").map(|entry| &entry.node) else {
        return;
    };
    let (bodies, ids) = (store.retain_bodies.0, store.retain_ids.0);
    let (key, problem, help) = if ids < LEAST_RETAIN_IDS {
        (
            "retain_ids",
            "ids must be kept for at least 48h".to_owned(),
            "write `48h` or more; a platform may send a message again for so long".to_owned(),
        )
    } else if bodies > ids {
        let (bodies, ids) = (format_duration(bodies), format_duration(ids));
        (
            "retain_bodies",
            format!("texts would be kept for {bodies}, longer than their messages' ids, {ids}"),
            "lower `retain_bodies` or raise `retain_ids`".to_owned(),
        )
    } else {
        return;
    };
    let span = block.get(key).map_or(&block.span, |entry| &entry.node.span);
    findings
        .report(
            &codes::BAD_RETENTION,
            span,
            format!("global.store.{key}"),
            problem,
        )
        .help(help);
}
