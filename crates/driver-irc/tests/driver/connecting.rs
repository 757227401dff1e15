//! Coming in, staying, and why a connection is given up.

use std::time::Duration;

use bridge_core::driver::Driver;
use bridge_core::outcome::ErrorKind;
use irc_sandbox::{Builder, Sandbox};
use serde_json::{Value, json};

use crate::support::{PATIENCE, World};

#[tokio::test]
async fn it_registers_joins_and_says_goodbye() {
    let (world, running) = World::started().await;
    assert_eq!(*world.work.reached.borrow(), 1);
    world.work.stop();
    assert_eq!(running.await.unwrap(), Ok(()));
    world.settle().await;
    assert!(world.ops().nicks().is_empty());
    assert_eq!(world.sandbox.counters().connections, 1);
}

#[tokio::test]
async fn credentials_are_accepted_or_told_as_wrong() {
    let closed = || Sandbox::builder().password("sesame").account("acc", "p w");
    let long = "p".repeat(390);
    let sasl = |user: &str, password: &str| json!({ "password": "sesame", "sasl_user": user, "sasl_password": password });
    type Expected<'a> = Option<(ErrorKind, &'a str)>;
    let rows: [(Builder, Value, Expected<'_>); 9] = [
        (closed(), json!({ "password": "sesame" }), None),
        (closed(), sasl("acc", "p w"), None),
        (closed().account("long", &long), sasl("long", &long), None),
        (
            closed().without_capabilities(),
            json!({ "password": "sesame" }),
            None,
        ),
        (
            closed(),
            json!({}),
            Some((ErrorKind::Unauthorized, "`password`")),
        ),
        (
            closed(),
            json!({ "password": "x" }),
            Some((ErrorKind::Unauthorized, "`password`")),
        ),
        (
            closed(),
            sasl("acc", "x"),
            Some((ErrorKind::Unauthorized, "`sasl_password`")),
        ),
        (
            closed().without("sasl"),
            sasl("acc", "p w"),
            Some((ErrorKind::Rejected, "SASL")),
        ),
        (
            closed().without_capabilities(),
            sasl("acc", "p w"),
            Some((ErrorKind::Rejected, "SASL")),
        ),
    ];
    for (sandbox, change, expected) in rows {
        let world = World::new(sandbox, change.clone());
        let running = world.run();
        match expected {
            None => {
                let joined = world.ops().wait_for_member("bridge", PATIENCE).await;
                joined.unwrap_or_else(|error| panic!("{change}: {error}"));
                assert_eq!(*world.work.reached.borrow(), 1);
                let probed = world.another().probe().await;
                assert_eq!(probed, Ok(Some("registered with the network")), "{change}");
            }
            Some((kind, named)) => {
                let error = running.await.unwrap().unwrap_err();
                assert_eq!(error.kind, kind, "{change}: {error}");
                assert!(error.detail.contains(named), "{change}: {error}");
                assert_eq!(*world.work.reached.borrow(), 0, "{change}");
                let probed = world.another().probe().await.unwrap_err();
                assert_eq!(probed.kind, kind);
                let sent = world.send("#ops", "x").await.unwrap_err();
                assert_eq!(
                    sent.kind, kind,
                    "who sends hears why there is no connection"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_nickname_in_use_is_taken_with_an_underscore_and_back_later() {
    let world = World::new(Sandbox::builder(), json!({}));
    let squatter = world.sandbox.person("Bridge");
    squatter.join("#ops");
    let _running = world.run();
    world
        .ops()
        .wait_for_member("bridge_", PATIENCE)
        .await
        .unwrap();
    // Seen to go: taken back at once.
    squatter.quit("bye");
    world
        .ops()
        .wait_for_member("bridge", PATIENCE)
        .await
        .unwrap();

    let world = World::new(Sandbox::builder().nick_limit(6), json!({}));
    let hidden = world.sandbox.person("bridge");
    let _running = world.run();
    world
        .ops()
        .wait_for_member("bridg_", PATIENCE)
        .await
        .unwrap();
    // Not seen to go: asked for again and again.
    hidden.quit("bye");
    let ops = world.ops();
    world
        .advance_until(Duration::from_secs(5), || ops.nicks() == ["bridge"])
        .await;
    world.sandbox.person("anna").join("#ops").say("hi");
    assert_eq!(world.work.taken(1).await, ["#ops anna: hi"]);
}

#[tokio::test]
async fn a_nickname_that_the_network_does_not_take_is_the_operators_matter() {
    let world = World::new(Sandbox::builder().nick_limit(4), json!({}));
    let error = world.run().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert!(error.detail.contains("`nick`"), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    // While it lets us in, and later.
    let world = World::new(Sandbox::builder(), json!({}));
    world.sandbox.stall();
    let running = world.run();
    world.settle().await;
    world
        .advance_until(Duration::from_secs(1), || running.is_finished())
        .await;
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);

    let (world, running) = World::started().await;
    let lines = world.sandbox.counters().lines;
    world.clock.advance(Duration::from_secs(61));
    let asked = |counters: &irc_sandbox::Counters| counters.lines > lines;
    world
        .sandbox
        .wait_for_counters(asked, PATIENCE)
        .await
        .unwrap();
    world.settle().await;
    assert!(!running.is_finished(), "it answered");
    world.sandbox.mute();
    let mut waited = 0;
    world
        .advance_until(Duration::from_secs(1), || {
            waited += 1;
            running.is_finished()
        })
        .await;
    assert!((60..120).contains(&waited), "given up after {waited} s");
    assert_eq!(running.await.unwrap().unwrap_err().kind, ErrorKind::Timeout);
}

#[tokio::test]
async fn a_lost_connection_ends_the_run_and_the_next_one_comes_back() {
    let (world, running) = World::started().await;
    world.sandbox.refuse_links();
    world.sandbox.drop_links();
    assert_eq!(
        running.await.unwrap().unwrap_err().kind,
        ErrorKind::Unavailable
    );
    let refused = world.run().await.unwrap().unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    world.sandbox.accept_links();
    let _running = world.run();
    world
        .ops()
        .wait_for_member("bridge", PATIENCE)
        .await
        .unwrap();
    assert_eq!(
        world.dials.load(std::sync::atomic::Ordering::Relaxed),
        3,
        "one a run"
    );
    assert!(world.send("#ops", "back").await.is_ok());
}

#[tokio::test]
async fn a_run_that_is_dropped_can_be_begun_anew() {
    let (world, running) = World::started().await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let failed = world.send("#ops", "x").await.unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Unavailable);
    world.settle().await;
    let _running = world.run();
    world
        .ops()
        .wait_for_member("bridge", PATIENCE)
        .await
        .unwrap();
    assert!(world.send("#ops", "x").await.is_ok());
}
