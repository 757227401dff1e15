//! What an authentic callback brought: a message, or a reason why there is none to forward.

use std::borrow::Cow;

use bridge_core::driver::{Answer, Batch, Event, Ignored, Notice, Refusal};
use bridge_core::id::Address;
use bridge_core::message::{Message, Quoted, Sender};
use bridge_core::time::Timestamp;

use crate::wire::Callback;

/// The key that names a channel.
pub(crate) const ADDRESS_KEY: &str = "open_conversation_id";

/// The `errorCode` of a notice that stands in for a message once the month's callbacks are used up.
const OVER_QUOTA_CODE: i64 = 20001;

/// The reason for which such a notice is ignored.
const OVER_QUOTA: &str = "over_quota";

/// The longest part of a foreign robot code that is kept.
const NAMED_ROBOT_CHARS: usize = 64;

/// Decodes a body. A JSON object is always accepted, whatever it lacks.
///
/// Why a callback brings no message, in the order in which the reasons are looked for:
///
/// | reason | when |
/// |---|---|
/// | `over_quota` | it is DingTalk's notice (`errorCode` 20001) that the quota is used up |
/// | `no_conversation` | it names no conversation |
/// | `private_chat` | it comes from a chat with a single person |
/// | `own_message` | the robot itself said it |
/// | `no_message_type` | it names no message type |
/// | `not_text` | it is a picture, rich text, a file, … |
/// | `empty_text` | nothing is left of the text but white space |
///
/// A conversation without a type counts as a group, a sender without ids has the empty id.
pub(crate) fn decode(body: &[u8], robot_code: &str) -> Result<Batch, Refusal> {
    let Ok(body) = std::str::from_utf8(body) else {
        return Err(malformed("the body is not UTF-8"));
    };
    let Some(callback) = Callback::parse(body) else {
        return Err(malformed("the body is not one JSON object"));
    };
    let mut notices = Vec::new();
    notices.extend(foreign_robot(&callback, robot_code));
    let event = match forwardable(&callback) {
        Ok(address) => Event::Message(message(address, callback)),
        Err(reason) => {
            notices.extend((reason == OVER_QUOTA).then(over_quota));
            Event::Ignored(ignored(reason, callback))
        }
    };
    Ok(Batch {
        events: vec![event],
        answer: Answer::json("{}"),
        notices,
    })
}

fn malformed(detail: &str) -> Refusal {
    Refusal {
        reason: "not_json",
        detail: detail.into(),
    }
}

/// The channel of a message that can be forwarded, or the reason why it can't.
fn forwardable(callback: &Callback<'_>) -> Result<Address, &'static str> {
    if callback.error_code == Some(OVER_QUOTA_CODE) {
        return Err(OVER_QUOTA);
    }
    let address = address(callback).ok_or("no_conversation")?;
    if is_private(callback) {
        return Err("private_chat");
    }
    if callback.sender_id.is_some() && callback.sender_id == callback.chatbot_user_id {
        return Err("own_message");
    }
    match callback.msg_type.as_deref() {
        None => return Err("no_message_type"),
        Some("text") => {}
        Some(_) => return Err("not_text"),
    }
    if trimmed_text(callback).is_empty() {
        return Err("empty_text");
    }
    Ok(address)
}

fn is_private(callback: &Callback<'_>) -> bool {
    callback.conversation_type.as_deref() == Some("1")
}

/// A group's `conversationId` is its open conversation id; the key of that name comes first in
/// case DingTalk ever sends it.
fn address(callback: &Callback<'_>) -> Option<Address> {
    let id = callback.open_conversation_id.as_deref();
    let id = id.or(callback.conversation_id.as_deref())?;
    Some(Address::new([(ADDRESS_KEY, id)]))
}

fn trimmed_text<'a>(callback: &'a Callback<'_>) -> &'a str {
    callback.text.as_deref().unwrap_or_default().trim()
}

fn message(address: Address, callback: Callback<'_>) -> Message {
    let text = trimmed_text(&callback).to_owned();
    let reply_to = quoted(&callback);
    let sender_id = callback.sender_staff_id.or(callback.sender_id);
    let sender = Sender::new(owned(sender_id), owned(callback.sender_nick));
    let mut message = Message::new(address, sender, text);
    message.id = callback.msg_id.map(Cow::into_owned);
    message.channel_title = owned(callback.conversation_title);
    message.reply_to = reply_to;
    message.sent_at = callback.created_at_ms.map(Timestamp::from_millis);
    message
}

/// What the message answers. `originalMsgId` alone has been seen on messages that answer nothing.
fn quoted(callback: &Callback<'_>) -> Option<Quoted> {
    if !callback.is_reply {
        return None;
    }
    let replied = callback.replied.as_ref();
    let msg_id = replied.and_then(|replied| replied.msg_id.as_ref());
    let id = callback.original_process_query_key.as_ref();
    let id = id.or(msg_id).or(callback.original_msg_id.as_ref());
    let mut quoted = Quoted::new(owned(id.cloned()));
    if let Some(replied) = replied {
        quoted.sender_name = owned(replied.sender_nick.clone());
        quoted.text = owned(replied.text.clone());
    }
    Some(quoted)
}

fn ignored(reason: &'static str, callback: Callback<'_>) -> Ignored {
    // The id of a private chat looks like a group's and can't be sent to as one: it is no channel.
    let address = (!is_private(&callback))
        .then(|| address(&callback))
        .flatten();
    Ignored {
        reason,
        message_id: callback.msg_id.map(Cow::into_owned),
        address,
    }
}

fn owned(text: Option<Cow<'_, str>>) -> String {
    text.map(Cow::into_owned).unwrap_or_default()
}

fn over_quota() -> Notice {
    Notice {
        key: OVER_QUOTA.into(),
        text: "DingTalk says that the organisation's monthly callback quota is used up: messages no longer reach this robot; raise the quota in the developer console".into(),
    }
}

fn foreign_robot(callback: &Callback<'_>, configured: &str) -> Option<Notice> {
    let named = callback.robot_code.as_deref()?;
    if named == configured {
        return None;
    }
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let named: String = named.chars().take(NAMED_ROBOT_CHARS).map(plain).collect();
    Some(Notice {
        text: format!(
            "a callback names the robot code \"{named}\", which is not the configured one; sends use the configured one: check `robot_code`, or which robot calls this address"
        ),
        key: format!("robot_code:{named}"),
    })
}

#[cfg(test)]
mod tests;
