//! The driver against a network in memory, with time that stands still until a test moves it.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, by panicking"
)]

mod channels;
mod connecting;
mod receiving;
mod sending;
mod support;
