//! Checks of the driver's own work: what it takes in, and how it is ended and begun anew.

use std::time::Duration;

use bridge_core::driver::Event;

use super::bench::{Bench, CHANNELS, Setup};
use super::context::{CANARY, Context};
use super::platform::WayOut;
use super::{Outcome, Stop, Subject};

/// Within this time, everything that was said has been heard.
const HEARD: Duration = Duration::from_secs(5 * 60);

fn reached<S: Subject>(context: &Context<S>) -> Result<Bench<S>, Stop> {
    context.works_by_itself()?;
    let bench = context.open(Setup::default())?;
    bench.reach()?;
    Ok(bench)
}

fn slow<S: Subject>(context: &Context<S>) -> Result<Bench<S>, Stop> {
    context.open(Setup {
        is_slow: true,
        ..Setup::default()
    })
}

/// Says so many things, in several channels.
fn say<S: Subject>(bench: &Bench<S>, count: usize) -> Vec<String> {
    let texts: Vec<_> = (0..count).map(|number| format!("words {number}")).collect();
    for (number, text) in texts.iter().enumerate() {
        bench.say(number % CHANNELS, text);
    }
    texts
}

/// The texts that were taken in, the first time each.
fn heard<S: Subject>(bench: &Bench<S>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for message in bench.work.messages() {
        if !texts.contains(&message.text) {
            texts.push(message.text);
        }
    }
    texts
}

fn hears<S: Subject>(bench: &Bench<S>, said: &[String], what: &str) -> Outcome {
    let heard = heard(bench);
    ensure!(
        heard == said,
        "{what}: of {said:?}, it takes in {heard:?}, in this order"
    );
    Ok(())
}

pub(super) fn it_ends_soon_when_told<S: Subject>(context: &Context<S>) -> Outcome {
    const SOON: Duration = Duration::from_secs(2);
    let mut benches = vec![(reached(context)?, "when it is well")];
    if context.keeps_a_connection().is_ok() {
        let silent = context.open(Setup::default())?;
        if let Some(line) = &silent.line {
            line.mute();
        }
        silent.start();
        silent.pass(SOON)?;
        benches.push((silent, "while the platform has not answered"));
        let muted = reached(context)?;
        if let Some(line) = &muted.line {
            line.mute();
        }
        benches.push((muted, "while the platform is silent"));
    }
    for (bench, what) in benches {
        bench.work.stop();
        let ended = bench.ends_within(SOON)?;
        ensure!(ended.is_some(), "told to end {what}, it does not");
        let open = bench
            .line
            .as_ref()
            .map_or(0, super::line::Line::open_streams);
        ensure!(open == 0, "ended {what}, it leaves {open} connections open");
    }
    Ok(())
}

pub(super) fn it_may_be_dropped_at_any_await<S: Subject>(context: &Context<S>) -> Outcome {
    const MOST_AWAITS: usize = 150;
    context.works_by_itself()?;
    for awaits in 1..MOST_AWAITS {
        let bench = slow(context)?;
        bench.start();
        let has_more = bench.run_for(awaits);
        bench.drop_run();
        let open = bench
            .line
            .as_ref()
            .map_or(0, super::line::Line::open_streams);
        ensure!(
            open == 0,
            "dropped at its await {awaits}, it leaves {open} connections open"
        );
        bench.reach().map_err(|stop| match stop {
            Stop::Broken(seen) => Stop::Broken(format!("dropped at its await {awaits}: {seen}")),
            other @ Stop::NotClaimed(_) => other,
        })?;
        let said = say(&bench, 1);
        bench.pass_supervised(HEARD)?;
        hears(&bench, &said, &format!("dropped at its await {awaits}"))?;
        if !has_more {
            break;
        }
    }
    Ok(())
}

pub(super) fn nothing_is_acknowledged_before_it_is_taken<S: Subject>(
    context: &Context<S>,
) -> Outcome {
    const A_WHILE: Duration = Duration::from_secs(10);
    let bench = reached(context)?;
    let acknowledged = || {
        bench
            .acknowledged()
            .ok_or(Stop::NotClaimed("the platform is not told what is taken"))
    };
    acknowledged()?;
    bench.work.hold();
    let said = say(&bench, 2);
    bench.pass(A_WHILE)?;
    let early = acknowledged()?;
    ensure!(
        early == 0,
        "the platform is told that {early} messages are taken, and none is"
    );
    bench.work.release();
    bench.pass_supervised(HEARD)?;
    hears(&bench, &said, "messages that were held back")?;
    let late = acknowledged()?;
    ensure!(
        late == said.len(),
        "the platform is told that {late} of {} messages are taken",
        said.len()
    );
    Ok(())
}

pub(super) fn what_is_refused_is_brought_again<S: Subject>(context: &Context<S>) -> Outcome {
    for refusals in [1, 4] {
        let bench = reached(context)?;
        bench.work.refuse(refusals);
        let said = say(&bench, 3);
        bench.pass_supervised(HEARD)?;
        hears(&bench, &said, &format!("after {refusals} refusals"))?;
        if let Some(acknowledged) = bench.acknowledged() {
            ensure!(
                acknowledged == said.len(),
                "the platform is told that {acknowledged} of {} messages are taken",
                said.len()
            );
        }
    }
    Ok(())
}

pub(super) fn what_came_is_taken_in_its_order<S: Subject>(context: &Context<S>) -> Outcome {
    const MANY: usize = 24;
    let bench = reached(context)?;
    bench.work.hold();
    let said = say(&bench, MANY);
    bench.pass(Duration::from_secs(5))?;
    bench.work.release();
    bench.pass_supervised(HEARD)?;
    hears(&bench, &said, "messages in several channels")?;
    for message in bench.work.messages() {
        let number = said.iter().position(|text| *text == message.text);
        let address = bench.address(number.unwrap_or_default() % CHANNELS);
        ensure!(
            message.address == address,
            "what was said in {address} is taken for said in {}",
            message.address
        );
    }
    Ok(())
}

pub(super) fn what_comes_in_pieces_is_whole<S: Subject>(context: &Context<S>) -> Outcome {
    context.keeps_a_connection()?;
    let bench = slow(context)?;
    bench.reach()?;
    let said = say(&bench, 5);
    bench.pass(HEARD)?;
    hears(&bench, &said, "messages that come in pieces of a few bytes")
}

pub(super) fn own_sends_are_known<S: Subject>(context: &Context<S>) -> Outcome {
    if let WayOut::Requests(_) = context.subject.way_out() {
        return Err(Stop::NotClaimed("sends go over no connection"));
    }
    let bench = reached(context)?;
    let ended = bench.send()?;
    ensure!(ended.is_ok(), "{ended:?} although all is well");
    bench.pass(HEARD)?;
    let heard = bench.work.with_taken(|event| match event {
        Event::Message(message) if message.text.contains(CANARY) => Some(()),
        _ => None,
    });
    let hears_own_sends = context.capabilities()?.hears_own_sends;
    ensure!(
        hears_own_sends || heard.is_empty(),
        "hears_own_sends is false, and an own send is heard as a message"
    );
    Ok(())
}
