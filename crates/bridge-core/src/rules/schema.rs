//! The JSON Schema of a rules file, with the address keys of the linked drivers.

use serde_json::{Map, Value as Json, json};

use super::keys::{FileKeys, OF_CONNECT, OF_FORWARD, value_template};
use crate::catalog::Catalog;
use crate::config::publish::{Definitions, any_of, keys, reference_to_key};
use crate::config::schema::{ABOUT_SCHEMA_KEY, DELIVERY, DIALECT, SCHEMA_KEY, add_delivery};
use crate::driver::{AddressKey, DriverInfo, MsgForm, MsgKey};

/// The JSON Schema (2020-12) of a rules file for a bridge with the drivers of the catalog.
///
/// Whatever it refuses, [`load`](crate::config::load) refuses as well. It knows neither the
/// instances of the config nor the ids of other rules.
pub fn json_schema(catalog: &Catalog) -> Json {
    let mut definitions = Definitions::default();
    add_delivery(&mut definitions);
    let schema = definitions.adopt(schemars::schema_for!(FileKeys).to_value());
    let mut rule = definitions.get("RuleKeys").clone();
    only_of_their_kind(&mut rule);
    definitions.insert("RuleKeys", rule);
    let platforms: Vec<_> = catalog.iter().map(|driver| driver.info()).collect();
    define_msg(&platforms, &mut definitions);
    for info in &platforms {
        define_source(info, &mut definitions);
        define_target(info, &mut definitions);
    }
    let any = json!({ "const": "*", "description": "Any channel of the instance" });
    let sources = platforms.iter().map(|info| reference(&source(info)));
    let sources = [any].into_iter().chain(sources).collect();
    definitions.insert("Sources", by_instance(any_of(sources)));
    let targets = platforms.iter().map(|info| reference(&target(info)));
    definitions.insert("Targets", by_instance(any_of(targets.collect())));
    let file = schema["properties"].as_object().cloned();
    let about = json!({ "description": ABOUT_SCHEMA_KEY });
    let properties = [(SCHEMA_KEY.to_owned(), about)];
    let properties = properties.into_iter().chain(file.into_iter().flatten());
    json!({
        "$schema": DIALECT,
        "title": "Rules of the bridge",
        "description": "Whose messages go where.",
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": schema["required"],
        "additionalProperties": false,
        "$defs": definitions.finish(),
    })
}

/// A `connect` rule has `channels`, any other has `from` and `to`.
fn only_of_their_kind(rule: &mut Json) {
    let none = |keys: &[&str]| -> Json {
        let pairs = keys
            .iter()
            .map(|key| ((*key).to_owned(), Json::Bool(false)));
        pairs.collect::<Map<_, _>>().into()
    };
    let mut connect = none(&OF_FORWARD);
    // Two instances, or one with two channels; whether those differ is for the compiler.
    connect["channels"] = any_of(vec![
        json!({ "minProperties": 2 }),
        json!({ "additionalProperties": { "type": "array", "minItems": 2 } }),
    ]);
    rule["if"] = json!({ "properties": { "type": { "const": "connect" } }, "required": ["type"] });
    rule["then"] = json!({ "required": OF_CONNECT, "properties": connect });
    rule["else"] = json!({ "required": OF_FORWARD, "properties": none(&OF_CONNECT) });
}

/// An object of instances, each with one channel or a list of them.
fn by_instance(channel: Json) -> Json {
    let list = json!({ "type": "array", "minItems": 1, "items": channel });
    let mut alternatives = match channel.get("anyOf").and_then(Json::as_array) {
        Some(alternatives) => alternatives.clone(),
        None => vec![channel],
    };
    alternatives.push(list);
    json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "anyOf": alternatives },
    })
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// The name of what defines a platform's channels as sources.
fn source(info: &DriverInfo) -> String {
    format!("{}.source", info.platform)
}

/// The name of what defines a platform's channels as targets.
fn target(info: &DriverInfo) -> String {
    format!("{}.target", info.platform)
}

