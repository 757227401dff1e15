//! The markup of the pigeon platform: `<` begins it, and `&` a character that is escaped.

use crate::fault::Fault;

pub(super) fn escape(text: &str) -> String {
    if Fault::EscapesNothing.is_present() {
        return text.to_owned();
    }
    text.replace('&', "&amp;").replace('<', "&lt;")
}

pub(crate) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&amp;", "&")
}

pub(crate) fn escaped_len(text: &str) -> usize {
    let extra = |c: char| match c {
        '&' => 4,
        '<' => 3,
        _ => 0,
    };
    text.len() + text.chars().map(extra).sum::<usize>()
}
