//! The configured drivers: which there are, and what each one's block says.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::issue::{Findings, Issue, Severity, suggest};
use super::settings::{DeliveryKeys, InstanceKeys};
use super::shape::{ShapeReader, merge};
use super::tree::{Entry, Node, join};
use crate::catalog::{Catalog, DriverEntry, PreparedDriver};
use crate::secret::Secret;

/// One instance on its way through the checks.
pub(super) struct Draft<'a> {
    pub(super) path: String,
    pub(super) entry: &'a Entry,
    pub(super) driver: &'a DriverEntry,
}

/// Walks platforms and instances; each instance id may stand once in the whole file.
pub(super) fn drafts<'a>(
    entries: &'a [Entry],
    catalog: &'a Catalog,
    findings: &mut Findings<'_>,
) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| !matches!(&*entry.key, "$schema" | "global"))
    {
        let Some(driver) = catalog.get(&entry.key) else {
            let linked: Vec<_> = catalog
                .iter()
                .map(|driver| driver.info().platform)
                .collect();
            let problem = format!(
                "driver \"{}\" is not linked into this binary; linked: {}",
                entry.key,
                linked.join(", ")
            );
            let help = suggest(&entry.key, linked.iter().copied().chain(["global"]));
            findings.error(&entry.key_span, &entry.key, problem, help);
            continue;
        };
        let Some(instances) = entry.node.as_object() else {
            let problem = format!(
                "expected an object of instances, found {}",
                entry.node.type_name()
            );
            let help = format!("write {{\"{}\": {{\"my_instance\": {{…}}}}}}", entry.key);
            findings.error(&entry.node.span, &entry.key, problem, help);
            continue;
        };
        for instance in instances {
            let path = join(&entry.key, &instance.key);
            if instance.key.is_empty()
                || instance
                    .key
                    .chars()
                    .any(|c| c.is_whitespace() || c.is_control())
            {
                let help = "use a name such as `dt_main`";
                let problem = "an instance's name is empty or holds white space";
                findings.error(&instance.key_span, &path, problem, help);
            } else if let Some(first) = drafts.iter().find(|draft| draft.entry.key == instance.key)
            {
                let problem = format!(
                    "the instance \"{}\" stands here a second time",
                    instance.key
                );
                let help = format!("rename one of the two; the first is {}", first.path);
                findings.error(&instance.key_span, &path, problem, help);
            } else {
                drafts.push(Draft {
                    path,
                    entry: instance,
                    driver,
                });
            }
        }
    }
    drafts
}

/// Splits the instance's keys between the framework and the driver and reads both.
pub(super) fn read_instance(
    draft: &Draft<'_>,
    shape: &mut ShapeReader<'_, '_>,
) -> Option<(InstanceKeys, DeliveryKeys, PreparedDriver)> {
    let Draft {
        path,
        entry,
        driver,
    } = draft;
    let instance_schema = schemars::schema_for!(InstanceKeys).to_value();
    let delivery_schema = schemars::schema_for!(DeliveryKeys).to_value();
    let driver_schema = driver.schema().to_value();
    let whole = merge([&instance_schema, &delivery_schema, &driver_schema]);
    let before = shape.findings.issues.len();
    let value = shape.read(&entry.node, &whole, path);
    let faulty = keys_below(path, &shape.findings.issues[before..]);
    let of = |schema: &Json, key: &str| {
        schema
            .pointer("/properties")
            .is_some_and(|keys| keys.get(key).is_some())
    };
    let Json::Object(all) = value else {
        return None;
    };
    let (framework, mut settings): (serde_json::Map<_, _>, serde_json::Map<_, _>) = all
        .into_iter()
        .filter(|(key, _)| !faulty.contains(key))
        .partition(|(key, _)| of(&instance_schema, key) || of(&delivery_schema, key));
    let (keys, delivery): (serde_json::Map<_, _>, serde_json::Map<_, _>) = framework
        .into_iter()
        .partition(|(key, _)| of(&instance_schema, key));
    let keys = shape.typed(keys.into(), &entry.node, path);
    let delivery = shape.typed(delivery.into(), &entry.node, path);
    if !faulty.is_empty() {
        stand_in(&mut settings, &driver_schema);
    }
    let prepared = driver.prepare(settings.into()).map_err(|error| {
        // With stand-ins in it, a refusal may be about them.
        if faulty.is_empty() {
            shape.report_at(&entry.node, path, &error.path, error.problem);
        }
    });
    let prepared = prepared.ok()?;
    let report = prepared.report().findings.iter();
    for finding in report.filter(|finding| !faulty.contains(finding.key)) {
        let span = entry
            .node
            .get(finding.key)
            .map_or(&entry.key_span, |key| &key.node.span);
        let severity = if finding.is_error {
            Severity::Error
        } else {
            Severity::Warning
        };
        let path = join(path, finding.key);
        let (problem, help) = (finding.problem.clone(), finding.help.clone());
        shape.findings.push(severity, span, &path, problem, help);
    }
    let refused = prepared.report().errors().next().is_some();
    (!refused && faulty.is_empty()).then_some((keys?, delivery?, prepared))
}

/// The keys directly below `path` that the errors are about.
fn keys_below(path: &str, issues: &[Issue]) -> HashSet<String> {
    let errors = issues
        .iter()
        .filter(|issue| issue.severity == Severity::Error);
    let below = errors.filter_map(|issue| issue.path.strip_prefix(path)?.strip_prefix('.'));
    let first = |rest: &str| rest.split(['.', '[']).next().unwrap_or(rest).to_owned();
    below.map(first).collect()
}

/// Puts something in the place of required settings that are missing or wrong, which has been
/// reported, so that the driver can check the others.
fn stand_in(settings: &mut serde_json::Map<String, Json>, schema: &Json) {
    let required = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    for key in required.filter_map(Json::as_str) {
        let of_type = schema
            .pointer(&format!("/properties/{key}/type"))
            .and_then(Json::as_str);
        let value = match of_type {
            Some("integer" | "number") => 1.into(),
            Some("boolean") => true.into(),
            Some("array") => Json::Array(Vec::new()),
            Some("object") => Json::Object(serde_json::Map::new()),
            _ => "stand-in".into(),
        };
        settings.entry(key).or_insert(value);
    }
}

/// A proxy that can't be used is found here, not at the first send.
pub(super) fn check_proxy(
    proxy: &Option<Secret>,
    node: &Node,
    path: &str,
    findings: &mut Findings<'_>,
) {
    let Some(proxy) = proxy else { return };
    let uri = proxy.expose().parse::<http::Uri>().ok();
    let port_is_fine = |authority: &http::uri::Authority| {
        let host_and_port = authority.as_str().rsplit('@').next().unwrap_or_default();
        host_and_port == authority.host() || authority.port_u16().is_some_and(|port| port > 0)
    };
    let usable = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(port_is_fine)
    });
    if !usable {
        let span = node
            .get("proxy")
            .map_or(&node.span, |entry| &entry.node.span);
        let help = "write a URL such as `http://proxy.example:3128`";
        findings.error(
            span,
            &join(path, "proxy"),
            "this is no URL of a proxy",
            help,
        );
    }
}
