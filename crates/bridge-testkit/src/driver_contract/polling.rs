//! Checks of the driver's own work: how it asks a platform again and again.

use std::time::Duration;

use bridge_core::outcome::ErrorKind;

use super::bench::Setup;
use super::connecting::error;
use super::context::Context;
use super::platform::{Feed, WayIn};
use super::{Outcome, Stop, Subject};

/// The platform's feed; the checks of how it is asked are for those that ask.
fn feed<S: Subject>(context: &Context<S>) -> Result<&dyn Feed, Stop> {
    match context.subject.way_in() {
        WayIn::Polling(feed) => Ok(feed),
        _ => Err(Stop::NotClaimed("it does not ask the platform")),
    }
}

pub(super) fn what_brings_nothing_is_followed_by_a_pause<S: Subject>(
    context: &Context<S>,
) -> Outcome {
    /// A driver may ask for several things before it pauses, such as who it is.
    const MOST_AT_ONCE: usize = 10;
    const POLLS: usize = 1000;
    const A_MINUTE: Duration = Duration::from_secs(60);
    feed(context)?;
    let bench = context.open(Setup {
        is_slow: true,
        polls_take: Duration::ZERO,
        ..Setup::default()
    })?;
    bench.start();
    bench.run_for(POLLS);
    let asked = bench.http.requests().len();
    ensure!(
        asked <= MOST_AT_ONCE,
        "where nobody has said anything and answers come at once, it asks {asked} times while the \
         clock stands still"
    );
    bench.say(0, "after which it pauses again");
    bench.pass(A_MINUTE)
}

pub(super) fn the_pause_of_a_throttled_poll_is_told<S: Subject>(context: &Context<S>) -> Outcome {
    for secs in [7, 900] {
        let pause = Duration::from_secs(secs);
        let Some(answer) = feed(context)?.throttled_poll(pause) else {
            return Err(Stop::NotClaimed("the platform throttles no poll"));
        };
        let first = context.open(Setup::default())?;
        first.answer_polls(answer.clone());
        first.start();
        let later = context.open(Setup::default())?;
        later.reach()?;
        later.answer_polls(answer);
        for (bench, what) in [(first, "the first poll"), (later, "a later poll")] {
            let what = format!("{what} is throttled, with a pause of {secs} s");
            let error = error(&bench, &what)?;
            let blames_settings =
                matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Rejected);
            ensure!(!blames_settings, "{what}: {error:?} blames the settings");
            let is_told = error
                .retry_after
                .is_some_and(|told| told >= pause && told <= 2 * pause);
            ensure!(is_told, "{what}: {error:?}");
        }
    }
    Ok(())
}
