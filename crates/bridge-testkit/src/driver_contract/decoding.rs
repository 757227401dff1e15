//! Checks of what the driver makes of bodies: recorded ones, damaged ones, and any bytes.

use std::collections::BTreeSet;

use bridge_core::crossing::Feature;
use bridge_core::driver::{Answer, Batch, ChangeKind, Driver, ErasedDriver, Event, Received};
use bridge_core::ports::Clock as _;
use bytes::Bytes;
use serde_json::Value;

use super::bench::{Bench, Setup};
use super::context::Context;
use super::fields::{ODD, paths, with, without};
use super::platform::WayIn;
use super::verifying::callbacks;
use super::{Brings, Outcome, Stop, Subject};

/// Ends a check of what comes in, unless something does.
pub(super) fn something_comes_in<S: Subject>(context: &Context<S>) -> Outcome {
    match context.subject.way_in() {
        WayIn::Nothing => Err(Stop::NotClaimed("nothing comes in")),
        _ => Ok(()),
    }
}

/// A driver that decodes.
fn opened<S: Subject>(context: &Context<S>) -> Result<Bench<S>, Stop> {
    something_comes_in(context)?;
    context.open(Setup::default())
}

/// Takes the body in as its platform brings it.
pub(super) fn receive<S: Subject>(context: &Context<S>, bench: &Bench<S>, body: &[u8]) -> Received {
    if let WayIn::Callbacks(platform) = context.subject.way_in() {
        let callback = platform.callback(body, bench.clock.now());
        return ErasedDriver::receive(&*bench.driver, &callback);
    }
    match Driver::decode(&*bench.driver, &Bytes::copy_from_slice(body)) {
        Ok(batch) => Received::Accepted(batch),
        Err(refusal) => Received::Malformed(refusal),
    }
}

pub(super) fn recorded_callbacks_bring_what_was_said<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = opened(context)?;
    let mut is_message_among_them = false;
    for recorded in context.subject.recorded() {
        let batch = match receive(context, &bench, &recorded.body) {
            Received::Accepted(batch) => batch,
            other => return Err(Stop::Broken(format!("{}: {other:?}", recorded.name))),
        };
        let brings: Vec<_> = batch.events.into_iter().filter_map(brings).collect();
        is_message_among_them |= brings
            .iter()
            .any(|brings| matches!(brings, Brings::Message(_)));
        ensure!(
            brings == recorded.brings,
            "{} brings {brings:?}, expected: {:?}",
            recorded.name,
            recorded.brings
        );
    }
    ensure!(
        is_message_among_them,
        "the subject records nothing that brings a message"
    );
    Ok(())
}

pub(super) fn brings(event: Event) -> Option<Brings> {
    match event {
        Event::Message(message) => Some(Brings::Message(Box::new(message))),
        Event::Changed(change) => Some(Brings::Changed(change)),
        Event::Ignored(ignored) => Some(Brings::Ignored(ignored.reason)),
        _ => None,
    }
}

pub(super) fn the_same_bytes_give_the_same_messages<S: Subject>(context: &Context<S>) -> Outcome {
    let (bench, other) = (opened(context)?, opened(context)?);
    for recorded in context.subject.recorded() {
        let told =
            |bench: &Bench<S>| format!("{:?}", Driver::decode(&*bench.driver, &recorded.body));
        let first = told(&bench);
        for again in [told(&bench), told(&other)] {
            ensure!(first == again, "{}: {first}, then {again}", recorded.name);
        }
    }
    Ok(())
}

pub(super) fn decoding_asks_nothing<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = opened(context)?;
    for recorded in context.subject.recorded() {
        drop(receive(context, &bench, &recorded.body));
    }
    let (asked, sleeping) = (bench.times_asked(), bench.clock.sleepers());
    ensure!(asked == 0, "the platform was asked {asked} times");
    ensure!(sleeping == 0, "something sleeps");
    Ok(())
}

pub(super) fn every_prefix_is_borne<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = opened(context)?;
    for recorded in context.subject.recorded() {
        for end in 0..recorded.body.len() {
            let what = || format!("the first {end} bytes of {}", recorded.name);
            bears(context, &bench, &recorded.body[..end], what)?;
        }
    }
    Ok(())
}

pub(super) fn every_field_may_be_missing<S: Subject>(context: &Context<S>) -> Outcome {
    for_every_field(context, |bench, name, body, path| {
        let left = without(body, path).to_string();
        let what = || format!("{name} without `{}`", path.join("."));
        bears(context, bench, left.as_bytes(), what)
    })
}

