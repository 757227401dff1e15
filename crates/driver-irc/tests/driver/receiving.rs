//! What people say, as the bridge takes it in.

use std::time::Duration;

use irc_sandbox::Sandbox;
use serde_json::json;

use crate::support::{PATIENCE, World};

#[tokio::test]
async fn what_is_said_is_taken_in_order_and_own_words_are_not() {
    let (world, _running) = World::started().await;
    let anna = world.sandbox.person("anna").join("#ops");
    anna.say("one");
    world.send("#ops", "own").await.unwrap();
    anna.act("waves").notice("beep");
    world.sandbox.person("anna").tell("bridge", "psst");
    anna.say("\u{2}two\u{2}");
    assert_eq!(
        world.work.taken(5).await,
        [
            "#ops anna: one",
            "#ops anna: * waves",
            "notice",
            "private_chat",
            "#ops anna: two"
        ]
    );
}

#[tokio::test]
async fn a_busy_bridge_is_brought_the_same_again_in_order() {
    let (world, _running) = World::started().await;
    *world.work.busy.lock().unwrap() = 3;
    let anna = world.sandbox.person("anna").join("#ops");
    // Far more than the driver keeps for a bridge that is busy.
    let texts: Vec<_> = (0..2000).map(|number| number.to_string()).collect();
    for text in &texts {
        anna.say(text);
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        world.settle().await;
        world.clock.advance(Duration::from_secs(1));
    }
    let expected: Vec<_> = texts
        .iter()
        .map(|text| format!("#ops anna: {text}"))
        .collect();
    assert_eq!(world.work.taken(2000).await, expected);
}

#[tokio::test]
async fn what_came_before_the_connection_was_lost_is_taken() {
    let (world, running) = World::started().await;
    *world.work.busy.lock().unwrap() = 1;
    let anna = world.sandbox.person("anna").join("#ops");
    for number in 0..600 {
        anna.say(&number.to_string());
        if number % 100 == 0 {
            world.settle().await;
        }
    }
    world.settle().await;
    world.sandbox.drop_links();
    world.settle().await;
    world.clock.advance(Duration::from_secs(1));
    running.await.unwrap().unwrap_err();
    let taken = world.work.taken(1).await;
    let expected: Vec<_> = (0..taken.len())
        .map(|number| format!("#ops anna: {number}"))
        .collect();
    assert_eq!(taken, expected, "without a gap");
    assert!(taken.len() > 100);
}

#[tokio::test]
async fn a_server_without_tags_does_as_well() {
    let world = World::new(Sandbox::builder().without_capabilities(), json!({}));
    let _running = world.run();
    world
        .ops()
        .wait_for_member("bridge", PATIENCE)
        .await
        .unwrap();
    world.sandbox.person("anna").join("#ops").say("hi");
    assert_eq!(world.work.taken(1).await, ["#ops anna: hi"]);
}
