//! Reads what operators write: `config.json` and `rules.json`, from bytes to a checked [`Setup`].
//!
//! One path for everybody: `run`, `check` and `explain` call [`load`], so they can't disagree. All
//! problems of both files are found in one run.

mod document;
mod instance;
pub mod issue;
mod listen;
mod load;
mod network;
mod retention;
pub mod settings;
pub(crate) mod shape;
pub(crate) mod tree;
mod typed;

pub use issue::{Issue, Severity};
pub use load::{InstanceSetup, Loaded, Setup, Source, Unreadable, load};
pub use network::Network;
