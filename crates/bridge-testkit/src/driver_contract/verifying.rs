//! Checks of who is let in.

use std::time::Duration;

use bridge_core::driver::{Driver, Refusal};
use bridge_core::ports::Clock as _;
use bridge_core::time::Timestamp;
use bytes::Bytes;
use http::{HeaderValue, Request};

use super::bench::{Bench, Setup};
use super::context::Context;
use super::platform::{Callbacks, Covers, Encoding, Published, Verification, WayIn};
use super::{Outcome, Stop, Subject};
use crate::{FakeClock, FakeHttp, fake_ports};

/// Bodies, from well-formed to no text at all.
fn bodies<S: Subject>(context: &Context<S>) -> Vec<Bytes> {
    let recorded = context.subject.recorded().into_iter();
    let fixed = [&b""[..], b"{}", b"{\"", b"\xff\xfe", b"[[[[", b"null"];
    recorded
        .map(|recorded| recorded.body)
        .chain(fixed.map(Bytes::from_static))
        .collect()
}

/// The platform's side; the checks of who is let in are for those that call.
pub(super) fn callbacks<S: Subject>(context: &Context<S>) -> Result<&dyn Callbacks, Stop> {
    match context.subject.way_in() {
        WayIn::Callbacks(callbacks) => Ok(callbacks),
        _ => Err(Stop::NotClaimed("the platform calls no listener")),
    }
}

fn verification<S: Subject>(context: &Context<S>) -> Result<Verification, Stop> {
    let claimed = callbacks(context)?.verification();
    claimed.ok_or(Stop::NotClaimed(
        "the platform does not authenticate its callbacks",
    ))
}

/// A signed request with a body that brings a message.
fn signed<S: Subject>(context: &Context<S>, bench: &Bench<S>) -> Result<Request<Bytes>, Stop> {
    let recorded = context.subject.recorded().into_iter().next();
    let recorded =
        recorded.ok_or_else(|| Stop::Broken("the subject records no callback".into()))?;
    callback(context, bench, &recorded.body)
}

/// `body` as a callback that is signed now.
fn callback<S: Subject>(
    context: &Context<S>,
    bench: &Bench<S>,
    body: &[u8],
) -> Result<Request<Bytes>, Stop> {
    Ok(callbacks(context)?.callback(body, bench.clock.now()))
}

fn refused<S: Subject>(
    bench: &Bench<S>,
    request: &Request<Bytes>,
    what: &str,
) -> Result<Refusal, Stop> {
    match Driver::verify(&*bench.driver, request) {
        Err(refusal) => Ok(refusal),
        Ok(()) => Err(Stop::Broken(format!("{what} passes"))),
    }
}

pub(super) fn what_is_signed_passes<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = context.open(Setup::default())?;
    for body in bodies(context) {
        let verdict = Driver::verify(&*bench.driver, &callback(context, &bench, &body)?);
        ensure!(verdict.is_ok(), "{verdict:?} for the body {body:?}");
    }
    Ok(())
}

pub(super) fn what_others_have_signed_passes<S: Subject>(context: &Context<S>) -> Outcome {
    let published = callbacks(context)?.published();
    if published.is_empty() {
        return Err(Stop::NotClaimed(
            "the subject has no callback that somebody else has signed",
        ));
    }
    for Published {
        settings,
        at,
        request,
    } in published
    {
        let settings = serde_json::from_value(settings).map_err(|error| {
            Stop::Broken(format!("the settings of a published callback: {error}"))
        })?;
        let clock = FakeClock::default();
        clock.set(at);
        let driver = S::Driver::open(settings, fake_ports(&clock, &FakeHttp::new()));
        let verdict = Driver::verify(&driver, &request);
        ensure!(
            verdict.is_ok(),
            "{verdict:?} for {} {}, which somebody else has signed at {at}",
            request.method(),
            request.uri()
        );
    }
    Ok(())
}

