//! What a line of the server's brought: a message, or a reason why there is none to forward.

use bridge_core::driver::{Batch, Event, Ignored, Refusal};
use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_core::time::parse_timestamp;

use crate::known::Known;
use crate::text::{self, Said};
use crate::wire::{Line, is_channel, text_of};

/// The key that names a channel.
pub(crate) const ADDRESS_KEY: &str = "channel";

/// Decodes a line; several, with line breaks between, bring what each of them brings.
///
/// Why what somebody said brings no message, in the order in which the reasons are looked for:
///
/// | reason | when |
/// |---|---|
/// | `private_chat` | it was said to the bridge alone |
/// | `not_for_all` | it was said to the operators of a channel only |
/// | `own_message` | the bridge itself said it |
/// | `notice` | it is a notice, which robots use and nobody should answer |
/// | `ctcp` | it is a question of one program to another |
/// | `empty_text` | nothing is left of it but white space |
pub(crate) fn decode(raw: &[u8], known: &Known) -> Result<Batch, Refusal> {
    let text = text_of(raw);
    let mut batch = Batch::default();
    let mut lines = 0;
    for line in text
        .split(['\r', '\n'])
        .filter(|line| !line.trim().is_empty())
    {
        let line = Line::parse(line).ok_or_else(not_irc)?;
        lines += 1;
        batch.events.extend(event(&line, known));
    }
    match lines {
        0 => Err(not_irc()),
        _ => Ok(batch),
    }
}

fn not_irc() -> Refusal {
    Refusal::new("not_irc", "this is no line of IRC")
}

/// What the line brings; nothing, if nobody said anything.
fn event(line: &Line<'_>, known: &Known) -> Option<Event> {
    let is_notice = line.command == "NOTICE";
    if !(is_notice || line.command == "PRIVMSG") || !line.is_from_user() {
        return None;
    }
    Some(match forwardable(line, known, is_notice) {
        Ok(text) => Event::Message(message(line, known, text)),
        Err(reason) => Event::Ignored(Ignored {
            reason,
            message_id: line.tag("msgid"),
            address: is_channel(line.param(0)).then(|| address(line, known)),
        }),
    })
}

fn forwardable(line: &Line<'_>, known: &Known, is_notice: bool) -> Result<String, &'static str> {
    let target = line.param(0);
    if is_status(target) {
        return Err("not_for_all");
    }
    if !is_channel(target) {
        return Err("private_chat");
    }
    if known.is_own(line.nick()) {
        return Err("own_message");
    }
    if is_notice {
        return Err("notice");
    }
    match text::inbound(line.param(1)) {
        Said::Ctcp => Err("ctcp"),
        Said::Text(text) if text.trim().is_empty() => Err("empty_text"),
        Said::Text(text) => Ok(text),
    }
}

/// `@#ops`: those in a channel who have this status.
fn is_status(target: &str) -> bool {
    let mut chars = target.chars();
    chars.next().is_some_and(|c| "~&@%+".contains(c)) && chars.next() == Some('#')
}

fn address(line: &Line<'_>, known: &Known) -> Address {
    Address::new([(ADDRESS_KEY, known.spelled(line.param(0)))])
}

/// The sender's id is the account, which the server vouches for, else `nick!user@host`. The two
/// can't be mistaken for each other: no account's name has an exclamation mark.
fn message(line: &Line<'_>, known: &Known, text: String) -> Message {
    let account = line.tag("account").filter(|account| !account.contains('!'));
    let id = account.unwrap_or_else(|| line.source.to_owned());
    let mut message = Message::new(address(line, known), Sender::new(id, line.nick()), text);
    message.id = line.tag("msgid");
    message.channel_title = known.spelled(line.param(0)).to_owned();
    message.sent_at = line
        .tag("time")
        .and_then(|time| parse_timestamp(&time).ok());
    message
}

#[cfg(test)]
mod tests;