pub(super) fn every_field_may_be_null<S: Subject>(context: &Context<S>) -> Outcome {
    every_field_may_be(context, &["null"])
}

pub(super) fn every_field_may_be_of_another_type<S: Subject>(context: &Context<S>) -> Outcome {
    every_field_may_be(context, &ODD)
}

pub(super) fn huge_numbers_are_borne<S: Subject>(context: &Context<S>) -> Outcome {
    let digits = "9".repeat(400);
    let text = format!("\"{digits}\"");
    let huge = [
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616",
        "1e308",
        "1e999",
        "-1e999",
        &digits,
        &text,
    ];
    every_field_may_be(context, &huge)
}

pub(super) fn deep_nesting_is_borne<S: Subject>(context: &Context<S>) -> Outcome {
    const DEPTH: usize = 10_000;
    let arrays = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    let objects = "{\"x\":".repeat(DEPTH) + "1" + &"}".repeat(DEPTH);
    let bench = opened(context)?;
    for deep in [&arrays, &objects, &"[".repeat(DEPTH)] {
        bears(context, &bench, deep.as_bytes(), || {
            format!("a body that is {DEPTH} deep")
        })?;
    }
    every_field_may_be(context, &[&arrays, &objects])
}

pub(super) fn bytes_that_are_no_text_are_borne<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = opened(context)?;
    for body in [
        &b""[..],
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf{}",
        b"\0\0\0\0",
        b"\"\xed\xa0\x80\"",
    ] {
        bears(context, &bench, body, || format!("the body {body:?}"))?;
    }
    for recorded in context.subject.recorded() {
        for place in 0..recorded.body.len() {
            for byte in [0xff, 0x00] {
                let mut body = recorded.body.to_vec();
                body[place] = byte;
                let what = || format!("{} with the byte {byte} at {place}", recorded.name);
                bears(context, &bench, &body, what)?;
            }
        }
    }
    Ok(())
}

pub(super) fn messages_are_well_formed<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = opened(context)?;
    for recorded in context.subject.recorded() {
        if let Ok(batch) = Driver::decode(&*bench.driver, &recorded.body) {
            well_formed::<S>(&batch, || recorded.name.to_owned())?;
        }
    }
    Ok(())
}

pub(super) fn own_messages_are_known<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = opened(context)?;
    let Some(body) = context.subject.own_message() else {
        return Err(Stop::NotClaimed("nothing tells that the instance said it"));
    };
    let batch = Driver::decode(&*bench.driver, &body);
    let batch = batch.map_err(|refusal| Stop::Broken(format!("{refusal:?}")))?;
    let is_message = batch
        .events
        .iter()
        .any(|event| matches!(event, Event::Message(_)));
    let hears_own_sends = context.capabilities()?.hears_own_sends;
    ensure!(
        is_message == hears_own_sends,
        "hears_own_sends is {hears_own_sends}, and an own message becomes {:?}",
        batch.events
    );
    Ok(())
}

pub(super) fn what_comes_beside_text_is_claimed<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = opened(context)?;
    let hears = context.capabilities()?.hears;
    for recorded in context.subject.recorded() {
        let Received::Accepted(batch) = receive(context, &bench, &recorded.body) else {
            continue;
        };
        for feature in batch.events.iter().flat_map(beside_text) {
            let (name, what) = (recorded.name, feature.name());
            ensure!(
                feature.is_in(&hears),
                "{name} brings {what}, and the capabilities do not say `hears.{what}`"
            );
        }
    }
    Ok(())
}

pub(super) fn what_wants_an_answer_gets_it<S: Subject>(context: &Context<S>) -> Outcome {
    let answers = callbacks(context)?.answers();
    if answers.is_empty() {
        return Err(Stop::NotClaimed("the platform reads no answer"));
    }
    let bench = opened(context)?;
    for (body, wanted) in answers {
        let shown = String::from_utf8_lossy(&body).into_owned();
        match receive(context, &bench, &body) {
            Received::Accepted(batch) => ensure!(
                is_same_answer(&batch.answer, &wanted),
                "{shown:?} is answered {:?}, expected: {wanted:?}",
                batch.answer
            ),
            other => return Err(Stop::Broken(format!("{other:?} for {shown:?}"))),
        }
    }
    Ok(())
}

/// JSON may be written in several ways.
fn is_same_answer(answer: &Answer, wanted: &Answer) -> bool {
    let json = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body).ok();
    let is_same_json = json(answer).is_some_and(|value| Some(value) == json(wanted));
    answer.content_type == wanted.content_type && (is_same_json || answer.body == wanted.body)
}

