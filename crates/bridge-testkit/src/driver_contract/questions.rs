//! Checks of questions that are asked at the listener.

use bridge_core::driver::{Driver, Refusal};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};

use super::bench::{Bench, Setup};
use super::context::Context;
use super::{Outcome, Questions, Stop, Subject};

type Answered = Result<Response<Bytes>, Refusal>;

fn questions<S: Subject>(context: &Context<S>) -> Result<(Questions, Bench<S>), Stop> {
    let questions = context.subject.questions();
    let paths =
        S::Driver::listen(&context.settings()?).map_or(Vec::new(), |listen| listen.questions);
    let Some(questions) = questions else {
        ensure!(
            paths.is_empty(),
            "the subject asks nothing at the paths {paths:?}"
        );
        return Err(Stop::NotClaimed("it answers no questions"));
    };
    for path in &paths {
        let is_asked = questions
            .good
            .iter()
            .any(|question| question.uri().path() == path);
        ensure!(is_asked, "the subject asks nothing at the path {path:?}");
    }
    Ok((questions, context.open(Setup::default())?))
}

fn answer<S: Subject>(bench: &Bench<S>, question: &Request<Bytes>) -> Result<Answered, Stop> {
    bench.drive(Driver::answer(&*bench.driver, question))
}

pub(super) fn who_shows_the_credential_is_answered<S: Subject>(context: &Context<S>) -> Outcome {
    let (questions, bench) = questions(context)?;
    ensure!(!questions.good.is_empty(), "the subject asks nothing");
    for question in &questions.good {
        let answered = answer(&bench, question)?;
        let is_good = |answer: &Response<Bytes>| answer.status().is_success();
        ensure!(
            answered.as_ref().is_ok_and(is_good),
            "{answered:?} for {}",
            question.uri()
        );
    }
    Ok(())
}

pub(super) fn all_others_are_refused<S: Subject>(context: &Context<S>) -> Outcome {
    let (questions, bench) = questions(context)?;
    for question in &questions.good {
        for (what, question) in strangers(question, questions.credential)? {
            refused(context, &bench, &question, &what)?;
        }
    }
    Ok(())
}

/// The question as somebody asks it who does not know the credential.
fn strangers(
    question: &Request<Bytes>,
    header: &'static str,
) -> Result<Vec<(String, Request<Bytes>)>, Stop> {
    let Some(right) = question.headers().get(header).cloned() else {
        return Err(Stop::Broken(format!(
            "the subject's question has no `{header}`"
        )));
    };
    let without = {
        let mut without = question.clone();
        without.headers_mut().remove(header);
        without
    };
    let mut asked = vec![("no credential".to_owned(), without.clone())];
    let right = right.as_bytes();
    let beginnings = (0..right.len()).map(|end| right[..end].to_vec());
    let bits = (0..right.len() * 8).map(|bit| {
        let mut changed = right.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    });
    // The scheme of `Authorization` may be written in either case.
    let wrong = beginnings
        .chain(bits)
        .chain([[right, b"0"].concat(), b"Bearer".to_vec(), b"\xff".to_vec()])
        .filter(|wrong| !wrong.eq_ignore_ascii_case(right) || differs_in_secret(wrong, right));
    for wrong in wrong {
        // What HTTP can't carry reaches no driver.
        let Ok(value) = HeaderValue::from_bytes(&wrong) else {
            continue;
        };
        // White space around a value is no part of it.
        if value.as_bytes().trim_ascii() == right {
            continue;
        }
        let mut question = without.clone();
        question.headers_mut().insert(header, value);
        asked.push((
            format!("the credential {:?}", String::from_utf8_lossy(&wrong)),
            question,
        ));
    }
    for (first, second) in [(right, right), (right, b"x"), (b"x", right)] {
        let mut question = without.clone();
        for value in [first, second] {
            let value = HeaderValue::from_bytes(value).expect("one of them stood in a header");
            question.headers_mut().append(header, value);
        }
        asked.push(("two credentials".to_owned(), question));
    }
    Ok(asked)
}

/// Whether they differ beyond the first word.
fn differs_in_secret(one: &[u8], other: &[u8]) -> bool {
    let secret = |value: &[u8]| {
        let first = value.iter().position(|byte| *byte == b' ');
        value[first.map_or(0, |space| space + 1)..].to_vec()
    };
    secret(one) != secret(other)
}

