//! Checks of how long the driver asks to wait.

use std::time::Duration;

use bridge_core::outcome::{Certainty, RetryAdvice, SendError};
use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::bench::{Ending, page};
use super::context::Context;
use super::platform::Fate;
use super::{Outcome, Stop, Subject};

pub(super) fn throttling_is_tried_again<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = context.bench()?;
    if !bench.next_send(Ending::Met(Fate::Throttled)) {
        return Err(Stop::NotClaimed("the platform throttles nothing"));
    }
    waits(&bench.failed_send("throttling")?)
}

pub(super) fn retry_after_is_heeded<S: Subject>(context: &Context<S>) -> Outcome {
    for secs in [1, 7, 120] {
        let error = throttled(context, &secs.to_string())?;
        waits(&error)?;
        let wanted = Duration::from_secs(secs);
        let heeded = matches!(error.advice, RetryAdvice::After(pause, _) if pause >= wanted);
        ensure!(heeded, "after `Retry-After: {secs}`: {error:?}");
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
        waits(&throttled(context, odd)?)?;
    }
    Ok(())
}

/// The error of a send that was answered 429 with this header.
fn throttled<S: Subject>(context: &Context<S>, retry_after: &str) -> Result<SendError, Stop> {
    let value = HeaderValue::from_bytes(retry_after.as_bytes()).expect("HTTP allows it");
    let mut answer = page(429);
    answer.headers_mut().insert(RETRY_AFTER, value);
    let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
    bench.failed_send("status 429")
}

fn waits(error: &SendError) -> Outcome {
    ensure!(error.certainty == Certainty::NotDelivered, "{error:?}");
    ensure!(error.advice != RetryAdvice::Never, "{error:?}");
    let is_loop = matches!(error.advice, RetryAdvice::After(Duration::ZERO, _));
    ensure!(!is_loop, "a pause of nothing makes a tight loop: {error:?}");
    Ok(())
}
