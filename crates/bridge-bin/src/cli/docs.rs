//! `bridge docs`: the page of a linked driver, as Markdown, from the driver itself.

mod ability;
pub(super) mod sample;

use std::fmt::Write as _;

use bridge_core::catalog::{Catalog, DriverEntry};
use bridge_core::config::settings::{DeliveryKeys, InstanceKeys};
use bridge_core::key_table::{English, KeyTables};
use schemars::Schema;

use super::{Exit, output};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of which platform; without it, of all that are linked
    platform: Option<String>,
}

pub(super) fn docs(args: &Args, catalog: &Catalog) -> Exit {
    let chosen: Vec<_> = match &args.platform {
        None => catalog.iter().collect(),
        Some(platform) => match catalog.get(platform) {
            Some(entry) => vec![entry],
            None => {
                let linked: Vec<_> = catalog.iter().map(|entry| entry.info().platform).collect();
                output::error(&format_args!(
                    "driver \"{platform}\" is not linked into this binary; linked: {}",
                    linked.join(", ")
                ));
                return Exit::Failed;
            }
        },
    };
    let tables = KeyTables::linked(catalog);
    let pages: Vec<_> = chosen.iter().map(|entry| page(entry, &tables)).collect();
    output::print(&pages.join("\n").trim_end());
    Exit::Fine
}

/// The page of one driver.
fn page(entry: &DriverEntry, tables: &KeyTables) -> String {
    let info = entry.info();
    let platform = info.platform;
    let mut page = format!("# {platform}\n\n{}\n", info.summary);
    if let Some(package) = entry.package() {
        page += &format!("\nThe driver is {package}.\n");
    }
    page += &format!(
        "\n## Keys of an instance\n\n\
         In the config, an instance stands as `{{\"{platform}\": {{\"NAME\": {{…}}}}}}`.\n"
    );
    let part_of = |name: &str, file: &str| {
        let block = name.strip_prefix(file).unwrap_or_default();
        block == platform || block.split_once('.').is_some_and(|(of, _)| of == platform)
    };
    let names = tables.names();
    for name in names.iter().filter(|name| part_of(name, "config ")) {
        if let Some((_, part)) = name.split_once('.') {
            page += &format!("\n### {part}\n");
        }
        page += &format!("\n{}", table(tables, name));
    }
    page += &format!(
        "\nAn instance of any platform also takes {}; `bridge schema config` describes them.\n",
        framework_keys()
    );
    page += &channels(entry, tables);
    page += &msg_keys(entry, tables);
    page += &ability::section(entry);
    page
}

fn channels(entry: &DriverEntry, tables: &KeyTables) -> String {
    let info = entry.info();
    let keys = info.address_keys.iter();
    let address: Vec<_> = keys.map(|key| format!("\"{}\": \"…\"", key.name)).collect();
    let address = address.join(", ");
    let mut text = format!(
        "\n## Keys of a channel\n\nIn the rules, a channel stands as `{{\"NAME\": {{{address}}}}}`"
    );
    if info.address_keys.is_empty() {
        text += ": it has no keys.\n";
    } else {
        text += ".\n\n";
        text += &table(tables, &format!("rules {}.source", info.platform));
    }
    text
}

/// What a rule may say for channels of this platform alone.
fn msg_keys(entry: &DriverEntry, tables: &KeyTables) -> String {
    let info = entry.info();
    if info.msg_keys.is_empty() {
        return String::new();
    }
    let table = table(tables, &format!("rules {}.msg", info.platform));
    format!("\n## Keys of a `msg` block\n\nBeside those of any platform:\n\n{table}")
}

fn table(tables: &KeyTables, name: &str) -> String {
    // Only names of the tables themselves come here.
    tables.table(name, &English).unwrap_or_default()
}

/// The keys that the framework reads from every instance.
fn framework_keys() -> String {
    let mut text = String::new();
    for schema in [
        schemars::schema_for!(InstanceKeys),
        schemars::schema_for!(DeliveryKeys),
    ] {
        for key in keys(&schema) {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a text can't fail.
            write!(text, "{comma}`{key}`").ok();
        }
    }
    text
}

fn keys(schema: &Schema) -> Vec<&String> {
    let properties = schema.get("properties").and_then(|keys| keys.as_object());
    properties
        .into_iter()
        .flat_map(|keys| keys.keys())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::capability::Capabilities;
    use bridge_core::driver::{Driver, DriverInfo, MsgForm, MsgKey, Outgoing};
    use bridge_core::outcome::{SendError, Sent};
    use bridge_core::ports::Ports;

    /// A driver of which an instance is one channel, with a key of its own in `msg`.
    #[derive(Debug)]
    struct Horn;

    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    struct NoSettings {}

    impl Driver for Horn {
        type Settings = NoSettings;

        const INFO: DriverInfo = DriverInfo::new("horn", "Loud").msg_keys(&[MsgKey::new(
            "tune",
            MsgForm::Template,
            "What it plays.",
        )]);

        fn capabilities(_: &NoSettings) -> Capabilities {
            Capabilities::text(10)
        }

        fn open(_: NoSettings, _: Ports) -> Self {
            Self
        }

        async fn send(&self, _: &Outgoing) -> Result<Sent, SendError> {
            Ok(Sent::default())
        }
    }

    #[test]
    fn a_driver_without_keys_of_channels_and_with_keys_in_msg_has_a_page() {
        let catalog = Catalog::of([DriverEntry::of::<Horn>()]).unwrap();
        let page = page(catalog.get("horn").unwrap(), &KeyTables::linked(&catalog));
        for expected in [
            "a channel stands as `{\"NAME\": {}}`: it has no keys.\n",
            "| `tune` | string | none | What it plays. |\n",
            "| how messages come in | it hears nothing |\n",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn every_linked_driver_has_a_page_with_all_its_keys() {
        let catalog = Catalog::linked().unwrap();
        let tables = KeyTables::linked(&catalog);
        for entry in catalog.iter() {
            let page = page(entry, &tables);
            assert!(page.contains(entry.info().summary), "{page}");
            let schema = entry.schema();
            let address = entry.info().address_keys.iter().map(|key| key.name);
            for key in keys(&schema).into_iter().map(String::as_str).chain(address) {
                assert!(page.contains(&format!("\n| `{key}` | ")), "{key}: {page}");
            }
            let rows = page.lines().filter(|line| line.starts_with('|'));
            for row in rows {
                assert!(row.ends_with(" |") || row.starts_with("|---"), "{row}");
            }
        }
    }
}
