//! The JSON Schema of a config file, put together from the framework's settings and those of the
//! linked drivers: for editors, and for the tables of the documents.

pub(crate) mod publish;

use serde_json::{Map, Value as Json, json};

use super::settings::{DeliveryKeys, DeliveryPolicy, GlobalSettings, InstanceKeys};
use crate::catalog::{Catalog, DriverEntry};
use publish::{Definitions, any_of, keys, reference_to_key};

/// The dialect of both schemas.
pub(crate) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The key at the top of both files that leads editors to the schema.
pub(crate) const SCHEMA_KEY: &str = "$schema";
pub(crate) const ABOUT_SCHEMA_KEY: &str =
    "Where editors find the schema of this file; the bridge itself does not use it.";

/// An instance's name: no white space, no control characters.
const NAME_PATTERN: &str = r"^[^\s\u0000-\u001f\u007f-\u009f]+$";

/// The definition of [`DeliveryKeys`], each key with its default.
pub(crate) const DELIVERY: &str = "DeliveryKeys";
/// The definition of [`InstanceKeys`].
const INSTANCE: &str = "InstanceKeys";

/// The JSON Schema (2020-12) of a config file for a bridge with the drivers of the catalog.
///
/// Whatever it refuses, [`load`](super::load) refuses as well. What it can't know is left to
/// `load`: whether values agree with each other, what a driver makes of them, and what stands
/// outside the file.
pub fn json_schema(catalog: &Catalog) -> Json {
    let mut definitions = Definitions::default();
    definitions.add(INSTANCE, schemars::schema_for!(InstanceKeys).to_value());
    add_delivery(&mut definitions);
    let global = definitions.adopt(schemars::schema_for!(GlobalSettings).to_value());
    let mut properties = Map::new();
    properties.insert(
        SCHEMA_KEY.to_owned(),
        json!({ "description": ABOUT_SCHEMA_KEY }),
    );
    properties.insert("global".to_owned(), global);
    properties["global"]["description"] =
        "What holds for the whole bridge; may be left out.".into();
    for driver in catalog.iter() {
        let platform = driver.info().platform;
        add_driver(driver, &mut definitions);
        let block = json!({
            "description": driver.info().summary,
            "type": "object",
            "propertyNames": { "pattern": NAME_PATTERN },
            "additionalProperties": { "$ref": format!("#/$defs/{platform}") },
        });
        properties.insert(platform.to_owned(), block);
    }
    let has_instance = |driver: &DriverEntry| {
        let platform = driver.info().platform;
        json!({
            "required": [platform],
            "properties": { platform: { "minProperties": 1 } },
        })
    };
    let mut schema = json!({
        "$schema": DIALECT,
        "title": "Config of the bridge",
        "description": "Which robots there are, and how the bridge runs.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "allOf": [any_of(catalog.iter().map(has_instance).collect())],
    });
    schema["$defs"] = definitions.finish();
    schema
}

/// Defines the keys of deliveries, with the defaults of the policy: in the type itself a key that is
/// left out means the next wider block.
pub(crate) fn add_delivery(definitions: &mut Definitions) {
    let defaults = serde_json::to_value(DeliveryKeys::from(&DeliveryPolicy::default()));
    let mut schema = schemars::schema_for!(DeliveryKeys).to_value();
    for (key, value) in defaults.iter().filter_map(Json::as_object).flatten() {
        schema["properties"][key]["default"] = value.clone();
    }
    definitions.add(DELIVERY, schema);
}

/// Defines an instance of the driver's platform: its own settings, and the framework's keys.
fn add_driver(driver: &DriverEntry, definitions: &mut Definitions) {
    let info = driver.info();
    let mut schema = definitions.adopt_of(info.platform, driver.schema().to_value());
    for shared in [INSTANCE, DELIVERY] {
        let names = keys(definitions.get(shared));
        for name in names {
            schema["properties"][&name] = reference_to_key(shared, &name);
        }
    }
    schema["additionalProperties"] = false.into();
    definitions.insert(info.platform, schema);
}