fn refused<S: Subject>(
    context: &Context<S>,
    bench: &Bench<S>,
    question: &Request<Bytes>,
    what: &str,
) -> Result<Refusal, Stop> {
    let refusal = match answer(bench, question)? {
        Err(refusal) => refusal,
        Ok(answer) => {
            return Err(Stop::Broken(format!(
                "{what} is answered with status {}",
                answer.status()
            )));
        }
    };
    let told = format!("{refusal:?}");
    for secret in context.secrets() {
        ensure!(!told.contains(&secret), "a refusal tells a secret");
    }
    Ok(refusal)
}

pub(super) fn only_the_credential_decides<S: Subject>(context: &Context<S>) -> Outcome {
    let (questions, bench) = questions(context)?;
    for question in &questions.good {
        let mut first = None;
        for query in queries(question) {
            let mut question = asking(question, &query);
            question.headers_mut().remove(questions.credential);
            let refusal = refused(context, &bench, &question, "no credential")?;
            let first = first.get_or_insert_with(|| refusal.clone());
            ensure!(
                *first == refusal,
                "without the credential, the query {query:?} decides: {first:?}, {refusal:?}"
            );
        }
    }
    Ok(())
}

pub(super) fn any_question_is_borne<S: Subject>(context: &Context<S>) -> Outcome {
    let (questions, bench) = questions(context)?;
    for question in &questions.good {
        for query in queries(question) {
            bears(&bench, &asking(question, &query), &query)?;
        }
        for header in [
            "accept",
            "range",
            "if-none-match",
            "content-type",
            "x-surely-unknown",
        ] {
            for value in [&b""[..], b"\xff\xfe", b"bytes=-1", b"*/*;q=x"] {
                let mut question = question.clone();
                let value = HeaderValue::from_bytes(value).expect("HTTP allows it");
                question.headers_mut().append(header, value);
                bears(&bench, &question, header)?;
            }
        }
    }
    Ok(())
}

fn bears<S: Subject>(bench: &Bench<S>, question: &Request<Bytes>, what: &str) -> Outcome {
    let answered =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| answer(bench, question)));
    let Ok(answered) = answered else {
        return Err(Stop::Broken(format!("it panics on {what:?}")));
    };
    match answered? {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) if answer.status() == StatusCode::BAD_REQUEST => Ok(()),
        Ok(answer) => Err(Stop::Broken(format!(
            "status {} for {what:?}",
            answer.status()
        ))),
        Err(refusal) => Err(Stop::Broken(format!("{refusal:?} for {what:?}"))),
    }
}

/// Queries of which few make sense: every key of the question with odd values, and noise.
fn queries(question: &Request<Bytes>) -> Vec<String> {
    const ODD: [&str; 14] = [
        "",
        "0",
        "-1",
        "1.5",
        "x",
        "%",
        "%zz",
        "%ff",
        "%00",
        "+",
        "99999999999999999999",
        "9223372036854775807",
        "-9223372036854775808",
        "%E6%B6%88",
    ];
    let query = question.uri().query().unwrap_or_default();
    let pairs: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    let mut queries: Vec<String> = ["", "&", "&&=&=", "=", "x", "surely_unknown=1", "%=%", "?"]
        .map(str::to_owned)
        .into();
    queries.push("x=1&".repeat(500));
    for (place, pair) in pairs.iter().enumerate() {
        let key = pair.split('=').next().unwrap_or_default();
        let with = |other: String| {
            let mut pairs: Vec<_> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
            pairs[place] = other;
            pairs.join("&")
        };
        queries.extend(ODD.map(|odd| with(format!("{key}={odd}"))));
        queries.push(with(key.to_owned()));
        queries.push(with(format!("{pair}&{pair}")));
        queries.push(with(format!("{key}={}", "9".repeat(4000))));
    }
    queries
}

/// The question with this query in place of its own.
fn asking(question: &Request<Bytes>, query: &str) -> Request<Bytes> {
    let mut asked = question.clone();
    let uri = format!("{}?{query}", question.uri().path());
    if let Ok(uri) = uri.parse() {
        *asked.uri_mut() = uri;
    }
    asked
}
