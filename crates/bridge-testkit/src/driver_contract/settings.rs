//! Checks of what an operator writes, and of what follows from settings alone.

use std::sync::Arc;

use bridge_core::capability::Inbound;
use bridge_core::driver::{Driver, Report};
use bridge_core::secret;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::platform::{WayIn, WayOut};
use super::{Outcome, Stop, Subject};
use crate::{FakeClock, FakeDial, FakeHttp, fake_ports};

/// A secret needs this many characters to be looked for.
const SHORTEST_SECRET: usize = 8;

pub(super) fn names_are_plain<S: Subject>(_: &Context<S>) -> Outcome {
    let info = S::Driver::INFO;
    let is_plain = |name: &str| {
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain)
    };
    ensure!(is_plain(info.platform), "the platform {:?}", info.platform);
    ensure!(!info.summary.is_empty(), "the summary is empty");
    for key in info.address_keys {
        ensure!(is_plain(key.name), "the address key {:?}", key.name);
        ensure!(
            !key.description.is_empty(),
            "no description of {:?}",
            key.name
        );
    }
    Ok(())
}

pub(super) fn working_settings_give_no_error<S: Subject>(context: &Context<S>) -> Outcome {
    let settings = context.subject.settings();
    for key in properties::<S>().keys() {
        ensure!(
            settings.get(key).is_some(),
            "the subject's settings lack the key `{key}`, which the schema has"
        );
    }
    for secret in context.secrets() {
        ensure!(
            secret.chars().count() >= SHORTEST_SECRET,
            "the subject has a secret of less than {SHORTEST_SECRET} characters"
        );
    }
    let report = report::<S>(&context.settings()?);
    let errors: Vec<_> = report.errors().collect();
    ensure!(errors.is_empty(), "{errors:?}");
    Ok(())
}

pub(super) fn an_unknown_key_is_refused<S: Subject>(context: &Context<S>) -> Outcome {
    const KEY: &str = "surely_unknown";
    let mut settings = context.subject.settings();
    settings[KEY] = json!(1);
    refused_by_name::<S>(settings, KEY)
}

pub(super) fn a_missing_key_is_refused_by_name<S: Subject>(context: &Context<S>) -> Outcome {
    let schema = schema::<S>();
    let required = schema.get("required").and_then(Value::as_array);
    let required: Vec<_> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if required.is_empty() {
        return Err(Stop::NotClaimed("no key is required"));
    }
    for key in required {
        let mut settings = context.subject.settings();
        if let Some(object) = settings.as_object_mut() {
            object.remove(key);
        }
        refused_by_name::<S>(settings, key)?;
    }
    Ok(())
}

pub(super) fn a_value_of_another_type_is_refused_by_name<S: Subject>(
    context: &Context<S>,
) -> Outcome {
    for (key, value) in object(&context.subject.settings()) {
        let other = match value {
            Value::Object(_) => json!("text"),
            _ => json!({ "surely": { "of another": "type" } }),
        };
        let mut settings = context.subject.settings();
        settings[&*key] = other;
        refused_by_name::<S>(settings, &key)?;
    }
    Ok(())
}

pub(super) fn every_key_is_described<S: Subject>(_: &Context<S>) -> Outcome {
    for (key, schema) in properties::<S>() {
        let description = schema.get("description").and_then(Value::as_str);
        ensure!(
            description.is_some_and(|text| !text.trim().is_empty()),
            "`{key}` has no description; write a doc comment on the field"
        );
    }
    Ok(())
}

pub(super) fn secrets_are_of_a_hiding_type<S: Subject>(context: &Context<S>) -> Outcome {
    let keys = context.subject.secret_keys();
    if keys.is_empty() {
        return Err(Stop::NotClaimed("no key holds a secret"));
    }
    let properties = properties::<S>();
    for key in keys {
        let refers = |name: &str| {
            let text = properties
                .get(*key)
                .map(Value::to_string)
                .unwrap_or_default();
            text.contains(&format!("\"#/$defs/{name}\""))
        };
        ensure!(
            refers(secret::SCHEMA_NAME) || refers(secret::LIST_SCHEMA_NAME),
            "`{key}` is neither of the type Secret nor Secrets"
        );
    }
    Ok(())
}

