//! The table of what crosses, in words.

use super::{Crossing, Feature};
use crate::capability::Capabilities;
use crate::message::RichHeader;

/// A row of the table. No phrase holds more than one number, and a number stands alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// What it is about.
    pub what: String,
    /// How that is.
    pub how: String,
}

/// What crosses from `source` to `target`, and how.
pub fn between(source: &Capabilities, target: &Capabilities) -> Vec<Row> {
    let mut rows = text(target).to_vec();
    for feature in Feature::ALL {
        let how = feature.crossing(source, target).describe();
        rows.push(row(feature.name(), how));
    }
    rows.extend(sends(target));
    rows
}

/// What an instance hears, and what its channels show, whoever the other is.
pub fn of_driver(capabilities: &Capabilities) -> Vec<Row> {
    let mut rows = text(capabilities).to_vec();
    for feature in Feature::ALL {
        let is_heard = if feature.is_in(&capabilities.hears) {
            "yes"
        } else {
            "no"
        };
        rows.push(row(&format!("{}: heard", feature.name()), is_heard));
    }
    for feature in Feature::ALL {
        let shown = match feature.is_in(&capabilities.shows) {
            true => Crossing::Shown,
            false => Crossing::Degraded(feature.otherwise()),
        };
        rows.push(row(&format!("{}: shown", feature.name()), shown.describe()));
    }
    rows.extend(sends(capabilities));
    rows
}

fn text(target: &Capabilities) -> [Row; 3] {
    let lines = match target.line_breaks {
        true => "kept",
        false => "each is a message",
    };
    let header = RichHeader {
        title: "title".to_owned(),
        content: "content".to_owned(),
    };
    [
        row(
            "largest text, longer ones become several messages",
            target.text_limit.to_string(),
        ),
        row("lines of a text", lines),
        row("header", format!("the line `{header}`")),
    ]
}

fn sends(target: &Capabilities) -> [Row; 3] {
    let repeated = match target.idempotent_send {
        true => "shows one message",
        false => "may show two",
    };
    let limit = |number: u32| match number {
        0 => "no limit".to_owned(),
        number => number.to_string(),
    };
    [
        row("a send repeated since its answer was lost", repeated),
        row("sends a second", limit(target.rate_per_second)),
        row(
            "sends a minute to one channel",
            limit(target.channel_rate_per_minute),
        ),
    ]
}

fn row(what: &str, how: impl Into<String>) -> Row {
    Row {
        what: what.to_owned(),
        how: how.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Features;

    fn how(rows: &[Row], what: &str) -> String {
        let row = rows.iter().find(|row| row.what == what);
        row.unwrap_or_else(|| panic!("{what}")).how.clone()
    }

    #[test]
    fn rows_say_what_is_heard_and_what_is_shown() {
        let plain = Capabilities::text(500);
        let mut rich = Capabilities::text(100);
        rich.hears = Features::ALL;
        rich.shows = Features::ALL;
        rich.line_breaks = false;
        rich.rate_per_second = 7;
        let rows = between(&rich, &plain);
        for (what, expected) in [
            ("largest text, longer ones become several messages", "500"),
            ("header", "the line `[title · content]`"),
            ("attachments", "as a link in the text"),
            ("replies", "one quoted line above the text"),
            ("edits", "a new message behind `✎`"),
            ("recalls", "nothing is sent; `bridge trace` says so"),
            ("sends a second", "no limit"),
        ] {
            assert_eq!(how(&rows, what), expected, "{what}");
        }
        assert_eq!(how(&between(&plain, &rich), "edits"), "not heard");
        let back = between(&rich, &rich);
        assert_eq!(how(&back, "edits"), "as such");
        assert_eq!(how(&back, "lines of a text"), "each is a message");
        assert_eq!(how(&back, "sends a second"), "7");
        assert_eq!(how(&of_driver(&rich), "edits: heard"), "yes");
        assert_eq!(how(&of_driver(&plain), "edits: heard"), "no");
        assert_eq!(
            how(&of_driver(&plain), "reactions: shown"),
            how(&rows, "reactions")
        );
    }
}
