//! Draws both groups side by side: what is said on its own side, what the bridge brings on the
//! other, between them the time it took.

use std::time::Duration;

use super::side::{Pair, Side};
use super::wrap::{pad, width, wrap};

/// Columns of the gutter between the groups, which shows direction and time.
const GUTTER: usize = 10;
/// `" | "` on either side of the gutter.
const SEPARATOR: &str = " | ";
const NARROWEST: usize = 40;
const WIDEST: usize = 160;

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Columns; what is narrower than 40 or wider than 160 counts as that.
    pub(crate) columns: usize,
    /// Whether colours are wanted.
    pub(crate) paint: Paint,
}

/// Whether colours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Text alone.
    Plain,
    /// ANSI escape sequences.
    Ansi,
}

/// Draws rows; each method gives whole lines without a line break at the end.
#[derive(Debug)]
pub(super) struct View {
    total: usize,
    column: usize,
    paint: Paint,
}

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Green,
    Yellow,
}

impl View {
    pub(super) fn new(look: Look) -> Self {
        let total = look.columns.clamp(NARROWEST, WIDEST);
        Self {
            total,
            column: (total - GUTTER - 2 * SEPARATOR.len()) / 2,
            paint: look.paint,
        }
    }

    /// The names of the groups and a rule below them.
    pub(super) fn head(&self, titles: &Pair<String>) -> String {
        let left = wrap(&titles.left, self.column);
        let right = wrap(&titles.right, self.column);
        let rows = left.len().max(right.len());
        let line = |lines: &[String], row: usize| {
            let text = pad(lines.get(row).map_or("", String::as_str), self.column);
            self.ink(Ink::Bold, &text)
        };
        let mut text = String::new();
        for row in 0..rows {
            text.push_str(&self.row(&line(&left, row), &pad("", GUTTER), &line(&right, row)));
            text.push('\n');
        }
        let dashes = "-".repeat(self.column);
        text.push_str(&format!("{dashes}-+-{}-+-{dashes}", "-".repeat(GUTTER)));
        text
    }

    /// What a person said in the group on `side`.
    pub(super) fn said(&self, side: Side, text: &str) -> String {
        self.cells(side, text, "")
    }

    /// What the bridge brought to the group on `side`, and how long after it was said; `None` for
    /// what nobody said.
    pub(super) fn arrived(&self, side: Side, text: &str, took: Option<Duration>) -> String {
        let took = took.map_or_else(|| "?".to_owned(), show_duration);
        let crossing = match side {
            Side::Left => format!("<- {took}"),
            Side::Right => format!("{took} ->"),
        };
        self.cells(side, text, &crossing)
    }

    /// Something that happened beside the conversation, over the whole width.
    pub(super) fn note(&self, text: &str) -> String {
        let lines = wrap(text, self.total - 2);
        let lines = lines.iter().enumerate().map(|(index, line)| {
            let mark = if index == 0 { '*' } else { ' ' };
            self.ink(Ink::Yellow, &format!("{mark} {line}"))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Running text over the whole width.
    pub(super) fn paragraph(&self, text: &str) -> String {
        wrap(text, self.total).join("\n")
    }

    fn cells(&self, side: Side, text: &str, crossing: &str) -> String {
        let blank = pad("", self.column);
        let lines = wrap(text, self.column).into_iter().enumerate();
        let rows = lines.map(|(index, line)| {
            let crossing = if index == 0 { crossing } else { "" };
            // Against the side that it goes to.
            let crossing = match side {
                Side::Left => pad(crossing, GUTTER),
                Side::Right => {
                    let indent = GUTTER.saturating_sub(width(crossing));
                    format!("{}{crossing}", " ".repeat(indent))
                }
            };
            let crossing = self.ink(Ink::Green, &crossing);
            match side {
                Side::Left => self.row(&pad(&line, self.column), &crossing, ""),
                Side::Right => self.row(&blank, &crossing, &line),
            }
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    fn row(&self, left: &str, gutter: &str, right: &str) -> String {
        format!("{left}{SEPARATOR}{gutter}{SEPARATOR}{right}")
            .trim_end()
            .to_owned()
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        if self.paint == Paint::Plain || text.trim().is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => 1,
            Ink::Green => 32,
            Ink::Yellow => 33,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// `0.8 ms`, `12 ms`, `1.5 s`: at most seven columns up to 999 seconds.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1000.0;
    match millis {
        ..9.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1000.0),
    }
}

#[cfg(test)]
mod tests;
