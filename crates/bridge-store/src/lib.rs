//! The durable queue in SQLite, behind [`bridge_core::store::Store`].
//!
//! ```text
//! store (async face) ─ queue (bounded) ─▶ writer (thread: batch, commit, feed, answer) ─ commit (SQL)
//!                    └ reader (thread, its own connection) ─ row (decode, verify)
//! open (directory, lock, errors)   schema (tables, version)   inspect (read-only, beside a bridge or without)
//! ```
//!
//! A data directory holds `store.db` with SQLite's own companions (`-wal`, `-shm`), and `lock`.
#![warn(missing_docs)]

mod commit;
mod inspect;
mod open;
mod queue;
mod reader;
mod row;
mod schema;
mod store;
mod writer;

pub use inspect::{DeadLetter, InspectError, Inspector, NotForwarded, SeenChannel, Totals};
pub use open::{OpenError, StoreOptions};
pub use store::SqliteStore;
