//! Text on its way out and in: no control characters, no formatting codes.

/// What starts and ends a CTCP message.
const CTCP: char = '\u{1}';

/// The text as it may stand in a line: control characters removed, since one of them could end the
/// line or begin a command; a tab becomes a space.
pub(crate) fn outbound(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect()
}

/// What somebody sent to a channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Words, or what somebody does (`/me`): `* waves`.
    Text(String),
    /// A question of one program to another.
    Ctcp,
}

/// The text of a `PRIVMSG` without formatting codes and control characters.
pub(crate) fn inbound(text: &str) -> Said {
    let Some(ctcp) = text.strip_prefix(CTCP) else {
        return Said::Text(plain(text));
    };
    let ctcp = ctcp.strip_suffix(CTCP).unwrap_or(ctcp);
    match ctcp.split_once(' ').unwrap_or((ctcp, "")) {
        ("ACTION", action) if plain(action).trim().is_empty() => Said::Text(String::new()),
        ("ACTION", action) => Said::Text(format!("* {}", plain(action))),
        _ => Said::Ctcp,
    }
}

/// Without bold (02), colour (03), hex colour (04) and the other codes of
/// <https://modern.ircdocs.horse/formatting.html>.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\u{3}' => rest = after_colours(rest, 2, |c| c.is_ascii_digit()),
            '\u{4}' => rest = after_colours(rest, 6, |c| c.is_ascii_hexdigit()),
            '\t' => plain.push(' '),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

/// What follows a foreground and, behind a comma, a background of at most `most` digits each.
fn after_colours(text: &str, most: usize, is_digit: impl Fn(char) -> bool) -> &str {
    let digits = |text: &str| text.chars().take(most).take_while(|c| is_digit(*c)).count();
    let foreground = digits(text);
    let rest = &text[foreground..];
    let Some(background) = rest.strip_prefix(',').filter(|_| foreground > 0) else {
        return rest;
    };
    match digits(background) {
        0 => rest,
        count => &background[count..],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_is_sent_can_end_a_line_or_begin_a_command() {
        let rows = [
            ("hello", "hello"),
            ("a\r\nQUIT", "aQUIT"),
            ("\u{1}ACTION x\u{1}", "ACTION x"),
            ("a\tb\u{0}c\u{7f}\u{85}", "a bc"),
            ("  indented", "  indented"),
            ("中文 👋", "中文 👋"),
        ];
        for (text, expected) in rows {
            assert_eq!(outbound(text), expected, "{text:?}");
        }
    }

    #[test]
    fn formatting_is_removed_and_actions_are_told() {
        let text = |text: &str| Said::Text(text.to_owned());
        let rows = [
            ("plain", text("plain")),
            (
                "\u{2}bold\u{f} \u{1d}x\u{1f}y\u{1e}z\u{11}w\u{16}",
                text("bold xyzw"),
            ),
            ("\u{3}4red\u{3} \u{3}04,12both\u{3}5,x", text("red both,x")),
            ("\u{3}123", text("3")),
            ("\u{3},5x", text(",5x")),
            ("\u{3}é", text("é")),
            ("\u{4}ff00AA,000000x\u{4}", text("x")),
            ("\u{1}ACTION waves\u{1}", text("* waves")),
            ("\u{1}ACTION waves", text("* waves")),
            ("\u{1}ACTION\u{1}", text("")),
            ("\u{1}VERSION\u{1}", Said::Ctcp),
            ("\u{1}\u{1}", Said::Ctcp),
        ];
        for (raw, expected) in rows {
            assert_eq!(inbound(raw), expected, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn no_control_character_passes(text in any::<String>(), codes in "[\u{0}-\u{1f}0-9,a-f中]{0,40}") {
            for text in [text, codes] {
                prop_assert!(!outbound(&text).contains(char::is_control));
                if let Said::Text(plain) = inbound(&text) {
                    prop_assert!(!plain.contains(char::is_control));
                }
            }
        }
    }
}
