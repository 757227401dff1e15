//! What a driver says it can do, as rows of a table.

use bridge_core::capability::{Capabilities, Features, Inbound};
use bridge_core::catalog::{DriverEntry, PreparedDriver};

use super::sample;

/// Texts that platforms count differently: a letter, a character to escape, one of Chinese, an emoji.
const COUNTED: [&str; 4] = ["a", "<", "字", "😀"];

/// The section of a driver's page.
pub(super) fn section(entry: &DriverEntry) -> String {
    let title = "\n## What it can do\n\n";
    let settings = sample::settings(&entry.schema().to_value());
    match entry.prepare(settings) {
        Ok(prepared) => {
            let rows = rows(&prepared);
            let rows = rows
                .iter()
                .map(|(what, value)| format!("| {what} | {value} |\n"));
            format!(
                "{title}With the settings that an instance needs, and no others:\n\n\
                 | what | |\n|---|---|\n{}",
                rows.collect::<String>()
            )
        }
        // What is wrong with settings that nobody wrote is nobody's concern.
        Err(_) => format!("{title}That depends on the settings of the instance.\n"),
    }
}

fn rows(prepared: &PreparedDriver) -> Vec<(&'static str, String)> {
    let capabilities = prepared.capabilities();
    let mut rows = of(&capabilities);
    if let (Inbound::Listener, Some(listen)) = (capabilities.inbound, prepared.listen()) {
        rows[0].1 += &format!(", by `{}`", listen.method);
        if !listen.questions.is_empty() {
            rows.insert(1, ("is asked by `GET`", listen.questions.join(", ")));
        }
    }
    rows
}

fn of(capabilities: &Capabilities) -> Vec<(&'static str, String)> {
    let limit = |number: u32, unit: &str| match number {
        0 => "no limit is known".to_owned(),
        _ => format!("{number} {unit}"),
    };
    let yes = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
    let counts = COUNTED.map(|text| format!("`{text}` as {}", (capabilities.text_size)(text)));
    let inbound = match capabilities.inbound {
        Inbound::Nothing => "it hears nothing",
        Inbound::Listener => "the platform calls a listener of the instance",
        Inbound::Connection => "over a connection that the instance keeps",
        Inbound::Polling => "the instance asks again and again",
        _ => "another way",
    };
    vec![
        ("how messages come in", inbound.to_owned()),
        ("hears beside text", features(capabilities.hears)),
        ("shows beside text", features(capabilities.shows)),
        (
            "largest text of one send",
            format!(
                "{}, counting {}",
                capabilities.text_limit,
                counts.join(", ")
            ),
        ),
        (
            "texts of several lines",
            match capabilities.line_breaks {
                true => yes(true),
                false => "no: each line is sent by itself".to_owned(),
            },
        ),
        (
            "a repeated send shows one message",
            yes(capabilities.idempotent_send),
        ),
        (
            "sends of an instance",
            limit(capabilities.rate_per_second, "a second"),
        ),
        (
            "sends to a channel",
            limit(capabilities.channel_rate_per_minute, "a minute"),
        ),
        ("hears its own sends", yes(capabilities.hears_own_sends)),
        (
            "hears other robots of the platform",
            yes(capabilities.hears_other_robots),
        ),
        (
            "asks for names that callbacks lack",
            yes(capabilities.looks_up),
        ),
    ]
}

fn features(features: Features) -> String {
    let all = named(&features);
    let names: Vec<_> = all.into_iter().filter(|(_, has)| *has).collect();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn named(features: &Features) -> [(&'static str, bool); 5] {
    [
        ("attachments", features.attachments),
        ("replies", features.replies),
        ("edits", features.edits),
        ("recalls", features.recalls),
        ("reactions", features.reactions),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of a value, as its `Debug` shows them: each before a colon, one level deep.
    fn fields(shown: &str) -> usize {
        let is_field = |line: &&str| {
            let field = line.strip_prefix("    ").unwrap_or_default();
            field.starts_with(|first: char| first.is_ascii_lowercase()) && field.contains(": ")
        };
        shown.lines().filter(is_field).count()
    }

    #[test]
    fn no_capability_is_left_out() {
        let capabilities = Capabilities::text(1);
        // `text_size` stands in the row of `text_limit`.
        let expected = of(&capabilities).len() + 1;
        assert_eq!(fields(&format!("{capabilities:#?}")), expected);
        let features = Features::NONE;
        assert_eq!(fields(&format!("{features:#?}")), named(&features).len());
    }

    #[test]
    fn texts_are_shown_as_the_platform_counts_them() {
        let rows = of(&Capabilities::text(2000));
        let size = "2000, counting `a` as 1, `<` as 1, `字` as 3, `😀` as 4";
        assert!(rows.iter().any(|(_, value)| value == size), "{rows:?}");
    }

    #[test]
    fn features_are_named() {
        assert_eq!(features(Features::NONE), "nothing");
        let mut some = Features::NONE;
        (some.replies, some.reactions) = (true, true);
        assert_eq!(features(some), "replies, reactions");
    }
}
