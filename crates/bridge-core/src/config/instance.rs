//! The configured drivers: which there are, and what each one's block says.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use serde_json::Value as Json;

use super::codes;
use super::diagnostic::{Diagnostic, Findings};
use super::disclosure::{looks_secret, named};
use super::fingerprint::Fingerprint;
use super::key_path::KeyPath;
use super::settings::{DeliveryKeys, InstanceKeys};
use super::shape::{ShapeReader, merge, missing_keys};
use super::suggest::suggest;
use super::tree::Entry;
use crate::catalog::{Catalog, DriverEntry, PreparedDriver};

/// One instance on its way through the checks.
pub(super) struct Draft<'a> {
    pub(super) path: String,
    pub(super) entry: &'a Entry,
    pub(super) driver: &'a DriverEntry,
    schemas: Rc<Schemas>,
}

/// The schemas of a platform's instances; made once for all of them.
#[derive(Debug)]
struct Schemas {
    instance: Json,
    delivery: Json,
    driver: Json,
    /// All keys that an instance may have.
    whole: Json,
}

impl Schemas {
    fn of(driver: &DriverEntry) -> Self {
        let instance = schemars::schema_for!(InstanceKeys).to_value();
        let delivery = schemars::schema_for!(DeliveryKeys).to_value();
        let driver = driver.schema().to_value();
        let whole = merge([&instance, &delivery, &driver]);
        Self {
            instance,
            delivery,
            driver,
            whole,
        }
    }

    /// Whether instances have such a key.
    fn knows(&self, key: &str) -> bool {
        let keys = self.whole.get("properties");
        keys.is_some_and(|keys| keys.get(key).is_some())
    }
}

/// Walks platforms and instances; each instance id may stand once in the whole file.
pub(super) fn drafts<'a>(
    entries: &'a [Entry],
    catalog: &'a Catalog,
    findings: &mut Findings,
) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    let mut names: HashMap<&str, &Range<usize>> = HashMap::new();
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
                named(&entry.key),
                linked.join(", ")
            );
            let help = suggest(&entry.key, linked.iter().copied().chain(["global"]));
            findings
                .report(
                    &codes::UNKNOWN_PLATFORM,
                    &entry.key_span,
                    named(&entry.key),
                    problem,
                )
                .help(help);
            continue;
        };
        let Some(instances) = entry.node.as_object() else {
            let problem = format!(
                "expected an object of instances, found {}",
                entry.node.type_name()
            );
            let help = format!("write {{\"{}\": {{\"my_instance\": {{…}}}}}}", entry.key);
            findings
                .report(&codes::WRONG_TYPE, &entry.node.span, &entry.key, problem)
                .help(help);
            continue;
        };
        let schemas = Rc::new(Schemas::of(driver));
        let platform = KeyPath::new(&entry.key);
        for instance in instances {
            let path = platform.key(&instance.key);
            if !is_name(&instance.key) {
                let help = "use a name such as `dt_main`";
                let problem = "an instance's name is empty or holds white space";
                findings
                    .report(&codes::BAD_NAME, &instance.key_span, path, problem)
                    .help(help);
            } else if let Some(first) = names.get(&*instance.key) {
                let problem = format!(
                    "the instance \"{}\" stands here a second time",
                    instance.key
                );
                let first = findings.at(first);
                findings
                    .report(
                        &codes::DUPLICATE_INSTANCE,
                        &instance.key_span,
                        path,
                        problem,
                    )
                    .label(first, "the first one stands here")
                    .help("rename one of the two");
            } else if instance.node.as_object().is_none() && schemas.knows(&instance.key) {
                let problem = format!("\"{}\" is a setting, not an instance", instance.key);
                let help = format!(
                    "write {{\"{}\": {{\"my_instance\": {{\"{}\": …}}}}}}",
                    entry.key, instance.key
                );
                findings
                    .report(&codes::WRONG_TYPE, &instance.key_span, path, problem)
                    .help(help);
            } else if instance.node.as_object().is_none() && looks_secret(&instance.key) {
                // It may be anything, written in the wrong place.
                let problem = format!(
                    "expected an object of settings, found {}",
                    instance.node.type_name()
                );
                findings
                    .report(&codes::WRONG_TYPE, &instance.node.span, path, problem)
                    .help("write keys and values in braces: { … }");
            } else {
                names.insert(&instance.key, &instance.key_span);
                drafts.push(Draft {
                    path: format!("{}.{}", entry.key, instance.key),
                    entry: instance,
                    driver,
                    schemas: Rc::clone(&schemas),
                });
            }
        }
    }
    drafts
}

fn is_name(key: &str) -> bool {
    let is_broken = |c: char| c.is_whitespace() || c.is_control();
    !key.is_empty() && !key.chars().any(is_broken)
}

/// What an instance's block says.
pub(super) struct InstanceBlock {
    pub(super) keys: InstanceKeys,
    pub(super) delivery: DeliveryKeys,
    pub(super) driver: PreparedDriver,
    /// Of the driver's settings.
    pub(super) fingerprint: Fingerprint,
}

/// Splits the instance's keys between the framework and the driver and reads both.
pub(super) fn read_instance(
    draft: &Draft<'_>,
    shape: &mut ShapeReader<'_>,
) -> Option<InstanceBlock> {
    let Draft {
        path,
        entry,
        driver,
        schemas,
    } = draft;
    let before = shape.findings.diagnostics.len();
    let written = path;
    let path = &KeyPath::new(written);
    let value = shape.read(&entry.node, &schemas.whole, path);
    let mut faulty = keys_below(written, &shape.findings.diagnostics[before..]);
    let missing = missing_keys(&schemas.whole, &entry.node);
    faulty.extend(missing.into_iter().map(str::to_owned));
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
        .partition(|(key, _)| of(&schemas.instance, key) || of(&schemas.delivery, key));
    let (keys, delivery): (serde_json::Map<_, _>, serde_json::Map<_, _>) = framework
        .into_iter()
        .partition(|(key, _)| of(&schemas.instance, key));
    let keys = shape.typed(keys.into(), &entry.node, path);
    let delivery = shape.typed(delivery.into(), &entry.node, path);
    if !faulty.is_empty() {
        stand_in(&mut settings, &schemas.driver);
    }
    let settings = settings.into();
    let fingerprint = Fingerprint::of(driver.info().platform, &settings);
    let prepared = driver.prepare(settings).map_err(|error| {
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
        let code = match finding.is_error {
            true => &codes::REFUSED_BY_DRIVER,
            false => &codes::DOUBTFUL_SETTING,
        };
        let path = path.key(finding.key);
        shape
            .findings
            .report(code, span, path, &*finding.problem)
            .help(&*finding.help);
    }
    let refused = prepared.report().errors().next().is_some();
    if refused || !faulty.is_empty() {
        return None;
    }
    Some(InstanceBlock {
        keys: keys?,
        delivery: delivery?,
        driver: prepared,
        fingerprint,
    })
}

/// The keys directly below `path` that the errors are about.
fn keys_below(path: &str, diagnostics: &[Diagnostic]) -> HashSet<String> {
    let errors = diagnostics.iter().filter(|found| found.is_error());
    let below = errors.filter_map(|found| found.path.strip_prefix(path)?.strip_prefix('.'));
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
