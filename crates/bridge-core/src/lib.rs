//! The platform-independent half of the bridge: what a message is, which rules choose its targets,
//! what a driver and a store must do. No I/O happens here and no clock is read; both come through
//! [`ports`].
//!
//! ```text
//! raw request ─ driver::Driver: verify, decode ─▶ message::Message ─ rules::Rules::plan ─▶ store::Admission
//! store::QueuedDelivery ─ carriage::carry, fit::fit ─▶ driver::Outgoing ─ driver::Driver::send ─▶ outcome
//! ```
#![warn(missing_docs)]

pub mod capability;
pub mod carriage;
pub mod catalog;
pub mod config;
pub mod crossing;
pub mod digest;
pub mod driver;
pub mod fit;
pub mod id;
pub mod key_table;
pub mod message;
pub mod outcome;
pub mod ports;
pub mod purpose;
pub mod retry;
pub mod rules;
pub mod sandbox;
pub mod secret;
pub mod store;
pub mod time;

/// The level of the driver API: drivers and binaries that are built with one level fit together.
///
/// It is raised when a driver that was written for the last release could no longer compile, or would
/// no longer keep the contract: `docs/compatibility.md` says when that is.
pub const API_LEVEL: u32 = 1;

/// What `register_driver!` and `register_sandbox!` expand to; not part of the API.
#[doc(hidden)]
pub mod macros {
    pub use inventory;
}

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
