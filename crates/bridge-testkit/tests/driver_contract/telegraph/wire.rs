//! The lines of the telegraph platform: JSON, of which each has one key that says what it is.

use bridge_core::driver::{Batch, Event, Ignored, Refusal};
use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use serde::Deserialize;

use crate::fault::Fault;

/// A line of the platform.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Line {
    pub(crate) welcome: Option<bool>,
    pub(crate) goodbye: Option<String>,
    pub(crate) said: Option<Said>,
    pub(crate) taken: Option<Answer>,
    pub(crate) refused: Option<Answer>,
    pub(crate) throttled: Option<Answer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) town: String,
    pub(crate) by: String,
    pub(crate) text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    pub(crate) key: String,
    pub(crate) words: String,
}

pub(crate) fn parse(raw: &[u8]) -> Result<Line, Refusal> {
    serde_json::from_slice(raw).map_err(|_| Refusal::new("not_json", "the line is no JSON"))
}

pub(crate) fn decode(raw: &[u8]) -> Result<Batch, Refusal> {
    let Some(said) = parse(raw)?.said else {
        return Ok(Batch::default());
    };
    let ignored = |reason| {
        Event::Ignored(Ignored {
            reason,
            message_id: None,
            address: None,
        })
    };
    Ok(Batch::of(match () {
        () if said.by == "self" && !Fault::HearsOwnSends.is_present() => ignored("own_message"),
        () if said.town.is_empty() => ignored("no_town"),
        () if said.text.trim().is_empty() => ignored("empty_text"),
        () => {
            let address = Address::new([("town", said.town)]);
            let mut message = Message::new(address, Sender::new(&*said.by, &*said.by), said.text);
            message.id = Some(said.id).filter(|id| !id.is_empty());
            Event::Message(message)
        }
    }))
}
