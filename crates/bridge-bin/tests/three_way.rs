//! One rule over DingTalk, IRC and webhooks under load, while all three and the bridge itself break:
//! everything arrives everywhere, in order, and once but for sends that are counted as uncertain.
//!
//! A message counts as accepted when its platform was answered with 200. IRC has no such answer; what
//! is owed of what was said there is derived in `ledger`. The seed is printed; `BRIDGE_SEED` gives the
//! same faults again, and `BRIDGE_LONG=1` four times as many.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

#[path = "three_way/ledger.rs"]
mod ledger;
#[path = "three_way/oracle.rs"]
mod oracle;
#[path = "three_way/place.rs"]
mod place;
#[path = "three_way/post.rs"]
mod post;
#[path = "three_way/producers.rs"]
mod producers;
#[path = "three_way/reader.rs"]
mod reader;
#[path = "three_way/receiver.rs"]
mod receiver;
#[path = "three_way/signature.rs"]
mod signature;
mod support;
#[path = "three_way/trouble.rs"]
mod trouble;
#[path = "three_way/world.rs"]
mod world;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bridge_store::Inspector;
use dingtalk_sandbox::{Group, Transcript};
use ledger::Standing;
use oracle::Shown;
use place::Place;
use producers::{LAST_MARK, Producer};
use reader::Read;
use receiver::Receiver;
use support::Process;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use world::World;

/// How long one round may take, with what comes after it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where all randomness comes from.
fn seed() -> u64 {
    let given = std::env::var("BRIDGE_SEED");
    let seed = given.map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("a number"),
    );
    println!("BRIDGE_SEED={seed}");
    seed
}

/// How often each fault happens to each place.
fn rounds() -> u32 {
    match std::env::var_os("BRIDGE_LONG") {
        Some(_) => 4,
        None => 1,
    }
}

/// What every place shows now.
fn shown(world: &World) -> Shown {
    let places = Place::ALL.into_iter();
    places.map(|place| (place, world.shown(place))).collect()
}

