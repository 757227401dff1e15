//! Counts of what happened on the network.

/// What happened since the network was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that were taken.
    pub connections: u64,
    /// Connections that were refused.
    pub refused: u64,
    /// Clients that were welcomed.
    pub registrations: u64,
    /// Lines that clients sent, of any kind.
    pub lines: u64,
    /// Channels that clients asked to join, granted or not.
    pub joins: u64,
    /// `PRIVMSG` and `NOTICE` that clients sent, shown or not.
    pub sends: u64,
    /// Clients that were thrown out because they sent too much.
    pub floods: u64,
}
