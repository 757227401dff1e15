//! Checks of the driver's own work: how it asks a platform again and again.

use std::time::Duration;

use super::bench::Setup;
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
