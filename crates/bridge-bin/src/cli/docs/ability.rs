//! What a driver says it can do, as rows of a table.

use bridge_core::capability::Capabilities;
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
    let heard = match prepared.listen() {
        Some(listen) => format!(
            "from callbacks by `{}`, on a listener of the bridge",
            listen.method
        ),
        None => "not by a listener".to_owned(),
    };
    let mut rows = vec![("messages are heard", heard)];
    rows.extend(of(&prepared.capabilities()));
    rows
}

fn of(capabilities: &Capabilities) -> [(&'static str, String); 6] {
    let limit = |number: u32, unit: &str| match number {
        0 => "no limit is known".to_owned(),
        _ => format!("{number} {unit}"),
    };
    let yes = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
    let counts = COUNTED.map(|text| format!("`{text}` as {}", (capabilities.text_size)(text)));
    [
        (
            "largest text of one send",
            format!(
                "{}, counting {}",
                capabilities.text_limit,
                counts.join(", ")
            ),
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
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields' names stand in what `Debug` shows, each before a colon.
    #[test]
    fn no_capability_is_left_out() {
        let shown = format!("{:#?}", Capabilities::text(1));
        let fields = shown
            .lines()
            .filter(|line| line.starts_with("    ") && line.contains(": "));
        // `text_size` stands in the row of `text_limit`.
        assert_eq!(
            fields.count(),
            of(&Capabilities::text(1)).len() + 1,
            "{shown}"
        );
    }

    #[test]
    fn texts_are_shown_as_the_platform_counts_them() {
        let [(_, size), ..] = of(&Capabilities::text(2000));
        assert_eq!(
            size,
            "2000, counting `a` as 1, `<` as 1, `字` as 3, `😀` as 4"
        );
    }
}
