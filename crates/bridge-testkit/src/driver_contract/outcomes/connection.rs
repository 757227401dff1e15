//! What must become of sends over a connection that is not there, or breaks.

use std::time::Duration;

use bridge_core::outcome::Certainty;

use super::{is, tried_again};
use crate::driver_contract::bench::{Ending, Setup};
use crate::driver_contract::context::Context;
use crate::driver_contract::line::Links;
use crate::driver_contract::platform::{Credentials, Fate};
use crate::driver_contract::{Outcome, Subject};

/// Sends before there is a connection, and after it has broken.
pub(super) fn without_a_connection<S: Subject>(context: &Context<S>) -> Outcome {
    let begun = |links, credentials| {
        let bench = context.open(Setup {
            links,
            credentials,
            ..Setup::default()
        })?;
        bench.start();
        Ok(bench)
    };
    let known = Credentials::Known;
    for sample in context.samples()? {
        let broken = context.bench()?;
        if let Some(line) = &broken.line {
            line.cut();
        }
        broken.pass(Duration::from_secs(1))?;
        for (what, bench) in [
            (
                "a send before the work has begun",
                context.open(Setup::default())?,
            ),
            (
                "a send while connections are refused",
                begun(Links::Refused, known)?,
            ),
            (
                "a send while no connection is made",
                begun(Links::Hanging, known)?,
            ),
            (
                "a send under refused credentials",
                begun(Links::Accepted, Credentials::Unknown)?,
            ),
            ("a send after the connection broke", broken),
        ] {
            let what = sample.of(what);
            let error = bench.failed_sample(&sample, &what)?;
            is(&error, Certainty::NotDelivered, &what)?;
            tried_again(&error, &what)?;
        }
    }
    Ok(())
}

/// Sends whose answer the connection does not bring.
pub(super) fn without_an_answer<S: Subject>(context: &Context<S>) -> Outcome {
    for sample in context.samples()? {
        for (ending, what) in [
            (Some(Ending::Lost), "a connection that breaks with the send"),
            (
                Some(Ending::Unanswered),
                "a connection that breaks before the answer",
            ),
            (None, "a platform that is silent after the send"),
        ] {
            let bench = context.bench()?;
            match (ending, &bench.line) {
                (Some(ending), _) => drop(bench.next_send(ending)),
                (None, Some(line)) => line.mute(),
                (None, None) => {}
            }
            let what = sample.of(what);
            let error = bench.failed_sample(&sample, &what)?;
            is(&error, Certainty::Unknown, &what)?;
            tried_again(&error, &what)?;
        }
    }
    Ok(())
}

/// Sends once more after each way in which a send over a connection can fail.
pub(super) fn connects_again<S: Subject>(context: &Context<S>) -> Outcome {
    const AGAIN: Duration = Duration::from_secs(60);
    for ending in [
        Ending::Met(Fate::Refused("no".into())),
        Ending::Met(Fate::Throttled),
        Ending::Lost,
        Ending::Unanswered,
    ] {
        let bench = context.bench()?;
        if !bench.next_send(ending.clone()) {
            continue;
        }
        drop(bench.send()?);
        bench.pass_supervised(AGAIN)?;
        let ended = bench.send()?;
        ensure!(
            ended.is_ok(),
            "{ended:?} although all is well again after {ending:?}"
        );
    }
    Ok(())
}
