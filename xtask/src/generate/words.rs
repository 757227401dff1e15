//! What the tables of keys say in each language.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bridge_core::key_table::{self, Words};
use serde_json::Value;

use crate::step::Failed;

/// The translations, below the top of the workspace.
const TRANSLATIONS: &str = "docs/keys.zh-CN.json";

/// A language of the documents.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) name: &'static str,
    words: Words,
    /// `None` for the language that descriptions are written in.
    translations: Option<Translations>,
}

#[derive(Debug)]
struct Translations {
    /// By the path of the key.
    entries: BTreeMap<String, Entry>,
    problems: RefCell<Vec<String>>,
    used: RefCell<BTreeSet<String>>,
}

#[derive(Debug)]
struct Entry {
    /// What was translated.
    english: String,
    chinese: String,
}

impl Language {
    pub(super) fn english() -> Self {
        Self {
            name: "English",
            words: Words::ENGLISH,
            translations: None,
        }
    }

    /// Reads the translations.
    pub(super) fn chinese(top: &Path) -> Result<Self, Failed> {
        let failed = |problem: String| Failed::new(format!("{TRANSLATIONS}: {problem}"));
        let text = std::fs::read_to_string(top.join(TRANSLATIONS))
            .map_err(|error| failed(error.to_string()))?;
        let entries: BTreeMap<String, Value> =
            serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let entries = entries.into_iter().map(|(path, entry)| {
            match (entry["en"].as_str(), entry["zh"].as_str()) {
                (Some(english), Some(chinese)) => {
                    let (english, chinese) = (english.to_owned(), chinese.to_owned());
                    Ok((path, Entry { english, chinese }))
                }
                _ => Err(failed(format!("`{path}` needs the texts `en` and `zh`"))),
            }
        });
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(Self::with(entries))
    }

    fn with(entries: BTreeMap<String, Entry>) -> Self {
        Self {
            name: "Chinese",
            words: Words::CHINESE,
            translations: Some(Translations {
                entries,
                problems: RefCell::default(),
                used: RefCell::default(),
            }),
        }
    }

    /// Whether a document is in this language.
    pub(super) fn has(&self, file: &str) -> bool {
        let is_chinese = file.ends_with(".zh-CN.md");
        file.ends_with(".md") && is_chinese == self.translations.is_some()
    }

    /// Fails if a translation was missing, out of date or not used.
    pub(super) fn finish(&self) -> Result<(), Failed> {
        let Some(translations) = &self.translations else {
            return Ok(());
        };
        let used = translations.used.borrow();
        let left = translations.entries.keys();
        let left = left.filter(|path| !used.contains(*path));
        let left = left.map(|path| format!("`{path}` is no key any more; remove it"));
        let mut problems = translations.problems.borrow().clone();
        problems.extend(left);
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Failed::new(format!(
                "{TRANSLATIONS}:\n  {}",
                problems.join("\n  ")
            ))),
        }
    }
}

impl key_table::Language for Language {
    fn words(&self) -> &Words {
        &self.words
    }

    fn describe(&self, path: &str, english: &str) -> String {
        let Some(translations) = &self.translations else {
            return english.to_owned();
        };
        translations.used.borrow_mut().insert(path.to_owned());
        match translations.entries.get(path) {
            Some(entry) if entry.english == english => return entry.chinese.clone(),
            Some(_) => translations.problems.borrow_mut().push(format!(
                "`{path}` translates an older text; translate this one and put it into `en`: {english:?}"
            )),
            None => translations.problems.borrow_mut().push(format!(
                "`{path}` is not translated; add it, with `zh` and this `en`: {english:?}"
            )),
        }
        english.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use key_table::Language as _;

    #[test]
    fn translations_that_are_missing_old_or_left_over_are_named() {
        let entry = |english: &str| Entry {
            english: english.to_owned(),
            chinese: "说明".to_owned(),
        };
        let entries = [("a", "One."), ("b", "Two."), ("c", "Three.")];
        let entries = entries.map(|(path, english)| (path.to_owned(), entry(english)));
        let language = Language::with(entries.into());
        assert_eq!(language.describe("a", "One."), "说明");
        language.describe("b", "Two, changed.");
        language.describe("d", "Four.");
        let message = language.finish().unwrap_err().message;
        for problem in [
            "`b` translates an older text",
            "\"Two, changed.\"",
            "`d` is not translated",
            "`c` is no key any more",
        ] {
            assert!(message.contains(problem), "{message}");
        }
        assert!(!message.contains("`a`"), "{message}");
    }
}
