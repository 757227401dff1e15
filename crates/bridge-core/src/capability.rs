//! What an instance hears, what a channel of it can show, and how much the platform takes.

/// Limits and abilities of an instance and its channels, declared by its driver. The core fits every
/// delivery to them, so a driver is never asked for more than it declared.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Capabilities {
    /// How messages come in.
    pub inbound: Inbound,
    /// What it hears beside text.
    pub hears: Features,
    /// What a channel shows beside text, by itself; the rest is degraded to text, or left out.
    pub shows: Features,
    /// The largest text of one send, as counted by `text_size`.
    pub text_limit: usize,
    /// How the platform counts a text: bytes, characters, bytes after escaping. A part must never
    /// be counted as more than the whole it was cut from, or the sum of two parts as less than
    /// the two together.
    pub text_size: fn(&str) -> usize,
    /// Whether a text may have several lines; where not, each line is a part of its own.
    pub line_breaks: bool,
    /// Whether sending twice with the same [`Outgoing::key`](crate::driver::Outgoing::key) shows
    /// one message. Few platforms promise that. A send of which nobody knows whether it was delivered
    /// is then repeated without a limit by number, so a promise that is not kept is a message shown
    /// again and again; and no test sees it, as only the platform knows.
    pub idempotent_send: bool,
    /// Sends a second that the platform takes from one instance; 0 for no limit.
    pub rate_per_second: u32,
    /// Sends a minute that the platform takes for one channel; 0 for no limit.
    pub channel_rate_per_minute: u32,
    /// Whether the platform hands an instance's own sends back to it, so that
    /// [`Driver::decode`](crate::driver::Driver::decode) returns them as messages. The check then
    /// warns of rules by which a message could run in a circle.
    pub hears_own_sends: bool,
    /// Whether an instance hears in its channels what other robots of the platform send there.
    pub hears_other_robots: bool,
    /// Whether callbacks lack what people should see, such as names, so that
    /// [`Driver::look_up`](crate::driver::Driver::look_up) has to ask for it.
    pub looks_up: bool,
}

/// How messages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inbound {
    /// Not at all: the instance only sends.
    Nothing,
    /// The platform calls the instance's own listener.
    Listener,
    /// Over a connection that the instance keeps.
    Connection,
    /// The instance asks the platform again and again.
    Polling,
}

/// What there is beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Features {
    /// Files. Where a channel does not show them, they stand in the text as links.
    pub attachments: bool,
    /// That a message answers another one.
    pub replies: bool,
    /// That a message says something else now.
    pub edits: bool,
    /// That a message was taken back.
    pub recalls: bool,
    /// Signs that people put to a message.
    pub reactions: bool,
}

impl Features {
    /// Nothing but text.
    pub const NONE: Self = Self {
        attachments: false,
        replies: false,
        edits: false,
        recalls: false,
        reactions: false,
    };

    /// All there is now.
    pub const ALL: Self = Self {
        attachments: true,
        replies: true,
        edits: true,
        recalls: true,
        reactions: true,
    };
}

impl Capabilities {
    /// Sends plain text counted in bytes, hears nothing; no rate limits, no idempotency.
    pub const fn text(limit_bytes: usize) -> Self {
        Self {
            inbound: Inbound::Nothing,
            hears: Features::NONE,
            shows: Features::NONE,
            text_limit: limit_bytes,
            text_size: str::len,
            line_breaks: true,
            idempotent_send: false,
            rate_per_second: 0,
            channel_rate_per_minute: 0,
            hears_own_sends: false,
            hears_other_robots: false,
            looks_up: false,
        }
    }
}
