//! The formats in which the files may be written, told apart by a file's ending.

use std::path::Path;

/// A format that config and rules may be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON with comments, without trailing commas.
    Json,
    /// YAML 1.2 without anchors, tags and further documents.
    Yaml,
    /// TOML 1.1 without dates and times.
    Toml,
}

/// The endings of all formats; the first of a format is the one that we write.
pub const ENDINGS: [(&str, Format); 5] = [
    ("json", Format::Json),
    ("jsonc", Format::Json),
    ("yaml", Format::Yaml),
    ("yml", Format::Yaml),
    ("toml", Format::Toml),
];

impl Format {
    /// The format of a file by its ending, in capitals or not.
    ///
    /// # Errors
    ///
    /// The ending is none of [`ENDINGS`]; the text says which they are.
    pub fn of(path: &Path) -> Result<Self, String> {
        let ending = path.extension().unwrap_or_default();
        let known = ENDINGS
            .iter()
            .find(|(known, _)| ending.eq_ignore_ascii_case(known));
        known.map(|(_, format)| *format).ok_or_else(|| {
            let endings: Vec<_> = ENDINGS
                .iter()
                .map(|(ending, _)| format!(".{ending}"))
                .collect();
            format!(
                "the file's ending does not say its format; known endings: {}",
                endings.join(", ")
            )
        })
    }

    /// As the format is called in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_tell_the_format() {
        let rows = [
            ("config/config.json", Some(Format::Json)),
            ("a.jsonc", Some(Format::Json)),
            ("a.example.yaml", Some(Format::Yaml)),
            ("A.YML", Some(Format::Yaml)),
            ("a.toml", Some(Format::Toml)),
            ("a.ini", None),
            ("json", None),
            (".json", None),
            ("", None),
        ];
        for (path, expected) in rows {
            assert_eq!(Format::of(Path::new(path)).ok(), expected, "{path}");
        }
        assert_eq!(
            Format::of(Path::new("a.txt")).unwrap_err(),
            "the file's ending does not say its format; known endings: .json, .jsonc, .yaml, .yml, .toml"
        );
    }
}
