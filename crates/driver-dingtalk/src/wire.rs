//! What DingTalk's JSON says, read so that one odd field never costs the whole message.
//!
//! Bodies are cut into raw fields first and each field is read for itself: one of a wrong JSON
//! type, or an empty string, counts as missing; unknown fields are skipped however deep they
//! nest; of a repeated key the last one counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A robot callback's body, as far as the bridge reads it.
#[derive(Debug, Default)]
pub(crate) struct Callback<'a> {
    pub(crate) msg_type: Option<Cow<'a, str>>,
    pub(crate) msg_id: Option<Cow<'a, str>>,
    pub(crate) created_at_ms: Option<i64>,
    pub(crate) conversation_type: Option<Cow<'a, str>>,
    pub(crate) open_conversation_id: Option<Cow<'a, str>>,
    pub(crate) conversation_id: Option<Cow<'a, str>>,
    pub(crate) conversation_title: Option<Cow<'a, str>>,
    pub(crate) sender_id: Option<Cow<'a, str>>,
    pub(crate) sender_staff_id: Option<Cow<'a, str>>,
    pub(crate) sender_nick: Option<Cow<'a, str>>,
    pub(crate) chatbot_user_id: Option<Cow<'a, str>>,
    pub(crate) robot_code: Option<Cow<'a, str>>,
    /// Set on notices of the platform that stand in for a message.
    pub(crate) error_code: Option<i64>,
    /// `text.content`, untrimmed.
    pub(crate) text: Option<Cow<'a, str>>,
    /// Whether `text.isReplyMsg` says that it answers another message.
    pub(crate) is_reply: bool,
    /// `text.repliedMsg`, or the older `quoteMessage`.
    pub(crate) replied: Option<Replied<'a>>,
    pub(crate) original_msg_id: Option<Cow<'a, str>>,
    /// What the send of the answered message was given, if the robot sent it by the API.
    pub(crate) original_process_query_key: Option<Cow<'a, str>>,
}

/// A message that another one answers.
#[derive(Debug, Default)]
pub(crate) struct Replied<'a> {
    pub(crate) msg_id: Option<Cow<'a, str>>,
    pub(crate) sender_nick: Option<Cow<'a, str>>,
    pub(crate) text: Option<Cow<'a, str>>,
}

impl<'a> Callback<'a> {
    /// Reads a body; `None` if it is not exactly one JSON object.
    pub(crate) fn parse(body: &'a str) -> Option<Self> {
        let mut callback = Self::default();
        visit_fields(body, |name, value| match name {
            b"msgtype" => callback.msg_type = string(value),
            b"msgId" => callback.msg_id = string(value),
            b"createAt" => callback.created_at_ms = integer(value),
            b"conversationType" => callback.conversation_type = string(value),
            b"openConversationId" => callback.open_conversation_id = string(value),
            b"conversationId" => callback.conversation_id = string(value),
            b"conversationTitle" => callback.conversation_title = string(value),
            b"senderId" => callback.sender_id = string(value),
            b"senderStaffId" => callback.sender_staff_id = string(value),
            b"senderNick" => callback.sender_nick = string(value),
            b"chatbotUserId" => callback.chatbot_user_id = string(value),
            b"robotCode" => callback.robot_code = string(value),
            b"errorCode" => callback.error_code = integer(value),
            b"text" => callback.read_text(value),
            b"quoteMessage" if value.get() != "null" => {
                callback.replied = Some(Replied::of(value));
                callback.is_reply = true;
            }
            b"originalMsgId" => callback.original_msg_id = string(value),
            b"originalProcessQueryKey" => callback.original_process_query_key = string(value),
            _ => {}
        })?;
        Some(callback)
    }

    fn read_text(&mut self, text: &'a RawValue) {
        self.text = None;
        // What is no object says nothing.
        visit_fields(text.get(), |name, value| match name {
            b"content" => self.text = string(value),
            b"isReplyMsg" => self.is_reply = value.get() == "true",
            b"repliedMsg" => self.replied = Some(Replied::of(value)),
            _ => {}
        });
    }
}

impl<'a> Replied<'a> {
    /// Both forms: `content.text` of `repliedMsg`, `text.content` of `quoteMessage`.
    fn of(value: &'a RawValue) -> Self {
        let mut replied = Self::default();
        visit_fields(value.get(), |name, value| match name {
            b"msgId" => replied.msg_id = string(value),
            b"senderNick" => replied.sender_nick = string(value),
            b"content" => replied.text = field(value, b"text").and_then(string),
            b"text" => replied.text = field(value, b"content").and_then(string),
            _ => {}
        });
        replied
    }
}

/// What became of sends that were to be recalled.
#[derive(Debug, Default)]
pub(crate) struct RecallAnswer {
    /// Those that are gone.
    pub(crate) recalled: Vec<String>,
    /// Those that are not, each with DingTalk's reason.
    pub(crate) failed: BTreeMap<String, String>,
}

impl RecallAnswer {
    /// Reads a body; `None` if it is not exactly one JSON object.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let mut answer = Self::default();
        visit_fields(body, |name, value| match name {
            b"successResult" => {
                answer.recalled = serde_json::from_str(value.get()).unwrap_or_default();
            }
            b"failedResult" => {
                answer.failed = serde_json::from_str(value.get()).unwrap_or_default();
            }
            _ => {}
        })?;
        Some(answer)
    }
}