pub(super) fn every_bit_of_the_signature_counts<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    let request = signed(context, &bench)?;
    let Some(value) = request.headers().get(verification.signature) else {
        return Err(Stop::Broken(format!(
            "the subject's callback has no {}",
            verification.signature
        )));
    };
    let signature = value.as_bytes().to_vec();
    for bit in 0..signature.len() * 8 {
        let mut changed = signature.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if verification.encoding == Encoding::Hex && changed.eq_ignore_ascii_case(&signature) {
            continue;
        }
        refuses_signature(
            &bench,
            &request,
            verification,
            &changed,
            &format!("a signature with bit {bit} changed"),
        )?;
    }
    for end in 0..signature.len() {
        refuses_signature(
            &bench,
            &request,
            verification,
            &signature[..end],
            "the beginning of a signature",
        )?;
    }
    let longer = [&signature[..], b"0"].concat();
    refuses_signature(
        &bench,
        &request,
        verification,
        &longer,
        "a signature with more behind it",
    )
}

fn refuses_signature<S: Subject>(
    bench: &Bench<S>,
    request: &Request<Bytes>,
    verification: Verification,
    signature: &[u8],
    what: &str,
) -> Outcome {
    // What HTTP can't carry reaches no driver.
    let Ok(value) = HeaderValue::from_bytes(signature) else {
        return Ok(());
    };
    let mut request = request.clone();
    request.headers_mut().insert(verification.signature, value);
    refused(bench, &request, what).map(drop)
}

pub(super) fn every_byte_of_a_signed_body_counts<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    if verification.covers == Covers::Headers {
        return Err(Stop::NotClaimed("the platform does not sign the body"));
    }
    let request = signed(context, &bench)?;
    for place in 0..request.body().len() {
        let mut body = request.body().to_vec();
        body[place] ^= 1;
        let mut changed = request.clone();
        *changed.body_mut() = body.into();
        refused(
            &bench,
            &changed,
            &format!("a body with byte {place} changed"),
        )?;
    }
    let mut longer = request.clone();
    *longer.body_mut() = [request.body(), &b" "[..]].concat().into();
    refused(&bench, &longer, "a body with more behind it").map(drop)
}

pub(super) fn every_signed_header_counts<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    if verification.other_headers.is_empty() {
        return Err(Stop::NotClaimed("the platform signs no header"));
    }
    let request = signed(context, &bench)?;
    // An earlier callback is repeated under the time of a later one, and the other way round.
    let half = verification.window.unwrap_or_default() / 2;
    let now = bench.clock.now();
    let others = [now.minus(half), now.plus(half)]
        .map(|at| callbacks(context).map(|platform| platform.callback(request.body(), at)));
    for name in verification.other_headers {
        let Some(value) = request.headers().get(*name) else {
            return Err(Stop::Broken(format!(
                "the subject's callback has no {name}"
            )));
        };
        let mut changed: Vec<_> = others
            .iter()
            .flatten()
            .filter_map(|other| other.headers().get(*name).cloned())
            .collect();
        changed.extend(with_a_byte_changed(value));
        for other in changed.iter().filter(|other| *other != value) {
            let mut request = request.clone();
            request.headers_mut().insert(*name, other.clone());
            refused(
                &bench,
                &request,
                &format!("a callback whose `{name}` is {other:?}, signed as {value:?},"),
            )?;
        }
    }
    Ok(())
}

/// The value with another byte at one place, for each place; a digit stays one, so that a number does.
fn with_a_byte_changed(value: &HeaderValue) -> Vec<HeaderValue> {
    let bytes = value.as_bytes();
    let changed = (0..bytes.len()).map(|place| {
        let mut changed = bytes.to_vec();
        changed[place] = match changed[place] {
            b'9' => b'0',
            digit @ b'0'..=b'8' => digit + 1,
            other => other ^ 1,
        };
        changed
    });
    // What HTTP can't carry reaches no driver.
    changed
        .filter_map(|changed| HeaderValue::from_bytes(&changed).ok())
        .collect()
}

fn headers(verification: Verification) -> impl Iterator<Item = &'static str> {
    let others = verification.other_headers.iter().copied();
    others.chain([verification.signature])
}

