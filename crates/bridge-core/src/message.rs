//! A message as it came in, normalised: the same for all platforms.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::Address;
use crate::purpose::Purpose;
use crate::time::Timestamp;

/// What somebody said in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The platform's own id of the message, by which a repeated callback is recognised. A message
    /// without one is never taken for a duplicate.
    pub id: Option<String>,
    /// The channel it was said in.
    pub address: Address,
    /// The channel's name as people see it; empty where the platform gives none.
    pub channel_title: String,
    /// Who said it.
    pub sender: Sender,
    /// What it mainly is.
    pub kind: MessageKind,
    /// What was said, without what only the platform needs (such as the mention of the robot).
    pub text: String,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
    /// The message that it answers, if it answers one.
    pub reply_to: Option<Quoted>,
    /// The platform's time of the message; never used for deadlines.
    pub sent_at: Option<Timestamp>,
}

impl Message {
    /// A message with only what every message has; set the other fields on it.
    pub fn new(address: Address, sender: Sender, text: impl Into<String>) -> Self {
        Self {
            id: None,
            address,
            channel_title: String::new(),
            sender,
            kind: MessageKind::default(),
            text: text.into(),
            attachments: Vec::new(),
            reply_to: None,
            sent_at: None,
        }
    }
}

/// What a message mainly is, as rules ask for it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MessageKind {
    /// Words, with or without pictures among them.
    #[default]
    Text,
    /// A picture or a sticker.
    Picture,
    /// Speech or music.
    Audio,
    /// A film.
    Video,
    /// A file of any other kind.
    File,
    /// What is none of these: a place, a card, a poll.
    Other,
}

impl MessageKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Picture,
        Self::Audio,
        Self::Video,
        Self::File,
        Self::Other,
    ];

    /// As it stands in the rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Picture => "picture",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::File => "file",
            Self::Other => "other",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for MessageKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The person or robot that sent a message. What the platform does not give is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Sender {
    /// The platform's id.
    pub id: String,
    /// The name as people see it; anybody may choose any, so it proves nothing.
    pub name: String,
    /// Where the picture is.
    pub avatar: String,
}

impl Sender {
    /// A sender without a picture.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            avatar: String::new(),
        }
    }
}

/// A message that another one answers. What the platform does not give is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Quoted {
    /// The platform's id of it, as [`Message::id`] was; for a message of the bridge's, the id that
    /// its send was given.
    pub id: String,
    /// Who said it, as people see it.
    pub sender_name: String,
    /// What it says.
    pub text: String,
}

impl Quoted {
    /// The message with this id, of which nothing else is known.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ..Self::default()
        }
    }
}

/// A file that came with a message, by where it can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// Its name as people see it; empty where the platform gives none.
    pub name: String,
    /// Where it can be fetched.
    pub url: String,
    /// What it is; [`MessageKind::File`] where the platform does not tell.
    pub kind: MessageKind,
    /// How large it is, in bytes, if the platform tells.
    pub size_bytes: Option<u64>,
}

impl Attachment {
    /// The file at `url`, called `name`; set the other fields on it.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            kind: MessageKind::File,
            size_bytes: None,
        }
    }
}

/// What a rule's `msg` block says at the keys of a driver's own: rendered.
pub type MsgValues = BTreeMap<String, MsgValue>;

/// The rendered value of one such key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MsgValue {
    /// Of one template.
    Text(String),
    /// Of an object of templates.
    Texts(BTreeMap<String, String>),
}

/// What a delivery shows: a message dressed by a rule's `msg` block, not yet cut for a target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The `<richheader>` of the rule's format, if it has one.
    pub header: Option<RichHeader>,
    /// The rendered text.
    pub text: String,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
    /// Whether the text is a digest of several messages, each with its mark.
    pub is_digest: bool,
    /// What it is for: usually to say the text.
    pub purpose: Purpose,
    /// What the rule says at the keys of the target's driver. A digest has those that all its
    /// messages have alike.
    pub msg: Arc<MsgValues>,
}

/// A heading above a delivery's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RichHeader {
    /// Usually the sender's name.
    pub title: String,
    /// A second, lesser part; may be empty.
    pub content: String,
}

/// `[title · content]`, or `[title]` without content.
impl std::fmt::Display for RichHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.content.is_empty() {
            write!(f, "[{}]", self.title)
        } else {
            write!(f, "[{} · {}]", self.title, self.content)
        }
    }
}

/// The text on one line: control characters become spaces, and characters that turn the direction
/// of writing are dropped. Otherwise a name could begin a line that looks like somebody else's.
pub fn single_line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars()
        .filter(|c| !turns(*c))
        .map(|c| if breaks(c) { ' ' } else { c })
        .collect()
}
