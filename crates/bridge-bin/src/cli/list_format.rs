//! How a command that lists things prints them.

/// For people, or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum ListFormat {
    /// Text, for people
    #[default]
    Text,
    /// One JSON list
    Json,
}
