//! One send of the telegraph driver: a line, and the platform's answer to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bridge_core::driver::{Act, Outgoing};
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope, SendError, Sent};
use serde_json::json;
use tokio::sync::oneshot;

use super::Telegraph;
use super::link::{Job, Reply};
use crate::fault::Fault;

const SEND: &str = "send";

pub(super) async fn send(driver: &Telegraph, outgoing: &Outgoing) -> Result<Sent, SendError> {
    let recalls = recalled(outgoing).is_some();
    once(driver, outgoing).await.map_err(|mut error| {
        if recalls && Fault::RecallUncertainUnconnected.is_present() {
            error.certainty = Certainty::Unknown;
        }
        if recalls && Fault::RecallCertainWhenBroken.is_present() {
            error.certainty = Certainty::NotDelivered;
        }
        if recalls && Fault::RecallGivesUpWhenThrottled.is_present() {
            error.advice = RetryAdvice::Never;
        }
        error
    })
}

/// The send that is to be taken back.
fn recalled(outgoing: &Outgoing) -> Option<&String> {
    match &outgoing.act {
        Act::Recall { of } => of.first(),
        _ => None,
    }
}

async fn once(driver: &Telegraph, outgoing: &Outgoing) -> Result<Sent, SendError> {
    let town = outgoing.address.get("town");
    let town = town.ok_or_else(|| SendError::rejected(SEND, "the target has no `town`"))?;
    let text = shown(&outgoing.text);
    let key = &outgoing.key;
    let recalled = recalled(outgoing);
    let send = json!({ "key": key, "town": town, "text": text, "recalled": recalled });
    let line = json!({ "send": send }).to_string();
    let Some(jobs) = driver.link.jobs() else {
        if Fault::KeepsForLater.is_present() {
            return Ok(Sent::default());
        }
        return Err(unconnected());
    };
    let (reply, replied) = oneshot::channel();
    let is_written = Arc::new(AtomicBool::new(false));
    outgoing.preparing();
    let Ok(place) = jobs.reserve().await else {
        return Err(unconnected());
    };
    outgoing.sending();
    place.send(Job::Send {
        key: key.clone(),
        line: line.clone(),
        reply,
        is_written: Arc::clone(&is_written),
    });
    if Fault::DeliveredWhenQueued.is_present() {
        return Ok(Sent::default());
    }
    match replied.await {
        Ok(Reply::Taken) if recalled.is_some() => Ok(Sent::default()),
        Ok(Reply::Taken) => Ok(Sent {
            platform_ids: vec![key.clone()],
        }),
        Ok(Reply::Refused(words)) => Err(match Fault::RepeatsWords.is_present() {
            true => SendError::rejected(SEND, words),
            false => SendError::rejected(SEND, "the office refuses it"),
        }),
        Ok(Reply::Throttled) => Err(SendError::temporary(
            ErrorKind::Throttled,
            match Fault::GivesUpWhenThrottled.is_present() {
                true => RetryAdvice::Never,
                false => RetryAdvice::Backoff(Scope::Instance),
            },
            SEND,
            "too soon",
        )),
        Err(_) if !is_written.load(Ordering::Relaxed) => Err(unconnected()),
        Err(_) => {
            let repeats = Fault::SendsAgainWhenConnected.is_present()
                || Fault::RecallsAgainWhenConnected.is_present() && recalled.is_some();
            if repeats && let Ok(mut later) = driver.link.later.lock() {
                later.push(line);
            }
            Err(lost())
        }
    }
}

/// The office prints no control characters, and a tab as a space.
fn shown(text: &str) -> String {
    let text = match Fault::LosesTabs.is_present() {
        true => text.to_owned(),
        false => text.replace('\t', " "),
    };
    let is_shown = |c: &char| !c.is_control() || Fault::ShowsControlCharacters.is_present();
    text.chars().filter(is_shown).collect()
}

fn lost() -> SendError {
    let detail = "the connection broke before the answer";
    match Fault::CertainWhenBroken.is_present() {
        true => SendError {
            certainty: Certainty::NotDelivered,
            ..SendError::uncertain(ErrorKind::Unavailable, SEND, detail)
        },
        false => SendError::uncertain(ErrorKind::Unavailable, SEND, detail),
    }
}

fn unconnected() -> SendError {
    let advice = match Fault::GivesUpUnconnected.is_present() {
        true => RetryAdvice::Never,
        false => RetryAdvice::Backoff(Scope::Instance),
    };
    let detail = "there is no connection";
    match Fault::UncertainUnconnected.is_present() {
        true => SendError::uncertain(ErrorKind::Unavailable, SEND, detail),
        false => SendError::temporary(ErrorKind::Unavailable, advice, SEND, detail),
    }
}
