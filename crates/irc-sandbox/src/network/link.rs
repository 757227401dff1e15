//! One connection: what came on it, what waits for it, and how far its client has registered.

use std::collections::BTreeSet;

use super::flood::Bucket;
use super::people::UserId;
use super::sasl::Sasl;
use super::{Conduct, Network, QUEUE_BYTES};
use crate::clock::rfc3339;

/// The longest line that is sent, its end and tags apart.
const LINE_BYTES: usize = 510;

/// A connection of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LinkId(pub(crate) u64);

#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(super) inbound: Vec<u8>,
    pub(super) outbound: Vec<u8>,
    pub(super) is_closed: bool,
    pub(super) flood: Bucket,
    pub(super) capabilities: BTreeSet<&'static str>,
    /// Registration waits for `CAP END`.
    pub(super) is_negotiating: bool,
    pub(super) password: Option<String>,
    pub(super) nick: Option<String>,
    pub(super) username: Option<String>,
    pub(super) sasl: Sasl,
    pub(super) account: Option<String>,
    /// Who it is, once it has registered.
    pub(super) user: Option<UserId>,
}

impl Link {
    /// Takes the next whole line off what came, without its end.
    pub(super) fn next_line(&mut self) -> Option<Vec<u8>> {
        if self.is_closed {
            self.inbound.clear();
            return None;
        }
        let end = self
            .inbound
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let mut line: Vec<_> = self.inbound.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

/// What somebody did, as others are shown it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// Prefix, command and parameters.
    pub(super) line: String,
    pub(super) id: String,
    pub(super) at_ms: u64,
    pub(super) account: Option<String>,
}

/// The line as it is sent: longer than 512 bytes with its end it is cut, as servers do.
pub(super) fn cut(line: &str) -> &[u8] {
    &line.as_bytes()[..line.len().min(LINE_BYTES)]
}

impl Network {
    /// Sends a line of the server's own.
    pub(super) fn send(&mut self, id: LinkId, line: String) {
        let at_ms = self.now_ms();
        let tags = match self.links.get(&id) {
            Some(link) if link.capabilities.contains("server-time") => {
                format!("@time={} ", rfc3339(at_ms))
            }
            _ => String::new(),
        };
        self.push(id, tags.as_bytes(), cut(&line));
    }

    /// Shows what somebody did, with the tags that the client has asked for.
    pub(super) fn show(&mut self, id: LinkId, shown: &Shown) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let mut tags = Vec::new();
        if link.capabilities.contains("server-time") {
            tags.push(format!("time={}", rfc3339(shown.at_ms)));
        }
        if link.capabilities.contains("message-tags") {
            tags.push(format!("msgid={}", shown.id));
        }
        if let Some(account) = &shown.account
            && link.capabilities.contains("account-tag")
        {
            tags.push(format!("account={account}"));
        }
        let tags = match tags.is_empty() {
            true => String::new(),
            false => format!("@{} ", tags.join(";")),
        };
        self.push(id, tags.as_bytes(), cut(&shown.line));
    }

    fn push(&mut self, id: LinkId, tags: &[u8], line: &[u8]) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        if link.is_closed || self.conduct == Conduct::Mute {
            return;
        }
        link.outbound.extend_from_slice(tags);
        link.outbound.extend_from_slice(line);
        link.outbound.extend_from_slice(b"\r\n");
        let is_full = link.outbound.len() > QUEUE_BYTES;
        self.touched.insert(id);
        if is_full {
            self.cut(id, "SendQ exceeded");
        }
    }
}
