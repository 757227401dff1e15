//! Keeps what a driver logs, at every level, to look for what must not stand in a log.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use super::context::Context;
use super::{Outcome, Subject};

/// The log of a run. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// Does the work with this thread's log lines kept.
    pub(super) fn record<T>(&self, work: impl FnOnce() -> T) -> T {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work)
    }

    pub(super) fn hold_nothing_private<S: Subject>(&self, context: &Context<S>) -> Outcome {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = String::from_utf8_lossy(&log);
        let private = context.credentials().into_iter();
        let private = private.map(|text| ("a secret or token", text));
        let texts = context
            .texts()
            .into_iter()
            .map(|text| ("a message's text", text));
        for (what, text) in private.chain(texts) {
            let line = log.lines().find(|line| line.contains(&text));
            ensure!(
                line.is_none(),
                "{what} stands in the log line {:?}",
                line.unwrap_or_default().replace(&text, "[it stands here]")
            );
        }
        Ok(())
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logs {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
