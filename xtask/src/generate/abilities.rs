//! The table of what the linked drivers hear and show, as `bridge capabilities --drivers` says it.

use bridge_core::key_table::Language as _;
use serde_json::Value;

use super::words::Language;

/// Where a translation of a cell stands among those of keys.
const PATH: &str = "capabilities";

/// Drivers, and for each what it can do.
#[derive(Debug)]
pub(super) struct Abilities {
    drivers: Vec<String>,
    /// What a row is about, and a cell for each driver.
    rows: Vec<(String, Vec<String>)>,
}

impl Abilities {
    /// Reads what the binary prints. A driver that says nothing of a row has an empty cell.
    pub(super) fn of(printed: &Value) -> Self {
        let tables = printed.as_array().map_or(&[][..], Vec::as_slice);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut rows: Vec<(String, Vec<String>)> = Vec::new();
        for (column, table) in tables.iter().enumerate() {
            for row in table["rows"].as_array().into_iter().flatten() {
                let what = text(&row["what"]);
                let place = match rows.iter().position(|(known, _)| *known == what) {
                    Some(place) => place,
                    None => {
                        rows.push((what, vec![String::new(); tables.len()]));
                        rows.len() - 1
                    }
                };
                rows[place].1[column] = text(&row["how"]);
            }
        }
        Self {
            drivers: tables.iter().map(|table| text(&table["driver"])).collect(),
            rows,
        }
    }

    pub(super) fn table(&self, language: &Language) -> String {
        let drivers: Vec<_> = self
            .drivers
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let mut table = format!(
            "| | {} |\n|---|{}\n",
            drivers.join(" | "),
            "---|".repeat(drivers.len())
        );
        for (what, cells) in &self.rows {
            let cells: Vec<_> = cells
                .iter()
                .map(|cell| translated(cell, language))
                .collect();
            table += &format!(
                "| {} | {} |\n",
                translated(what, language),
                cells.join(" | ")
            );
        }
        table
    }
}

/// A number needs no translation.
fn translated(cell: &str, language: &Language) -> String {
    match cell.chars().any(char::is_alphabetic) {
        true => language.describe(&format!("{PATH}: {cell}"), cell),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn drivers_stand_beside_each_other() {
        let printed = json!([
            { "driver": "a", "rows": [{ "what": "x", "how": "1" }, { "what": "y", "how": "no" }] },
            { "driver": "b", "rows": [{ "what": "y", "how": "yes" }] },
        ]);
        let table = Abilities::of(&printed).table(&Language::english());
        let expected = "| | `a` | `b` |\n|---|---|---|\n| x | 1 |  |\n| y | no | yes |\n";
        assert_eq!(table, expected);
    }
}
