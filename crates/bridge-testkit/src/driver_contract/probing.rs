//! Checks of the probe, by which `check --online` tries the settings.

use bridge_core::driver::Driver;
use bridge_core::outcome::{ErrorKind, SendError};
use bridge_core::ports::{HttpError, HttpErrorKind, Reached};

use super::bench::{Bench, Setup};
use super::context::Context;
use super::line::Links;
use super::platform::Credentials;
use super::{Outcome, Stop, Subject};

/// A bench whose driver has probed once.
fn probed<S: Subject>(context: &Context<S>) -> Result<Bench<S>, Stop> {
    let bench = context.open(Setup::default())?;
    match probe(&bench)? {
        Ok(Some(_)) => Ok(bench),
        Ok(None) => Err(Stop::NotClaimed("there is nothing to try without sending")),
        Err(error) => Err(Stop::Broken(format!("{error:?} although all is well"))),
    }
}

fn probe<S: Subject>(bench: &Bench<S>) -> Result<Result<Option<&'static str>, SendError>, Stop> {
    bench.drive(bench.driver.probe())
}

pub(super) fn a_probe_sends_no_message<S: Subject>(context: &Context<S>) -> Outcome {
    let sends = probed(context)?.sent().len();
    ensure!(sends == 0, "a probe sends {sends} messages");
    Ok(())
}

pub(super) fn a_probe_asks_anew<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = probed(context)?;
    for _ in 0..2 {
        let before = bench.times_asked();
        drop(probe(&bench)?);
        let asked = bench.times_asked() - before;
        ensure!(before > 0 && asked > 0, "a probe asks nothing");
    }
    Ok(())
}

pub(super) fn a_probe_tells_bad_credentials<S: Subject>(context: &Context<S>) -> Outcome {
    drop(probed(context)?);
    let bench = context.open(Setup {
        credentials: Credentials::Unknown,
        ..Setup::default()
    })?;
    match probe(&bench)? {
        Err(error) if matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Rejected) => Ok(()),
        other => Err(Stop::Broken(format!("{other:?} for refused credentials"))),
    }
}

pub(super) fn a_probe_blames_no_settings_for_the_network<S: Subject>(
    context: &Context<S>,
) -> Outcome {
    drop(probed(context)?);
    let unreached = HttpError {
        kind: HttpErrorKind::Connect,
        reached: Reached::No,
        detail: "a scripted failure".into(),
    };
    let bench = context.open(Setup {
        links: Links::Refused,
        answer: Some(Box::new(move |_, _| Err(unreached.clone()))),
        ..Setup::default()
    })?;
    match probe(&bench)? {
        Err(error) if !matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Rejected) => {
            Ok(())
        }
        other => Err(Stop::Broken(format!("{other:?} without a connection"))),
    }
}
