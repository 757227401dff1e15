//! Ways in which a send to the network fails.

use std::borrow::Cow;

/// How one `PRIVMSG` or `NOTICE` of a client fails. *Shown* means that the others in the channel see
/// it and the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Not shown; the connection breaks.
    LoseUnshown,
    /// Shown; then the connection breaks, and nothing more is heard on it.
    LoseShown,
    /// Not shown; answered with this numeric about the target, which 411, 412 and 417 do not name.
    Refuse {
        /// Such as 404.
        numeric: u16,
        /// What the server says.
        words: Cow<'static, str>,
    },
    /// Not shown, and nobody is told.
    Swallow,
}

impl Fault {
    /// Refused with 404, as by a channel that is moderated.
    pub fn cannot_send() -> Self {
        Self::Refuse {
            numeric: 404,
            words: "Cannot send to channel".into(),
        }
    }
}
