//! Every driver and sandbox of this repository is linked, and no driver takes a name that belongs to the framework.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::settings::{DeliveryKeys, InstanceKeys};
use bridge_core::sandbox::{SandboxEntry, Sandboxes};

// Links the drivers, as the binary does.
use bridge_bin as _;

/// The names of the crates of this repository of which `is_wanted` says so.
fn crates(is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let entries = std::fs::read_dir(crates).expect("the folder of crates");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    names.filter(|name| is_wanted(name)).collect()
}

#[test]
fn a_driver_that_is_not_linked_is_an_error() {
    let lines = include_str!("../src/drivers.rs");
    let manifest = include_str!("../Cargo.toml");
    let crates = crates(|name| name.starts_with("driver-"));
    assert!(!crates.is_empty());
    for name in &crates {
        let line = format!("use {} as _;", name.replace('-', "_"));
        assert!(lines.contains(&line), "add `{line}` to src/drivers.rs");
        let dependency = format!("{name} = {{ path = \"../{name}\" }}");
        let is_dependency = manifest.contains(&format!("\n{name}.workspace = true"))
            || manifest.contains(&format!("\n{dependency}"));
        assert!(is_dependency, "add `{dependency}` to Cargo.toml");
    }
    let linked = Catalog::linked().unwrap();
    assert_eq!(
        linked.iter().count(),
        crates.len(),
        "each crate registers one platform: {linked:?}"
    );
}

#[test]
fn a_sandbox_that_is_not_linked_is_an_error() {
    let lines = include_str!("../src/drivers.rs");
    let crates = crates(|name| name.ends_with("-sandbox"));
    for name in &crates {
        let line = format!("use {} as _;", name.replace('-', "_"));
        assert!(lines.contains(&line), "add `{line}` to src/drivers.rs");
    }
    let (drivers, sandboxes) = (Catalog::linked().unwrap(), Sandboxes::linked().unwrap());
    let platforms: Vec<_> = sandboxes.iter().map(SandboxEntry::platform).collect();
    assert_eq!(platforms.len(), crates.len(), "{platforms:?} of {crates:?}");
    for platform in platforms {
        assert!(drivers.get(platform).is_some(), "{platform} has no driver");
    }
}

#[test]
fn no_driver_uses_a_name_of_the_framework() {
    let keys = |schema: schemars::Schema| -> Vec<String> {
        let properties = schema
            .get("properties")
            .and_then(|keys| keys.as_object())
            .cloned();
        properties.unwrap_or_default().keys().cloned().collect()
    };
    let delivery = keys(schemars::schema_for!(DeliveryKeys));
    let instance = keys(schemars::schema_for!(InstanceKeys));
    for entry in Catalog::linked().unwrap().iter() {
        let info = entry.info();
        assert!(
            !matches!(info.platform, "global" | "$schema"),
            "{} is reserved",
            info.platform
        );
        for key in keys(entry.schema()) {
            assert!(
                !instance.contains(&key) && !delivery.contains(&key),
                "{key} is the framework's"
            );
        }
        for key in info.address_keys {
            assert!(
                key.name != "msg" && !delivery.iter().any(|name| name == key.name),
                "{}",
                key.name
            );
        }
    }
}

#[test]
fn every_key_of_every_driver_is_described() {
    for entry in Catalog::linked().unwrap().iter() {
        let schema = entry.schema().to_value();
        let keys = schema["properties"].as_object().unwrap();
        for (key, property) in keys {
            let described = property["description"]
                .as_str()
                .is_some_and(|text| text.len() > 10);
            assert!(
                described,
                "{}: {key} has no doc comment",
                entry.info().platform
            );
        }
    }
}