pub(super) fn debug_shows_no_secret<S: Subject>(context: &Context<S>) -> Outcome {
    let settings = context.settings()?;
    let shown = [format!("{settings:?}"), format!("{settings:#?}")].concat();
    hides_secrets(context, "Debug of the settings", &shown)
}

pub(super) fn errors_show_no_secret<S: Subject>(context: &Context<S>) -> Outcome {
    let secrets = context.secrets();
    let Some(secret) = secrets.first() else {
        return Err(Stop::NotClaimed("no key holds a secret"));
    };
    let original = context.subject.settings();
    for key in context.subject.secret_keys() {
        for odd in [
            json!({ "value": secret }),
            json!([[secret]]),
            json!(7),
            json!(format!(" {secret}\n")),
        ] {
            let mut settings = original.clone();
            settings[*key] = odd;
            hides_secrets(
                context,
                "an error",
                &refusal::<S>(settings).unwrap_or_default(),
            )?;
        }
    }
    for (key, _) in object(&original) {
        for odd in [
            json!(null),
            json!(""),
            json!(" "),
            json!("\u{1}"),
            json!(70_000),
            json!(-1),
        ] {
            let mut settings = original.clone();
            settings[&*key] = odd;
            hides_secrets(
                context,
                "an error",
                &refusal::<S>(settings).unwrap_or_default(),
            )?;
        }
    }
    let report = report::<S>(&context.settings()?);
    let warnings: Vec<_> = report.warnings().collect();
    hides_secrets(context, "a warning", &format!("{warnings:?}"))
}

pub(super) fn the_schema_shows_no_secret<S: Subject>(context: &Context<S>) -> Outcome {
    for key in context.subject.secret_keys() {
        let default = properties::<S>()
            .get(*key)
            .and_then(|key| key.get("default"))
            .cloned();
        let is_absent = default.as_ref().is_none_or(Value::is_null);
        ensure!(
            is_absent,
            "the schema has a default for `{key}`, which is a secret"
        );
    }
    hides_secrets(context, "the schema", &schema::<S>().to_string())
}

pub(super) fn the_check_is_pure<S: Subject>(context: &Context<S>) -> Outcome {
    for settings in variants(context) {
        let told = || refusal::<S>(settings.clone());
        let (first, second) = (told(), told());
        ensure!(first == second, "two reports of one settings differ");
    }
    Ok(())
}

pub(super) fn the_check_names_keys<S: Subject>(context: &Context<S>) -> Outcome {
    let properties = properties::<S>();
    for settings in variants(context) {
        let Ok(settings) = serde_json::from_value(settings) else {
            continue;
        };
        let report = report::<S>(&settings);
        for (key, problem) in report.errors().chain(report.warnings()) {
            ensure!(
                properties.contains_key(key),
                "{problem:?} is reported at `{key}`, which is no key of the settings"
            );
        }
    }
    Ok(())
}

pub(super) fn the_path_begins_with_a_slash<S: Subject>(context: &Context<S>) -> Outcome {
    let Some(listen) = S::Driver::listen(&context.settings()?) else {
        return Err(Stop::NotClaimed("it does not listen"));
    };
    ensure!(listen.path.starts_with('/'), "{:?}", listen.path);
    Ok(())
}

pub(super) fn the_size_of_text_is_sound<S: Subject>(context: &Context<S>) -> Outcome {
    let capabilities = context.capabilities()?;
    let size = capabilities.text_size;
    let units = [
        "a",
        "\"",
        "\\",
        "\n",
        "<",
        "&",
        "中",
        "👨‍👩‍👧",
        "e\u{301}",
        "\u{1}",
        " ",
    ];
    for unit in units {
        ensure!(
            size(unit) <= capabilities.text_limit,
            "{unit:?} alone counts as more than the limit"
        );
        for other in units {
            let whole = format!("{unit}{other}{unit}");
            let (one, rest) = (size(unit), size(&format!("{other}{unit}")));
            let all = size(&whole);
            ensure!(
                one <= all && rest <= all,
                "a part of {whole:?} counts as more than it"
            );
            ensure!(
                one + rest >= all,
                "two parts of {whole:?} count as less than it"
            );
        }
    }
    Ok(())
}

