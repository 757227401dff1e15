//! How a plant is written: the three formats, and secrets of several lines in each.

use std::path::Path;

use bridge_core::config::{Source, convert};
use serde_json::Value;

use super::Fault;

/// A way to write a config down. A further format is a further variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Yaml,
    Toml,
}

pub(super) const FORMATS: [Format; 3] = [Format::Json, Format::Yaml, Format::Toml];

impl Format {
    pub(super) fn write(self, value: &Value) -> String {
        let json = serde_json::to_string_pretty(value).expect("JSON");
        if self == Self::Json {
            return json;
        }
        let source = Source {
            name: "config.json".to_owned(),
            content: Ok(json.into_bytes()),
        };
        let target = Path::new("config").with_extension(self.ending());
        convert(&source, &target).expect("JSON").text
    }

    /// What the file is called, behind the name without an ending.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Toml => "toml",
        }
    }

    /// What holds a text together.
    pub(super) fn marks(self) -> &'static str {
        match self {
            Self::Json => "{}[]\":,",
            Self::Yaml => "{}[]\"':-\n",
            Self::Toml => "{}[]\"'=.\n",
        }
    }

    /// The key with the text of several lines behind it, as it should be written and as it should
    /// not; `lines` are indented as deep as the text's are.
    pub(super) fn over_lines(
        self,
        indent: &str,
        key: &str,
        lines: &[String],
    ) -> Vec<(Fault, &'static str, String)> {
        let deep: String = lines
            .iter()
            .map(|line| format!("{indent}  {line}\n"))
            .collect();
        let flat: String = lines.iter().map(|line| format!("{line}\n")).collect();
        match self {
            Self::Json => vec![
                (
                    Fault::Syntax,
                    "in a string",
                    format!("{indent}\"{key}\": \"{flat}\",\n"),
                ),
                (
                    Fault::Syntax,
                    "without quotes",
                    format!("{indent}\"{key}\": {flat},\n"),
                ),
            ],
            Self::Yaml => vec![
                (
                    Fault::Content,
                    "in a block",
                    format!("{indent}{key}: |\n{deep}"),
                ),
                (
                    Fault::Content,
                    "in a folded block",
                    format!("{indent}{key}: >-\n{deep}"),
                ),
                (
                    Fault::Syntax,
                    "in a block, before a tab",
                    format!("{indent}{key}: |\n{deep}\t{indent}x: 1\n"),
                ),
                (
                    Fault::Syntax,
                    "without the block's mark",
                    format!("{indent}{key}: x\n{deep}"),
                ),
                (
                    Fault::Syntax,
                    "in a quote that is not closed",
                    format!("{indent}{key}: \"\n{deep}"),
                ),
                (
                    Fault::Syntax,
                    "in a single quote that is not closed",
                    format!("{indent}{key}: '\n{deep}"),
                ),
                (
                    Fault::Syntax,
                    "in a block that has lost its indentation",
                    format!("{indent}{key}: |\n{indent}  x\n{flat}"),
                ),
            ],
            Self::Toml => vec![
                (
                    Fault::Content,
                    "in quotes",
                    format!("{key} = \"\"\"\n{flat}\"\"\"\n"),
                ),
                (
                    Fault::Content,
                    "in single quotes",
                    format!("{key} = \'\'\'\n{flat}\'\'\'\n"),
                ),
                (
                    Fault::Syntax,
                    "in quotes that are not closed",
                    format!("{key} = \"\"\"\n{flat}"),
                ),
                (
                    Fault::Syntax,
                    "in a single quote",
                    format!("{key} = '\n{flat}'\n"),
                ),
                (Fault::Syntax, "without quotes", format!("{key} =\n{flat}")),
            ],
        }
    }
}
