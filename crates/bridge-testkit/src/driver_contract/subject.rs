//! What the author of a driver says about it: its settings, and its platform as seen from outside.

use bridge_core::driver::Driver;
use bridge_core::id::Address;
use bridge_core::message::Message;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::platform::{WayIn, WayOut};

/// A driver under test, and how its platform behaves as far as the driver can tell.
pub trait Subject: Send + Sync + Sized + 'static {
    /// The driver.
    type Driver: Driver;

    /// Settings that work, with a value for every key there is. Secrets stand as literals of at least
    /// 8 characters, which occur nowhere else in what the subject gives.
    fn settings(&self) -> Value;

    /// The keys of [`Subject::settings`] that hold secrets; empty if there are none.
    fn secret_keys(&self) -> &'static [&'static str];

    /// The address of a channel; another one for each number.
    fn address(&self, number: usize) -> Address;

    /// How messages come in.
    fn way_in(&self) -> WayIn<'_>;

    /// How sends go out.
    fn way_out(&self) -> WayOut<'_>;

    /// Recorded bodies of callbacks, frames or lines of a connection, or answers to polls, with what
    /// they bring; at least one brings a message. Empty only if nothing comes in.
    fn recorded(&self) -> Vec<Recorded>;

    /// One about a message of the instance itself; `None` if the platform sends none, or if nothing
    /// in it tells.
    fn own_message(&self) -> Option<Bytes> {
        None
    }

    /// Questions that the driver answers; `None` if it takes none.
    fn questions(&self) -> Option<Questions> {
        None
    }

    /// Texts that would be markup of the platform if they were sent as they are: mentions, links,
    /// formats. Empty if the platform has none.
    fn markup(&self) -> Vec<Markup> {
        Vec::new()
    }

    /// Whether control characters reach people. Where they can't, the driver leaves them out; line
    /// breaks (`\n` and `\r`) and tabs are no such characters, but text: they arrive as they are, or a
    /// tab as a space.
    fn shows_control_characters(&self) -> bool {
        true
    }
}

/// What a recorded body is and brings.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its name in failures, such as that of its file.
    pub name: &'static str,
    /// The body.
    pub body: Bytes,
    /// What it brings, in order.
    pub brings: Vec<Brings>,
}

/// One thing that a recorded body brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brings {
    /// Exactly this message.
    Message(Box<Message>),
    /// A change of an earlier message: exactly this one.
    Changed(bridge_core::driver::Change),
    /// Nothing that can be forwarded, for this reason.
    Ignored(&'static str),
}

/// Questions that the driver answers at its listener.
#[derive(Debug, Clone)]
pub struct Questions {
    /// Questions that are answered with success, with the credential of [`Subject::settings`]; at
    /// least one for each path.
    pub good: Vec<Request<Bytes>>,
    /// The header that holds the credential.
    pub credential: &'static str,
}

/// A text that would be markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markup {
    /// The text, which people must see as it stands here.
    pub text: &'static str,
    /// How it is written to the platform, so that they do.
    pub written: &'static str,
}
