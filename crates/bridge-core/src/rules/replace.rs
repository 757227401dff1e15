//! `replace`: what becomes of parts of a message's text before it is put at `{msg}`.

use std::sync::Arc;

use regex::Regex;

use super::template::pieces::{Faults, Piece, TemplateError, pieces};
use crate::config::suggest::suggest;

/// A text may grow so large by a replacement; one that is larger may not grow at all.
pub(crate) const MOST_BYTES: usize = 64 * 1024;

/// The replacements of one target, in order: each works on what the one before it left.
#[derive(Debug, Default)]
pub(crate) struct Replacements {
    pub(crate) list: Vec<Replacement>,
}

impl Replacements {
    pub(crate) fn apply(&self, text: &str) -> String {
        let first = text.to_owned();
        let list = self.list.iter();
        list.fold(first, |text, replacement| replacement.apply(text))
    }
}

/// One pattern, and what stands in for each of its matches.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) pattern: Arc<Regex>,
    pub(crate) with: With,
}

impl Replacement {
    fn apply(&self, text: String) -> String {
        let most = text.len().max(MOST_BYTES);
        let mut result = String::new();
        let mut copied = 0;
        for captures in self.pattern.captures_iter(&text) {
            let Some(whole) = captures.get(0) else {
                continue;
            };
            result.push_str(&text[copied..whole.start()]);
            copied = whole.end();
            let before = result.len();
            self.with.fill(&captures, &mut result);
            // Beyond the bound a match is dropped and never kept: what an operator wants to hide
            // must not show because there is much of it.
            if result.len() + (text.len() - copied) > most {
                result.truncate(before);
            }
        }
        if copied == 0 && result.is_empty() {
            return text;
        }
        result.push_str(&text[copied..]);
        result
    }
}

/// What stands in for a match: text, and groups of the pattern by their numbers.
#[derive(Debug)]
pub(crate) struct With(Vec<Piece<usize>>);

impl With {
    /// Parses a template whose placeholders are groups of `pattern`: `{0}` is the whole match,
    /// `{1}` or `{name}` a group. Without a pattern (it has faults of its own) any group may be
    /// there.
    pub(crate) fn parse(
        template: &str,
        pattern: Option<&Regex>,
    ) -> Result<Self, Vec<TemplateError>> {
        let mut faults = Faults::of(template);
        let pieces = pieces(template, &mut faults, &|name| match pattern {
            Some(pattern) => group(name, pattern),
            None => Ok(0),
        });
        match faults.errors.is_empty() {
            true => Ok(Self(pieces)),
            false => Err(faults.errors),
        }
    }

    fn fill(&self, captures: &regex::Captures<'_>, result: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Variable(group) => {
                    result.push_str(captures.get(*group).map_or("", |part| part.as_str()));
                }
            }
        }
    }
}

/// The number of a group, or what to write instead of its name.
fn group(name: &str, pattern: &Regex) -> Result<usize, String> {
    let last = pattern.captures_len() - 1;
    let names = || pattern.capture_names().flatten();
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    let number = match is_number {
        true => name.parse().ok().filter(|number| *number <= last),
        false => pattern
            .capture_names()
            .position(|known| known == Some(name)),
    };
    number.ok_or_else(|| {
        let numbers = match last {
            0 => return "the pattern has no groups; {0} is the whole match".to_owned(),
            1 => "{0} is the whole match, {1} the pattern's group".to_owned(),
            _ => format!("{{0}} is the whole match, {{1}} to {{{last}}} are the pattern's groups"),
        };
        match suggest(name, names()) {
            help if !is_number && help.starts_with("did you mean") => help,
            _ => numbers,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(pattern: &str, with: &str, text: &str) -> String {
        let pattern = Arc::new(Regex::new(pattern).unwrap());
        let with = With::parse(with, Some(&pattern)).unwrap();
        let list = vec![Replacement { pattern, with }];
        Replacements { list }.apply(text)
    }

    #[test]
    fn matches_are_replaced_in_one_pass() {
        let rows = [
            ("a", "b", "aXa", "bXb"),
            ("a", "", "aXa", "X"),
            ("a", "", "aa", ""),
            ("a", "aa", "aXa", "aaXaa"),
            ("x", "y", "aXa", "aXa"),
            (
                r"(\d+)-(?<end>\d+)",
                "{end}..{1} ({0})",
                "1-2",
                "2..1 (1-2)",
            ),
            ("(a)|(b)", "<{1}|{2}>", "ab", "<a|><|b>"),
            ("a", "{{{0}}}", "a", "{a}"),
            ("", "-", "中文", "-中-文-"),
            ("(?i)secret \\w+", "***", "Secret plan", "***"),
            (".+", "{0}", "{1} {{ {msg}", "{1} {{ {msg}"),
        ];
        for (pattern, with, text, expected) in rows {
            assert_eq!(
                replaced(pattern, with, text),
                expected,
                "{pattern} in {text}"
            );
        }
    }

    #[test]
    fn each_replacement_works_on_what_the_one_before_left() {
        let one = |pattern: &str, with: &str| {
            let pattern = Arc::new(Regex::new(pattern).unwrap());
            let with = With::parse(with, Some(&pattern)).unwrap();
            Replacement { pattern, with }
        };
        let list = vec![one("a", "b"), one("b", "c")];
        assert_eq!(Replacements { list }.apply("ab"), "cc");
        assert_eq!(Replacements::default().apply("ab"), "ab");
    }

    #[test]
    fn what_would_grow_too_large_is_dropped_and_never_kept() {
        let text = "1".repeat(MOST_BYTES / 2);
        let result = replaced("1", "[number]", &text);
        assert!(result.len() <= MOST_BYTES && result.len() > MOST_BYTES - 8);
        assert_eq!(result.replace("[number]", ""), "");
        let large = "12".repeat(MOST_BYTES);
        let result = replaced("1", "[number]", &large);
        assert!(result.len() <= large.len() && !result.contains('1'));
        assert_eq!(result.matches('2').count(), MOST_BYTES);
    }

    proptest! {
        #[test]
        fn any_template_is_parsed_or_refused_at_a_place_inside_it(with in "[a{}0-3n中]{0,12}") {
            let pattern = Regex::new("(a)(?<n>b)?").unwrap();
            for pattern in [None, Some(&pattern)] {
                for error in With::parse(&with, pattern).err().into_iter().flatten() {
                    prop_assert!(with.get(error.span).is_some_and(|raw| !raw.is_empty()));
                }
            }
        }
    }
}
