//! Whatever is wrong with a file, it can be drawn.

#[path = "../../tests/fuzz/input.rs"]
mod input;

use super::{Record, Style, draw};
use crate::files::Offline;
use bridge_core::config::Place;
use input::{damaged, feed, is_inside, read};

/// Draws every problem of the files, and holds what is drawn against the place.
fn check_drawing(files: &(input::File, input::File)) {
    for found in read(files).diagnostics {
        assert!(is_inside(&found.place), "{found:?}");
        let drawn = draw(&found, Style::Plain);
        let place = found.place.to_string();
        assert!(drawn.contains(&place), "{place}: {drawn}");
        // Pictures stand for control characters: no file plays with the terminal.
        let is_plain = !found.problem.contains(char::is_control);
        assert!(!is_plain || drawn.contains(&found.problem), "{drawn}");
        assert!(
            !drawn.contains(|c: char| c.is_control() && c != '\n'),
            "{drawn:?}"
        );
        assert!(
            !matches!(found.place, Place::Span(..)) || drawn.contains('^'),
            "{drawn}"
        );
        assert!(draw(&found, Style::Coloured).len() >= drawn.len());
        serde_json::to_string(&Record::from(&found)).expect("a record");
    }
}

#[test]
fn any_problem_can_be_drawn() {
    for is_config in [true, false] {
        feed(&damaged(is_config), |files| check_drawing(&files));
    }
}
