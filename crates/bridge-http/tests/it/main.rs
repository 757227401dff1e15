//! The crate from outside: real sockets on loopback, fake drivers and clocks.
#![expect(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not the helpers around them"
)]

mod bounds;
mod client;
mod crowd;
mod dial;
mod inbound;
mod look_ups;
mod outbound;
mod peers;
mod questions;
mod rig;
mod server;
mod smuggling;
mod support;
mod tls;
