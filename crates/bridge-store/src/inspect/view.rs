//! What an inspector shows, for people and for programs alike.

use bridge_core::id::{Address, Channel, InstanceId};
use bridge_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A channel from which something came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenChannel {
    /// The channel.
    pub channel: Channel,
    /// The last name it was seen under; empty if none was given.
    pub title: String,
    /// When something came for the first time.
    pub first_seen: Timestamp,
    /// When something came for the last time.
    pub last_seen: Timestamp,
}

/// A message that was not forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotForwarded {
    /// The instance that received it.
    pub instance: InstanceId,
    /// Its channel, if it has one.
    pub address: Option<Address>,
    /// The platform's id, if it has one.
    pub message_id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Why, as a short name.
    pub reason: String,
}

/// A mailbox, as its operator sees it. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxView {
    /// Whose it is.
    pub instance: String,
    /// Entries that are neither confirmed nor dropped.
    pub unread: u64,
    /// Since when the first of those waits.
    pub oldest_unread: Option<String>,
    /// The number of the entry that was put in last.
    pub last: i64,
    /// The number up to which its reader has confirmed, if it ever did.
    pub confirmed: Option<i64>,
    /// The highest number that was dropped before anybody had confirmed it, if one ever was.
    pub dropped: Option<i64>,
}

/// A delivery that ended without success. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The delivery's number.
    pub id: i64,
    /// When it was given up.
    pub at: String,
    /// The target's instance.
    pub instance: String,
    /// The target, as it is written in the rules.
    pub target: String,
    /// Where the message came from; `None` if its row is damaged.
    pub source: Option<String>,
    /// The platform's id of the message.
    pub message_id: Option<String>,
    /// When the bridge received the message.
    pub received_at: Option<String>,
    /// The rule that chose the target.
    pub rule: String,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether the target may have shown it all the same.
    pub may_have_been_delivered: bool,
    /// Whether its lane waits for it.
    pub blocks: bool,
    /// Tries that failed.
    pub attempts: u32,
    /// Parts that the platform took.
    pub parts_sent: u32,
    /// What was to be shown; `None` if its row is damaged.
    pub text: Option<String>,
}

/// Everything that is known of a message id or a delivery's number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trace {
    /// The messages of this id: one for each channel that it came from; and their changes.
    pub messages: Vec<TracedMessage>,
    /// What was not forwarded, and what operators did.
    pub records: Vec<TracedRecord>,
}

/// A message that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedMessage {
    /// The platform's id.
    pub message_id: Option<String>,
    /// The channel that it came from, as it is written in the rules.
    pub source: String,
    /// The channel's name as people see it; empty if none was given.
    pub source_title: String,
    /// When the bridge received it.
    pub received_at: String,
    /// How often it came again.
    pub duplicates: u64,
    /// When it came again for the last time.
    pub last_duplicate_at: Option<String>,
    /// The id of the message that it changes; `None` if it changes none.
    #[serde(default)]
    pub change_of: Option<String>,
    /// What the rules planned for it.
    pub deliveries: Vec<TracedDelivery>,
}

/// A delivery, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedDelivery {
    /// Its number.
    pub id: i64,
    /// The rule that chose the target.
    pub rule: String,
    /// The target, as it is written in the rules.
    pub target: String,
    /// `queued`, `delivered`, `merged`, `expired`, `not_shown`, `dead` or `discarded`.
    pub state: String,
    /// Since when, if it is not queued.
    pub at: Option<String>,
    /// The last thing that went wrong.
    pub reason: Option<String>,
    /// Whether the target may have shown it though it is a dead letter.
    pub may_have_been_delivered: bool,
    /// Whether its lane waits for it.
    pub blocks: bool,
    /// When it may be tried again, if it waits for that.
    pub not_before: Option<String>,
    /// The delivery that shows it, if it was merged.
    pub merged_into: Option<i64>,
    /// What was, or is to be, shown; `None` once it is no longer kept.
    pub text: Option<String>,
    /// Tries that failed, oldest first.
    pub attempts: Vec<TracedAttempt>,
    /// What the platform took, part by part.
    pub parts: Vec<TracedPart>,
}

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedAttempt {
    /// When it failed.
    pub at: String,
    /// Which part was sent, from 1.
    pub part: u32,
    /// What the platform said.
    pub answer: String,
    /// Whether the platform may have taken it all the same.
    pub uncertain: bool,
}

/// A part that the platform took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedPart {
    /// When.
    pub at: String,
    /// Which, from 1; the last one of a delivery comes last.
    pub part: u32,
    /// The platform's ids of it; none where it gives none.
    pub platform_ids: Vec<String>,
}

/// A short record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedRecord {
    /// When.
    pub at: String,
    /// The instance.
    pub instance: String,
    /// The channel as JSON, if it has one.
    pub address: Option<String>,
    /// The delivery that it is about, if it is about one.
    pub delivery: Option<i64>,
    /// What happened, as a short name: `no_rule`, `replayed`, …
    pub reason: String,
}

/// How many deliveries there are of what. Everything that was planned is in one of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Deliveries that were planned, ever.
    pub planned: u64,
    /// Those that wait; some of them may be on their way.
    pub queued: u64,
    /// Those that the platforms took.
    pub delivered: u64,
    /// Those that are shown by another one.
    pub merged: u64,
    /// Dead letters, those that retention has removed included.
    pub dead: u64,
    /// Those that expired.
    pub expired: u64,
    /// Those that were given up by a person.
    pub discarded: u64,
    /// Changes that their channels could not show.
    #[serde(default)]
    pub not_shown: u64,
    /// Those that stood on damaged pages when the store was mended.
    pub lost: u64,
}

impl Totals {
    /// Where all planned deliveries should be.
    pub fn accounted(&self) -> u64 {
        [
            self.queued,
            self.delivered,
            self.merged,
            self.dead,
            self.expired,
            self.discarded,
            self.not_shown,
            self.lost,
        ]
        .iter()
        .sum()
    }
}
