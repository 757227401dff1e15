//! Finds the place of a part of a string, whatever escapes the string was written with.

use std::ops::Range;

use super::Document;

impl Document {
    /// Where the bytes `part` of the string `decoded`, which was read from the token at `token`,
    /// stand in the file; the whole token if that can't be told.
    ///
    /// The token and the string are walked side by side, so it does not matter whether the string
    /// is quoted, how it is escaped, or how its lines are folded.
    pub(crate) fn inside(
        &self,
        token: &Range<usize>,
        decoded: &str,
        part: Range<usize>,
    ) -> Range<usize> {
        if decoded.is_empty() {
            return token.clone();
        }
        let raw = &self.text[token.clone()];
        let found = walk(raw, decoded, part);
        found.map_or_else(
            || token.clone(),
            |found| token.start + found.start..token.start + found.end,
        )
    }
}

fn walk(raw: &str, decoded: &str, part: Range<usize>) -> Option<Range<usize>> {
    let mut left = raw.trim_start_matches(['"', '\'']);
    // Block scalars begin with a header line of their own.
    if left.starts_with(['|', '>']) && !decoded.starts_with(['|', '>']) {
        left = left.split_once('\n')?.1;
    }
    let mut start = None;
    for (offset, wanted) in decoded.char_indices() {
        // What follows the part need not be there: a block's token ends with its last line's text.
        if offset >= part.end && start.is_some() {
            break;
        }
        let (skipped, length) = next(left, wanted)?;
        if offset == part.start {
            start = Some(raw.len() - left.len() + skipped);
        }
        left = &left[skipped + length..];
    }
    let end = raw.len() - left.len();
    let start = start.unwrap_or(end);
    Some(match part.is_empty() {
        true => start..start,
        false => start..end,
    })
}

/// How much of `raw` stands before the token's next character, and how long it is there.
fn next(raw: &str, wanted: char) -> Option<(usize, usize)> {
    if let Some(rest) = raw.strip_prefix('\\') {
        return match escape(rest) {
            Some((Some(found), length)) if found == wanted => Some((0, 1 + length)),
            // A line break that is escaped is not there, and neither is the white space around it.
            Some((None, length)) => {
                let (skipped, found) = next(&raw[1 + length..], wanted)?;
                Some((1 + length + skipped, found))
            }
            // Without escapes, as in literal strings, it is a character like others.
            _ if wanted == '\\' => Some((0, 1)),
            _ => None,
        };
    }
    // YAML's single quotes are doubled.
    if wanted == '\'' && raw.starts_with("''") {
        return Some((0, 2));
    }
    if raw.starts_with(wanted) {
        // An indented line of a folded or block scalar begins behind its indentation.
        return Some((0, wanted.len_utf8()));
    }
    let blank = raw.len() - raw.trim_start().len();
    match wanted {
        // A fold: one or more line breaks with indentation were read as one character.
        ' ' | '\n' if blank > 0 => Some((0, blank)),
        _ if blank > 0 => {
            next(&raw[blank..], wanted).map(|(skipped, length)| (blank + skipped, length))
        }
        _ => None,
    }
}

/// What the escape behind a backslash stands for and how long it is; no character for a line break.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let first = rest.chars().next()?;
    let digits = match first {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        ' ' | '\t' | '\r' | '\n' if rest.trim_start().len() < rest.len() && rest.contains('\n') => {
            return Some((None, rest.len() - rest.trim_start().len()));
        }
        _ => {
            let stands_for = match first {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'e' => '\u{1b}',
                '0' => '\0',
                other => other,
            };
            return Some((Some(stands_for), first.len_utf8()));
        }
    };
    let code = u32::from_str_radix(rest.get(1..=digits)?, 16).ok()?;
    if let Some(found) = char::from_u32(code) {
        return Some((Some(found), 1 + digits));
    }
    // The first half of a pair.
    let low = rest.get(1 + digits..)?.strip_prefix("\\u")?.get(..4)?;
    let low = u32::from_str_radix(low, 16).ok()?;
    let whole = char::decode_utf16([u16::try_from(code).ok()?, u16::try_from(low).ok()?]);
    let found = whole.into_iter().next()?.ok()?;
    Some((Some(found), 1 + digits + 6))
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;

    #[test]
    fn a_part_is_found_behind_escapes_and_folds() {
        // The token, the string it stands for, the part, and what stands there.
        let rows = [
            (r#""a {x} b""#, "a {x} b", "{x}", "{x}"),
            (r#""\"\\\n{x}""#, "\"\\\n{x}", "{x}", "{x}"),
            (r#""\u7fa4\ud83c\udf89{x}y""#, "群🎉{x}y", "{x}", "{x}"),
            (r#""{\u0078}y""#, "{x}y", "{x}", "{\\u0078}"),
            ("'it''s {x}'", "it's {x}", "{x}", "{x}"),
            (r"'C:\{x}'", r"C:\{x}", "{x}", "{x}"),
            ("plain {x}", "plain {x}", "{x}", "{x}"),
            ("one\n  two {x}", "one two {x}", "{x}", "{x}"),
            ("|\n  one\n  {x}\n", "one\n{x}\n", "{x}", "{x}"),
            ("|\n  one\n  {x}", "one\n{x}\n", "{x}", "{x}"),
            (">\n  one\n  {x}\n", "one {x}\n", "{x}", "{x}"),
            ("\"\"\"\none {x}\"\"\"", "one {x}", "{x}", "{x}"),
            ("\"\"\"one \\\n   {x}\"\"\"", "one {x}", "{x}", "{x}"),
            ("\"abc", "abd", "d", "\"abc"),
            ("\"\"", "", "", "\"\""),
        ];
        for (token, decoded, part, expected) in rows {
            let text = format!("key: {token} # 群");
            let document = Document::new("f.json", text.as_bytes(), Content::Open).unwrap();
            let start = decoded.find(part).unwrap();
            let found = document.inside(&(5..5 + token.len()), decoded, start..start + part.len());
            assert_eq!(&text[found], expected, "{token}");
        }
    }
}
