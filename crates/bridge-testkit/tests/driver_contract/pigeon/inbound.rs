//! Callbacks of the pigeon platform: signed over time and body, several messages in each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bridge_core::driver::{Answer, Batch, Change, ChangeKind, Event, Ignored, Refusal};
use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_core::time::Timestamp;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde_json::Value;
use sha2::Sha256;

use super::settings::Settings;
use crate::fault::Fault;

const WINDOW: Duration = Duration::from_secs(300);

fn mac(secret: &str, time: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(secret.as_bytes()).expect("any length");
    if !Fault::SignsNoTime.is_present() {
        mac.update(time.as_bytes());
        // The page of the platform says a full stop.
        mac.update(match Fault::SignsAnotherText.is_present() {
            true => b":",
            false => b".",
        });
    }
    if !Fault::SignsNoBody.is_present() {
        mac.update(body);
    }
    mac
}

/// The signature that the platform puts in its header.
pub(crate) fn sign(secret: &str, time: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(secret, time, body).finalize().into_bytes())
}

fn refusal(reason: &'static str) -> Refusal {
    Refusal {
        reason,
        detail: String::new(),
    }
}

fn only<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    let mut values = request.headers().get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    let is_only = values.next().is_none() || Fault::TakesRepeatedHeaders.is_present();
    is_only.then_some(value)
}

pub(crate) fn verify(
    settings: &Settings,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Result<(), Refusal> {
    if Fault::RefusesAllCallbacks.is_present() {
        return Err(refusal("wrong"));
    }
    if Fault::ParsesBeforeVerifying.is_present() {
        messages(request.body()).ok_or_else(|| refusal("not_json"))?;
    }
    if Fault::TakesUnsigned.is_present() && !request.headers().contains_key("x-pigeon-signature") {
        return Ok(());
    }
    let time = only(request, "x-pigeon-time").ok_or_else(|| refusal("missing"))?;
    let signature = only(request, "x-pigeon-signature").ok_or_else(|| refusal("missing"))?;
    let millis = time.parse().map_err(|_| refusal("wrong"))?;
    let signed_at = Timestamp::from_millis(millis);
    let is_stale = now.since(signed_at) > WINDOW && !Fault::TakesStale.is_present();
    let is_early = signed_at.since(now) > WINDOW && !Fault::TakesEarly.is_present();
    if is_stale || is_early || runs_late(signed_at) {
        return Err(refusal("stale"));
    }
    let given = STANDARD.decode(signature).map_err(|_| refusal("wrong"))?;
    let mac = mac(settings.hook_secret.expose(), time, request.body());
    if Fault::TakesAnySignature.is_present() {
        return Ok(());
    }
    if Fault::ComparesHalfTheSignature.is_present() {
        let half = mac.finalize().into_bytes();
        let is_equal = given.get(..16) == Some(&half[..16]);
        return is_equal.then_some(()).ok_or_else(|| refusal("wrong"));
    }
    mac.verify_slice(&given).map_err(|_| Refusal {
        reason: "wrong",
        detail: match Fault::TellsTheRightSignature.is_present() {
            true => sign(settings.hook_secret.expose(), time, request.body()),
            false => String::new(),
        },
    })
}

/// Whether a clock of its own, read past the port, finds the callback to be old.
#[expect(clippy::disallowed_methods, reason = "the fault is to read a clock")]
fn runs_late(signed_at: Timestamp) -> bool {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let now = std::time::SystemTime::now();
    let since = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let now = Timestamp::EPOCH.plus(since);
    Fault::ReadsItsOwnClock.is_present() && now.since(signed_at) > 5 * YEAR
}

fn messages(body: &[u8]) -> Option<Vec<Value>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(body.get("messages")?.as_array()?.clone())
}

/// What the platform wants to hear before it brings messages: its own word.
fn challenge(body: &[u8]) -> Option<Answer> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let word = body.get("challenge")?.as_str()?.to_owned();
    Some(match Fault::ForgetsChallenges.is_present() {
        true => Answer::default(),
        false => Answer {
            content_type: "text/plain",
            body: word.into(),
        },
    })
}

