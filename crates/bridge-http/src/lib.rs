//! HTTP in both directions: the listeners with their tower stack, and the outbound stack over a
//! blocking client; and the connections that drivers keep. The only crate that names hyper's server and ureq.
//!
//! ```text
//! listener ─ serve ─▶ endpoint: timeout, read, shed, limit, Driver: verify, decode ─▶ Intake::take
//!          └─ a question ─▶ Driver::answer
//! lane ─▶ Outbound: limit, budget, timeout ─▶ Driver::send ─▶ HttpClient ─▶ BlockingPool
//! Driver::run ─▶ Dialer
//! ```
#![warn(missing_docs)]

mod authorities;
mod budget;
mod client;
mod clock;
mod dial;
mod inbound;
mod outbound;
mod pool;
mod random;
mod server;

pub use authorities::{Authorities, AuthoritiesError};
pub use budget::Budget;
pub use client::{ClientError, ClientOptions, HttpClient};
pub use clock::SystemClock;
pub use dial::Dialer;
pub use inbound::{Chosen, Endpoint, InboundOptions, Intake, SMALL_BODY_BYTES, chosen, endpoint};
pub use outbound::{Attempt, Outbound, OutboundOptions, ReadyOutbound, stack};
pub use pool::{BlockingPool, PoolShare};
pub use random::SystemRandom;
pub use server::{BindError, ServerOptions, bind, serve, serve_then};
