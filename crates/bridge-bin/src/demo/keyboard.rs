//! What the person at the terminal types: read on a thread of its own, since a read of a terminal
//! can't be given up.

use std::io::{self, BufRead as _};
use std::thread;

use tokio::sync::mpsc;

use super::side::Side;

/// Lines that wait to be said; beyond it the reader waits.
const MOST_WAITING: usize = 16;

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed<'a> {
    /// The text is said in a group.
    Say(Side, &'a str),
    /// Nothing was typed.
    Nothing,
    /// The person leaves.
    Quit,
    /// The person needs a hint.
    Unknown,
}

impl<'a> Typed<'a> {
    pub(super) fn parse(line: &'a str) -> Self {
        let line = line.trim();
        match line.split_once(char::is_whitespace) {
            Some(("1", text)) => Self::Say(Side::Left, text.trim()),
            Some(("2", text)) => Self::Say(Side::Right, text.trim()),
            Some(_) => Self::Unknown,
            None => match line {
                "" => Self::Nothing,
                "quit" | "exit" => Self::Quit,
                _ => Self::Unknown,
            },
        }
    }
}

/// Starts reading stdin. The receiver ends with the input. The thread ends with the input, or with
/// the process; it holds nothing that would have to be put away.
///
/// # Errors
///
/// If the thread can't be started.
pub(crate) fn lines() -> io::Result<mpsc::Receiver<String>> {
    let (to_show, typed) = mpsc::channel(MOST_WAITING);
    thread::Builder::new()
        .name("keyboard".to_owned())
        .spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                if to_show.blocking_send(line).is_err() {
                    break;
                }
            }
        })?;
    Ok(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_where_a_text_is_said() {
        let rows = [
            ("1 hello", Typed::Say(Side::Left, "hello")),
            ("2 大家好 再见", Typed::Say(Side::Right, "大家好 再见")),
            ("  1\t spaced  ", Typed::Say(Side::Left, "spaced")),
            ("2\u{3000}全角", Typed::Say(Side::Right, "全角")),
            ("", Typed::Nothing),
            ("   ", Typed::Nothing),
            ("quit", Typed::Quit),
            ("exit\r", Typed::Quit),
            ("1", Typed::Unknown),
            ("1 ", Typed::Unknown),
            ("12 hello", Typed::Unknown),
            ("3 hello", Typed::Unknown),
            ("hello", Typed::Unknown),
            ("quit now", Typed::Unknown),
        ];
        for (line, expected) in rows {
            assert_eq!(Typed::parse(line), expected, "{line:?}");
        }
    }
}
