//! Programs that speak by webhook, on loopback: what `bridge demo` plays on in their place.
//!
//! Each room is a program of its own: it takes signed requests at a URL, as a receiver of [Standard
//! Webhooks](https://www.standardwebhooks.com) does that remembers ids, and posts what people say to
//! the bridge, signed in the same way. It shares no code with the driver: it is a second opinion on the
//! protocol.
//!
//! | file | answers for |
//! |---|---|
//! | `playground` | the rooms, as the demo knows them |
//! | `receiver` | requests of the bridge: who signed them, what they show |
//! | `server` | the receivers on a port |
//! | `sender` | requests to the bridge, and what it answers |
//! | `signature` | signatures of both |
//!
//! There is nothing to call: naming the crate registers the sandbox.

#![warn(missing_docs)]

mod playground;
mod receiver;
mod sender;
mod server;
mod signature;
