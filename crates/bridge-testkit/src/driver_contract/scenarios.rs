//! Checks of a driver in lanes, as the bridge sends: platforms that work, fail for a while, fail for
//! good, or both; many senders at once; a stop on the way.

use std::cell::RefCell;

use bridge_core::driver::Driver;
use futures_util::future::join_all;

use super::bench::{Bench, Ending, Setup};
use super::context::Context;
use super::lane::{self, Delivery, plan, was_seen};
use super::platform::Fate;
use super::{Outcome, Stop, Subject};

/// Uncertain sends of one delivery after which none follows: more would be parked.
const MOST_UNCERTAIN: usize = 2;

fn bench<S: Subject>(context: &Context<S>) -> Result<Bench<S>, Stop> {
    supervised(context, Setup::default())
}

fn supervised<S: Subject>(context: &Context<S>, setup: Setup) -> Result<Bench<S>, Stop> {
    let bench = context.open(setup)?;
    bench.connect()?;
    bench.supervise();
    Ok(bench)
}

/// So many channels, or the one that there is where channels have no keys.
fn channels<S: Subject>(wanted: usize) -> usize {
    match S::Driver::INFO.address_keys {
        [] => 1,
        _ => wanted,
    }
}

/// Sends so many texts to each of these channels at once; how each has ended.
fn send_all<S: Subject>(
    bench: &Bench<S>,
    plan: &lane::Plan<'_>,
    channels: usize,
    count: usize,
) -> Result<Vec<Delivery>, Stop> {
    let done = RefCell::new(Vec::new());
    let texts: Vec<_> = (0..channels)
        .map(|channel| lane::texts(channel, count))
        .collect();
    let lanes = texts
        .iter()
        .enumerate()
        .map(|(channel, texts)| lane::run(bench, plan, channel, texts, &done));
    bench.drive(join_all(lanes))?;
    Ok(done.into_inner())
}

/// All were delivered, and seen in their order.
fn all_arrived<S: Subject>(
    context: &Context<S>,
    bench: &Bench<S>,
    deliveries: &[Delivery],
    channels: usize,
) -> Outcome {
    let lost = deliveries.iter().find(|delivery| !delivery.is_delivered);
    ensure!(lost.is_none(), "one was given up: {lost:?}");
    for channel in 0..channels {
        let expected: Vec<_> = deliveries
            .iter()
            .filter(|delivery| delivery.channel == channel)
            .collect();
        was_seen(context, bench, channel, &expected)?;
    }
    Ok(())
}

pub(super) fn everything_arrives_while_all_is_well<S: Subject>(context: &Context<S>) -> Outcome {
    let channels = channels::<S>(3);
    let bench = bench(context)?;
    let deliveries = send_all(&bench, &plan([]), channels, 16)?;
    let again = deliveries.iter().find(|delivery| delivery.tries != 1);
    ensure!(again.is_none(), "one was tried again: {again:?}");
    all_arrived(context, &bench, &deliveries, channels)
}

pub(super) fn everything_arrives_after_a_while_of_failures<S: Subject>(
    context: &Context<S>,
) -> Outcome {
    const FAILURES: usize = 60;
    let bench = bench(context)?;
    // So that the plan's entries meet the sends that they are meant for.
    bench.send_only_when_settled();
    let mut random = context.random();
    let endings = random_endings(&mut random, FAILURES, |random| match random.u8(..4) {
        0 => Ending::Met(Fate::Taken),
        1 => Ending::Met(Fate::Throttled),
        2 => Ending::Lost,
        _ => Ending::Unanswered,
    });
    let deliveries = send_all(&bench, &plan(endings), 1, 40)?;
    all_arrived(context, &bench, &deliveries, 1)
}

/// Endings at random for one lane, with no more uncertain ones for a delivery than it bears.
fn random_endings(
    random: &mut fastrand::Rng,
    count: usize,
    choose: impl Fn(&mut fastrand::Rng) -> Ending,
) -> Vec<Ending> {
    let mut uncertain = 0;
    let mut endings = Vec::new();
    for _ in 0..count {
        let mut ending = choose(random);
        let is_uncertain = matches!(ending, Ending::Lost | Ending::Unanswered);
        if is_uncertain && uncertain == MOST_UNCERTAIN {
            ending = Ending::Met(Fate::Taken);
        }
        uncertain = match ending {
            Ending::Lost | Ending::Unanswered => uncertain + 1,
            Ending::Met(Fate::Throttled) => uncertain,
            _ => 0,
        };
        endings.push(ending);
    }
    endings
}

