//! What drivers need to tell of a platform's answer: the pause that it asks for, and its words.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::time::Timestamp;

/// How long a `Retry-After` header asks to wait from `now` (RFC 9110, section 10.2.3): a number of
/// seconds, or a date in any of HTTP's three forms (zero if that has passed). `None` without one, and
/// for anything else.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    date(value).map(|date| date.since(now))
}

/// A platform's words as an error or a log can bear them: on one line, at most `limit` characters,
/// with each of `private`, and each of its lines, blotted out (tokens, secrets, the message's text).
/// What is shorter than four characters stays: it turns up in any sentence.
pub fn quoted(text: &str, limit: usize, private: &[&str]) -> String {
    const SHORTEST_PRIVATE: usize = 4;
    let mut text = text.to_owned();
    let parts = private
        .iter()
        .flat_map(|all| std::iter::once(*all).chain(all.lines()));
    for private in parts {
        let private = private.trim();
        if private.chars().count() >= SHORTEST_PRIVATE {
            text = text.replace(private, "[withheld]");
        }
    }
    let line = |c: char| if c.is_control() { ' ' } else { c };
    match text.char_indices().nth(limit) {
        Some((end, _)) => text[..end].chars().map(line).chain(['…']).collect(),
        None => text.chars().map(line).collect(),
    }
}

fn date(value: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::EPOCH.plus(since_epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_all_else_is_not() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = Timestamp::from_millis(784_111_777_000);
        let rows = [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(86_400)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999", None),
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT x", None),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
            ("Sun Nov  6 08:50:07 1994", Some(30)),
        ];
        for (value, secs) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            let expected = secs.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{value}");
        }
    }

    #[test]
    fn a_quotation_is_one_short_line_that_keeps_what_is_private() {
        let rows: [(&str, usize, &[&str], &str); 9] = [
            ("fine", 9, &[], "fine"),
            ("two\r\nlines\u{1b}[31m", 99, &[], "two  lines [31m"),
            ("中文字", 2, &[], "中文…"),
            (
                "a token-1 b token-1",
                99,
                &["token-1"],
                "a [withheld] b [withheld]",
            ),
            ("a b", 99, &["a", ""], "a b"),
            (
                "no: \"first line\"",
                99,
                &["first line\nsecond"],
                "no: \"[withheld]\"",
            ),
            ("a\nb", 99, &["a\nb\n"], "a b"),
            ("x ab\nc y", 99, &["ab\nc"], "x [withheld] y"),
            (
                "said hello there",
                99,
                &["  hello  "],
                "said [withheld] there",
            ),
        ];
        for (text, limit, private, expected) in rows {
            assert_eq!(quoted(text, limit, private), expected, "{text:?}");
        }
    }
}