pub(super) fn the_way_in_is_as_claimed<S: Subject>(context: &Context<S>) -> Outcome {
    let listens = S::Driver::listen(&context.settings()?).is_some();
    let inbound = context.capabilities()?.inbound;
    ensure!(
        listens == (inbound == Inbound::Listener),
        "the capabilities say {inbound:?}, and there is {} listener",
        if listens { "a" } else { "no" }
    );
    let (way_in, way_out) = (context.subject.way_in(), context.subject.way_out());
    let is_claimed = match way_in {
        WayIn::Nothing => inbound == Inbound::Nothing,
        WayIn::Callbacks(_) => inbound == Inbound::Listener,
        WayIn::Connection(_) => inbound == Inbound::Connection,
        WayIn::Polling(_) => inbound == Inbound::Polling,
    };
    ensure!(
        is_claimed,
        "the capabilities say {inbound:?}, and the subject's way in is {way_in:?}"
    );
    ensure!(
        matches!(way_out, WayOut::Requests(_)) || matches!(way_in, WayIn::Connection(_)),
        "the subject's sends go over a connection that it does not have"
    );
    Ok(())
}

pub(super) fn the_identity_is_pure_and_no_secret<S: Subject>(context: &Context<S>) -> Outcome {
    let identity = || {
        context
            .settings()
            .map(|settings| S::Driver::identity(&settings))
    };
    let (first, second) = (identity()?, identity()?);
    ensure!(first == second, "two identities of one settings differ");
    let Some(identity) = first else {
        return Err(Stop::NotClaimed(
            "nothing tells whom the platform takes it for",
        ));
    };
    ensure!(
        properties::<S>().contains_key(identity.key),
        "`{}` is no key of the settings",
        identity.key
    );
    hides_secrets(context, "the identity", &identity.value)
}

pub(super) fn opening_asks_nothing<S: Subject>(context: &Context<S>) -> Outcome {
    let (clock, http, dial) = (FakeClock::default(), FakeHttp::new(), FakeDial::refusing());
    let mut ports = fake_ports(&clock, &http);
    ports.dial = Arc::new(dial.clone());
    let driver = context.driver(ports)?;
    let asked = http.requests().len() + dial.targets().len();
    let sleeping = clock.sleepers();
    drop(driver);
    ensure!(asked == 0, "the platform was asked {asked} times");
    ensure!(sleeping == 0, "a task sleeps");
    Ok(())
}

/// The subject's settings, and each with one key made odd.
fn variants<S: Subject>(context: &Context<S>) -> Vec<Value> {
    let original = context.subject.settings();
    let mut variants = vec![original.clone()];
    for (key, _) in object(&original) {
        for odd in [
            json!(""),
            json!(" x "),
            json!("\u{1}"),
            json!(0),
            json!(null),
        ] {
            let mut settings = original.clone();
            settings[&*key] = odd;
            variants.push(settings);
        }
    }
    variants
}

fn refused_by_name<S: Subject>(settings: Value, key: &str) -> Outcome {
    match refusal::<S>(settings) {
        None => Err(Stop::Broken(format!("it is accepted: `{key}`"))),
        Some(error) if error.contains(key) => Ok(()),
        Some(error) => Err(Stop::Broken(format!(
            "the error does not name `{key}`: {error}"
        ))),
    }
}

/// What an operator is told about settings that can't be used.
fn refusal<S: Subject>(settings: Value) -> Option<String> {
    let read = bridge_core::catalog::DriverEntry::of::<S::Driver>().prepare(settings);
    match read {
        Err(error) => Some(format!("{}: {}", error.path, error.problem)),
        Ok(prepared) => {
            let errors: Vec<_> = prepared.report().errors().collect();
            (!errors.is_empty()).then(|| format!("{errors:?}"))
        }
    }
}

fn report<S: Subject>(settings: &<S::Driver as Driver>::Settings) -> Report {
    let mut report = Report::default();
    S::Driver::check(settings, &mut report);
    report
}

fn schema<S: Subject>() -> Value {
    schemars::schema_for!(<S::Driver as Driver>::Settings).to_value()
}

fn properties<S: Subject>() -> Map<String, Value> {
    object(&schema::<S>()["properties"])
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn hides_secrets<S: Subject>(context: &Context<S>, what: &str, shown: &str) -> Outcome {
    for secret in context.secrets() {
        ensure!(!shown.contains(&secret), "{what} shows a secret");
    }
    Ok(())
}
