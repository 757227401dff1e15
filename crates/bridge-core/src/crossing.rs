//! What crosses from one instance to another, and what becomes of what a channel does not show. The
//! one table of that: [`carry`](crate::carriage::carry) does what it says, `bridge capabilities` says
//! what is done.

use crate::capability::{Capabilities, Features};

mod table;

pub use table::{Row, between, of_driver};

/// Something beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Files.
    Attachments,
    /// That a message answers another one.
    Replies,
    /// That a message says something else now.
    Edits,
    /// That a message was taken back.
    Recalls,
    /// Signs that people put to a message.
    Reactions,
}

/// What becomes of something where the channel does not show it, or where it can't be told which
/// message of the channel is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// It stands in the text as a link.
    Link,
    /// A line of what is answered stands above the text.
    Quote,
    /// It is said anew, with [`EDITED`] before it.
    SaidAnew,
    /// Nothing is sent; the delivery ends as not shown.
    NotShown,
}

/// Stands before an edited message that is said anew.
pub const EDITED: &str = "✎ ";

/// How something crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// The source does not hear it, so there is nothing to carry.
    NotHeard,
    /// The target shows it as such.
    Shown,
    /// The target does not show it; this is done instead.
    Degraded(Otherwise),
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Attachments,
        Self::Replies,
        Self::Edits,
        Self::Recalls,
        Self::Reactions,
    ];

    /// As the table names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attachments => "attachments",
            Self::Replies => "replies",
            Self::Edits => "edits",
            Self::Recalls => "recalls",
            Self::Reactions => "reactions",
        }
    }

    /// Whether `features` has it.
    pub const fn is_in(self, features: &Features) -> bool {
        match self {
            Self::Attachments => features.attachments,
            Self::Replies => features.replies,
            Self::Edits => features.edits,
            Self::Recalls => features.recalls,
            Self::Reactions => features.reactions,
        }
    }

    /// What is done where a channel does not show it.
    pub const fn otherwise(self) -> Otherwise {
        match self {
            Self::Attachments => Otherwise::Link,
            Self::Replies => Otherwise::Quote,
            Self::Edits => Otherwise::SaidAnew,
            Self::Recalls | Self::Reactions => Otherwise::NotShown,
        }
    }

    /// How it crosses from a source to a target.
    pub const fn crossing(self, source: &Capabilities, target: &Capabilities) -> Crossing {
        if !self.is_in(&source.hears) {
            Crossing::NotHeard
        } else if self.is_in(&target.shows) {
            Crossing::Shown
        } else {
            Crossing::Degraded(self.otherwise())
        }
    }
}

impl Otherwise {
    /// What is done, as a clause.
    pub fn describe(self) -> String {
        match self {
            Self::Link => "as a link in the text".to_owned(),
            Self::Quote => "one quoted line above the text".to_owned(),
            Self::SaidAnew => format!("a new message behind `{}`", EDITED.trim_end()),
            Self::NotShown => "nothing is sent; `bridge trace` says so".to_owned(),
        }
    }
}

impl Crossing {
    /// How it crosses, as a clause.
    pub fn describe(self) -> String {
        match self {
            Self::NotHeard => "not heard".to_owned(),
            Self::Shown => "as such".to_owned(),
            Self::Degraded(otherwise) => otherwise.describe(),
        }
    }
}
