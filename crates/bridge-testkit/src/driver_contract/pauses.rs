//! Checks of how long the driver asks to wait.

use std::time::Duration;

use bridge_core::outcome::{Certainty, RetryAdvice, SendError};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response};

use super::bench::{Bench, Ending, page};
use super::context::Context;
use super::platform::Fate;
use super::samples::Sample;
use super::{Meaning, Outcome, Stop, Subject};

pub(super) fn throttling_is_tried_again<S: Subject>(context: &Context<S>) -> Outcome {
    for sample in context.samples()? {
        let bench = context.bench()?;
        if !bench.next_send(Ending::Met(Fate::Throttled)) {
            return Err(Stop::NotClaimed("the platform throttles nothing"));
        }
        let what = sample.of("throttling");
        waits(&bench.failed_sample(&sample, &what)?, &what)?;
        for error in context.listed(Meaning::Throttled) {
            let (error, what) = Bench::met_by(context, &sample, &error)?;
            waits(&error, &what)?;
        }
    }
    Ok(())
}

pub(super) fn the_pause_asked_for_is_heeded<S: Subject>(context: &Context<S>) -> Outcome {
    let api = context.api()?;
    let pauses = [1, 7, 120].map(Duration::from_secs);
    let written = pauses.map(|pause| api.throttled(pause));
    if is_same(&written[0], &written[1]) {
        return Err(Stop::NotClaimed("the platform asks for no pause"));
    }
    for sample in context.samples()? {
        for (wanted, answer) in pauses.iter().zip(&written) {
            let what = sample.of(&format!("asked to wait for {wanted:?}"));
            let error = throttled(context, &sample, answer.clone(), &what)?;
            let is_heeded =
                matches!(error.advice, RetryAdvice::After(pause, _) if pause >= *wanted);
            ensure!(is_heeded, "{what}: {error:?}");
        }
    }
    Ok(())
}

fn is_same(one: &Response<Bytes>, other: &Response<Bytes>) -> bool {
    one.status() == other.status() && one.headers() == other.headers() && one.body() == other.body()
}

pub(super) fn an_odd_pause_is_borne<S: Subject>(context: &Context<S>) -> Outcome {
    let api = context.api()?;
    let of_platform = [Duration::ZERO, Duration::from_secs(u32::MAX.into())];
    let mut answers = of_platform.map(|pause| api.throttled(pause)).to_vec();
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
        let value = HeaderValue::from_bytes(odd.as_bytes()).expect("HTTP allows it");
        let mut answer = page(429);
        answer.headers_mut().insert(RETRY_AFTER, value);
        answers.push(answer);
    }
    for answer in answers {
        throttled(context, &Sample::TEXT, answer, "an odd pause")?;
    }
    Ok(())
}

/// The error of a send that was answered so; it waits, in any case.
fn throttled<S: Subject>(
    context: &Context<S>,
    sample: &Sample,
    answer: Response<Bytes>,
    what: &str,
) -> Result<SendError, Stop> {
    let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
    let error = bench.failed_sample(sample, what)?;
    waits(&error, what)?;
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
