//! The SQLite store from outside: the contract of every store, and what only a store on a disk can
//! do or suffer.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod contract;
mod damage;
mod disk;
mod flip;
mod inspect;
mod load;
mod mailbox;
mod migrate;
mod open;
mod retention;

use std::path::Path;
use std::sync::Arc;

use bridge_store::{Inspector, SqliteStore, StoreOptions};
use bridge_testkit::FakeClock;
use rusqlite::Connection;

/// A store in `dir` that is in order.
fn open_store(dir: &Path) -> SqliteStore {
    open_with(dir, StoreOptions::default())
}

fn open_with(dir: &Path, options: StoreOptions) -> SqliteStore {
    SqliteStore::open(dir, options, Arc::new(FakeClock::default())).unwrap()
}

fn inspector(dir: &Path) -> Inspector {
    Inspector::open(dir).unwrap().unwrap()
}

/// A second connection to the database in `dir`, that writes.
fn meddle(dir: &Path) -> Connection {
    Connection::open(dir.join("store.db")).unwrap()
}

/// Leaves in `to` what a killed process would have left of the idle store in `from`.
fn copy_as_killed(from: &Path, to: &Path) {
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}