pub(super) fn no_header_may_be_missing<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    for name in headers(verification) {
        let mut request = signed(context, &bench)?;
        request.headers_mut().remove(name);
        refused(&bench, &request, &format!("a callback without `{name}`"))?;
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(""));
        refused(
            &bench,
            &request,
            &format!("a callback with an empty `{name}`"),
        )?;
        let unreadable = HeaderValue::from_bytes(b"\xff\x80").expect("HTTP allows it");
        request.headers_mut().insert(name, unreadable);
        refused(
            &bench,
            &request,
            &format!("a callback whose `{name}` is no text"),
        )?;
    }
    Ok(())
}

pub(super) fn no_header_may_be_repeated<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    for name in headers(verification) {
        let request = signed(context, &bench)?;
        let Some(value) = request.headers().get(name).cloned() else {
            continue;
        };
        for other in [value, HeaderValue::from_static("x")] {
            let mut request = request.clone();
            request.headers_mut().append(name, other);
            refused(&bench, &request, &format!("a callback with two `{name}`"))?;
        }
    }
    Ok(())
}

pub(super) fn the_window_is_kept<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    let platform = callbacks(context)?;
    let Some(window) = verification.window else {
        return Err(Stop::NotClaimed("the platform signs no time"));
    };
    // The time may be signed in whole seconds.
    let (now, grain) = (bench.clock.now(), Duration::from_secs(1));
    let inside = window.saturating_sub(grain);
    let at = |at: Timestamp| platform.callback(b"{}", at);
    for time in [now, now.minus(inside), now.plus(inside)] {
        let verdict = Driver::verify(&*bench.driver, &at(time));
        ensure!(
            verdict.is_ok(),
            "{verdict:?} for one signed at {time}, now being {now}"
        );
    }
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    for outside in [window + 2 * grain, 2 * window + 2 * grain, window + year] {
        for (time, what) in [(now.minus(outside), "stale"), (now.plus(outside), "early")] {
            refused(
                &bench,
                &at(time),
                &format!("a {what} callback, signed at {time}, now being {now},"),
            )?;
        }
    }
    Ok(())
}

pub(super) fn the_body_is_not_parsed<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    let mut refusals = Vec::new();
    for body in bodies(context) {
        let mut request = callback(context, &bench, &body)?;
        request.headers_mut().remove(verification.signature);
        let refusal = refused(&bench, &request, "a callback without a signature")?;
        refusals.push((refusal, body));
    }
    for pair in refusals.windows(2) {
        ensure!(
            pair[0].0 == pair[1].0,
            "without a signature, the body decides: {:?} for {:?}, {:?} for {:?}",
            pair[0].0,
            pair[0].1,
            pair[1].0,
            pair[1].1
        );
    }
    Ok(())
}

pub(super) fn only_the_clock_port_tells_the_time<S: Subject>(context: &Context<S>) -> Outcome {
    callbacks(context)?;
    let bench = context.open(Setup::default())?;
    // 2001 and 2033: no machine that runs this is there.
    for millis in [1_000_000_000_000, 2_000_000_000_000] {
        bench.clock.set(Timestamp::from_millis(millis));
        let verdict = Driver::verify(&*bench.driver, &signed(context, &bench)?);
        ensure!(verdict.is_ok(), "{verdict:?} at {}", bench.clock.now());
    }
    Ok(())
}

pub(super) fn refusals_give_nothing_away<S: Subject>(context: &Context<S>) -> Outcome {
    let (verification, bench) = (verification(context)?, context.open(Setup::default())?);
    let right = signed(context, &bench)?;
    let signature = right.headers().get(verification.signature);
    let signature = signature
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    for wrong in ["", "x", "AAAA", "00"] {
        let mut request = right.clone();
        let value = HeaderValue::from_str(wrong).expect("a subject's signature is text");
        request.headers_mut().insert(verification.signature, value);
        let refusal = refused(&bench, &request, "a wrong signature")?;
        let told = format!("{refusal:?}");
        ensure!(
            !told.contains(signature),
            "a refusal tells the right signature"
        );
        for secret in context.secrets() {
            ensure!(!told.contains(&secret), "a refusal tells a secret");
        }
    }
    Ok(())
}
