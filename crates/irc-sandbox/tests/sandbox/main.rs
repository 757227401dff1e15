//! What the network answers, shows, writes down and breaks.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, by panicking"
)]

mod channels;
mod faults;
mod over_tcp;
mod playground;
mod registration;
mod support;
mod talk;
