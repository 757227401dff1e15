//! What breaks: the faults of a plan, each once what came before it is got over.
//!
//! A fault waits until its lanes have shown a few more messages than when the last one happened. So
//! no delivery meets more than one that leaves open whether it was taken, and none is parked as
//! uncertain: what `on_uncertain` allows is two.

use std::sync::Arc;
use std::time::Duration;

use dingtalk_sandbox::{Fault, Group, StatusCode};

use crate::support::Process;
use crate::world::{ATTEMPT, NICK, World, distinct};

/// Messages of a lane between two of its faults, at least and at most.
const BETWEEN: std::ops::RangeInclusive<usize> = 3..=8;

/// What happens to the IRC network, or to the bridge itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    LoseShown,
    LoseUnshown,
    DropLinks,
    Netsplit,
    Kick,
    Stall,
    Mute,
    Kill,
    Restart,
}

impl Event {
    /// All that happens to the network in a random order, with a kill and a restart between: a
    /// process that loses its link again and again comes back later and later.
    fn plan(random: &mut fastrand::Rng) -> Vec<Self> {
        let mut events = vec![
            Self::LoseShown,
            Self::LoseUnshown,
            Self::DropLinks,
            Self::Netsplit,
            Self::Kick,
            Self::Stall,
            Self::Mute,
        ];
        random.shuffle(&mut events);
        let mut ends = [Self::Kill, Self::Restart];
        random.shuffle(&mut ends);
        events.insert(2, ends[0]);
        events.insert(6, ends[1]);
        events
    }
}

/// The ways in which sends to a group fail.
fn group_faults(random: &mut fastrand::Rng) -> Vec<Fault> {
    let mut faults = vec![
        Fault::throttle(),
        Fault::busy(Duration::from_secs(1)),
        Fault::server_error(),
        Fault::HtmlPage(StatusCode::BAD_GATEWAY),
        Fault::DropUntaken,
        Fault::DropTaken,
        Fault::FailTaken,
        Fault::DelayAnswer(ATTEMPT.mul_f64(1.5)),
        Fault::RevokeTokens,
    ];
    random.shuffle(&mut faults);
    faults
}

/// Breaks everything, as often as there are rounds; the process that runs at the end.
pub(crate) async fn all(
    world: Arc<World>,
    mut process: Process,
    rounds: u32,
    mut random: fastrand::Rng,
) -> Process {
    for _ in 0..rounds {
        let (mut ops, mut dev) = (random.fork(), random.fork());
        let (first, second) = (Arc::clone(&world), Arc::clone(&world));
        let first = tokio::spawn(async move { group(&first, &first.bed.ops, &mut ops).await });
        let second = tokio::spawn(async move { group(&second, &second.bed.dev, &mut dev).await });
        let plan = Event::plan(&mut random);
        process = network(&world, process, &plan, &mut random).await;
        tokio::try_join!(first, second).unwrap();
    }
    world.is_calm.send_replace(true);
    process
}

/// Breaks the sends to one group, fault by fault.
async fn group(world: &World, group: &Group, random: &mut fastrand::Rng) {
    let shown = |transcript: &dingtalk_sandbox::Transcript| distinct(transcript.sent_texts());
    let mut next = 0;
    for fault in group_faults(random) {
        next += random.usize(BETWEEN);
        let name = format!("{fault:?} for \"{}\"", group.title());
        let waited = group.wait_for(|transcript| shown(transcript) >= next, world.left());
        waited
            .await
            .unwrap_or_else(|_| panic!("{name}: the group has not shown {next} messages"));
        next = shown(&group.transcript());
        group.faults().next(1, fault);
    }
    let enough = next + *BETWEEN.start();
    let waited = group.wait_for(|transcript| shown(transcript) >= enough, world.left());
    let is_shown = waited.await.is_ok();
    assert!(is_shown, "the group shows nothing after its faults");
}

/// Breaks the IRC network and the bridge, event by event; the process that runs at the end.
async fn network(
    world: &World,
    mut process: Process,
    plan: &[Event],
    random: &mut fastrand::Rng,
) -> Process {
    for event in plan {
        let more = random.usize(BETWEEN);
        progress(world, more, &format!("{event:?}")).await;
        talk(world).await;
        progress(world, 1, &format!("{event:?}")).await;
        println!("{:>6.1?} left: {event:?}", world.left());
        match event {
            Event::LoseShown => world.irc.next_sends([irc_sandbox::Fault::LoseShown]),
            Event::LoseUnshown => world.irc.next_sends([irc_sandbox::Fault::LoseUnshown]),
            Event::DropLinks => world.irc.drop_links(),
            Event::Netsplit => {
                world.irc.refuse_links();
                world.irc.drop_links();
                tokio::time::sleep(Duration::from_millis(random.u64(500..2000))).await;
                world.irc.accept_links();
            }
            Event::Kick => {
                let name = *random.choice(&["#ops", "#dev"]).unwrap();
                world.irc.room(name).kick(NICK, "out");
            }
            // Longer than a send is waited for; nothing is waited for by this.
            Event::Stall => {
                world.irc.stall();
                tokio::time::sleep(ATTEMPT.mul_f64(1.2)).await;
                world.irc.resume();
            }
            Event::Mute => world.mute_for(ATTEMPT.mul_f64(1.2)).await,
            Event::Kill => {
                world.kill(process);
                process = world.start();
            }
            Event::Restart => {
                world.is_up.send_replace(false);
                let (status, log) = process.stop();
                assert!(status.success(), "{log}");
                process = world.start();
            }
        }
    }
    progress(world, *BETWEEN.start(), "the end").await;
    process
}

/// Waits until people have said a few more things in `#ops`. What waited for the link is out in an
/// instant: without this, nobody would have spoken over it before it breaks again.
async fn talk(world: &World) {
    let room = world.irc.room("#ops");
    let by_people = |said: &[irc_sandbox::Entry]| {
        let by_people = said.iter().filter(|entry| !entry.is_from_client);
        by_people.count()
    };
    let enough = by_people(&room.said()) + BETWEEN.end();
    let waited = room.wait_for(|said| by_people(said) >= enough, world.left());
    assert!(waited.await.is_ok(), "people do not speak");
}

/// Waits until every room that the bridge is in has shown so many more messages. A room that it was
/// thrown out of shows none, and nothing that is tried there is uncertain.
async fn progress(world: &World, more: usize, name: &str) {
    let rooms = ["#ops", "#dev"].map(|name| world.irc.room(name));
    let shown = |room: &irc_sandbox::Room| {
        let texts = room.sent_texts();
        distinct(texts.iter().map(String::as_str))
    };
    let goals: Vec<_> = rooms.iter().map(|room| shown(room) + more).collect();
    let is_there = || {
        let mut inside = rooms.iter().zip(&goals).filter(|(room, _)| {
            let nicks = room.nicks();
            nicks.iter().any(|nick| nick == NICK)
        });
        let mut is_in_any = false;
        let is_far = inside.all(|(room, goal)| {
            is_in_any = true;
            shown(room) >= *goal
        });
        is_in_any && is_far
    };
    // Asked again whenever something is said in either.
    let waits = rooms
        .iter()
        .map(|room| Box::pin(room.wait_for(|_| is_there(), world.left())));
    let (waited, ..) = futures_util::future::select_all(waits).await;
    if waited.is_err() {
        let shown: Vec<_> = rooms.iter().map(shown).collect();
        panic!("before {name}: the rooms show {shown:?} messages, not {goals:?}");
    }
}
