//! What became of everything that one instance received, counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use bridge_core::id::InstanceId;
use tracing::info;

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    admitted: AtomicU64,
    duplicates: AtomicU64,
    busy: AtomicU64,
    ignored: Reasons,
    refused: Reasons,
}

/// Counts by reason. Reasons are constants of the code, so there are few.
#[derive(Debug, Default)]
struct Reasons(Mutex<BTreeMap<&'static str, u64>>);

impl Reasons {
    fn count(&self, reason: &'static str) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(reason)
            .or_default() += 1;
    }
}

/// `no_rule=3 private_chat=1`
impl std::fmt::Display for Reasons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let texts: Vec<_> = reasons
            .iter()
            .map(|(reason, n)| format!("{reason}={n}"))
            .collect();
        f.write_str(&texts.join(" "))
    }
}

impl Counters {
    pub(crate) fn count_admitted(&self) {
        self.admitted.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_duplicate(&self) {
        self.duplicates.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_busy(&self) {
        self.busy.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_ignored(&self, reason: &'static str) {
        self.ignored.count(reason);
    }

    pub(crate) fn count_refused(&self, reason: &'static str) {
        self.refused.count(reason);
    }

    /// Logs all counts in one line.
    pub(crate) fn log(&self, instance: &InstanceId) {
        info!(
            %instance,
            admitted = self.admitted.load(Relaxed),
            duplicates = self.duplicates.load(Relaxed),
            answered_busy = self.busy.load(Relaxed),
            ignored = %self.ignored,
            refused = %self.refused,
            "received in this run"
        );
    }
}
