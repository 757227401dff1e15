//! HTTP in both directions: the listeners with their tower stack, and the outbound stack over a
//! blocking client. The only crate that names hyper's server and ureq.
//!
//! ```text
//! listener ─ serve ─▶ endpoint: timeout, read, shed, limit, Driver: verify, decode ─▶ Intake::take
//! lane ─▶ Outbound: limit, budget, timeout ─▶ Driver::send ─▶ HttpClient ─▶ BlockingPool
//! ```
#![warn(missing_docs)]

mod budget;
mod client;
mod clock;
mod inbound;
mod outbound;
mod pool;
mod server;

pub use budget::Budget;
pub use client::{ClientError, ClientOptions, HttpClient};
pub use clock::SystemClock;
pub use inbound::{
    Busy, Chosen, Endpoint, InboundOptions, Intake, SMALL_BODY_BYTES, chosen, endpoint,
};
pub use outbound::{Attempt, Outbound, OutboundOptions, ReadyOutbound, stack};
pub use pool::{BlockingPool, PoolShare};
pub use server::{BindError, ServerOptions, bind, serve, serve_then};
