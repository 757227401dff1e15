//! `bridge drivers`: what this binary can talk to, and the keys that each driver takes.

use bridge_core::API_LEVEL;
use bridge_core::catalog::{Catalog, DriverEntry};

use super::{Exit, output};

pub(super) fn drivers(catalog: &Catalog) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    let mut texts = vec![format!("bridge {version}, API level {API_LEVEL}\n")];
    texts.extend(catalog.iter().map(describe));
    output::print(&texts.join("\n").trim_end());
    Exit::Fine
}

fn describe(entry: &DriverEntry) -> String {
    let info = entry.info();
    let mut text = format!("{}: {}\n", info.platform, info.summary);
    if let Some(package) = entry.package() {
        text.push_str(&format!("  {package}\n"));
    }
    let schema = entry.schema().to_value();
    let required = |key: &str| {
        let keys = schema.get("required").and_then(|keys| keys.as_array());
        keys.is_some_and(|keys| keys.iter().any(|required| required == key))
    };
    let properties = schema.get("properties").and_then(|keys| keys.as_object());
    let mut line = |key: &str, note: &str, description: &str| {
        let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
        text.push_str(&format!("  {key:<22} {note:<26} {description}\n"));
    };
    for (key, property) in properties.into_iter().flatten() {
        let description = property.get("description").and_then(|text| text.as_str());
        let note = match property.get("default") {
            _ if required(key) => "required".to_owned(),
            Some(default) if !default.is_null() => default.to_string(),
            _ => String::new(),
        };
        line(key, &note, description.unwrap_or_default());
    }
    for key in info.address_keys {
        line(key.name, "channel", key.description);
    }
    for key in info.msg_keys {
        line(key.name, "msg", key.description);
    }
    text
}
