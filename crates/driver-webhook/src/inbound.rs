//! What a request brought: a message, what happened to an earlier one, or nothing.

use bridge_core::driver::{Batch, Change, ChangeKind, Event, Ignored, Refusal, only_header};
use bridge_core::id::Address;
use bridge_core::message::{Attachment, Message, MessageKind, Quoted, Sender};
use bridge_core::time::parse_timestamp;
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;

use crate::payload::kind_of;
use crate::signature::ID;

/// The longest id that is taken.
const MOST_ID_CHARS: usize = 256;

/// Files and ids that one request may name.
const MOST_NAMED: usize = 64;

/// A request's body. Keys that are not known are left aside, `null` is as good as nothing.
#[derive(Deserialize)]
struct Said {
    text: Option<String>,
    sender: Option<Who>,
    id: Option<String>,
    attachments: Option<Vec<File>>,
    event: Option<String>,
    refers_to: Option<Ids>,
    reply_to: Option<Ids>,
    sent_at: Option<String>,
}

/// A name alone, or all there is to say.
#[derive(Deserialize)]
#[serde(untagged)]
enum Who {
    Name(String),
    Person {
        id: Option<String>,
        name: Option<String>,
        avatar: Option<String>,
    },
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: Option<String>,
    url: String,
    name: Option<String>,
    size: Option<u64>,
}

/// One id, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(String),
    Several(Vec<String>),
}

impl Ids {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(id) => vec![id],
            Self::Several(ids) => ids,
        }
    }
}

/// Decodes a body. Messages without text and files are ignored as `empty_text`.
///
/// A change that names several messages happened to each of them; but an edit gives its text to the
/// first, and the others are taken back: they were the rest of a text in several parts.
pub(crate) fn decode(body: &Bytes) -> Result<Batch, Refusal> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(malformed("the body is no JSON object"));
    }
    // serde_json's words name a place and what was wanted there; they may quote a text, too.
    let said: Said = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        malformed(format!(
            "the body is no JSON object of the documented form (line {line}, column {column})"
        ))
    })?;
    let sent_at = match said.sent_at.as_deref().map(parse_timestamp) {
        Some(Err(_)) => {
            return Err(malformed(
                "`sent_at` is no time such as \"2026-03-01T14:55:34Z\"",
            ));
        }
        Some(Ok(time)) => Some(time),
        None => None,
    };
    let id = said.id.map(known_id).transpose()?;
    let refers_to = known_ids(said.refers_to, "refers_to")?;
    let reply_to = known_ids(said.reply_to, "reply_to")?;
    let attachments = said.attachments.unwrap_or_default();
    if attachments.len() > MOST_NAMED {
        return Err(malformed(format!("there are more than {MOST_NAMED} files")));
    }
    let attachments: Vec<_> = attachments
        .into_iter()
        .map(file)
        .collect::<Result<_, _>>()?;
    let text = said.text.unwrap_or_default();
    let sender = sender(said.sender);
    let address = Address::default();
    let change = match said.event.as_deref().unwrap_or("message") {
        "message" => None,
        "edited" => Some(ChangeKind::Edited(text.clone())),
        "recalled" => Some(ChangeKind::Recalled),
        "reacted" => Some(ChangeKind::Reacted(text.clone())),
        "reaction_removed" => Some(ChangeKind::ReactionRemoved(text.clone())),
        _ => return Err(malformed("`event` is none of those that are documented")),
    };
    let needs_text = !matches!(change, Some(ChangeKind::Recalled));
    if needs_text && text.trim().is_empty() && (change.is_some() || attachments.is_empty()) {
        return Ok(Batch::of(Event::Ignored(Ignored {
            reason: "empty_text",
            message_id: id,
            address: Some(address),
        })));
    }
    let Some(kind) = change else {
        let mut message = Message::new(address, sender, text);
        message.kind = main_kind(&message.text, &attachments);
        message.id = id;
        message.attachments = attachments;
        message.reply_to = reply_to.into_iter().next().map(Quoted::new);
        message.sent_at = sent_at;
        return Ok(Batch::of(Event::Message(message)));
    };
    if refers_to.is_empty() {
        return Err(malformed(
            "a change needs `refers_to`, the id of what it happened to",
        ));
    }
    if id.as_ref().is_some_and(|id| refers_to.contains(id)) {
        return Err(malformed(
            "a change has the `id` of what it happened to, and would be taken for a repetition of that; give it an `id` of its own, or none",
        ));
    }
    let is_edit = matches!(kind, ChangeKind::Edited(_));
    let changes = refers_to.into_iter().enumerate().map(|(index, of)| {
        let kind = match is_edit && index > 0 {
            true => ChangeKind::Recalled,
            false => kind.clone(),
        };
        let mut change = Change::new(of, address.clone(), sender.clone(), kind);
        change.id = id.as_deref().map(|id| numbered(id, index));
        change.at = sent_at;
        Event::Changed(change)
    });
    Ok(Batch {
        events: changes.collect(),
        ..Batch::default()
    })
}

