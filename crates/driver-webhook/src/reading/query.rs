//! What a reader asks for: `after`, `limit` and `wait`.

use std::fmt;
use std::time::Duration;

use bridge_core::ports::Cursor;

/// Messages of an answer, if the reader does not say.
const USUAL_LIMIT: usize = 50;

/// Most messages of an answer.
const MOST_LIMIT: usize = 100;

/// The longest wait.
const LONGEST_WAIT_SECS: u64 = 30;

/// A question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Behind what; `None` from the oldest message.
    pub(super) after: Option<Mark>,
    /// How many messages at most.
    pub(super) limit: usize,
    /// How long to wait for the first one.
    pub(super) wait: Duration,
}

/// A place behind a letter, as readers are given it: its number, and a check that it is the letter
/// which the reader means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) cursor: Cursor,
    pub(super) check: u32,
}

/// `17-09ab3c2d`
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.cursor.0, self.check)
    }
}

impl Mark {
    fn parse(text: &str) -> Option<Self> {
        let (number, check) = text.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits(number));
        let mark = Self {
            cursor: Cursor(number.filter(|number| *number > 0)?),
            check: u32::from_str_radix(check, 16).ok()?,
        };
        // One way to write it, so that nobody makes one up.
        (mark.to_string() == text).then_some(mark)
    }
}

impl Query {
    /// Reads the part of a URL behind `?`. What is larger than the largest is the largest.
    ///
    /// # Errors
    ///
    /// A sentence for the reader.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut parsed = Self {
            after: None,
            limit: USUAL_LIMIT,
            wait: Duration::ZERO,
        };
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "after" if value == "0" => parsed.after = None,
                "after" => {
                    let mark = Mark::parse(&value).ok_or(
                        "`after` is neither 0 nor a cursor that an earlier answer gave as `next`",
                    )?;
                    parsed.after = Some(mark);
                }
                "limit" => {
                    let limit = number(&value).filter(|limit| *limit > 0);
                    let limit = limit.ok_or("`limit` is no whole number of at least 1")?;
                    let limit = usize::try_from(limit).unwrap_or(MOST_LIMIT);
                    parsed.limit = limit.min(MOST_LIMIT);
                }
                "wait" => {
                    let secs = number(&value).ok_or("`wait` is no whole number of seconds")?;
                    parsed.wait = Duration::from_secs(secs.min(LONGEST_WAIT_SECS));
                }
                // A misspelled `after` would read the same messages for ever.
                _ => return Err("only `after`, `limit` and `wait` are known here".to_owned()),
            }
            if seen.iter().any(|known| *known == *name) {
                return Err(format!("`{name}` stands twice"));
            }
            seen.push(name.into_owned());
        }
        Ok(parsed)
    }
}

/// A number of any size; one that is too large is the largest.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read() {
        let mark = Mark {
            cursor: Cursor(17),
            check: 0x9ab_3c2d,
        };
        let query = |after: Option<&Mark>, limit, secs| {
            Ok(Query {
                after: after.cloned(),
                limit,
                wait: Duration::from_secs(secs),
            })
        };
        let rows = [
            ("", query(None, 50, 0)),
            ("after=0", query(None, 50, 0)),
            ("after=17-09ab3c2d", query(Some(&mark), 50, 0)),
            (
                "limit=1&wait=20&after=17%2d09ab3c2d",
                query(Some(&mark), 1, 20),
            ),
            ("limit=101&wait=99999999999999999999", query(None, 100, 30)),
        ];
        for (text, expected) in rows {
            assert_eq!(Query::parse(text), expected, "{text}");
        }
        assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        for text in [
            "after=17",
            "after=",
            "after=-1",
            "after=+17-09ab3c2d",
            "after=017-09ab3c2d",
            "after=17-9ab3c2d",
            "after=17-09AB3C2D",
            "after=0-09ab3c2d",
            "after=99999999999999999999-09ab3c2d",
            "limit=0",
            "limit=-1",
            "limit=x",
            "limit=",
            "wait=1.5",
            "wait=-1",
            "wait",
            "afer=0",
            "after=0&after=0",
            "x",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
