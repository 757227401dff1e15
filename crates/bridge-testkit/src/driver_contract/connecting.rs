//! Checks of the driver's own work: how it finds its platform, and how it loses it.

use std::time::Duration;

use bridge_core::driver::RunError;
use bridge_core::outcome::ErrorKind;

use super::bench::{Bench, Setup};
use super::context::Context;
use super::line::Links;
use super::outcomes::is_one_short_line;
use super::platform::Credentials;
use super::{Outcome, Stop, Subject};

/// How long a driver may take to find out that the platform is lost.
const NOTICED: Duration = Duration::from_secs(10 * 60);

/// What a driver that has ended said, within the time in which it must.
pub(super) fn error<S: Subject>(bench: &Bench<S>, what: &str) -> Result<RunError, Stop> {
    match bench.ends_within(NOTICED)? {
        Some(Err(error)) => Ok(error),
        Some(Ok(())) => Err(Stop::Broken(format!("{what}: it ends without an error"))),
        None => Err(Stop::Broken(format!("{what}: it does not end"))),
    }
}

/// As [`error`], which must not say that the settings are wrong.
fn error_of_the_network<S: Subject>(bench: &Bench<S>, what: &str) -> Outcome {
    let error = error(bench, what)?;
    let blames_settings = matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Rejected);
    ensure!(!blames_settings, "{what}: {error:?} blames the settings");
    Ok(())
}

fn begun<S: Subject>(context: &Context<S>, setup: Setup) -> Result<Bench<S>, Stop> {
    let bench = context.open(setup)?;
    bench.start();
    Ok(bench)
}

fn reached<S: Subject>(context: &Context<S>) -> Result<Bench<S>, Stop> {
    let bench = context.open(Setup::default())?;
    bench.reach()?;
    Ok(bench)
}

pub(super) fn a_lost_platform_ends_the_work<S: Subject>(context: &Context<S>) -> Outcome {
    context.works_by_itself()?;
    let bench = reached(context)?;
    bench.lose_platform();
    error_of_the_network(&bench, "a platform that is lost")?;
    connects_once(&bench, "a platform that is lost")?;
    let bench = reached(context)?;
    if let Some(line) = &bench.line {
        line.hang_up();
        error_of_the_network(&bench, "a connection that the platform closes")?;
        connects_once(&bench, "a connection that the platform closes")?;
    }
    Ok(())
}

fn connects_once<S: Subject>(bench: &Bench<S>, what: &str) -> Outcome {
    let dialled = bench.line.as_ref().map_or(1, |line| line.targets().len());
    ensure!(dialled == 1, "{what}: it connects {dialled} times");
    Ok(())
}

pub(super) fn an_unreached_platform_ends_the_work<S: Subject>(context: &Context<S>) -> Outcome {
    context.works_by_itself()?;
    let bench = context.open(Setup::default())?;
    bench.lose_platform();
    bench.start();
    error_of_the_network(&bench, "a platform that can't be reached")?;
    connects_once(&bench, "a platform that can't be reached")
}

pub(super) fn one_connection_at_a_time<S: Subject>(context: &Context<S>) -> Outcome {
    const A_WHILE: Duration = Duration::from_secs(60);
    context.keeps_a_connection()?;
    let bench = reached(context)?;
    for _ in 0..3 {
        if let Some(line) = &bench.line {
            line.cut();
        }
        bench.pass_supervised(A_WHILE)?;
    }
    let most = bench
        .line
        .as_ref()
        .map_or(0, super::line::Line::most_open_streams);
    ensure!(most == 1, "it holds {most} connections at once");
    Ok(())
}

pub(super) fn a_silent_platform_is_noticed<S: Subject>(context: &Context<S>) -> Outcome {
    context.works_by_itself()?;
    let from_the_start = context.open(Setup::default())?;
    mute(&from_the_start);
    from_the_start.start();
    error_of_the_network(&from_the_start, "a platform that never answers")?;
    let later = reached(context)?;
    mute(&later);
    error_of_the_network(&later, "a platform that has gone silent")
}

fn mute<S: Subject>(bench: &Bench<S>) {
    match &bench.line {
        Some(line) => line.mute(),
        None => bench.answer_no_request(),
    }
}

pub(super) fn a_quiet_platform_is_not_lost<S: Subject>(context: &Context<S>) -> Outcome {
    const QUIET: Duration = Duration::from_secs(60 * 60);
    context.works_by_itself()?;
    let bench = reached(context)?;
    bench.pass(QUIET)?;
    let ended = bench.ended();
    ensure!(
        ended.is_none(),
        "where nobody has said anything for an hour, the work ends: {ended:?}"
    );
    bench.say(0, "after a quiet hour");
    bench.pass(Duration::from_secs(60))?;
    let heard = bench.work.messages().len();
    ensure!(
        heard == 1,
        "after a quiet hour, {heard} of 1 messages are heard"
    );
    Ok(())
}

pub(super) fn reached_is_said_once_accepted<S: Subject>(context: &Context<S>) -> Outcome {
    const A_WHILE: Duration = Duration::from_secs(20);
    context.works_by_itself()?;
    drop(reached(context)?);
    let refused = begun(
        context,
        Setup {
            credentials: Credentials::Unknown,
            ..Setup::default()
        },
    )?;
    let lost = context.open(Setup::default())?;
    lost.lose_platform();
    lost.start();
    let mut benches = vec![(refused, "refuses the credentials"), (lost, "is not there")];
    if context.keeps_a_connection().is_ok() {
        let silent = context.open(Setup::default())?;
        mute(&silent);
        silent.start();
        benches.push((silent, "has not answered"));
        let hanging = Setup {
            links: Links::Hanging,
            ..Setup::default()
        };
        benches.push((begun(context, hanging)?, "is being connected to"));
    }
    for (bench, what) in benches {
        bench.pass(A_WHILE)?;
        let times = bench.work.times_reached();
        ensure!(times == 0, "it says `reached` of a platform that {what}");
    }
    Ok(())
}

pub(super) fn refused_credentials_end_the_work<S: Subject>(context: &Context<S>) -> Outcome {
    context.works_by_itself()?;
    let bench = begun(
        context,
        Setup {
            credentials: Credentials::Unknown,
            ..Setup::default()
        },
    )?;
    let error = error(&bench, "refused credentials")?;
    ensure!(
        error.kind == ErrorKind::Unauthorized,
        "refused credentials: {error:?}"
    );
    Ok(())
}

/// What the work said whenever it ended, in all checks.
pub(super) fn reasons_are_short_and_not_private<S: Subject>(context: &Context<S>) -> Outcome {
    context.works_by_itself()?;
    for error in context.errors_of_the_work() {
        is_one_short_line(&error.detail)?;
        let told = format!("{error} {error:?}");
        for text in context.credentials().into_iter().chain(context.texts()) {
            ensure!(
                !told.contains(&text),
                "the work ends with an error that shows a secret or a text"
            );
        }
    }
    Ok(())
}
