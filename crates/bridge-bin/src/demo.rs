//! A conversation between two rooms of sandboxes, over the same bridge that `run` starts: shown
//! as it happens, then judged.

mod choice;
mod files;
mod house;
pub(crate) mod keyboard;
mod ledger;
mod play;
mod script;
mod show;
mod side;
mod stage;
mod view;
mod wrap;

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;

pub(crate) use choice::Linked;
pub(crate) use ledger::Verdict;
pub(crate) use show::Print;
pub(crate) use stage::StageError;
pub(crate) use view::{Look, Paint};

use show::Show;
use stage::Stage;

/// Who watches the demo.
#[derive(Debug)]
pub(crate) enum Audience {
    /// Nobody who could type: it is played without a pause and ends by itself.
    Silent,
    /// A person, whose lines are said once the conversation is over.
    Typing {
        /// What the person types, line by line.
        lines: mpsc::Receiver<String>,
        /// Between two messages of the conversation, so that the person can follow.
        pause: Duration,
    },
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) enum DemoError {
    /// It could not begin.
    Stage(StageError),
    /// It was interrupted before the end of the conversation.
    Interrupted,
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(error) => write!(f, "the demo can't begin: {error}"),
            Self::Interrupted => f.write_str("interrupted before the end of the conversation"),
        }
    }
}

impl std::error::Error for DemoError {}

/// Plays the demo on the sandboxes of `platforms` (one is for both rooms, none leaves the choice to the
/// demo) and judges it; `interrupted` ends it early. Whatever happens, nothing runs and
/// no file is left when it resolves.
///
/// # Errors
///
/// [`DemoError`]. A bridge that did not do what it should is no error but a [`Verdict`].
pub(crate) async fn demo(
    linked: Linked<'_>,
    platforms: &[String],
    look: Look,
    audience: Audience,
    print: Print<'_>,
    interrupted: impl Future<Output = ()>,
) -> Result<Verdict, DemoError> {
    let mut interrupted = pin!(interrupted);
    let opened = Stage::open(linked, platforms).await;
    let (stage, brought) = opened.map_err(DemoError::Stage)?;
    let connected = tokio::select! {
        connected = stage.connect() => connected.map_err(DemoError::Stage),
        () = &mut interrupted => Err(DemoError::Interrupted),
    };
    if let Err(error) = connected {
        stage.close().await;
        return Err(error);
    }
    print(&stage.describe());
    let mut show = Show::new(&stage, brought, look, print);
    show.begin();
    let pause = match audience {
        Audience::Silent => Duration::ZERO,
        Audience::Typing { pause, .. } => pause,
    };
    let played = tokio::select! {
        played = show.play(&script::CONVERSATION, pause) => Some(played),
        () = &mut interrupted => None,
    };
    let mut problem = played.clone().and_then(Result::err);
    if let (Some(Ok(())), Audience::Typing { mut lines, .. }) = (&played, audience) {
        tokio::select! {
            () = show.talk(&mut lines) => {}
            () = interrupted => {}
        }
        problem = show.until_delivered().await.err();
    }
    stage.close().await;
    let mut verdict = show.end();
    if played.is_none() {
        return Err(DemoError::Interrupted);
    }
    if let Some(problem) = problem {
        verdict.add(problem);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests;
