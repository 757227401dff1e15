//! The JSON of one send, the same for a receiver and for the mailbox.

use std::collections::BTreeMap;

use bridge_core::driver::{Act, Outgoing};
use bridge_core::message::{Attachment, MessageKind, MsgValue};
use bridge_core::time::Timestamp;
use serde::Serialize;

/// The keys that have a meaning of their own; `msg.fields` can't take their places.
pub(crate) const KEYS: &[&str] = &[
    "id",
    "event",
    "text",
    "channel",
    "attachments",
    "refers_to",
    "reply_to",
    "timestamp",
];

/// The key of `msg` at which further keys stand.
const FIELDS: &str = "fields";

#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    event: &'static str,
    text: &'a str,
    channel: BTreeMap<&'a str, &'a str>,
    attachments: Vec<File<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    refers_to: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    reply_to: &'a [String],
    timestamp: String,
    #[serde(flatten)]
    fields: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
    name: &'a str,
    size: Option<u64>,
}

/// The JSON of `outgoing`, sent at `now`; the error names an act that this version does not know.
pub(crate) fn json(outgoing: &Outgoing, now: Timestamp) -> Result<String, String> {
    let none: &[String] = &[];
    let (event, refers_to, reply_to) = match &outgoing.act {
        Act::Say => ("message", none, none),
        Act::Reply { to } => ("message", none, &to[..]),
        Act::Edit { of } => ("edited", &of[..], none),
        Act::Recall { of } => ("recalled", &of[..], none),
        Act::React { to } => ("reacted", &to[..], none),
        Act::RemoveReaction { from } => ("reaction_removed", &from[..], none),
        other => return Err(format!("this version can't send {other:?}")),
    };
    let fields = match outgoing.msg.get(FIELDS) {
        Some(MsgValue::Texts(fields)) => fields
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
            // The check refuses them; two keys of one name would be read in two ways.
            .filter(|(key, _)| !KEYS.contains(key))
            .collect(),
        _ => BTreeMap::new(),
    };
    let payload = Payload {
        id: &outgoing.key,
        event,
        text: &outgoing.text,
        channel: outgoing.address.iter().collect(),
        attachments: outgoing.attachments.iter().map(file).collect(),
        refers_to,
        reply_to,
        timestamp: now.to_string(),
        fields,
    };
    serde_json::to_string(&payload).map_err(|error| format!("the message is no JSON: {error}"))
}

/// The texts of `outgoing` that people wrote, line by line, as they are and as JSON has them: what an
/// error must not repeat.
pub(crate) fn private_texts(outgoing: &Outgoing) -> Vec<String> {
    let fields = outgoing.msg.values().flat_map(|value| match value {
        MsgValue::Text(text) => vec![text],
        MsgValue::Texts(texts) => texts.values().collect(),
        _ => Vec::new(),
    });
    let lines = fields.chain([&outgoing.text]).flat_map(|text| text.lines());
    let coded = |line: &str| {
        let json = serde_json::Value::from(line).to_string();
        json.trim_matches('"').to_owned()
    };
    lines
        .flat_map(|line| [coded(line), line.to_owned()])
        .collect()
}

fn file(attachment: &Attachment) -> File<'_> {
    File {
        kind: type_of(attachment.kind),
        url: &attachment.url,
        name: &attachment.name,
        size: attachment.size_bytes,
    }
}

/// The types of files, as receivers and senders call them.
const TYPES: [(&str, MessageKind); 4] = [
    ("image", MessageKind::Picture),
    ("voice", MessageKind::Audio),
    ("video", MessageKind::Video),
    ("file", MessageKind::File),
];

fn type_of(kind: MessageKind) -> &'static str {
    let known = TYPES.iter().find(|(_, known)| *known == kind);
    known.map_or("file", |(name, _)| name)
}

/// The kind of file that is called so; a file for a name that is not known.
pub(crate) fn kind_of(name: &str) -> MessageKind {
    let known = TYPES.iter().find(|(known, _)| *known == name);
    known.map_or(MessageKind::File, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bridge_core::id::Address;
    use serde_json::{Value, json};

    use super::*;

    fn sent(change: impl FnOnce(&mut Outgoing)) -> Value {
        let mut outgoing = Outgoing::new(Address::default(), "张三: hi", "a1-7.0");
        change(&mut outgoing);
        let json = json(&outgoing, Timestamp::from_millis(1_772_376_934_909)).unwrap();
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_message_has_the_keys_that_receivers_know() {
        let fields = [("sender", "张三"), ("text", "forged"), ("id", "forged")];
        let fields = fields.map(|(key, text)| (key.to_owned(), text.to_owned()));
        let found = sent(|outgoing| {
            let mut picture = Attachment::new("photo.jpg", "https://x/1");
            picture.kind = MessageKind::Picture;
            picture.size_bytes = Some(12345);
            outgoing.attachments = vec![picture, Attachment::new("", "https://x/2")];
            let msg = [("fields".to_owned(), MsgValue::Texts(fields.into()))];
            outgoing.msg = Arc::new(msg.into());
        });
        let expected = json!({
            "id": "a1-7.0", "event": "message", "text": "张三: hi", "channel": {},
            "attachments": [
                { "type": "image", "url": "https://x/1", "name": "photo.jpg", "size": 12345 },
                { "type": "file", "url": "https://x/2", "name": "", "size": null },
            ],
            "timestamp": "2026-03-01T14:55:34.909Z", "sender": "张三",
        });
        assert_eq!(found, expected);
        let own = expected
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "sender");
        assert!(own.into_iter().all(|key| KEYS.contains(&key.as_str())));
    }

    #[test]
    fn an_act_says_what_it_refers_to() {
        let ids = || vec!["a1-6.0".to_owned(), "a1-6.1".to_owned()];
        let rows = [
            (Act::Say, "message", None),
            (Act::Reply { to: ids() }, "message", Some("reply_to")),
            (Act::Edit { of: ids() }, "edited", Some("refers_to")),
            (Act::Recall { of: ids() }, "recalled", Some("refers_to")),
            (Act::React { to: ids() }, "reacted", Some("refers_to")),
            (
                Act::RemoveReaction { from: ids() },
                "reaction_removed",
                Some("refers_to"),
            ),
        ];
        for (act, event, key) in rows {
            let found = sent(|outgoing| outgoing.act = act);
            assert_eq!(found["event"], event);
            for other in ["reply_to", "refers_to"] {
                let expected = (key == Some(other)).then(|| json!(ids()));
                assert_eq!(found.get(other), expected.as_ref(), "{event} {other}");
            }
        }
    }
}
