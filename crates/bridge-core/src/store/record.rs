//! Short records of what led to no delivery.

use crate::id::{Address, Channel, InstanceId};
use crate::time::Timestamp;

/// A short record of something that led to no delivery. It never holds text that people wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// A message that was not forwarded.
    NotForwarded {
        /// The instance that received it.
        instance: InstanceId,
        /// Its channel, if it has one.
        address: Option<Address>,
        /// The platform's id, if it has one.
        message_id: Option<String>,
        /// When.
        at: Timestamp,
        /// Why, as a short name: `no_rule`, `private_chat`, `holds_secret`, …
        reason: &'static str,
    },
    /// A channel from which something came.
    ChannelSeen {
        /// The channel.
        channel: Channel,
        /// Its name as people see it; may be empty.
        title: String,
        /// When.
        at: Timestamp,
    },
}
