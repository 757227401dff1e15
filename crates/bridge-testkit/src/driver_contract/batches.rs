//! Checks of bodies that bring several messages or changes at once.

use bridge_core::driver::Received;
use serde_json::Value;

use super::bench::{Bench, Setup};
use super::context::Context;
use super::decoding::{brings, receive, something_comes_in};
use super::fields::{ODD, Path, doubled, elements, paths, with, without};
use super::{Brings, Outcome, Stop, Subject};

pub(super) fn one_without_sense_hides_no_other<S: Subject>(context: &Context<S>) -> Outcome {
    something_comes_in(context)?;
    let bench = context.open(Setup::default())?;
    let mut brings_several = false;
    for recorded in context.subject.recorded() {
        let Ok(body) = serde_json::from_slice::<Value>(&recorded.body) else {
            continue;
        };
        // What is recorded alone is tried with another one like it.
        for body in [doubled(&body), body] {
            for (element, others) in batch(context, &bench, &body) {
                brings_several = true;
                hides_none(context, &bench, recorded.name, &body, &element, &others)?;
            }
        }
    }
    match brings_several {
        true => Ok(()),
        false => Err(Stop::NotClaimed("no body brings several at once")),
    }
}

/// The elements without which a body brings less and all else as before, with what that is.
fn batch<S: Subject>(
    context: &Context<S>,
    bench: &Bench<S>,
    body: &Value,
) -> Vec<(Path, Vec<Brings>)> {
    let whole = brought(receive(context, bench, body.to_string().as_bytes()));
    let whole = whole.unwrap_or_default();
    let elements = elements(body).into_iter().filter_map(|element| {
        let left = without(body, &element).to_string();
        let others = brought(receive(context, bench, left.as_bytes())).ok()?;
        let is_less = !others.is_empty() && others.len() < whole.len();
        (is_less && has_all(&whole, &others)).then_some((element, others))
    });
    elements.collect()
}

/// Whatever stands in the place of an element or within it, the others are brought.
fn hides_none<S: Subject>(
    context: &Context<S>,
    bench: &Bench<S>,
    name: &str,
    body: &Value,
    element: &Path,
    others: &[Brings],
) -> Outcome {
    for place in paths(body)
        .iter()
        .filter(|place| place.starts_with(element))
    {
        for json in ODD.into_iter().chain(["null"]) {
            let damaged = with(body, place, json);
            let place = place.join(".");
            match brought(receive(context, bench, damaged.as_bytes())) {
                Ok(brought) => ensure!(
                    has_all(&brought, others),
                    "{name} with {json} at `{place}` brings {brought:?}, where others beside it bring \
                     {others:?}"
                ),
                Err(refused) => {
                    return Err(Stop::Broken(format!(
                        "{name} with {json} at `{place}` is refused as a whole: {refused}"
                    )));
                }
            }
        }
    }
    Ok(())
}

/// The messages and changes.
fn brought(received: Received) -> Result<Vec<Brings>, String> {
    let Received::Accepted(batch) = received else {
        return Err(format!("{received:?}"));
    };
    let all = batch.events.into_iter().filter_map(brings);
    Ok(all
        .filter(|brings| !matches!(brings, Brings::Ignored(_)))
        .collect())
}

/// Whether all of `wanted` are there, in their order.
fn has_all(brought: &[Brings], wanted: &[Brings]) -> bool {
    let mut rest = brought.iter();
    wanted
        .iter()
        .all(|wanted| rest.any(|brings| brings == wanted))
}
