//! What must become of sends that the platform refuses for good.

use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, SendError};
use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::{is, success};
use crate::driver_contract::bench::{Bench, Ending};
use crate::driver_contract::context::Context;
use crate::driver_contract::platform::{Fate, WayOut};
use crate::driver_contract::samples::Sample;
use crate::driver_contract::{Meaning, Outcome, Stop, Subject};

/// Has the next send be refused for good.
pub(super) fn refuses<S: Subject>(bench: &Bench<S>, saying: &str) -> Outcome {
    match bench.next_send(Ending::Met(Fate::Refused(saying.into()))) {
        true => Ok(()),
        false => Err(Stop::NotClaimed("the platform refuses no send for good")),
    }
}

pub(in crate::driver_contract) fn a_refusal_is_final<S: Subject>(context: &Context<S>) -> Outcome {
    for sample in context.samples()? {
        let bench = context.bench()?;
        refuses(&bench, "no")?;
        let what = sample.of("a refusal");
        is_final(&bench.failed_sample(&sample, &what)?, &what)?;
        for error in context.listed(Meaning::Refused) {
            let (error, what) = Bench::met_by(context, &sample, &error)?;
            is_final(&error, &what)?;
        }
    }
    for (sample, answer) in with_an_id(context)? {
        let what = sample.of(&format!("a refusal that has an id: {:?}", answer.body()));
        let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
        bench.failed_sample(&sample, &what)?;
    }
    Ok(())
}

/// Refusals in which all that a success has stands as well: what says no counts.
fn with_an_id<S: Subject>(context: &Context<S>) -> Result<Vec<(Sample, Response<Bytes>)>, Stop> {
    let WayOut::Requests(api) = context.subject.way_out() else {
        return Ok(Vec::new());
    };
    let object = |answer: &Response<Bytes>| match serde_json::from_slice(answer.body()) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    let listed = context.listed(Meaning::Refused).into_iter();
    let refusals: Vec<_> = [api.refused("no")]
        .into_iter()
        .chain(listed.map(|error| error.answer))
        .collect();
    let mut answers = Vec::new();
    for sample in context.samples()? {
        let taken = success(context, &sample)?;
        let Some(success) = object(&taken) else {
            continue;
        };
        for refusal in &refusals {
            let Some(fields) = object(refusal) else {
                continue;
            };
            let says_no = success
                .iter()
                .any(|(key, value)| is_no(value, fields.get(key)));
            let mut both = success.clone();
            both.extend(fields);
            let mut answer = refusal.clone();
            *answer.body_mut() = Value::Object(both).to_string().into();
            answers.push((sample.clone(), answer.clone()));
            if says_no && answer.status() != taken.status() {
                *answer.status_mut() = taken.status();
                answers.push((sample.clone(), answer));
            }
        }
    }
    Ok(answers)
}

fn is_final(error: &SendError, what: &str) -> Outcome {
    is(error, Certainty::NotDelivered, what)?;
    ensure!(
        error.kind == ErrorKind::Rejected && error.advice == RetryAdvice::Never,
        "{what}: {error:?}"
    );
    Ok(())
}

/// Whether a field alone tells the refusal from the success: `"ok": false`, `"errcode": 7`.
fn is_no(of_success: &Value, of_refusal: Option<&Value>) -> bool {
    match (of_success, of_refusal) {
        (Value::Bool(yes), Some(Value::Bool(no))) => yes != no,
        (Value::Number(none), Some(Value::Number(code))) => {
            none.as_i64() == Some(0) && code.as_i64() != Some(0)
        }
        _ => false,
    }
}
