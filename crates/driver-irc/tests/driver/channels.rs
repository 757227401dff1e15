//! Which channels the bridge is in.

use std::time::Duration;

use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope};
use irc_sandbox::Sandbox;
use serde_json::json;

use crate::support::{PATIENCE, World};

#[tokio::test]
async fn it_is_where_the_rules_say() {
    let (world, _running) = World::started().await;
    world.work.name(&["#ops", "#DEV", "not a channel"]);
    let dev = world.sandbox.room("#dev");
    dev.wait_for_member("bridge", PATIENCE).await.unwrap();
    world.work.name(&["#Dev"]);
    let ops = world.ops();
    world
        .advance_until(Duration::from_millis(1), || ops.nicks().is_empty())
        .await;
    assert_eq!(dev.nicks(), ["bridge"]);
    world.sandbox.person("anna").join("#dev").say("hi");
    assert_eq!(world.work.taken(1).await, ["#Dev anna: hi"]);
}

#[tokio::test]
async fn many_channels_are_joined_in_few_lines() {
    let world = World::new(Sandbox::builder(), json!({}));
    let names: Vec<_> = (0..100)
        .map(|number| format!("#channel-{number}"))
        .collect();
    let names: Vec<_> = names.iter().map(|name| &**name).collect();
    world.work.name(&names);
    let _running = world.run();
    for name in names {
        world
            .sandbox
            .room(name)
            .wait_for_member("bridge", PATIENCE)
            .await
            .unwrap();
    }
    let counters = world.sandbox.counters();
    assert_eq!(counters.joins, 100);
    assert!(counters.lines < 12, "{counters:?}");
}

#[tokio::test]
async fn after_a_kick_it_comes_back_after_a_growing_pause() {
    let (world, _running) = World::started().await;
    let ops = world.ops();
    for pause in [10, 20] {
        assert!(ops.kick("bridge", "out"));
        world.settle().await;
        let error = world.send("#ops", "x").await.unwrap_err();
        assert_eq!(error.certainty, Certainty::NotDelivered);
        let RetryAdvice::After(after, Scope::Channel) = error.advice else {
            panic!("{error:?}");
        };
        assert_eq!(after, Duration::from_secs(pause));
        world.clock.advance(after - Duration::from_millis(1));
        world.settle().await;
        assert!(ops.nicks().is_empty(), "the pause is kept");
        world.clock.advance(Duration::from_millis(1));
        ops.wait_for_member("bridge", PATIENCE).await.unwrap();
    }
    assert!(world.send("#ops", "back").await.is_ok());
}

#[tokio::test]
async fn a_channel_that_refuses_is_tried_again_and_its_sends_wait() {
    let world = World::new(Sandbox::builder(), json!({}));
    let ops = world.ops();
    ops.ban("bridge!*@*");
    world.work.name(&["#ops", "#dev"]);
    let _running = world.run();
    world
        .sandbox
        .room("#dev")
        .wait_for_member("bridge", PATIENCE)
        .await
        .unwrap();
    let error = world.send("#ops", "x").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.advice, RetryAdvice::Backoff(Scope::Channel));
    assert!(
        error.detail.contains("474") && error.detail.contains("lift the ban"),
        "{error}"
    );
    assert!(
        world.send("#dev", "x").await.is_ok(),
        "only that channel waits"
    );
    ops.open();
    world
        .advance_until(Duration::from_secs(5), || ops.nicks() == ["bridge"])
        .await;
    assert!(world.send("#ops", "x").await.is_ok());
}

#[tokio::test]
async fn a_channel_that_no_rule_names_any_more_is_joined_for_what_waits_for_it() {
    let (world, _running) = World::started().await;
    assert!(world.send("#old", "a replay").await.is_ok());
    assert_eq!(world.sandbox.room("#old").sent_texts(), ["a replay"]);
}
