//! The name of a driver, and the names that follow from it.

use std::fmt;

/// The longest name.
const MOST_CHARS: usize = 32;

/// What the config calls something else.
const RESERVED: [&str; 2] = ["global", "schema"];

/// A name of lower-case words with hyphens between them, such as `my-chat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// A sentence saying what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_word = |word: &str| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            !word.is_empty() && word.chars().all(plain)
        };
        let begins_with_letter = text.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins_with_letter || !text.split('-').all(is_word) {
            return Err(format!(
                "{text:?} is no name of a driver; write lower-case letters and digits, words joined by \"-\", such as \"my-chat\""
            ));
        }
        if text.len() > MOST_CHARS {
            return Err(format!(
                "{text:?} is too long; a name has at most {MOST_CHARS} characters"
            ));
        }
        if text.starts_with("driver-") || text == "driver" {
            return Err(format!("{text:?} says \"driver\" already; leave it away"));
        }
        if RESERVED.contains(&text) {
            return Err(format!(
                "{text:?} is a key of the config; take another name"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// `driver-my-chat`
    pub(crate) fn package(&self) -> String {
        format!("driver-{}", self.0)
    }

    /// `driver_my_chat`
    pub(crate) fn krate(&self) -> String {
        self.package().replace('-', "_")
    }

    /// `my_chat`, the key in the config.
    pub(crate) fn platform(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `MyChat`
    pub(crate) fn type_name(&self) -> String {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        self.0.split('-').map(capital).collect()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
