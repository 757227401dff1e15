//! Checks of what the driver says became of a send that failed.

mod connection;
mod refusals;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, SendError};
use bridge_core::ports::{HttpError, HttpErrorKind, Reached};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::bench::{Bench, PAUSE, Setup, page};
use super::context::{CANARY, Context, TEXT, credentials_in};
use super::platform::{Api, Credentials, Success, WayOut};
use super::samples::Sample;
use super::{Meaning, Outcome, Stop, Subject};
use crate::fake_http::{Answer, json};
use refusals::refuses;

pub(super) use refusals::a_refusal_is_final;

/// Exchanges that bring no answer although the request was written.
const UNANSWERED: [HttpErrorKind; 3] = [
    HttpErrorKind::Timeout,
    HttpErrorKind::Broken,
    HttpErrorKind::Protocol,
];

fn broken(kind: HttpErrorKind, reached: Reached) -> HttpError {
    HttpError {
        kind,
        reached,
        detail: "a scripted failure".into(),
    }
}

fn tried_again(error: &SendError, what: &str) -> Outcome {
    ensure!(
        error.advice != RetryAdvice::Never,
        "{what} is never tried again: {error:?}"
    );
    Ok(())
}

fn is(error: &SendError, certainty: Certainty, what: &str) -> Outcome {
    ensure!(
        error.certainty == certainty,
        "{what}: expected {certainty:?}, found {error:?}"
    );
    Ok(())
}

pub(super) fn an_unwritten_request_is_not_delivered<S: Subject>(context: &Context<S>) -> Outcome {
    if let WayOut::Connection = context.subject.way_out() {
        return connection::without_a_connection(context);
    }
    for sample in context.samples()? {
        for kind in [HttpErrorKind::Connect, HttpErrorKind::Timeout] {
            let bench = context.sends_answered(move |_, _| Err(broken(kind, Reached::No)))?;
            let what = sample.of(&format!("{kind:?} before the request was written"));
            let error = bench.failed_sample(&sample, &what)?;
            is(&error, Certainty::NotDelivered, &what)?;
            tried_again(&error, &what)?;
        }
    }
    Ok(())
}

pub(super) fn an_unanswered_request_is_uncertain<S: Subject>(context: &Context<S>) -> Outcome {
    if let WayOut::Connection = context.subject.way_out() {
        return connection::without_an_answer(context);
    }
    for sample in context.samples()? {
        for kind in UNANSWERED {
            let bench = context.sends_answered(move |_, _| Err(broken(kind, Reached::Perhaps)))?;
            let what = sample.of(&format!("{kind:?} after the request was written"));
            let error = bench.failed_sample(&sample, &what)?;
            is(&error, Certainty::Unknown, &what)?;
            tried_again(&error, &what)?;
        }
    }
    Ok(())
}

pub(super) fn a_failing_platform_is_no_success<S: Subject>(context: &Context<S>) -> Outcome {
    context.api()?;
    for sample in context.samples()? {
        for status in [500, 501, 502, 503, 504, 520, 599] {
            for answer in [
                page(status),
                json(status, ""),
                json(status, "{}"),
                json(status, "["),
            ] {
                let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
                let what = sample.of(&format!("status {status}"));
                let error = bench.failed_sample(&sample, &what)?;
                tried_again(&error, &what)?;
            }
        }
        for status in [300, 302, 304, 404, 405] {
            let bench = context.sends_answered(move |_, _| Ok(page(status)))?;
            bench.failed_sample(&sample, &sample.of(&format!("status {status}")))?;
        }
        for error in context.listed(Meaning::Failing) {
            let (error, what) = Bench::met_by(context, &sample, &error)?;
            tried_again(&error, &what)?;
        }
    }
    Ok(())
}

pub(super) fn a_gateway_leaves_it_unknown<S: Subject>(context: &Context<S>) -> Outcome {
    context.api()?;
    for sample in context.samples()? {
        for status in [502, 504] {
            let bench = context.sends_answered(move |_, _| Ok(page(status)))?;
            let what = sample.of(&format!("status {status} of a gateway"));
            let error = bench.failed_sample(&sample, &what)?;
            is(&error, Certainty::Unknown, &what)?;
        }
    }
    Ok(())
}