/// What the token endpoint answers when it is content.
#[derive(Debug)]
pub(crate) struct TokenAnswer<'a> {
    pub(crate) access_token: Option<Cow<'a, str>>,
    /// Seconds.
    pub(crate) expire_in: Option<i64>,
}

impl<'a> TokenAnswer<'a> {
    pub(crate) fn parse(body: &'a str) -> Option<Self> {
        let (mut access_token, mut expire_in) = (None, None);
        visit_fields(body, |name, value| match name {
            b"accessToken" => access_token = string(value),
            b"expireIn" => expire_in = integer(value),
            _ => {}
        })?;
        Some(Self {
            access_token,
            expire_in,
        })
    }
}

/// The id of a send that DingTalk took, if `body` names one.
pub(crate) fn process_query_key(body: &str) -> Option<Cow<'_, str>> {
    field_of_text(body, b"processQueryKey").and_then(string)
}

/// What an answer says when something is wrong: the form of api.dingtalk.com, that of the older
/// oapi.dingtalk.com, and that of the guard in front of both.
#[derive(Debug, Default)]
pub(crate) struct ErrorAnswer<'a> {
    /// `code`, else `sub_code`, else an `errcode` other than 0 as text.
    pub(crate) code: Option<Cow<'a, str>>,
    pub(crate) message: Option<Cow<'a, str>>,
    pub(crate) request_id: Option<Cow<'a, str>>,
    /// Permissions that the app lacks.
    pub(crate) required_scopes: Vec<String>,
    /// The guard's `status`; 1111 means that the caller's address is banned.
    pub(crate) status: Option<i64>,
    /// How long the guard asks to wait, in seconds.
    pub(crate) wait: Option<i64>,
}

impl<'a> ErrorAnswer<'a> {
    /// Reads a body; `None` if it is not exactly one JSON object.
    pub(crate) fn parse(body: &'a str) -> Option<Self> {
        let mut answer = Self::default();
        let (mut sub_code, mut errcode) = (None, None);
        visit_fields(body, |name, value| match name {
            b"code" => answer.code = string_or_integer(value),
            b"sub_code" => sub_code = string_or_integer(value),
            b"errcode" => errcode = string_or_integer(value),
            b"message" | b"errmsg" => answer.message = string(value),
            b"requestid" | b"requestId" | b"request_id" => answer.request_id = string(value),
            b"accessdenieddetail" => {
                answer.required_scopes = field(value, b"requiredScopes")
                    .and_then(|scopes| serde_json::from_str(scopes.get()).ok())
                    .unwrap_or_default();
            }
            b"status" => answer.status = integer(value),
            b"wait" => answer.wait = integer(value),
            _ => {}
        })?;
        answer.code = answer
            .code
            .or(sub_code)
            .or(errcode.filter(|code| *code != "0"));
        Some(answer)
    }
}

/// The value as a string; `None` if it is of another type or empty. Half a surrogate pair, which a
/// platform that cuts texts by UTF-16 units can send, becomes the replacement character.
fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    let text = if !inner.contains('\\') {
        Cow::Borrowed(inner)
    } else if let Ok(text) = serde_json::from_str(json) {
        Cow::Owned(text)
    } else {
        let Bytes(bytes) = serde_json::from_str(json).ok()?;
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    };
    (!text.is_empty()).then_some(text)
}

/// The value as an integer: a JSON number or a string that holds one; a fraction is cut off.
fn integer(value: &RawValue) -> Option<i64> {
    let text = match string(value) {
        Some(text) => text,
        None => Cow::Borrowed(value.get()),
    };
    if let Ok(integer) = text.parse() {
        return Some(integer);
    }
    let number: f64 = serde_json::from_str(&text).ok()?;
    // Whole numbers up to 2^53 are exact; what lies beyond is no point in time.
    (number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

fn string_or_integer(value: &RawValue) -> Option<Cow<'_, str>> {
    string(value).or_else(|| integer(value).map(|number| Cow::Owned(number.to_string())))
}

fn field<'a>(object: &'a RawValue, wanted: &[u8]) -> Option<&'a RawValue> {
    field_of_text(object.get(), wanted)
}

fn field_of_text<'a>(json: &'a str, wanted: &[u8]) -> Option<&'a RawValue> {
    let mut found = None;
    visit_fields(json, |name, value| {
        if name == wanted {
            found = Some(value);
        }
    })?;
    found
}

/// Hands each key and raw value of the object to `visit`, in the order in which they stand; `None`
/// if `json` is not exactly one object (`visit` may then have seen some of it).
fn visit_fields<'a>(json: &'a str, visit: impl FnMut(&[u8], &'a RawValue)) -> Option<()> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Fields(visit)).ok()?;
    deserializer.end().ok()
}

struct Fields<F>(F);

impl<'de, F: FnMut(&[u8], &'de RawValue)> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Bytes(name)) = map.next_key()? {
            (self.0)(&name, map.next_value()?);
        }
        Ok(())
    }
}

/// A JSON string as bytes: unlike a `str`, it may hold half a surrogate pair.
struct Bytes<'a>(Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Bytes<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Bytes<'de>, E> {
        Ok(Bytes(Cow::Borrowed(bytes)))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes<'de>, E> {
        Ok(Bytes(Cow::Owned(bytes.to_vec())))
    }
}

#[cfg(test)]
mod tests;