/// All channels that have the keys and values that are written; at least one, if there are any.
fn define_source(info: &DriverInfo, definitions: &mut Definitions) {
    let schema = json!({
        "description": format!("All channels of {} with these keys", info.platform),
        "type": "object",
        "properties": address(info.address_keys),
        "minProperties": info.address_keys.len().min(1),
        "additionalProperties": false,
    });
    definitions.insert(&source(info), schema);
}

/// The keys of `msg` for all platforms.
const MSG: &str = "MsgKeys";

/// The keys of `msg` that a rule may have for all its targets, where some drivers have their own.
const RULE_MSG: &str = "RuleMsgKeys";

/// The name of what defines the looks of messages in a platform's channels.
fn msg(info: &DriverInfo) -> String {
    match info.msg_keys {
        [] => MSG.to_owned(),
        _ => format!("{}.msg", info.platform),
    }
}

/// Defines `msg` for each platform that has keys of its own, and for rules that send to any.
fn define_msg(platforms: &[&DriverInfo], definitions: &mut Definitions) {
    let shared: Map<_, _> = keys(definitions.get(MSG))
        .into_iter()
        .map(|key| (key.clone(), reference_to_key(MSG, &key)))
        .collect();
    let block = |description: String, properties: Map<String, Json>| {
        json!({
            "description": description,
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    };
    let mut of_rule: Map<String, Json> = Map::new();
    for info in platforms.iter().filter(|info| !info.msg_keys.is_empty()) {
        let mut properties = shared.clone();
        for key in info.msg_keys {
            properties.insert(key.name.to_owned(), own_key(key));
            let reference = reference_to_key(&msg(info), key.name);
            let others = of_rule.remove(key.name);
            let choice = match others {
                None => reference,
                Some(mut others) if others.get("anyOf").is_some() => {
                    let choices = others["anyOf"].as_array_mut();
                    choices
                        .into_iter()
                        .for_each(|list| list.push(reference.clone()));
                    others
                }
                Some(other) => {
                    json!({ "description": key.description, "anyOf": [other, reference] })
                }
            };
            of_rule.insert(key.name.to_owned(), choice);
        }
        let description = format!("How messages look in channels of {}", info.platform);
        definitions.insert(&msg(info), block(description, properties));
    }
    if of_rule.is_empty() {
        return;
    }
    let properties = shared.into_iter().chain(of_rule).collect();
    let description = "How messages look in all channels that the rule sends to; a key that only some platforms know holds for theirs.";
    definitions.insert(RULE_MSG, block(description.to_owned(), properties));
    let mut rule = definitions.get("RuleKeys").clone();
    rule["properties"]["msg"]["$ref"] = format!("#/$defs/{RULE_MSG}").into();
    definitions.insert("RuleKeys", rule);
}

fn own_key(key: &MsgKey) -> Json {
    let mut schema = match key.form {
        MsgForm::Template => value_template(),
        MsgForm::Templates => json!({
            "type": "object",
            "propertyNames": { "not": { "enum": key.reserved } },
            "additionalProperties": value_template(),
        }),
    };
    if key.reserved.is_empty()
        && let Some(map) = schema.as_object_mut()
    {
        map.remove("propertyNames");
    }
    schema["description"] = key.description.into();
    schema
}

/// A whole address, how messages look there and how they are sent.
fn define_target(info: &DriverInfo, definitions: &mut Definitions) {
    let mut properties = address(info.address_keys);
    let mut msg = reference(&msg(info));
    msg["description"] = "How messages look in this channel; wins over the rule's.".into();
    properties.insert("msg".to_owned(), msg);
    for key in keys(definitions.get(DELIVERY)) {
        let reference = reference_to_key(DELIVERY, &key);
        properties.insert(key, reference);
    }
    let required: Vec<_> = info.address_keys.iter().map(|key| key.name).collect();
    let schema = json!({
        "description": format!("A channel of {}", info.platform),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    definitions.insert(&target(info), schema);
}

fn address(keys: &[AddressKey]) -> Map<String, Json> {
    let keys = keys.iter().map(|key| {
        let value = json!({
            "description": key.description,
            "type": "string",
            "pattern": r"\S",
            "not": { "const": "*" },
        });
        (key.name.to_owned(), value)
    });
    keys.collect()
}
