//! What came of a reload, as it is said to whoever asked.

use std::fmt;

use bridge_core::config::{Code, Diagnostic, FilesDigest};
use serde::{Deserialize, Serialize};

use crate::app::drain::Removed;
use crate::app::site::Change;
use crate::cli::output;

/// Why the files are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// SIGHUP.
    Signal,
    /// `bridge reload`.
    Command,
    /// They have changed.
    Files,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal => "SIGHUP",
            Self::Command => "bridge reload",
            Self::Files => "the files changed",
        })
    }
}

/// What came of a reload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(crate) enum Reloaded {
    /// The files are in force.
    Applied {
        digest: String,
        generation: u64,
        added: Vec<String>,
        changed: Vec<String>,
        removed: Vec<Parked>,
        untouched: usize,
        /// Keys whose new values wait for a restart.
        needs_restart: Vec<String>,
        /// The warnings about the files, as `bridge check` prints them.
        warnings: String,
    },
    /// They were in force already.
    Unchanged {
        digest: String,
        needs_restart: Vec<String>,
    },
    /// They have errors; nothing was changed.
    Refused {
        digest: String,
        /// All that is wrong, as `bridge check` prints it.
        problems: String,
    },
    /// They are right, and can't be applied; nothing was changed.
    NotApplied {
        digest: String,
        reason: String,
        /// What is wrong around them, as `bridge check` prints it.
        problems: String,
    },
}

/// What became of the deliveries to an instance that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parked {
    pub(crate) instance: String,
    /// How many are dead letters now.
    pub(crate) parked: usize,
    /// Why there may be more, which are still queued.
    pub(crate) failure: Option<String>,
}

impl Reloaded {
    /// Whether the files or this machine are to blame is told apart as at the start.
    pub(super) fn refused(digest: FilesDigest, diagnostics: &[Diagnostic]) -> Self {
        let (digest, problems) = (digest.to_string(), output::text(diagnostics));
        let errors = diagnostics.iter().filter(|found| found.is_error());
        let mut errors = errors.map(|error| error.code);
        match errors.any(Code::blames_the_files) {
            true => Self::Refused { digest, problems },
            false => Self::NotApplied {
                digest,
                reason: "secrets are missing".to_owned(),
                problems,
            },
        }
    }

    pub(super) fn not_applied(digest: FilesDigest, reason: impl fmt::Display) -> Self {
        Self::NotApplied {
            digest: digest.to_string(),
            reason: reason.to_string(),
            problems: String::new(),
        }
    }

    pub(super) fn applied(
        digest: FilesDigest,
        change: &Change,
        removed: &[Removed],
        diagnostics: &[Diagnostic],
    ) -> Self {
        let removed = removed.iter().map(|removed| Parked {
            instance: removed.instance.to_string(),
            parked: removed.parked,
            failure: removed.failure.as_ref().map(ToString::to_string),
        });
        Self::Applied {
            digest: digest.to_string(),
            generation: change.generation,
            added: texts(&change.added),
            changed: texts(&change.changed),
            removed: removed.collect(),
            untouched: change.untouched,
            needs_restart: texts(&change.needs_restart),
            warnings: output::text(diagnostics),
        }
    }
}

pub(super) fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

/// `dt_main dt_ops`, for the log.
pub(super) fn list<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    texts(all).join(" ")
}
