//! The control socket: how an operator's command talks to a running bridge.
//!
//! A running bridge listens on `control.sock` in its data directory. A command asks there first; if
//! no bridge runs, it asks the store itself. Both ways go through [`Question::answer_from`], so they
//! give the same answers.

mod client;
mod question;
mod server;
mod socket;

use std::path::Path;

use bridge_core::config::settings::GlobalSettings;

pub(crate) use client::{AskError, ask_running};
pub(crate) use question::{LetterResult, Office, Question, Reply};
pub(crate) use server::{ControlServer, Desk};

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) struct Unanswered(pub(crate) String);

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Asks the bridge that runs on the data directory in `global`, or the store in it if none runs.
///
/// # Errors
///
/// A sentence for the operator.
pub(crate) async fn ask(global: &GlobalSettings, question: &Question) -> Result<Reply, Unanswered> {
    let data_dir = Path::new(&global.data_dir);
    match ask_running(data_dir, question).await {
        Ok(reply) => Ok(reply),
        Err(AskError::NobodyThere) => {
            let office = Office::of_stopped(global);
            question.answer_from(&office).await
        }
        // What only reads can be read from the store beside any bridge.
        Err(AskError::Failed(_)) if !question.changes_something() => {
            let office = Office::of_stopped(global);
            question.answer_from(&office).await
        }
        Err(AskError::Failed(error)) => Err(Unanswered(format!(
            "the bridge that runs on \"{}\" does not answer: {error}; stop it and try again",
            data_dir.display()
        ))),
    }
}
