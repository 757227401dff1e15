//! An IRC network that runs on loopback or in memory: what tests, the demo and load talk to instead
//! of a real one.
//!
//! It registers clients (capabilities, SASL PLAIN, password), lets people whom a test plays speak
//! in channels, writes down everything that is said there, and breaks in the ways networks break
//! when a test tells it to. It shares no code with the driver that it tests: it is a second opinion
//! on the protocol.
//!
//! ```
//! use std::time::Duration;
//! use irc_sandbox::Sandbox;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start().await?;
//! assert!(sandbox.address().is_some_and(|address| address.ip().is_loopback()));
//!
//! let ops = sandbox.room("#ops");
//! sandbox.person("anna").join("#ops").say("hi");
//! let said = ops.wait_for(|said| said.len() == 1, Duration::from_secs(5)).await?;
//! assert_eq!((&*said[0].nick, &*said[0].text), ("anna", "hi"));
//!
//! // A connection in memory speaks to the same network, without a socket.
//! let link = sandbox.connect().ok_or("the network refuses connections")?;
//! link.write(b"PING x\r\n");
//! assert_eq!(link.read(), ":irc.sandbox PONG irc.sandbox :x\r\n");
//! # sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! | file | answers for |
//! |---|---|
//! | `network` | the network itself, without a socket: a file for each part of the protocol |
//! | `sandbox`, `person`, `room`, `link` | the handles that tests hold |
//! | `journal` | what was said in channels, in order |
//! | `faults`, `counters` | ways to break, and what happened |
//! | `server` | the network on a port |
//! | `playground` | the network as `bridge demo` plays on it |
//!
//! As real servers do, it cuts what is longer than 512 bytes, so that a wrong split is seen in the
//! journal.
//!
//! # What is deliberately absent
//!
//! TLS, operators among clients, topics, services, several servers, and everything that a bridge
//! has no use for. A channel's modes are set by the test.

#![warn(missing_docs)]

mod clock;
mod counters;
mod faults;
mod journal;
mod link;
mod network;
mod person;
mod playground;
mod room;
mod sandbox;
mod server;
mod state;

pub use counters::Counters;
pub use faults::Fault;
pub use journal::{Entry, Said, WaitTimeout};
pub use link::Link;
pub use network::FloodLimit;
pub use person::{Member, Person};
pub use room::Room;
pub use sandbox::{Builder, Sandbox};
