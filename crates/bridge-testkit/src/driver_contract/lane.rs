//! A lane as the bridge has them, reduced to what a driver notices: one send at a time, tried again as
//! its error advises.

use std::cell::RefCell;

use bridge_core::config::settings::DeliveryPolicy;
use bridge_core::driver::{Driver, Outgoing};
use bridge_core::ports::Clock;
use bridge_core::purpose::Purpose;
use bridge_core::retry::{self, Failure, Verdict};
use bridge_core::store::Progress;

use super::bench::{Bench, Ending};
use super::context::Context;
use super::{Stop, Subject};

/// How a delivery has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) channel: usize,
    pub(super) text: String,
    pub(super) is_delivered: bool,
    pub(super) tries: u32,
    pub(super) uncertain: u32,
    /// Why it was given up.
    pub(super) reason: String,
}

/// What becomes of the sends of all lanes, in the order in which they come; well once it has run out.
pub(super) type Plan<'a> = RefCell<Box<dyn Iterator<Item = Ending> + 'a>>;

pub(super) fn plan<'a>(endings: impl IntoIterator<Item = Ending> + 'a) -> Plan<'a> {
    RefCell::new(Box::new(endings.into_iter()))
}

/// Sends `texts` to a channel, in order. What has ended is pushed to `done` one by one, so that the
/// lane may be dropped.
pub(super) async fn run<S: Subject>(
    bench: &Bench<S>,
    plan: &Plan<'_>,
    channel: usize,
    texts: &[String],
    done: &RefCell<Vec<Delivery>>,
) {
    for number in 0..texts.len() {
        let outgoing = outgoing(bench, channel, texts, number);
        let delivery = deliver(bench, plan, channel, &outgoing).await;
        done.borrow_mut().push(delivery);
    }
}

/// Sends those of `texts` from `first` on, while all is well.
pub(super) async fn resume<S: Subject>(
    bench: &Bench<S>,
    channel: usize,
    texts: &[String],
    first: usize,
) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for number in first..texts.len() {
        let outgoing = outgoing(bench, channel, texts, number);
        deliveries.push(deliver(bench, &plan([]), channel, &outgoing).await);
    }
    deliveries
}

/// The send of a text: the same key on every try.
fn outgoing<S: Subject>(
    bench: &Bench<S>,
    channel: usize,
    texts: &[String],
    number: usize,
) -> Outgoing {
    bench.outgoing(channel, &texts[number], &format!("lane-{channel}-{number}"))
}

async fn deliver<S: Subject>(
    bench: &Bench<S>,
    plan: &Plan<'_>,
    channel: usize,
    outgoing: &Outgoing,
) -> Delivery {
    let policy = DeliveryPolicy::default();
    let queued_at = bench.clock.now();
    let mut progress = Progress::START;
    let ended = |progress: Progress, reason: Option<String>| Delivery {
        channel,
        text: outgoing.text.clone(),
        is_delivered: reason.is_none(),
        tries: progress.attempts + u32::from(reason.is_none()),
        uncertain: progress.uncertain,
        reason: reason.unwrap_or_default(),
    };
    loop {
        bench.settled().await;
        let ending = plan.borrow_mut().next();
        if let Some(ending) = ending {
            bench.next_send(ending);
        }
        let error = match bench.driver.send(outgoing).await {
            Ok(_) => return ended(progress, None),
            Err(error) => error,
        };
        let failure = Failure {
            error: &error,
            purpose: &Purpose::Say,
            progress,
            queued_at,
            idempotent: bench.is_idempotent,
            now: bench.clock.now(),
            jitter: 1.0,
        };
        match retry::judge(&failure, &policy) {
            Verdict::Again { progress: next, .. } => progress = next,
            Verdict::Dead(death) => return ended(death.progress, Some(death.reason)),
            Verdict::NotShown(reason) | Verdict::Expired(reason) => {
                return ended(progress, Some(reason));
            }
        }
        let pause = progress.not_before.since(bench.clock.now());
        bench.clock.sleep(pause).await;
    }
}

/// The texts of a channel, `count` of them.
pub(super) fn texts(channel: usize, count: usize) -> Vec<String> {
    let text = |number| format!("lane {channel} says {number}");
    (0..count).map(text).collect()
}

/// What people saw in a channel must be `expected` in order, and nothing else.
pub(super) fn was_seen<S: Subject>(
    context: &Context<S>,
    bench: &Bench<S>,
    channel: usize,
    expected: &[&Delivery],
) -> Result<(), Stop> {
    let address = context.subject.address(channel);
    let seen = bench.seen().into_iter();
    let seen: Vec<_> = seen
        .filter(|asked| asked.address.as_ref() == Some(&address))
        .map(|asked| asked.text)
        .collect();
    let mut rest = &seen[..];
    for delivery in expected {
        let text = context.as_seen(&delivery.text);
        let count = rest.iter().take_while(|other| **other == text).count();
        // Each try of which nobody knew may have been seen; the last one was.
        let most = 1 + delivery.uncertain as usize;
        ensure!(
            count > 0 && count <= most,
            "{:?} was seen {count} times in its place, after {} tries of which {} are uncertain; \
             seen in {address}: {seen:?}",
            delivery.text,
            delivery.tries,
            delivery.uncertain
        );
        rest = &rest[count..];
    }
    ensure!(
        rest.is_empty(),
        "{rest:?} was seen in {address} beside what was to be"
    );
    Ok(())
}