pub(crate) fn decode(body: &Bytes) -> Result<Batch, Refusal> {
    if Fault::PanicsOnPrefix.is_present() {
        assert!(body.is_empty() || body.ends_with(b"}"), "half a callback");
    }
    if Fault::PanicsOnBytes.is_present() {
        std::str::from_utf8(body).expect("the platform sends text");
    }
    if Fault::PanicsOnDepth.is_present() {
        assert!(!body.starts_with(b"[[[[[[[["), "too deep");
    }
    if let Some(challenge) = challenge(body) {
        return Ok(Batch {
            answer: challenge,
            ..Batch::default()
        });
    }
    let messages = messages(body).ok_or_else(|| refusal("not_json"))?;
    let is_plain = |message: &&Value| message["text"].is_string();
    if Fault::RefusesWholeBatches.is_present() && !messages.iter().all(|message| is_plain(&message))
    {
        return Err(refusal("not_json"));
    }
    let mut events: Vec<_> = match Fault::StopsAtNonsense.is_present() {
        true => messages.iter().take_while(is_plain).map(event).collect(),
        false => messages.iter().map(event).collect(),
    };
    if Fault::ReordersEvents.is_present() {
        events.reverse();
    }
    Ok(Batch {
        events,
        answer: Answer::json("{}"),
        notices: Vec::new(),
    })
}

/// The id of an edit, and that of its message; the subject takes them for right.
pub(crate) fn ids_of_edit(id: &str, of: &str) -> (String, String) {
    let id = match () {
        () if Fault::SharesIds.is_present() => of,
        () if Fault::RepeatsIdsOfChanges.is_present() => "edit",
        () => id,
    };
    let of = match Fault::NamesVersions.is_present() {
        true => format!("{of}/1"),
        false => of.to_owned(),
    };
    (id.to_owned(), of)
}

fn event(message: &Value) -> Event {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let text = |key: &str| {
        message
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if Fault::PanicsOnNull.is_present() {
        assert!(!message.get("text").is_some_and(Value::is_null), "no text");
    }
    if Fault::PanicsOnMissing.is_present() {
        assert!(message.get("text").is_some(), "no text");
    }
    if Fault::PanicsOnHugeNumber.is_present() {
        assert!(!message["at"].is_f64(), "a time is whole");
    }
    if Fault::LogsText.is_present() {
        tracing::info!(text = text("text"), "received");
    }
    let ignored = |reason| {
        Event::Ignored(Ignored {
            reason,
            message_id: None,
            address: None,
        })
    };
    if text("by") == "self" && !Fault::HearsItself.is_present() {
        return ignored("own_message");
    }
    if text("loft").is_empty() {
        return ignored("no_loft");
    }
    if text("text").trim().is_empty() && !Fault::EmptyMessages.is_present() {
        return ignored("empty_text");
    }
    let address = Address::new([("loft", text("loft"))]);
    let sender = Sender::new(text("by"), text("by"));
    if !text("of").is_empty() {
        let (id, of) = ids_of_edit(&text("id"), &text("of"));
        let of = match Fault::ChangesNothing.is_present() {
            true => String::new(),
            false => of,
        };
        let kind = ChangeKind::Edited(text("text"));
        let mut change = Change::new(of, address, sender, kind);
        change.id = Some(id).filter(|id| !id.is_empty());
        return Event::Changed(change);
    }
    let mut heard = Message::new(address, sender, text("text"));
    heard.id = Some(text("id")).filter(|id| !id.is_empty());
    if Fault::EmptyIds.is_present() {
        heard.id = Some(String::new());
    }
    if Fault::RandomIds.is_present() {
        heard.id = Some(COUNT.fetch_add(1, Ordering::Relaxed).to_string());
    }
    heard.sent_at = message
        .get("at")
        .and_then(Value::as_i64)
        .map(Timestamp::from_millis);
    Event::Message(heard)
}
