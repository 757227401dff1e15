//! How messages come in to a new driver, which decides what it is made of.

use clap::ValueEnum;

/// A kind of driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Inbound {
    /// The platform calls the instance's listener.
    #[default]
    Webhook,
    /// Over a connection that the driver keeps.
    Stream,
    /// The driver asks the platform again and again.
    Poll,
}

impl Inbound {
    /// All kinds.
    pub(super) const ALL: [Self; 3] = [Self::Webhook, Self::Stream, Self::Poll];

    /// The folders of templates that make up the crate, each winning over those before it. The last
    /// one is the kind's own, and called as the kind is.
    pub(super) fn templates(self) -> &'static [&'static str] {
        match self {
            Self::Webhook => &["driver", "http", "webhook"],
            Self::Stream => &["driver", "stream"],
            Self::Poll => &["driver", "http", "poll"],
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        self.templates().last().copied().unwrap_or_default()
    }

    /// The folder of what a repository of its own has beside the crate.
    pub(super) fn of_repository(self) -> &'static str {
        match self {
            Self::Webhook => "repository-webhook",
            Self::Stream => "repository-stream",
            Self::Poll => "repository-poll",
        }
    }
}
