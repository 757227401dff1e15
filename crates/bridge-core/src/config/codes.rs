//! The kinds of problems that files can have, each with what `bridge help` says of it. A code never
//! changes its meaning; one that is no longer used is not given to another kind.
//!
//! | codes | file | what was looked at |
//! |---|---|---|
//! | `E01..` | `syntax` | whether the file can be read, and its syntax |
//! | `E02..` | `schema` | its keys and values, each for itself |
//! | `E03..` | `references` | what it refers to |
//! | `E04..` | `meaning` | what it means as a whole |
//! | `E05..` | `environment` | the machine around it |
//! | `E06..` | `online` | the platforms |

use std::fmt;

use super::diagnostic::Severity;
use super::suggest;

/// A kind of problem.
#[derive(PartialEq, Eq)]
pub struct Code {
    /// `E0203`: what is printed, and what `bridge help` takes.
    pub id: &'static str,
    /// How bad such a problem usually is.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Why it is one, and what to do about it: one paragraph of whole sentences.
    pub explanation: &'static str,
    /// What brings it about, and how that is mended.
    pub example: Example,
}

/// What brings a problem about, and how that is mended.
#[derive(Debug, PartialEq, Eq)]
pub enum Example {
    /// Two versions of a part of the files. With what its [`Part`] says around it, the first one
    /// has this problem and no other, and the second one is fine.
    Files {
        /// What part of the files it is.
        part: Part,
        /// What has the problem.
        wrong: &'static str,
        /// The same, mended.
        right: &'static str,
    },
    /// What no text of a file shows: a sentence each.
    Situation {
        /// When the problem arises.
        wrong: &'static str,
        /// What mends it.
        right: &'static str,
    },
}

/// A part of the files, by what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A whole config file.
    Config,
    /// Keys of the block `global`.
    Global,
    /// Keys of an instance, beside those that it must have.
    Instance,
    /// A whole rules file.
    Rules,
    /// Rules of the list `rules`, separated by commas.
    Rule,
}

impl Part {
    /// Where such a text stands: `among the keys of an instance`.
    pub fn place(self) -> &'static str {
        match self {
            Self::Config => "in the config",
            Self::Global => "in the block `global` of the config",
            Self::Instance => "among the keys of an instance",
            Self::Rules => "in the rules",
            Self::Rule => "in the list of rules",
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl Code {
    /// Whether what stands in the files is to blame: commands end with 78 then, and with 1 where
    /// the machine or a platform is.
    pub fn blames_the_files(&self) -> bool {
        match &self.id[..3] {
            "E05" => false,
            "E06" => self == &CREDENTIALS_REFUSED,
            _ => true,
        }
    }

    /// Whether it is about the machine around the files.
    pub fn is_of_the_environment(&self) -> bool {
        self.id.starts_with("E05")
    }
}

macro_rules! codes {
    ($($name:ident = $id:literal, $severity:ident, $title:literal, $explanation:literal, $example:expr;)*) => {
        use super::{Code, Example};
        use crate::config::diagnostic::Severity;

        $(
            #[doc = $title]
            pub static $name: Code = Code {
                id: $id,
                severity: Severity::$severity,
                title: $title,
                explanation: $explanation,
                example: $example,
            };
        )*

        /// The kinds of this block, by their codes.
        pub(super) static BLOCK: &[&Code] = &[$(&$name),*];
    };
}

mod environment;
mod meaning;
mod online;
mod references;
mod schema;
mod syntax;

pub use environment::*;
pub use meaning::*;
pub use online::*;
pub use references::*;
pub use schema::*;
pub use syntax::*;

/// All kinds, by their codes.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let blocks = [
        syntax::BLOCK,
        schema::BLOCK,
        references::BLOCK,
        meaning::BLOCK,
        environment::BLOCK,
        online::BLOCK,
    ];
    blocks.into_iter().flatten().copied()
}

/// The kind with this code, in upper or lower case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}

/// The code that is most like `id`, which is none.
pub fn nearest(id: &str) -> Option<&'static str> {
    suggest::nearest(id, all().map(|code| code.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        let ids: Vec<_> = all().map(|code| code.id).collect();
        assert!(ids.is_sorted_by(|left, right| left < right), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 5 && id.starts_with('E')));
        assert_eq!(find("e0203"), Some(&UNKNOWN_KEY));
        assert_eq!(find("E9999"), None);
        assert_eq!(nearest("E023"), Some("E0203"));
    }

    #[test]
    fn titles_are_clauses_and_explanations_are_sentences() {
        for code in all() {
            let Code { id, title, .. } = code;
            assert!(!title.ends_with('.') && !title.contains('\n'), "{id}");
            let explanation = code.explanation;
            assert!(
                explanation.ends_with('.') && !explanation.contains('\n'),
                "{id}"
            );
            assert!(!explanation.contains("  "), "{id}: {explanation}");
        }
    }
}
