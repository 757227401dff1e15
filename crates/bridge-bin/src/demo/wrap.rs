//! Lays text out in terminal columns, where a Chinese character takes two.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Marks that must not begin a line.
const CLOSING: &str = "，。、！？：；）》」』”’,.!?:;)";

/// Columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` with spaces after it, up to `columns`.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Cuts `text` into lines of at most `columns` (at least 2) columns: at its own line breaks, then
/// at spaces and around wide characters, in the middle of a word only where it must. Control
/// characters become visible, so that nobody steers the terminal. Never empty.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        wrap_line(line.trim_end(), columns.max(2), &mut lines);
    }
    lines
}

fn wrap_line(text: &str, columns: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    // Where the line may be cut; 0 for nowhere yet.
    let mut cut = 0;
    let mut previous = ' ';
    let mut is_continued = false;
    for c in text.chars().map(visible) {
        if c == ' ' && is_continued && line.is_empty() {
            continue;
        }
        if may_cut_between(previous, c) {
            cut = line.len();
        }
        previous = c;
        line.push(c);
        if width(&line) <= columns {
            continue;
        }
        if cut == 0 || c == ' ' {
            cut = line.len() - c.len_utf8();
        }
        let rest = line.split_off(cut);
        lines.push(line.trim_end().to_owned());
        line = rest.trim_start().to_owned();
        cut = 0;
        is_continued = true;
    }
    lines.push(line);
}

fn may_cut_between(previous: char, next: char) -> bool {
    let is_wide = |c: char| c.width() == Some(2);
    let joins = next.width() == Some(0) || CLOSING.contains(next);
    !joins && (previous == ' ' || is_wide(previous) || is_wide(next))
}

fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, columns: usize, expected: &[&str]) {
        let lines = wrap(text, columns);
        assert_eq!(lines, expected, "{text:?} in {columns} columns");
        for line in &lines {
            assert!(width(line) <= columns, "{line:?} in {columns} columns");
        }
    }

    #[test]
    fn lines_are_cut_where_a_reader_expects_it() {
        let rows: [(&str, usize, &[&str]); 12] = [
            ("", 10, &[""]),
            ("short", 10, &["short"]),
            ("one two three", 10, &["one two", "three"]),
            ("one two three", 7, &["one two", "three"]),
            ("one  two", 4, &["one", "two"]),
            ("abcdefghijkl", 5, &["abcde", "fghij", "kl"]),
            ("早上好大家", 7, &["早上好", "大家"]),
            ("早上好！大家", 7, &["早上", "好！大", "家"]),
            ("ok 早上好", 7, &["ok 早上", "好"]),
            ("a\n\n b", 10, &["a", "", " b"]),
            ("a\tb\u{1b}[2J", 10, &["a b\u{fffd}[2J"]),
            (
                "e\u{301}e\u{301}e\u{301}",
                2,
                &["e\u{301}e\u{301}", "e\u{301}"],
            ),
        ];
        for (text, columns, expected) in rows {
            check(text, columns, expected);
        }
    }

    #[test]
    fn nothing_but_white_space_gets_lost_and_no_line_is_too_wide() {
        let text =
            "恭喜大家！ Congratulations，2.0 is (almost) 上线了。 https://example.com/a/b?c=d";
        let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
        for columns in 2..60 {
            let lines = wrap(text, columns);
            assert_eq!(letters(&lines.concat()), letters(text), "{columns} columns");
            assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
        }
    }

    #[test]
    fn wide_characters_take_two_columns_of_the_padding() {
        let rows = [
            ("ab", 4, "ab  "),
            ("中", 4, "中  "),
            ("中文字", 4, "中文字"),
        ];
        for (text, columns, expected) in rows {
            assert_eq!(pad(text, columns), expected);
        }
    }
}
