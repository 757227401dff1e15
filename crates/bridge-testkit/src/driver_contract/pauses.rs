//! Checks of how long the driver asks to wait.

use std::time::Duration;

use bridge_core::outcome::{Certainty, RetryAdvice, SendError};
use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::bench::{Ending, page};
use super::context::Context;
use super::platform::Fate;
use super::samples::Sample;
use super::{Outcome, Stop, Subject};

pub(super) fn throttling_is_tried_again<S: Subject>(context: &Context<S>) -> Outcome {
    for sample in context.samples()? {
        let bench = context.bench()?;
        if !bench.next_send(Ending::Met(Fate::Throttled)) {
            return Err(Stop::NotClaimed("the platform throttles nothing"));
        }
        let what = sample.of("throttling");
        waits(&bench.failed_sample(&sample, &what)?, &what)?;
    }
    Ok(())
}

pub(super) fn retry_after_is_heeded<S: Subject>(context: &Context<S>) -> Outcome {
    context.api()?;
    for sample in context.samples()? {
        for secs in [1, 7, 120] {
            let error = throttled(context, &sample, &secs.to_string())?;
            let wanted = Duration::from_secs(secs);
            let heeded = matches!(error.advice, RetryAdvice::After(pause, _) if pause >= wanted);
            let what = sample.of(&format!("after `Retry-After: {secs}`"));
            ensure!(heeded, "{what}: {error:?}");
        }
    }
    Ok(())
}

pub(super) fn an_odd_retry_after_is_borne<S: Subject>(context: &Context<S>) -> Outcome {
    for odd in [
        "",
        "0",
        "-1",
        "1.5",
        "soon",
        "99999999999999999999",
        "18446744073709551615",
        "\u{e9}",
    ] {
        drop(throttled(context, &Sample::TEXT, odd)?);
    }
    Ok(())
}

/// The error of a send that was answered 429 with this header; it waits, in any case.
fn throttled<S: Subject>(
    context: &Context<S>,
    sample: &Sample,
    retry_after: &str,
) -> Result<SendError, Stop> {
    let value = HeaderValue::from_bytes(retry_after.as_bytes()).expect("HTTP allows it");
    let mut answer = page(429);
    answer.headers_mut().insert(RETRY_AFTER, value);
    let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
    let what = sample.of("status 429");
    let error = bench.failed_sample(sample, &what)?;
    waits(&error, &what)?;
    Ok(error)
}

fn waits(error: &SendError, what: &str) -> Outcome {
    ensure!(
        error.certainty == Certainty::NotDelivered,
        "{what}: {error:?}"
    );
    ensure!(error.advice != RetryAdvice::Never, "{what}: {error:?}");
    let is_loop = matches!(error.advice, RetryAdvice::After(Duration::ZERO, _));
    ensure!(
        !is_loop,
        "{what}: a pause of nothing makes a tight loop: {error:?}"
    );
    Ok(())
}