/// Waits until the last messages are everywhere; false if the time is over.
async fn is_all_there(world: &World, read: &watch::Sender<Read>) -> bool {
    let said = world.ledger.all();
    let last: Vec<_> = said
        .iter()
        .filter(|said| said.text.ends_with(LAST_MARK))
        .collect();
    let are_all_in = |place: Place, texts: Vec<&str>| {
        let texts: HashSet<_> = texts.into_iter().collect();
        let mut owed = last.iter().filter(|said| said.place != place);
        owed.all(|said| texts.contains(&*said.text))
    };
    let (bed, left) = (&world.bed, world.left());
    let group = |group: &Group, place: Place| {
        let group = group.clone();
        async move {
            let is_there = |seen: &Transcript| are_all_in(place, seen.sent_texts());
            group.wait_for(is_there, left).await.is_ok()
        }
    };
    let room = |name: &str, place: Place| {
        let room = world.irc.room(name);
        async move {
            let texts = |said: &[irc_sandbox::Entry]| {
                let said = said.iter().filter(|entry| entry.is_from_client);
                are_all_in(place, said.map(|entry| &*entry.text).collect())
            };
            room.wait_for(texts, left).await.is_ok()
        }
    };
    // The mailbox comes after the receiver.
    let mailbox = async {
        let mut read = read.subscribe();
        let waited = read.wait_for(|read| {
            let mailed = read.messages.iter().map(|taken| &*taken.text);
            are_all_in(Place::Hook, mailed.collect())
        });
        matches!(tokio::time::timeout(left, waited).await, Ok(Ok(_)))
    };
    let (ops, dev, room_ops, room_dev, mailbox) = tokio::join!(
        group(&bed.ops, Place::GroupOps),
        group(&bed.dev, Place::GroupDev),
        room("#ops", Place::RoomOps),
        room("#dev", Place::RoomDev),
        mailbox,
    );
    ops && dev && room_ops && room_dev && mailbox
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_platforms_under_load_with_faults_lose_nothing_and_repeat_nothing() {
    let seed = seed();
    let rounds = rounds();
    let mut seeds = fastrand::Rng::with_seed(seed);
    let mut random = seeds.fork();
    let network = match random.bool() {
        true => irc_sandbox::Sandbox::builder(),
        false => irc_sandbox::Sandbox::builder().without_capabilities(),
    };
    let network = network.start().await.unwrap();
    let mut plan = Vec::new();
    for _ in 0..rounds {
        let mut faults = receiver::Fault::ALL;
        random.shuffle(&mut faults);
        plan.extend(faults.map(|fault| (random.usize(2..12), fault)));
    }
    let receiver = Receiver::start(plan.into(), seeds.fork()).await;
    let world = Arc::new(World::new(network, receiver, PATIENCE * rounds).await);
    let read = Arc::new(watch::Sender::new(Read::default()));
    let process = world.start();

    let mut producers = JoinSet::new();
    for producer in Producer::ALL {
        producers.spawn(producer.talk(Arc::clone(&world), seeds.fork()));
    }
    let reading = tokio::spawn(reader::read(
        Arc::clone(&world),
        seeds.fork(),
        Arc::clone(&read),
    ));
    let breaking = trouble::all(Arc::clone(&world), process, rounds, seeds.fork());
    let breaking = tokio::spawn(breaking);

    let talking = async {
        while let Some(ended) = producers.join_next().await {
            ended?;
        }
        Ok(())
    };
    // The first that panics ends the test.
    let all = async {
        let (process, ()) = tokio::try_join!(breaking, talking)?;
        Ok::<_, JoinError>((process, is_all_there(&world, &read).await))
    };
    let (process, is_all_there) = tokio::select! {
        done = all => done.unwrap_or_else(|error| {
            let missing = oracle::faults(&world.known(), &shown(&world), None);
            panic!("{error}; missing by then: {:#?}", few(&missing));
        }),
        ended = reading => panic!("the reader has ended: {ended:?}"),
    };
    judge(&world, process, is_all_there, &read.borrow());
}

fn judge(world: &World, process: Process, is_all_there: bool, read: &Read) {
    let (status, log) = process.stop();
    assert!(status.success(), "{log}");
    let known = world.known();
    let said = &known.said;
    let shown = shown(world);
    let arrived: HashSet<_> = shown.values().flatten().collect();
    let inspector = Inspector::open(&world.bed.path().join("data"));
    let store = inspector.unwrap().unwrap();
    let (uncertain, mut faults) = oracle::account(&store, arrived.len());
    faults.extend(oracle::faults(&known, &shown, Some(&uncertain)));
    let received = world.receiver.with(receiver::Book::once);
    // Who remembers ids has everything exactly once, whatever broke.
    faults.extend(oracle::by_id(&received, &read.messages));
    faults.extend(read.wrong.iter().cloned());
    faults.extend(world.receiver.with(|book| book.wrong.clone()));
    if !is_all_there {
        faults.push("the time was over before the last messages were everywhere".into());
    }

    let on = |standing: fn(&Standing) -> bool| {
        said.iter().filter(|said| standing(&said.standing)).count()
    };
    println!(
        "{} said: {} accepted, {} over a link, {} unheard; {} links were read; {} arrived, {} sends uncertain, {:?} left",
        said.len(),
        on(|standing| *standing == Standing::Accepted),
        on(|standing| matches!(standing, Standing::OnLink(_))),
        on(|standing| *standing == Standing::Unheard),
        known.read.len(),
        arrived.len(),
        uncertain.values().sum::<usize>(),
        world.left(),
    );
    assert!(
        faults.is_empty(),
        "{} promises broken, such as {:#?}",
        faults.len(),
        few(&faults)
    );
    assert_eq!(world.receiver.faults_left(), 0, "every fault has happened");
    assert!(!known.read.is_empty(), "links were read, and known to be");
    let places: HashSet<_> = uncertain.keys().map(|(place, _)| *place).collect();
    assert!(
        places.len() >= 4,
        "something was uncertain almost everywhere: {places:?}"
    );
}

/// As many as a person reads.
fn few(faults: &[String]) -> &[String] {
    &faults[..faults.len().min(20)]
}
