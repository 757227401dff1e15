//! The kinds of problems that files can have. A code never changes its meaning; one that is no
//! longer used is not given to another kind.
//!
//! | codes | what was looked at |
//! |---|---|
//! | `E01..` | whether the file can be read, and its syntax |
//! | `E02..` | its keys and values, each for itself |
//! | `E03..` | what it refers to |
//! | `E04..` | what it means as a whole |
//! | `E05..` | the machine around it |
//! | `E06..` | the platforms |

use super::diagnostic::Severity;

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `E0203`: what is printed, and what `bridge help` takes.
    pub id: &'static str,
    /// How bad such a problem usually is.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident = $id:literal, $severity:ident, $title:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Code =
                Code { id: $id, severity: Severity::$severity, title: $title };
        )*

        /// All kinds, by their codes.
        pub static ALL: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    UNREADABLE = "E0101", Error, "a file can't be read";
    NOT_UTF8 = "E0102", Error, "a file is not UTF-8";
    EMPTY = "E0103", Error, "a file is empty";
    SYNTAX = "E0104", Error, "a file breaks the rules of its format";
    DUPLICATE_KEY = "E0105", Error, "a key stands twice in one object";
    UNSUPPORTED = "E0106", Error, "a file uses a part of its format that is not taken here";
    UNKNOWN_FORMAT = "E0107", Error, "a file's name does not tell its format";
    AMBIGUOUS = "E0108", Error, "more than one file could be meant";

    WRONG_TYPE = "E0201", Error, "a value is of the wrong type";
    MISSING_KEY = "E0202", Error, "a key is missing";
    UNKNOWN_KEY = "E0203", Error, "a key is not known here";
    UNKNOWN_VALUE = "E0204", Error, "a value is none of those known here";
    OUT_OF_RANGE = "E0205", Error, "a number is too small or too large";
    BAD_FORMAT = "E0206", Error, "a text is not of the form that its key wants";
    EMPTY_VALUE = "E0207", Error, "a value is empty";
    NULL = "E0208", Error, "a value is null";
    NOT_A_SECRET = "E0209", Error, "a secret is not written in one of its forms";
    REFUSED_BY_DRIVER = "E0210", Error, "a driver refuses a setting";
    UNKNOWN_PLATFORM = "E0211", Error, "no driver for a platform is linked into this binary";
    BAD_NAME = "E0212", Error, "an instance's name can't be used";
    DUPLICATE_INSTANCE = "E0213", Error, "two instances have one name";
    NO_INSTANCE = "E0214", Error, "no instance is configured";
    BAD_RETENTION = "E0215", Error, "things would be kept too short or in the wrong proportion";
    NOT_FOR_THIS_RULE = "E0216", Error, "a key belongs to another kind of rule";
    DOUBTFUL_SETTING = "E0217", Warning, "a driver advises against a setting";
    DUPLICATE_EXPECTATION = "E0218", Error, "a test expects one channel twice";
    BAD_PATTERN = "E0219", Error, "a pattern is no regular expression that can be used";

    UNKNOWN_INSTANCE = "E0301", Error, "a rule names an instance that the config lacks";
    UNKNOWN_CHANNEL_KEY = "E0302", Error, "an address has a key that its platform does not know";
    MISSING_CHANNEL_KEY = "E0303", Error, "an address lacks a key";
    BAD_WILDCARD = "E0304", Error, "\"*\" stands where it can't";
    EMPTY_ADDRESS_VALUE = "E0305", Error, "an address has an empty value";
    NO_CHANNEL = "E0306", Error, "a rule names no channel, or too few";
    TARGET_KEY_IN_SOURCE = "E0307", Error, "a key of targets stands in \"from\"";
    UNKNOWN_PLACEHOLDER = "E0308", Error, "a format has a placeholder that is not known";
    BAD_TEMPLATE = "E0309", Error, "a format can't be read";
    DUPLICATE_RULE_ID = "E0310", Error, "two rules have one id";
    PLACEHOLDER_VALUE = "E0311", Warning, "a value is left from an example";

    ADDRESS_IN_USE = "E0401", Error, "two instances listen on one address";
    UNUSED_INSTANCE = "E0402", Warning, "no rule uses an instance";
    NO_RULES = "E0403", Warning, "there are no rules";
    NEVER_SENDS = "E0404", Warning, "a rule can never send anything";
    REDUNDANT_RULE = "E0405", Warning, "earlier rules send all that a rule sends";
    CHOSEN_TWICE = "E0406", Warning, "two rules send a message to one channel";
    REPEATED_CHANNEL = "E0407", Warning, "a rule names a channel twice";
    LOOP = "E0408", Warning, "a message can come back to where it started";
    SAME_ROBOT = "E0409", Warning, "two instances are one robot";

    SECRET_UNAVAILABLE = "E0501", Error, "a secret can't be fetched";
    DATA_DIR = "E0502", Warning, "the data directory can't be used";
    CANT_BIND = "E0503", Warning, "an address can't be bound";
}

/// The kind with this code, in upper or lower case.
pub fn find(id: &str) -> Option<&'static Code> {
    ALL.iter()
        .find(|code| code.id.eq_ignore_ascii_case(id))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        let ids: Vec<_> = ALL.iter().map(|code| code.id).collect();
        assert!(ids.is_sorted_by(|left, right| left < right), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 5 && id.starts_with('E')));
        assert_eq!(find("e0203"), Some(&UNKNOWN_KEY));
        assert_eq!(find("E9999"), None);
    }
}