pub(super) fn what_is_refused_for_good_is_tried_once<S: Subject>(context: &Context<S>) -> Outcome {
    refuses(context)?;
    let bench = bench(context)?;
    let refused = || Ending::Met(Fate::Refused("no".into()));
    let deliveries = send_all(&bench, &plan(std::iter::repeat_with(refused)), 1, 12)?;
    for delivery in &deliveries {
        ensure!(
            !delivery.is_delivered && delivery.tries == 1 && delivery.uncertain == 0,
            "what is refused for good ends as {delivery:?}"
        );
    }
    let seen = bench.seen();
    ensure!(seen.is_empty(), "what was refused was seen: {seen:?}");
    Ok(())
}

/// Ends a check of refusals where the platform has none.
fn refuses<S: Subject>(context: &Context<S>) -> Outcome {
    let fate = Fate::Refused("no".into());
    match bench(context)?.next_send(Ending::Met(fate)) {
        true => Ok(()),
        false => Err(Stop::NotClaimed("the platform refuses no send for good")),
    }
}

pub(super) fn refusals_and_failures_are_told_apart<S: Subject>(context: &Context<S>) -> Outcome {
    const ENDINGS: usize = 60;
    refuses(context)?;
    let bench = bench(context)?;
    bench.send_only_when_settled();
    let mut random = context.random();
    let endings = random_endings(&mut random, ENDINGS, |random| match random.u8(..5) {
        0 => Ending::Met(Fate::Refused("no".into())),
        1 => Ending::Met(Fate::Throttled),
        2 => Ending::Lost,
        _ => Ending::Met(Fate::Taken),
    });
    let refusals = endings
        .iter()
        .filter(|ending| matches!(ending, Ending::Met(Fate::Refused(_))))
        .count();
    let deliveries = send_all(&bench, &plan(endings), 1, ENDINGS)?;
    let refused = deliveries.iter().filter(|delivery| !delivery.is_delivered);
    let refused = refused.count();
    ensure!(
        refused == refusals,
        "of {refusals} that were refused for good, {refused} are given up: {deliveries:?}"
    );
    let delivered: Vec<_> = deliveries
        .iter()
        .filter(|delivery| delivery.is_delivered)
        .collect();
    was_seen(context, &bench, 0, &delivered)
}

pub(super) fn four_at_once_keep_their_order<S: Subject>(context: &Context<S>) -> Outcome {
    let producers = channels::<S>(4);
    // Ports that give way, so that sends are under way at once.
    let slow = Setup {
        is_slow: true,
        ..Setup::default()
    };
    let bench = supervised(context, slow)?;
    let mut random = context.random();
    let mut uncertain = 0;
    let endings: Vec<_> = (0..producers * 12)
        .map(|_| match random.u8(..6) {
            0 => Ending::Met(Fate::Throttled),
            1 if uncertain < MOST_UNCERTAIN => {
                uncertain += 1;
                Ending::Lost
            }
            _ => Ending::Met(Fate::Taken),
        })
        .collect();
    let deliveries = send_all(&bench, &plan(endings), producers, 24)?;
    all_arrived(context, &bench, &deliveries, producers)
}

pub(super) fn a_stop_on_the_way_loses_nothing<S: Subject>(context: &Context<S>) -> Outcome {
    const COUNT: usize = 6;
    const MOST_STEPS: usize = 400;
    let texts = lane::texts(0, COUNT);
    // Every step at first, then fewer.
    let mut steps = 1;
    while steps < MOST_STEPS {
        let mut bench = context.open(Setup {
            is_slow: true,
            ..Setup::default()
        })?;
        bench.connect()?;
        let done = RefCell::new(Vec::new());
        let has_ended = {
            let well = plan([]);
            let lane = lane::run(&bench, &well, 0, &texts, &done);
            bench.drive_for(steps, lane)?
        };
        bench.open_anew(context)?;
        bench.connect()?;
        let mut deliveries = done.into_inner();
        let rest = &texts[deliveries.len()..];
        let resumed = lane::resume(&bench, 0, &texts, deliveries.len());
        deliveries.extend(bench.drive(resumed)?);
        // Nobody knew of the one that was under way.
        if let Some(interrupted) = deliveries.get_mut(COUNT - rest.len()) {
            interrupted.uncertain += 1;
        }
        all_arrived(context, &bench, &deliveries, 1)?;
        if has_ended {
            return Ok(());
        }
        steps += 1 + steps / 8;
    }
    Ok(())
}

pub(super) fn tokens_expire_on_the_way<S: Subject>(context: &Context<S>) -> Outcome {
    if context.api()?.expired().is_none() {
        return Err(Stop::NotClaimed("there are no tokens"));
    }
    let channels = channels::<S>(2);
    let bench = bench(context)?;
    let mut random = context.random();
    let endings: Vec<_> = (0..40)
        .map(|_| match random.bool() {
            true => Ending::Expired,
            false => Ending::Met(Fate::Taken),
        })
        .collect();
    let deliveries = send_all(&bench, &plan(endings), channels, 16)?;
    all_arrived(context, &bench, &deliveries, channels)
}
