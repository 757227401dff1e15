//! Lets one call fail, for tests: as a disk does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Which of the calls that follow fails. Clones are the same fault.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fault(Arc<AtomicU64>);

impl Fault {
    /// The `number`-th call from here fails, and no other; 0 for none.
    pub(crate) fn at(&self, number: u64) {
        self.0.store(number, SeqCst);
    }

    /// Whether it has not come yet.
    pub(crate) fn is_ahead(&self) -> bool {
        self.0.load(SeqCst) > 0
    }

    /// A call.
    pub(super) fn pass(&self) -> rusqlite::Result<()> {
        let before = self
            .0
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if before == Ok(1) {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
            let text = Some("disk I/O error, on purpose".to_owned());
            return Err(rusqlite::Error::SqliteFailure(code, text));
        }
        Ok(())
    }
}
