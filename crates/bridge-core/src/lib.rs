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
pub mod message;
pub mod outcome;
pub mod ports;
pub mod purpose;
pub mod retry;
pub mod rules;
pub mod secret;
pub mod store;
pub mod time;

/// What `register_driver!` expands to; not part of the API.
#[doc(hidden)]
pub mod macros {
    pub use inventory;
}

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
