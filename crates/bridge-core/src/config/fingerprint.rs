//! Tells whether something was changed, without keeping or showing what it was.

use std::fmt;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::load::Source;

/// The digest of what was read: of the bytes of both files. Equal digests mean equal files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FilesDigest([u8; 32]);

impl FilesDigest {
    /// A file that can't be read counts as one more value.
    pub fn of(config: &Source, rules: &Source) -> Self {
        let mut hash = Sha256::new();
        for source in [config, rules] {
            match &source.content {
                Ok(bytes) => {
                    // So that bytes that move from one file to the other make a difference.
                    hash.update(length(bytes));
                    hash.update(bytes);
                }
                Err(_) => hash.update(u64::MAX.to_be_bytes()),
            }
        }
        Self(hash.finalize().into())
    }
}

/// The first 12 hexadecimal digits, which is what people can compare.
impl fmt::Display for FilesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..6]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FilesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilesDigest({self})")
    }
}

/// What the settings of an instance's driver are, the secrets' values included, in a form that can
/// only be compared. Never logged and never written: whoever has it could try out secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a platform and settings for it. In which order keys stand makes no difference.
    pub(crate) fn of(platform: &str, settings: &Json) -> Self {
        let mut all = Json::from(vec![Json::from(platform), settings.clone()]);
        all.sort_all_objects();
        Self(Sha256::digest(all.to_string()).into())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

fn length(bytes: &[u8]) -> [u8; 8] {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Unreadable, codes};

    fn digest(config: &str, rules: &str) -> FilesDigest {
        let source = |text: &str| Source {
            name: String::new(),
            content: match text {
                "-" => Err(Unreadable {
                    code: &codes::UNREADABLE,
                    problem: String::new(),
                    help: String::new(),
                }),
                text => Ok(text.into()),
            },
        };
        FilesDigest::of(&source(config), &source(rules))
    }

    #[test]
    fn every_byte_and_its_file_make_a_difference() {
        let all = [
            ("ab", "c"),
            ("a", "bc"),
            ("abc", ""),
            ("", "abc"),
            ("ab", "C"),
            ("-", "c"),
            ("ab", "-"),
            ("-", "-"),
        ];
        for (index, left) in all.iter().enumerate() {
            for (other, right) in all.iter().enumerate() {
                let equal = digest(left.0, left.1) == digest(right.0, right.1);
                assert_eq!(equal, index == other, "{left:?} {right:?}");
            }
        }
        assert_eq!(digest("ab", "c").to_string().len(), 12);
    }

    #[test]
    fn a_fingerprint_shows_nothing_and_differs_with_what_is_set() {
        let print = |platform, text: &str| {
            let settings = serde_json::from_str(text).expect("JSON");
            Fingerprint::of(platform, &settings)
        };
        let first = print("p", r#"{"app_secret": "canary", "deep": {"a": 1, "b": 2}}"#);
        assert_eq!(format!("{first:?}"), "Fingerprint(…)");
        let reordered = print("p", r#"{"deep": {"b": 2, "a": 1}, "app_secret": "canary"}"#);
        assert_eq!(first, reordered);
        for (platform, other) in [
            ("p", r#"{"app_secret": "Canary", "deep": {"a": 1, "b": 2}}"#),
            ("q", r#"{"app_secret": "canary", "deep": {"a": 1, "b": 2}}"#),
            ("p", r#"{"app_secret": "canary", "deep": {"a": 1}}"#),
        ] {
            assert_ne!(first, print(platform, other), "{other}");
        }
    }
}
