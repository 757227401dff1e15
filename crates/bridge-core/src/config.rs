//! Reads what operators write: the config and the rules, in any [`Format`], from bytes to a checked [`Setup`].
//!
//! One path for everybody: `run`, `check` and `explain` call [`load`], so they can't disagree. All
//! problems of both files are found in one run.

pub mod codes;
mod convert;
pub(crate) mod diagnostic;
pub(crate) mod disclosure;
pub(crate) mod document;
mod fingerprint;
mod format;
mod instance;
pub(crate) mod key_path;
mod listen;
mod load;
mod neighbours;
mod network;
pub(crate) mod notes;
pub(crate) mod placeholder;
mod reader;
mod retention;
pub(crate) mod schema;
pub mod settings;
pub(crate) mod shape;
pub(crate) mod suggest;
pub(crate) mod tree;
mod typed;
mod way;

pub use codes::{Code, Example, Part};
pub use convert::{Converted, convert};
pub use diagnostic::{Diagnostic, Label, Place, Severity};
pub use document::{Document, Excerpt};
pub use fingerprint::{FilesDigest, Fingerprint};
pub use format::{ENDINGS, Format};
pub use listen::collide;
pub use load::{InstanceSetup, Loaded, Setup, Source, Unreadable, check_rules, load};
pub use network::Network;
pub use schema::json_schema;
pub(crate) use schema::publish;
