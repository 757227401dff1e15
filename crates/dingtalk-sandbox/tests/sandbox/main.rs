//! What the sandbox takes, refuses, calls back, writes down and breaks.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, by panicking"
)]

mod callbacks;
mod faults;
mod groups;
mod playground;
mod strictness;
mod support;
mod tokens;
