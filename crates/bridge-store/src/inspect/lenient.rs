//! Reads columns of rows that may be damaged: a value that makes no sense must not hide the others.

use std::fmt::Display;

use bridge_core::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// What stands in the place of a value that makes no sense.
pub(super) const DAMAGED: &str = "(damaged)";

/// A text.
pub(super) fn text(row: &Row<'_>, at: usize) -> String {
    optional_text(row, at).unwrap_or_else(|| DAMAGED.to_owned())
}

/// A text, or NULL.
pub(super) fn optional_text(row: &Row<'_>, at: usize) -> Option<String> {
    match row.get_ref(at) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        Ok(ValueRef::Null) => None,
        _ => Some(DAMAGED.to_owned()),
    }
}

/// A whole number; 0 if it is none.
pub(super) fn number(row: &Row<'_>, at: usize) -> i64 {
    row.get(at).unwrap_or(0)
}

/// A count; 0 if it is none.
pub(super) fn count(row: &Row<'_>, at: usize) -> u64 {
    u64::try_from(number(row, at)).unwrap_or(0)
}

/// The number of a part, counted from 1.
pub(super) fn part(row: &Row<'_>, at: usize) -> u32 {
    u32::try_from(number(row, at))
        .unwrap_or(0)
        .saturating_add(1)
}

/// Whether a number is not 0.
pub(super) fn flag(row: &Row<'_>, at: usize) -> bool {
    number(row, at) != 0
}

/// A time.
pub(super) fn time(row: &Row<'_>, at: usize) -> String {
    print(number(row, at))
}

/// A time, or NULL.
pub(super) fn optional_time(row: &Row<'_>, at: usize) -> Option<String> {
    row.get::<_, Option<i64>>(at).ok().flatten().map(print)
}

/// A time in milliseconds, for people.
pub(super) fn print(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

/// Something that is shown, or the word for what is damaged.
pub(super) fn or_damaged(value: Option<impl Display>) -> String {
    value.map_or_else(|| DAMAGED.to_owned(), |value| value.to_string())
}
