//! What the operators' commands share: asking the bridge or its store, and showing what people
//! wrote without letting it steer the terminal.

use std::path::PathBuf;

use bridge_core::catalog::Catalog;
use bridge_core::config::settings::GlobalSettings;
use bridge_core::message::single_line;

use super::{Exit, output};
use crate::control::{AskError, Question, Reply, Unanswered, ask, ask_running};
use crate::files::Files;

/// Asks for something. What stands in the way has been reported when this fails.
pub(super) struct Operator {
    global: GlobalSettings,
    runtime: tokio::runtime::Runtime,
}

impl Operator {
    pub(super) fn new(files: &Files, catalog: &Catalog) -> Result<Self, Exit> {
        let global = files.global(catalog).map_err(|errors| {
            output::diagnostics(&errors);
            Exit::Config
        })?;
        Self::of(global)
    }

    /// One that asks the bridge of a config with this block.
    pub(super) fn of(global: GlobalSettings) -> Result<Self, Exit> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| {
            output::error(&format_args!("the runtime can't start: {error}"));
            Exit::Failed
        })?;
        Ok(Self { global, runtime })
    }

    /// Asks the bridge, or the store if none runs.
    pub(super) fn ask(&self, question: &Question) -> Result<Reply, Exit> {
        Self::answered(self.runtime.block_on(ask(&self.global, question)))
    }

    /// Asks the bridge; `None` if none runs.
    pub(super) fn ask_running(&self, question: &Question) -> Result<Option<Reply>, Exit> {
        let data_dir = PathBuf::from(&self.global.data_dir);
        let reply = match self.runtime.block_on(ask_running(&data_dir, question)) {
            Ok(reply) => Ok(reply),
            Err(AskError::NobodyThere) => return Ok(None),
            Err(AskError::Failed(error)) => Err(Unanswered(format!(
                "the bridge that runs on \"{}\" does not answer: {error}",
                data_dir.display()
            ))),
        };
        Self::answered(reply).map(Some)
    }

    fn answered(reply: Result<Reply, Unanswered>) -> Result<Reply, Exit> {
        let failed = |reason: &dyn std::fmt::Display| {
            output::error(reason);
            Exit::Failed
        };
        match reply {
            Ok(Reply::Refused { reason }) => Err(failed(&reason)),
            Ok(reply) => Ok(reply),
            Err(Unanswered(reason)) => Err(failed(&reason)),
        }
    }
}

/// A reply of another kind than the question asks for.
pub(super) fn unexpected() -> Exit {
    output::error(&"the bridge gave an answer to another question; is it of another version?");
    Exit::Failed
}

/// The first line of a text, cut to what a line of a list can bear.
pub(super) fn first_line(text: &str) -> String {
    const MOST: usize = 60;
    let line = single_line(text.lines().next().unwrap_or_default());
    let mut cut: String = line.chars().take(MOST).collect();
    if cut.len() < line.len() || text.lines().nth(1).is_some() {
        cut.push('…');
    }
    cut
}

/// A text whole, each line behind a bar, so that no line of it looks like one of ours.
pub(super) fn quoted(text: &str, indent: &str) -> String {
    let lines = text
        .lines()
        .map(|line| format!("{indent}| {}", single_line(line)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_does_not_steer_the_terminal() {
        assert_eq!(first_line("a\u{1b}[31mb\nc"), "a [31mb…");
        assert_eq!(quoted("a\n\u{202e}b\u{7}", "  "), "  | a\n  | b ");
        assert_eq!(first_line(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
        assert_eq!(first_line("short"), "short");
    }
}
