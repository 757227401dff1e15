//! What `docs/compatibility.md` promises to drivers, as far as a compiler and the source can hold it.
//!
//! If this file no longer compiles, neither does a driver that was written for the last release: raise
//! `API_LEVEL`, say in the changelog what a driver has to change, and adapt the file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bridge_core::capability::Capabilities;
use bridge_core::driver::{
    Answer, Batch, Busy, Driver, DriverInfo, Identified, Identity, Ignored, Notice, Outgoing,
    Refusal,
};
use bridge_core::outcome::{Certainty, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::{
    DialError, DialTarget, HttpError, Letter, MailboxError, Mailed, Ports, Reached, Security,
};

/// What a driver is neither given nor gives back.
const OF_THE_FRAMEWORK: [&str; 3] = ["Content", "Received", "RichHeader"];

/// A driver with what a driver must have, and nothing more.
#[derive(Debug)]
struct Least;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct NoSettings {}

impl Driver for Least {
    type Settings = NoSettings;

    const INFO: DriverInfo = DriverInfo::new("least", "Says nothing");

    fn capabilities(_: &NoSettings) -> Capabilities {
        Capabilities::text(1)
    }

    fn open(_: NoSettings, _: Ports) -> Self {
        Self
    }

    async fn send(&self, _: &Outgoing) -> Result<Sent, SendError> {
        Ok(Sent::default())
    }
}

bridge_core::register_driver!(Least);

/// Takes a type apart: what grows does not compile here.
macro_rules! closed {
    ($($name:ident { $($field:ident),* }),* ; $($choice:ident($($variant:pat),*)),*) => {
        mod take_apart {
            #![expect(dead_code, non_snake_case, reason = "that they compile is the test")]
            use super::*;
            $(fn $name(value: $name) {
                let $name { $($field: _),* } = value;
            })*
            $(fn $choice(value: $choice) {
                match value { $($variant => {})* }
            })*
        }
        const TAKEN_APART: &[&str] = &[$(stringify!($name),)* $(stringify!($choice)),*];
    };
}

closed! {
    Answer { content_type, body },
    Batch { events, answer, notices },
    Busy { retry_after },
    DialError { detail },
    DialTarget { host, port, security },
    HttpError { kind, reached, detail },
    Identified { key, platform_ids },
    Identity { key, value, consequence },
    Ignored { reason, message_id, address },
    Letter { cursor, key, body, at },
    MailboxError { detail },
    Mailed { letters, confirmed, expired },
    Notice { key, text },
    Refusal { reason, detail },
    SendError { kind, advice, certainty, operation, detail },
    Sent { platform_ids };
    Certainty(Certainty::NotDelivered, Certainty::Unknown),
    Reached(Reached::No, Reached::Perhaps),
    RetryAdvice(RetryAdvice::Never, RetryAdvice::Backoff(_), RetryAdvice::After(_, _)),
    Scope(Scope::Message, Scope::Channel, Scope::Instance),
    Security(Security::Plain, Security::Tls)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The source of the modules that drivers use.
fn sources() -> Vec<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = Vec::new();
    for module in [
        "driver",
        "capability",
        "message",
        "outcome",
        "ports",
        "sandbox",
    ] {
        texts.push(read(&src.join(module).with_extension("rs")));
        for entry in src.join(module).read_dir().into_iter().flatten() {
            texts.push(read(&entry.expect("an entry").path()));
        }
    }
    texts
}

/// The public types of a source that have public parts and may not grow.
fn closed_types(source: &str) -> BTreeSet<String> {
    let lines: Vec<_> = source.lines().collect();
    let mut found = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let is_enum = line.starts_with("pub enum ");
        let Some(rest) = line
            .strip_prefix("pub struct ")
            .or(line.strip_prefix("pub enum "))
        else {
            continue;
        };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
        let above = lines[..at].iter().rev();
        let mut above = above.take_while(|line| !line.is_empty() && **line != "}");
        let may_grow = above.any(|line| line.contains("#[non_exhaustive]"));
        let mut inside = lines[at + 1..].iter().take_while(|line| **line != "}");
        let is_open = rest.ends_with('{') && inside.any(|line| line.starts_with("    pub "));
        if !may_grow && (is_enum || is_open) {
            found.insert(name);
        }
    }
    found
}

/// The names in code between the markers of a document.
fn listed(page: &str) -> BTreeSet<String> {
    let text = read(&root().join("docs").join(page));
    let (_, rest) = text.split_once("<!-- closed types -->").expect("a marker");
    let (list, _) = rest.split_once("<!-- end of").expect("a marker");
    list.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_type_may_grow_or_is_listed_as_closed() {
    let mut closed: BTreeSet<_> = sources()
        .iter()
        .flat_map(|text| closed_types(text))
        .collect();
    for name in OF_THE_FRAMEWORK {
        assert!(closed.remove(name), "{name} is not there");
    }
    let taken_apart: BTreeSet<_> = TAKEN_APART.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        closed, taken_apart,
        "mark a type of the driver API with #[non_exhaustive], or take it apart in this file"
    );
    for page in ["compatibility.md", "compatibility.zh-CN.md"] {
        assert_eq!(listed(page), closed, "the closed types in docs/{page}");
    }
}

#[test]
fn closed_types_are_told_from_those_that_may_grow() {
    let rows = [
        ("pub struct A {\n    pub b: u8,\n}", true),
        ("/// A.\n#[derive(Debug)]\npub enum A {\n    B,\n}", true),
        (
            "#[non_exhaustive]\npub struct A {\n    pub b: u8,\n}",
            false,
        ),
        ("#[non_exhaustive]\n/// A.\npub enum A {\n    B,\n}", false),
        (
            "#[non_exhaustive]\nstruct B;\n\npub struct A {\n    pub b: u8,\n}",
            true,
        ),
        (
            "pub struct A {\n    b: u8,\n}\npub struct B(pub u8);",
            false,
        ),
    ];
    for (source, expected) in rows {
        assert_eq!(closed_types(source).contains("A"), expected, "{source}");
    }
}

#[test]
fn a_driver_tells_its_package_and_the_level_it_was_built_with() {
    let package = DRIVER.package().expect("a package");
    assert_eq!(package.name, env!("CARGO_PKG_NAME"));
    assert_eq!(package.api_level, bridge_core::API_LEVEL);
    let level = bridge_core::API_LEVEL;
    let expected = format!(
        "bridge-core {}, API level {level}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(package.to_string(), expected);
}
