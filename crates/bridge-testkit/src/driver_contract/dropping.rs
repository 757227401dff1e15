//! Checks of sends that are dropped on their way.

use std::pin::pin;
use std::task::Poll;

use bridge_core::driver::{Driver, Outgoing};
use bridge_core::outcome::{SendError, Sent};

use super::bench::{Bench, Setup};
use super::context::{Context, TEXT};
use super::{Outcome, Stop, Subject};

pub(super) fn a_dropped_send_leaves_the_driver_usable<S: Subject>(context: &Context<S>) -> Outcome {
    for_every_await(context, |bench, dropped| {
        let next = bench.outgoing(1, "the next one", "contract-key-1");
        let ended = bench.send_this(&next)?;
        ensure!(
            ended.is_ok(),
            "{ended:?} after a send was dropped at its await {}",
            dropped.number
        );
        let texts = bench
            .sent()
            .into_iter()
            .filter(|sent| sent.text == next.text);
        let count = texts.count();
        ensure!(count == 1, "the next send was asked for {count} times");
        Ok(())
    })
}

pub(super) fn what_prepares_has_not_sent<S: Subject>(context: &Context<S>) -> Outcome {
    for_every_await(context, |bench, dropped| {
        let sends = bench.sent().len();
        ensure!(
            sends == 0 || !dropped.was_preparing,
            "dropped at its await {}, it said that it was preparing; {sends} sends were asked for",
            dropped.number
        );
        Ok(())
    })
}

/// Drops a send at each of its awaits in turn; `then` looks at what that left.
fn for_every_await<S: Subject>(
    context: &Context<S>,
    then: impl Fn(&Bench<S>, Dropped) -> Outcome,
) -> Outcome {
    const MOST_AWAITS: usize = 200;
    for number in 1..MOST_AWAITS {
        let bench = context.open(Setup {
            is_slow: true,
            ..Setup::default()
        })?;
        bench.connect()?;
        let outgoing = bench.outgoing(0, TEXT, "contract-key-0");
        let ended = sent_until(&bench, &outgoing, number)?;
        if let Some(ended) = ended {
            ensure!(ended.is_ok(), "{ended:?} for a send that was not dropped");
            return Ok(());
        }
        let dropped = Dropped {
            number,
            was_preparing: outgoing.is_preparing(),
        };
        then(&bench, dropped)?;
    }
    Err(Stop::Broken(format!(
        "a send has more than {MOST_AWAITS} awaits"
    )))
}

/// Polls a send until it has waited `awaits` times, and drops it; or how it ended before that.
fn sent_until<S: Subject>(
    bench: &Bench<S>,
    outgoing: &Outgoing,
    awaits: usize,
) -> Result<Option<Result<Sent, SendError>>, Stop> {
    let mut send = pin!(bench.driver.send(outgoing));
    for _ in 0..awaits {
        if let Poll::Ready(ended) = bench.step(send.as_mut())? {
            return Ok(Some(ended));
        }
    }
    Ok(None)
}

/// The await at which a send was dropped.
#[derive(Debug, Clone, Copy)]
struct Dropped {
    number: usize,
    was_preparing: bool,
}
