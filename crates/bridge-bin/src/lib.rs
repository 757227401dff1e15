//! The library behind the binary `bridge`: from two files to a running bridge.
//!
//! ```text
//! cli ─ files ─▶ bridge_core::config::load ─▶ app ─┬─ listener per instance ─▶ intake ─▶ store
//!                                                  └─ dispatch ─ lane per channel ─▶ outbound
//! ```
//!
//! Operators' commands ask over `control` beside a running bridge, or the store itself without one.
//!
//! A binary with drivers of its own is one line: [`main!`].

pub mod app;
pub mod cli;
mod control;
mod demo;
mod diagnostics;
mod dispatch;
#[cfg(any(test, feature = "drivers"))]
mod drivers;
mod environment;
pub mod files;
mod generation;
mod intake;
mod known;
mod lane;
pub mod link;
mod log_limit;
mod logging;
#[cfg(test)]
mod simulation;
