//! What a channel of a platform can show and how much the platform takes.

/// Limits and abilities of a target, declared by its driver. The core fits every delivery to them,
/// so a driver is never handed more than it declared.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Capabilities {
    /// The largest text of one send, as counted by `text_size`.
    pub text_limit: usize,
    /// How the platform counts a text: bytes, characters, bytes after escaping. A part must never
    /// be counted as more than the whole it was cut from, or the sum of two parts as less than
    /// the two together.
    pub text_size: fn(&str) -> usize,
    /// Whether sending twice with the same [`Outgoing::key`](crate::driver::Outgoing::key) shows
    /// one message.
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
}

impl Capabilities {
    /// Plain text counted in bytes, links for attachments, no rate limits, no idempotency; hears
    /// people only.
    pub const fn text(limit_bytes: usize) -> Self {
        Self {
            text_limit: limit_bytes,
            text_size: str::len,
            idempotent_send: false,
            rate_per_second: 0,
            channel_rate_per_minute: 0,
            hears_own_sends: false,
            hears_other_robots: false,
        }
    }
}