pub(super) fn a_senseless_success_is_no_success<S: Subject>(context: &Context<S>) -> Outcome {
    let texts = ["", "{}", "[]", "null", "\"ok\"", "{\"x\":1}", "<html>"];
    let texts = texts.map(|text| json(200, text));
    let no_text = Response::new(Bytes::from_static(b"\xff\xfe"));
    let answers: Vec<_> = texts.into_iter().chain([page(200), no_text]).collect();
    for sample in succeeding_in_the_body(context)? {
        for answer in &answers {
            senseless(context, &sample, answer.clone())?;
        }
        // A platform may mean a refusal by this.
        let bench = context.sends_answered(|_, _| Ok(json(200, "{\"ok\":false}")))?;
        bench.failed_sample(&sample, &sample.of("status 200 that says `\"ok\":false`"))?;
    }
    Ok(())
}

pub(super) fn a_truncated_success_is_no_success<S: Subject>(context: &Context<S>) -> Outcome {
    for sample in succeeding_in_the_body(context)? {
        let whole = success(context, &sample)?;
        let text = String::from_utf8_lossy(whole.body()).trim_end().to_owned();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            senseless(context, &sample, json(200, &text[..end]))?;
        }
    }
    Ok(())
}

/// What the platform answers to this sample while all is well.
fn success<S: Subject>(context: &Context<S>, sample: &Sample) -> Result<Response<Bytes>, Stop> {
    let (api, bench) = (context.api()?, context.bench()?);
    drop(bench.send_sample(sample)?);
    let requests = bench.http.requests();
    let send = requests.iter().find(|request| api.asked(request).is_some());
    let send = send.ok_or_else(|| Stop::Broken("no send was asked for".into()))?;
    Ok(api.accepted(send))
}

/// The samples whose success stands in the body of the answer.
fn succeeding_in_the_body<S: Subject>(context: &Context<S>) -> Result<Vec<Sample>, Stop> {
    let api = context.api()?;
    let mut samples = context.samples()?;
    samples.retain(|sample| api.success_of(&sample.act) == Success::Body);
    match samples.is_empty() {
        false => Ok(samples),
        true => Err(Stop::NotClaimed("the status alone tells success")),
    }
}

fn senseless<S: Subject>(
    context: &Context<S>,
    sample: &Sample,
    answer: Response<Bytes>,
) -> Outcome {
    let what = sample.of(&format!("status 200 with the body {:?}", answer.body()));
    let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
    is(
        &bench.failed_sample(sample, &what)?,
        Certainty::Unknown,
        &what,
    )
}

pub(super) fn refused_credentials_are_told<S: Subject>(context: &Context<S>) -> Outcome {
    for sample in context.samples()? {
        let bench = context.open(Setup {
            credentials: Credentials::Unknown,
            ..Setup::default()
        })?;
        bench.start();
        for what in ["refused credentials", "credentials that are refused again"] {
            let what = sample.of(what);
            let error = bench.failed_sample(&sample, &what)?;
            is(&error, Certainty::NotDelivered, &what)?;
            if let WayOut::Connection = context.subject.way_out() {
                // The work tells: see W7.
                tried_again(&error, &what)?;
                continue;
            }
            ensure!(error.kind == ErrorKind::Unauthorized, "{what}: {error:?}");
        }
        for error in context.listed(Meaning::Unauthorized) {
            let (error, what) = Bench::met_by(context, &sample, &error)?;
            is(&error, Certainty::NotDelivered, &what)?;
            ensure!(error.kind == ErrorKind::Unauthorized, "{what}: {error:?}");
        }
    }
    Ok(())
}

pub(super) fn nothing_asked_is_nothing_delivered<S: Subject>(context: &Context<S>) -> Outcome {
    if let WayOut::Connection = context.subject.way_out() {
        return connection::without_a_connection(context);
    }
    for (what, answer) in failures(context.api()?) {
        let bench = context.answering(move |_, _| answer.clone())?;
        let error = bench.failed_send(&what)?;
        if bench.sent().is_empty() {
            is(
                &error,
                Certainty::NotDelivered,
                &format!("{what}, and no send was asked for"),
            )?;
        }
    }
    Ok(())
}

pub(super) fn a_failure_leaves_the_driver_usable<S: Subject>(context: &Context<S>) -> Outcome {
    if let WayOut::Connection = context.subject.way_out() {
        return connection::connects_again(context);
    }
    for (what, answer) in failures(context.api()?) {
        let (bench, is_well) = mended(context, answer)?;
        drop(bench.send()?);
        is_well.store(true, Ordering::Relaxed);
        let ended = bench.send()?;
        ensure!(
            ended.is_ok(),
            "{ended:?} although all is well again after {what}"
        );
    }
    Ok(())
}

