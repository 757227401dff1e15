//! Whether a callback is the platform's, and what it brought: one message, or a reason why there is none.

use bridge_core::driver::{Batch, Event, Ignored, Refusal};
use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_core::secret::Secret;
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::ADDRESS_KEY;

const TOKEN: &str = "x-parrot-token";

/// The body of a callback. What the platform may leave out is optional.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Squawk {
    id: Option<String>,
    perch: Option<String>,
    parrot: Option<Bird>,
    text: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Bird {
    id: Option<String>,
    name: Option<String>,
    /// Whether it is the robot that the token belongs to.
    is_me: Option<bool>,
}

/// Checks the token of a callback, in constant time.
///
/// # Errors
///
/// `missing` or `wrong`.
pub(crate) fn verify(token: &Secret, request: &Request<Bytes>) -> Result<(), Refusal> {
    let mut values = request.headers().get_all(TOKEN).iter();
    let (given, None) = (values.next(), values.next()) else {
        return Err(Refusal::new("wrong", "the token is there twice"));
    };
    let Some(given) = given else {
        let detail = format!("there is no `{TOKEN}` header; does a proxy drop it?");
        return Err(Refusal::new("missing", detail));
    };
    match bool::from(given.as_bytes().ct_eq(token.expose().as_bytes())) {
        true => Ok(()),
        false => Err(Refusal::new(
            "wrong",
            "another token; check `callback_token`",
        )),
    }
}

/// Decodes a body.
///
/// | reason | when |
/// |---|---|
/// | `no_perch` | it names no perch |
/// | `own_message` | the robot itself said it |
/// | `empty_text` | nothing is left of the text but white space |
pub(crate) fn decode(body: &[u8]) -> Result<Batch, Refusal> {
    let squawk: Squawk = serde_json::from_slice(body)
        .map_err(|_| Refusal::new("not_json", "the body is not the JSON of a squawk"))?;
    Ok(Batch::of(event(squawk)))
}

fn event(squawk: Squawk) -> Event {
    let bird = squawk.parrot.unwrap_or_default();
    let perch = squawk.perch.filter(|perch| !perch.is_empty());
    let id = squawk.id.filter(|id| !id.is_empty());
    let text = squawk.text.unwrap_or_default();
    let address = perch.map(|perch| Address::new([(ADDRESS_KEY, perch)]));
    let reason = match &address {
        None => "no_perch",
        Some(_) if bird.is_me == Some(true) => "own_message",
        Some(_) if text.trim().is_empty() => "empty_text",
        Some(address) => {
            let sender = Sender::new(bird.id.unwrap_or_default(), bird.name.unwrap_or_default());
            let mut message = Message::new(address.clone(), sender, text.trim());
            message.id = id;
            return Event::Message(message);
        }
    };
    Event::Ignored(Ignored {
        reason,
        message_id: id,
        address,
    })
}