/// Gives events that the body gives no id the one under which the sender repeats the request.
pub(crate) fn complete(headers: &HeaderMap, batch: &mut Batch) {
    let Ok(id) = only_header(headers, ID) else {
        return;
    };
    if id.chars().count() > MOST_ID_CHARS {
        return;
    }
    for (index, event) in batch.events.iter_mut().enumerate() {
        let own = match event {
            Event::Message(message) => &mut message.id,
            Event::Changed(change) => &mut change.id,
            Event::Ignored(ignored) => &mut ignored.message_id,
            _ => continue,
        };
        own.get_or_insert_with(|| numbered(id, index));
    }
}

/// The id of the event at `index` of a request with this id.
fn numbered(id: &str, index: usize) -> String {
    match index {
        0 => id.to_owned(),
        index => format!("{id}#{index}"),
    }
}

fn known_id(id: String) -> Result<String, Refusal> {
    match id.is_empty() || id.chars().count() > MOST_ID_CHARS {
        true => Err(malformed(format!(
            "an id is empty, or longer than {MOST_ID_CHARS} characters"
        ))),
        false => Ok(id),
    }
}

fn known_ids(ids: Option<Ids>, key: &str) -> Result<Vec<String>, Refusal> {
    let ids = ids.map(Ids::into_vec).unwrap_or_default();
    if ids.len() > MOST_NAMED {
        return Err(malformed(format!(
            "`{key}` names more than {MOST_NAMED} ids"
        )));
    }
    ids.into_iter().map(known_id).collect()
}

fn file(file: File) -> Result<Attachment, Refusal> {
    // Whoever follows the link follows it where it leads: no other scheme is passed on.
    let is_web = ["https://", "http://"].iter().any(|scheme| {
        let start = file.url.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if !is_web {
        return Err(malformed("the `url` of a file is neither https nor http"));
    }
    // Where files stand in the text, one on each line, nobody must be able to write a line of his own.
    if file
        .url
        .contains(|c: char| c.is_control() || c.is_whitespace())
    {
        return Err(malformed("the `url` of a file holds white space"));
    }
    let mut attachment = Attachment::new(file.name.unwrap_or_default(), file.url);
    attachment.kind = kind_of(&file.kind.unwrap_or_default());
    attachment.size_bytes = file.size;
    Ok(attachment)
}

/// A sender without a name is shown by the id.
fn sender(who: Option<Who>) -> Sender {
    let (id, name, avatar) = match who {
        None => (None, None, None),
        Some(Who::Name(name)) => (None, Some(name), None),
        Some(Who::Person { id, name, avatar }) => (id, name, avatar),
    };
    let id = id.unwrap_or_default();
    let name = name.filter(|name| !name.trim().is_empty());
    let mut sender = Sender::new(id.clone(), name.unwrap_or(id));
    sender.avatar = avatar.unwrap_or_default();
    sender
}

/// What a message without words is, its first file is.
fn main_kind(text: &str, attachments: &[Attachment]) -> MessageKind {
    match attachments.first() {
        Some(first) if text.trim().is_empty() => first.kind,
        _ => MessageKind::Text,
    }
}

fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::new("malformed", detail)
}

#[cfg(test)]
mod tests;