type Mended<S> = (Bench<S>, Arc<AtomicBool>);

/// A driver whose platform answers everything with `answer`, until all is well.
fn mended<S: Subject>(context: &Context<S>, answer: Answer) -> Result<Mended<S>, Stop> {
    let is_well = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&is_well);
    let bench = context.answering(move |api, request| match is_well.load(Ordering::Relaxed) {
        true => Ok(api.accepted(request)),
        false => answer.clone(),
    })?;
    Ok((bench, switch))
}

/// Everything that can go wrong with an exchange, with its name.
fn failures(api: &dyn Api) -> Vec<(String, Answer)> {
    let mut failures: Vec<(String, Answer)> = vec![
        ("a refusal".into(), Ok(api.refused("no"))),
        ("throttling".into(), Ok(api.throttled(PAUSE))),
        ("refused credentials".into(), Ok(api.unauthorized())),
        (
            "no connection".into(),
            Err(broken(HttpErrorKind::Connect, Reached::No)),
        ),
    ];
    for kind in UNANSWERED {
        failures.push((format!("{kind:?}"), Err(broken(kind, Reached::Perhaps))));
    }
    for status in [302, 400, 401, 403, 404, 429, 500, 502, 503, 504] {
        failures.push((format!("a page with status {status}"), Ok(page(status))));
    }
    failures
}

pub(super) fn details_are_one_short_line<S: Subject>(context: &Context<S>) -> Outcome {
    let long = "line\r\n\u{1b}[31m".repeat(1000);
    let mut benches = Vec::new();
    let refusing = context.bench()?;
    match (context.api(), refuses(&refusing, &long)) {
        (Err(_), Err(stop)) => return Err(stop),
        (_, Err(_)) => {}
        (_, Ok(())) => benches.push(refusing),
    }
    if context.api().is_ok() {
        let plain = |status| json(status, &long);
        for answer in [plain(400), plain(500), page(404)] {
            benches.push(context.sends_answered(move |_, _| Ok(answer.clone()))?);
        }
    }
    for bench in benches {
        is_one_short_line(&bench.failed_send("a refusal in many lines")?.detail)?;
    }
    Ok(())
}

/// What people read of a failure.
pub(super) fn is_one_short_line(detail: &str) -> Outcome {
    const MOST_CHARS: usize = 1000;
    let chars = detail.chars().count();
    ensure!(chars <= MOST_CHARS, "the detail has {chars} characters");
    ensure!(
        !detail.chars().any(char::is_control),
        "the detail is not one line: {detail:?}"
    );
    Ok(())
}

pub(super) fn details_show_no_secret_and_no_text<S: Subject>(context: &Context<S>) -> Outcome {
    let mut benches = Vec::new();
    if context.api().is_ok() {
        benches.extend(echoing(context)?);
    } else {
        // What it was shown of the secrets so far.
        drop(context.bench()?);
        let bench = context.bench()?;
        let credentials = context.credentials().join(" and ");
        refuses(&bench, &format!("{credentials} and {TEXT}"))?;
        benches.push(bench);
    }
    for bench in benches {
        let error = bench.failed_send("an answer that repeats the request")?;
        let told = format!("{error} {error:?}");
        ensure!(
            !told.contains(CANARY),
            "an error shows the text of the message"
        );
        for secret in context.credentials() {
            ensure!(
                !told.contains(&secret),
                "an error shows a secret or a token"
            );
        }
    }
    Ok(())
}

/// Platforms that repeat whatever they were shown.
fn echoing<S: Subject>(context: &Context<S>) -> Result<[Bench<S>; 3], Stop> {
    let secrets = context.secrets();
    let echo = move |api: &dyn Api, request: &Request<Bytes>| {
        let text = api.asked(request).map(|asked| asked.text);
        let shown = credentials_in(api, &secrets, request).into_iter();
        shown.chain(text).collect::<Vec<_>>().join(" and ")
    };
    let (refuse, fail, refuse_all) = (echo.clone(), echo.clone(), echo);
    Ok([
        context.sends_answered(move |api, request| Ok(api.refused(&refuse(api, request))))?,
        context.answering(move |api, request| {
            let text = Value::from(fail(api, request));
            Ok(json(500, format!("{{\"message\":{text}}}")))
        })?,
        context.answering(move |api, request| Ok(api.refused(&refuse_all(api, request))))?,
    ])
}
