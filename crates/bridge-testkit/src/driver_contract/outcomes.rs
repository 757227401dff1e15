//! Checks of what the driver says became of a send that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, SendError};
use bridge_core::ports::{HttpError, HttpErrorKind, Reached};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::bench::{Bench, Context, credentials_in, page};
use super::{Outcome, Stop, Subject, Success};
use crate::fake_http::{Answer, json};

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
    for kind in [HttpErrorKind::Connect, HttpErrorKind::Timeout] {
        let bench = context.sends_answered(move |_, _| Err(broken(kind, Reached::No)))?;
        let what = format!("{kind:?} before the request was written");
        let error = bench.failed_send(&what)?;
        is(&error, Certainty::NotDelivered, &what)?;
        tried_again(&error, &what)?;
    }
    Ok(())
}

pub(super) fn an_unanswered_request_is_uncertain<S: Subject>(context: &Context<S>) -> Outcome {
    for kind in UNANSWERED {
        let bench = context.sends_answered(move |_, _| Err(broken(kind, Reached::Perhaps)))?;
        let what = format!("{kind:?} after the request was written");
        let error = bench.failed_send(&what)?;
        is(&error, Certainty::Unknown, &what)?;
        tried_again(&error, &what)?;
    }
    Ok(())
}

pub(super) fn a_failing_platform_is_no_success<S: Subject>(context: &Context<S>) -> Outcome {
    for status in [500, 501, 502, 503, 504, 520, 599] {
        for answer in [
            page(status),
            json(status, ""),
            json(status, "{}"),
            json(status, "["),
        ] {
            let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
            let what = format!("status {status}");
            let error = bench.failed_send(&what)?;
            tried_again(&error, &what)?;
        }
    }
    for status in [300, 302, 304, 404, 405] {
        let bench = context.sends_answered(move |_, _| Ok(page(status)))?;
        bench.failed_send(&format!("status {status}"))?;
    }
    Ok(())
}

pub(super) fn a_gateway_leaves_it_unknown<S: Subject>(context: &Context<S>) -> Outcome {
    for status in [502, 504] {
        let bench = context.sends_answered(move |_, _| Ok(page(status)))?;
        let what = format!("status {status} of a gateway");
        is(&bench.failed_send(&what)?, Certainty::Unknown, &what)?;
    }
    Ok(())
}

pub(super) fn a_senseless_success_is_no_success<S: Subject>(context: &Context<S>) -> Outcome {
    success_is_in_the_body(context)?;
    let texts =
        ["", "{}", "[]", "null", "\"ok\"", "{\"x\":1}", "<html>"].map(|text| json(200, text));
    let no_text = Response::new(Bytes::from_static(b"\xff\xfe"));
    for answer in texts.into_iter().chain([page(200), no_text]) {
        senseless(context, answer)?;
    }
    Ok(())
}

pub(super) fn a_truncated_success_is_no_success<S: Subject>(context: &Context<S>) -> Outcome {
    success_is_in_the_body(context)?;
    let bench = context.bench()?;
    drop(bench.send()?);
    let requests = bench.http.requests();
    let send = requests
        .iter()
        .find(|request| context.subject.sent(request).is_some());
    let send = send.ok_or_else(|| Stop::Broken("no send was asked for".into()))?;
    let whole = context.subject.accepted(send);
    let text = String::from_utf8_lossy(whole.body()).trim_end().to_owned();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        senseless(context, json(200, &text[..end]))?;
    }
    Ok(())
}

fn success_is_in_the_body<S: Subject>(context: &Context<S>) -> Outcome {
    match context.subject.success() {
        Success::Body => Ok(()),
        Success::Status => Err(Stop::NotClaimed("the status alone tells success")),
    }
}

fn senseless<S: Subject>(context: &Context<S>, answer: Response<Bytes>) -> Outcome {
    let what = format!("status 200 with the body {:?}", answer.body());
    let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
    is(&bench.failed_send(&what)?, Certainty::Unknown, &what)
}

pub(super) fn a_refusal_is_final<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = context.sends_answered(|subject, _| Ok(subject.refused("no")))?;
    let error = bench.failed_send("a refusal")?;
    is(&error, Certainty::NotDelivered, "a refusal")?;
    ensure!(
        error.kind == ErrorKind::Rejected && error.advice == RetryAdvice::Never,
        "a refusal: {error:?}"
    );
    Ok(())
}

pub(super) fn refused_credentials_are_told<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = context.answering(|subject, _| Ok(subject.unauthorized()))?;
    for what in ["refused credentials", "credentials that are refused again"] {
        let error = bench.failed_send(what)?;
        is(&error, Certainty::NotDelivered, what)?;
        ensure!(error.kind == ErrorKind::Unauthorized, "{what}: {error:?}");
    }
    Ok(())
}

pub(super) fn nothing_asked_is_nothing_delivered<S: Subject>(context: &Context<S>) -> Outcome {
    for (what, answer) in failures(&*context.subject) {
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
    for (what, answer) in failures(&*context.subject) {
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
    let bench =
        context.answering(
            move |subject, request| match is_well.load(Ordering::Relaxed) {
                true => Ok(subject.accepted(request)),
                false => answer.clone(),
            },
        )?;
    Ok((bench, switch))
}

/// Everything that can go wrong with an exchange, with its name.
fn failures<S: Subject>(subject: &S) -> Vec<(String, Answer)> {
    let mut failures: Vec<(String, Answer)> = vec![
        ("a refusal".into(), Ok(subject.refused("no"))),
        ("throttling".into(), Ok(subject.throttled())),
        ("refused credentials".into(), Ok(subject.unauthorized())),
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
    const MOST_CHARS: usize = 1000;
    let long = "line\r\n\u{1b}[31m".repeat(1000);
    let said = context.subject.refused(&long);
    let plain = |status| json(status, &long);
    for answer in [said, plain(400), plain(500), page(404)] {
        let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
        let detail = bench.failed_send("a refusal in many lines")?.detail;
        let chars = detail.chars().count();
        ensure!(chars <= MOST_CHARS, "the detail has {chars} characters");
        ensure!(
            !detail.chars().any(char::is_control),
            "the detail is not one line: {detail:?}"
        );
    }
    Ok(())
}

pub(super) fn details_show_no_secret_and_no_text<S: Subject>(context: &Context<S>) -> Outcome {
    // A platform that repeats whatever it was shown.
    let secrets = context.secrets();
    let echo = move |subject: &S, request: &Request<Bytes>| {
        let text = subject.sent(request).map(|sent| sent.text);
        let shown = credentials_in(subject, &secrets, request).into_iter();
        shown.chain(text).collect::<Vec<_>>().join(" and ")
    };
    let (refuse, fail, refuse_all) = (echo.clone(), echo.clone(), echo);
    let refusing = context
        .sends_answered(move |subject, request| Ok(subject.refused(&refuse(subject, request))))?;
    let failing = context.answering(move |subject, request| {
        let text = Value::from(fail(subject, request));
        Ok(json(500, format!("{{\"message\":{text}}}")))
    })?;
    let never = context
        .answering(move |subject, request| Ok(subject.refused(&refuse_all(subject, request))))?;
    for bench in [refusing, failing, never] {
        let error = bench.failed_send("an answer that repeats the request")?;
        let told = format!("{error} {error:?}");
        ensure!(
            !told.contains("canary text"),
            "an error shows the text of the message"
        );
        for secret in context
            .secrets()
            .into_iter()
            .chain(context.credentials.list())
        {
            ensure!(
                !told.contains(&secret),
                "an error shows a secret or a token"
            );
        }
    }
    Ok(())
}