/// What an event has beside text.
fn beside_text(event: &Event) -> Vec<Feature> {
    let (has_files, is_reply) = match event {
        Event::Message(message) => (!message.attachments.is_empty(), message.reply_to.is_some()),
        _ => (false, false),
    };
    let change = match event {
        Event::Changed(change) => match change.kind {
            ChangeKind::Edited(_) => Some(Feature::Edits),
            ChangeKind::Recalled => Some(Feature::Recalls),
            ChangeKind::Reacted(_) | ChangeKind::ReactionRemoved(_) => Some(Feature::Reactions),
            _ => None,
        },
        _ => None,
    };
    let files = has_files.then_some(Feature::Attachments);
    let reply = is_reply.then_some(Feature::Replies);
    [files, reply, change].into_iter().flatten().collect()
}

/// Receives the signed body: whatever it is, it is authentic, and what it brings is well-formed. `what`
/// says which body it is.
fn bears<S: Subject>(
    context: &Context<S>,
    bench: &Bench<S>,
    body: &[u8],
    what: impl Fn() -> String,
) -> Outcome {
    const SHOWN_BYTES: usize = 300;
    let shown = || {
        let beginning = String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES)]);
        format!("{}, {beginning:?}", what())
    };
    let received = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        receive(context, bench, body)
    }));
    match received {
        Err(_) => Err(Stop::Broken(format!("it panics on {}", shown()))),
        Ok(Received::Unauthorized(refusal)) => Err(Stop::Broken(format!(
            "{refusal:?} for {}, which is signed",
            shown()
        ))),
        Ok(Received::Malformed(_)) => Ok(()),
        Ok(Received::Accepted(batch)) => well_formed::<S>(&batch, what),
    }
}

/// `what` says what has brought the batch.
fn well_formed<S: Subject>(batch: &Batch, what: impl Fn() -> String) -> Outcome {
    let keys: BTreeSet<_> = S::Driver::INFO
        .address_keys
        .iter()
        .map(|key| key.name)
        .collect();
    for event in &batch.events {
        let address = match event {
            Event::Message(message) => &message.address,
            Event::Changed(change) => &change.address,
            _ => continue,
        };
        let named: BTreeSet<_> = address.iter().map(|(key, _)| key).collect();
        let is_whole = address.iter().all(|(_, value)| !value.is_empty());
        ensure!(
            named == keys && is_whole,
            "{}: the address {address} of a message",
            what()
        );
        if let Event::Changed(change) = event {
            ensure!(
                !change.of.is_empty(),
                "{}: a change does not say what it is of: {change:?}",
                what()
            );
        }
        let Event::Message(message) = event else {
            continue;
        };
        let says_something = !message.text.trim().is_empty() || !message.attachments.is_empty();
        ensure!(
            says_something,
            "{}: a message has neither text nor attachments: {message:?}",
            what()
        );
        ensure!(
            message.id.as_deref() != Some(""),
            "{}: the id of a message is empty; say `None`: {message:?}",
            what()
        );
    }
    Ok(())
}

fn every_field_may_be<S: Subject>(context: &Context<S>, odd: &[&str]) -> Outcome {
    const SHOWN_CHARS: usize = 40;
    for_every_field(context, |bench, name, body, path| {
        for json in odd {
            let shown: String = json.chars().take(SHOWN_CHARS).collect();
            let what = || format!("{name} with {shown} at `{}`", path.join("."));
            bears(context, bench, with(body, path, json).as_bytes(), what)?;
        }
        Ok(())
    })
}

fn for_every_field<S: Subject>(
    context: &Context<S>,
    check: impl Fn(&Bench<S>, &str, &Value, &super::fields::Path) -> Outcome,
) -> Outcome {
    let bench = opened(context)?;
    let recorded = context.subject.recorded().into_iter();
    let bodies = recorded.filter_map(|recorded| {
        let body = serde_json::from_slice::<Value>(&recorded.body).ok()?;
        Some((recorded.name, body))
    });
    let bodies: Vec<_> = bodies.filter(|(_, body)| !paths(body).is_empty()).collect();
    if bodies.is_empty() {
        return Err(Stop::NotClaimed("nothing recorded is JSON with fields"));
    }
    for (name, body) in &bodies {
        for path in paths(body) {
            check(&bench, name, body, &path)?;
        }
    }
    Ok(())
}
