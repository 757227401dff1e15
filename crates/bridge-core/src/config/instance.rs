//! The configured drivers: which there are, and what each one's block says.

use serde_json::Value as Json;

use super::issue::{Findings, Severity, suggest};
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
    let before = shape.findings.error_count();
    let value = shape.read(&entry.node, &whole, path);
    if shape.findings.error_count() > before {
        return None;
    }
    let of = |schema: &Json, key: &str| {
        schema
            .pointer("/properties")
            .is_some_and(|keys| keys.get(key).is_some())
    };
    let Json::Object(all) = value else {
        return None;
    };
    let (framework, settings): (serde_json::Map<_, _>, serde_json::Map<_, _>) = all
        .into_iter()
        .partition(|(key, _)| of(&instance_schema, key) || of(&delivery_schema, key));
    let (keys, delivery): (serde_json::Map<_, _>, serde_json::Map<_, _>) = framework
        .into_iter()
        .partition(|(key, _)| of(&instance_schema, key));
    let keys = shape.typed(keys.into(), &entry.node, path);
    let delivery = shape.typed(delivery.into(), &entry.node, path);
    let prepared = driver.prepare(settings.into()).map_err(|error| {
        shape.report_at(&entry.node, path, &error.path, error.problem);
    });
    let prepared = prepared.ok()?;
    for finding in &prepared.report().findings {
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
    (!refused).then_some((keys?, delivery?, prepared))
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
    let usable = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
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
