//! The durable queue in SQLite, behind [`bridge_core::store::Store`].
//!
//! ```text
//! store (async face) ─ queue (bounded) ─▶ writer (thread: batch, commit, feed, answer) ─ commit (SQL)
//!                    └ reader (thread, its own connection) ─ row (decode, verify)
//! open (directory, lock, errors)   schema (tables, version)   inspect (read-only, beside a bridge or without)
//! mailbox (rows of entries)        identity (which store this is)
//! ```
//!
//! A data directory holds `store.db` with SQLite's own companions (`-wal`, `-shm`), and `lock`.
#![warn(missing_docs)]

mod commit;
mod fail_point;
mod identity;
mod inspect;
mod known;
mod mailbox;
mod mend;
mod migrate;
mod open;
mod queue;
mod reader;
mod retention;
mod row;
mod salvage;
mod schema;
mod store;
mod writer;

#[doc(hidden)]
pub use fail_point::fail_point;
pub use inspect::{
    BackupError, DeadLetter, Fault, InspectError, Inspector, LetterFilter, MailboxView,
    NotForwarded, SeenChannel, Totals, Trace, TracedAttempt, TracedDelivery, TracedMessage,
    TracedPart, TracedRecord,
};
pub use open::{OpenError, StoreOptions};
pub use store::SqliteStore;
