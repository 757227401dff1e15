//! What must hold in every world.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bridge_core::time::Timestamp;

use super::platform::Send;
use super::world::World;

/// Deliveries of a lane that a crash may repeat.
const MOST_REPEATED: usize = 2;

/// The deliveries that a send shows: one, or those of a digest.
fn shown(send: &Send) -> impl Iterator<Item = &str> {
    send.text
        .split_whitespace()
        .filter(|word| word.starts_with('d'))
}

pub(super) fn at_any_moment(world: &World) {
    let store = &world.store.inner;
    let found = store.delivered().len()
        + store.dead().len()
        + store.expired().len()
        + store.not_shown().len()
        + store.merged().len()
        + store.discarded().len()
        + store.waiting().len();
    assert_eq!(
        store.planned(),
        found,
        "every delivery is somewhere, and in one place"
    );
    let Some(last) = world.platform.sends().pop() else {
        return;
    };
    if last.begun_at != world.now() {
        return;
    }
    let room = last.channel.to_string();
    let blocked = store.dead().into_iter().find(|dead| {
        dead.death.blocks && dead.delivery.channel.address.get("room") == Some(&*room)
    });
    assert!(
        blocked.is_none(),
        "{last:?} was begun in a lane blocked by {blocked:?}"
    );
}

/// Deliveries that no operator touched first appear in the order in which they were planned.
pub(super) fn order(world: &World) {
    for (channel, planned) in world.planned.iter().enumerate() {
        let places: HashMap<_, _> = planned
            .iter()
            .enumerate()
            .map(|(at, text)| (text.as_str(), at))
            .collect();
        let mut seen = HashSet::new();
        let mut last = 0;
        let sends = world.platform.sends();
        let taken = sends
            .iter()
            .filter(|send| send.channel == channel && send.is_taken);
        for text in taken.flat_map(shown) {
            if world.touched.contains(text) || !seen.insert(text.to_owned()) {
                continue;
            }
            let place = places[text];
            assert!(
                place >= last,
                "{text} of channel {channel} came too late; crashes at {:?}, {sends:#?}",
                world.crashes
            );
            last = place;
        }
    }
}

/// What is taken twice is explained by an answer that never came, or by a crash.
pub(super) fn repeats(world: &World) {
    let sends = world.platform.sends();
    let mut last_at: HashMap<String, usize> = HashMap::new();
    for (at, send) in sends.iter().enumerate().filter(|(_, send)| send.is_taken) {
        for text in shown(send) {
            let Some(before) = last_at.insert(text.to_owned(), at) else {
                continue;
            };
            let crashed = world.crashes.iter().any(|crash| {
                before < *crash && *crash <= at && was_among_the_last(&sends, before, *crash)
            });
            assert!(
                !sends[before].is_told || crashed,
                "{text} was taken twice, and nothing explains it: {:?} and {send:?}, crashes at {:?}",
                sends[before],
                world.crashes
            );
        }
    }
}

/// Whether the send was among the last of its lane that were taken before the crash.
fn was_among_the_last(sends: &[Send], number: usize, crash: usize) -> bool {
    let later = sends[number + 1..crash].iter();
    let same_lane = later.filter(|send| send.channel == sends[number].channel && send.is_taken);
    same_lane.count() < MOST_REPEATED
}

/// What a send answers or changes is the message that was meant, in the same channel. What is changed
/// stands there alone.
pub(super) fn about(world: &World) {
    let sends = world.platform.sends();
    for send in &sends {
        for number in &send.about {
            let other = &sends[*number];
            assert!(
                other.is_taken && other.is_told,
                "{send:?} is about {other:?}"
            );
            assert_eq!(other.channel, send.channel, "{send:?} is about {other:?}");
            let texts: Vec<_> = shown(send).collect();
            // A recall has no text of its own.
            let [text] = texts[..] else { continue };
            let meant = &world.about[text];
            let is_meant = shown(other).any(|text| text == meant);
            assert!(is_meant, "{send:?} is about {other:?}, not {meant}");
        }
    }
}

fn at_most(limit: u32, window: Duration, begun: Vec<Timestamp>) {
    if limit == 0 {
        return;
    }
    let limit = usize::try_from(limit).expect("a small number");
    for sends in begun.windows(limit + 1) {
        let span = sends[limit].since(sends[0]);
        assert!(span >= window, "{} sends within {span:?}", limit + 1);
    }
}

/// Nothing is begun while the platform wants the whole instance to wait; until a crash, which makes
/// the bridge forget.
pub(super) fn pauses(world: &World) {
    let cap = world.policy.retry_after_cap;
    let sends = world.platform.sends();
    for throttle in world.platform.throttles() {
        let end = throttle.asked_at.plus(throttle.pause.min(cap));
        let hasty = sends.iter().find(|send| {
            send.life == throttle.life && send.begun_at > throttle.asked_at && send.begun_at < end
        });
        assert!(hasty.is_none(), "{hasty:?} was begun within {throttle:?}");
    }
}

/// Never more sends than allowed in any second or minute, whatever crashed in between.
pub(super) fn budgets(world: &World) {
    let sends = world.platform.sends();
    let all = sends.iter().map(|send| send.begun_at).collect();
    at_most(world.rates.per_second, Duration::from_secs(1), all);
    for channel in 0..world.channels.0 {
        let here = sends.iter().filter(|send| send.channel == channel);
        let begun = here.map(|send| send.begun_at).collect();
        at_most(world.rates.per_minute, Duration::from_secs(60), begun);
    }
    let lives = sends.iter().map(|send| send.life).max();
    assert!(lives.is_none_or(|life| life as usize <= world.crashes.len()));
}
