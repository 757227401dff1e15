//! What becomes of a send.

use std::time::Duration;

use bridge_core::driver::{Driver, Outgoing};
use bridge_core::id::Address;
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope};
use bridge_core::ports::Clock;
use driver_irc::Irc;
use irc_sandbox::{Builder, Fault, Sandbox};
use serde_json::json;

use crate::support::{PATIENCE, World, outgoing, settings};

async fn started(sandbox: Builder) -> World {
    let world = World::new(sandbox, json!({}));
    tokio::spawn({
        let (driver, work) = (world.driver.clone(), world.work.clone());
        async move { driver.run(&*work).await }
    });
    world
        .ops()
        .wait_for_member("bridge", PATIENCE)
        .await
        .unwrap();
    world
}

/// A server that echoes, and one that has to be asked.
fn servers() -> [Builder; 2] {
    [
        Sandbox::builder(),
        Sandbox::builder().without_capabilities(),
    ]
}

#[tokio::test]
async fn the_room_sees_exactly_the_text() {
    for server in servers() {
        let world = started(server).await;
        let rows = [
            ("hello", "hello"),
            (":) colon", ":) colon"),
            ("  indented", "  indented"),
            ("中文 👋 e\u{301}", "中文 👋 e\u{301}"),
            ("a\u{1}b\u{2}c\r\nQUIT :x\u{0}", "abcQUIT :x"),
            ("tab\there", "tab here"),
            ("\u{1}ACTION waves\u{1}", "ACTION waves"),
        ];
        for (text, _) in rows {
            let sent = world.send("#ops", text).await;
            assert!(sent.is_ok(), "{text:?}: {sent:?}");
        }
        let seen: Vec<_> = rows.iter().map(|(_, seen)| (*seen).to_owned()).collect();
        assert_eq!(world.ops().sent_texts(), seen);
    }
}

#[tokio::test]
async fn the_largest_text_arrives_whole() {
    let limit = Irc::capabilities(&settings(&json!({}))).text_limit;
    for server in servers() {
        let world = started(server).await;
        for unit in ["x", "中", "👋"] {
            let text = unit.repeat(limit / unit.len());
            world.send("#ops", &text).await.unwrap();
            assert_eq!(world.ops().sent_texts().last(), Some(&text));
        }
        // Longer than what was reckoned with: told, not cut.
        let long = format!("#{}", "c".repeat(150));
        let error = world.send(&long, &"x".repeat(limit)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Rejected);
    }
}

#[tokio::test]
async fn an_echo_brings_the_platforms_id() {
    let world = started(Sandbox::builder()).await;
    assert_eq!(world.send("#ops", "x").await.unwrap().platform_ids.len(), 1);
    let world = started(Sandbox::builder().without_capabilities()).await;
    assert!(
        world
            .send("#ops", "x")
            .await
            .unwrap()
            .platform_ids
            .is_empty()
    );
}

#[tokio::test]
async fn what_can_never_be_sent_is_rejected_without_a_connection() {
    let world = World::new(Sandbox::builder(), json!({}));
    let rows = [
        outgoing("ops", "x"),
        outgoing("#a b", "x"),
        outgoing(&format!("#{}", "c".repeat(200)), "x"),
        outgoing("#a\r\nQUIT", "x"),
        outgoing("#ops", "\u{1}\r\n"),
        Outgoing::new(Address::new([("room", "#ops")]), "x", "key"),
    ];
    for outgoing in rows {
        let error = world.driver.send(&outgoing).await.unwrap_err();
        assert_eq!(
            (error.kind, error.advice),
            (ErrorKind::Rejected, RetryAdvice::Never),
            "{outgoing:?}"
        );
    }
}

#[tokio::test]
async fn without_a_connection_nothing_is_delivered_and_it_is_tried_again_soon() {
    let world = World::new(Sandbox::builder(), json!({}));
    let error = world.send("#ops", "x").await.unwrap_err();
    assert_eq!(error.certainty, Certainty::NotDelivered);
    world.sandbox.refuse_links();
    world.run().await.unwrap().unwrap_err();
    for (down_secs, pause_secs) in [(0, 2), (10, 5), (3600, 60)] {
        world.clock.advance(Duration::from_secs(down_secs));
        let error = world.send("#ops", "x").await.unwrap_err();
        assert_eq!(
            (error.kind, error.certainty),
            (ErrorKind::Unavailable, Certainty::NotDelivered)
        );
        let pause = RetryAdvice::After(Duration::from_secs(pause_secs), Scope::Instance);
        assert_eq!(error.advice, pause, "down for {down_secs} s more");
    }
}

#[tokio::test]
async fn a_send_waits_until_the_channel_is_joined() {
    let world = World::new(Sandbox::builder(), json!({}));
    world.sandbox.stall();
    let _running = world.run();
    world.settle().await;
    let send = world.begin("#ops", "early");
    world.settle().await;
    assert!(!send.is_finished());
    world.sandbox.resume();
    assert!(send.await.unwrap().is_ok());
    assert_eq!(world.ops().sent_texts(), ["early"]);
}

#[tokio::test]
async fn a_refusal_is_told_of_the_send_that_it_is_about() {
    for server in servers() {
        let world = started(server).await;
        world.sandbox.next_sends([Fault::cannot_send()]);
        let error = world.send("#ops", "x").await.unwrap_err();
        assert_eq!(
            (error.kind, error.advice),
            (ErrorKind::Rejected, RetryAdvice::Never)
        );
        assert_eq!(error.certainty, Certainty::NotDelivered);
        assert!(error.detail.contains("404"), "{error}");
        let throttled = Fault::Refuse {
            numeric: 439,
            words: "Target change too fast. Please wait 30 seconds".into(),
        };
        world.sandbox.next_sends([throttled]);
        let error = world.send("#ops", "x").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Throttled);
        assert_eq!(
            error.advice,
            RetryAdvice::After(Duration::from_secs(30), Scope::Channel)
        );
        assert!(world.send("#ops", "y").await.is_ok());
        assert_eq!(world.ops().sent_texts(), ["y"]);
    }
}

#[tokio::test]
async fn a_channel_that_the_server_does_not_see_us_in_is_joined_again() {
    let world = started(Sandbox::builder()).await;
    world.sandbox.next_sends([Fault::Refuse {
        numeric: 403,
        words: "No such channel".into(),
    }]);
    let error = world.send("#ops", "x").await.unwrap_err();
    assert_eq!(error.certainty, Certainty::NotDelivered);
    assert!(
        matches!(error.advice, RetryAdvice::After(_, Scope::Channel)),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_a_broken_connection_took_with_it_is_uncertain() {
    for (fault, is_shown) in [(Fault::LoseUnshown, false), (Fault::LoseShown, true)] {
        for server in servers() {
            let world = started(server).await;
            world.sandbox.next_sends([fault.clone()]);
            let error = world.send("#ops", "x").await.unwrap_err();
            assert_eq!(error.certainty, Certainty::Unknown, "{fault:?}");
            assert_eq!(error.advice, RetryAdvice::Backoff(Scope::Message));
            assert_eq!(world.ops().sent_texts().len(), usize::from(is_shown));
        }
    }
}

#[tokio::test]
async fn what_is_neither_shown_nor_refused_is_uncertain_where_the_server_echoes() {
    let world = started(Sandbox::builder()).await;
    world.sandbox.next_sends([Fault::Swallow]);
    let send = world.begin("#ops", "x");
    world
        .advance_until(Duration::from_millis(100), || send.is_finished())
        .await;
    let error = send.await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind, error.certainty),
        (ErrorKind::Protocol, Certainty::Unknown)
    );
}

#[tokio::test]
async fn a_refusal_that_names_no_channel_leaves_all_uncertain() {
    for server in servers() {
        let world = started(server).await;
        world.sandbox.next_sends([Fault::Refuse {
            numeric: 417,
            words: "Input line was too long".into(),
        }]);
        let error = world.send("#ops", "x").await.unwrap_err();
        assert_eq!(
            (error.kind, error.certainty),
            (ErrorKind::Protocol, Certainty::Unknown)
        );
        assert!(world.send("#ops", "y").await.is_ok());
    }
}

#[tokio::test]
async fn a_silent_server_leaves_sends_uncertain() {
    for server in servers() {
        let world = started(server).await;
        world.sandbox.mute();
        let send = world.begin("#ops", "x");
        world
            .advance_until(Duration::from_secs(1), || send.is_finished())
            .await;
        let error = send.await.unwrap().unwrap_err();
        assert_eq!(error.certainty, Certainty::Unknown);
        assert_eq!(world.ops().sent_texts(), ["x"]);
    }
}

#[tokio::test]
async fn what_is_dropped_before_its_turn_is_not_sent() {
    let world = World::new(Sandbox::builder(), json!({}));
    world.sandbox.stall();
    let _running = world.run();
    world.settle().await;
    let outgoing = outgoing("#ops", "dropped");
    {
        let mut send = std::pin::pin!(world.driver.send(&outgoing));
        assert!(poll_once(send.as_mut()).await.is_none());
    }
    assert!(outgoing.is_preparing(), "known not to be delivered");
    world.sandbox.resume();
    assert!(world.send("#ops", "kept").await.is_ok());
    assert_eq!(world.ops().sent_texts(), ["kept"]);
}

#[tokio::test]
async fn what_is_dropped_after_it_was_written_may_be_delivered_and_mixes_up_nothing() {
    for server in servers() {
        let world = started(server).await;
        world.sandbox.stall();
        let dropped = outgoing("#ops", "dropped");
        {
            let mut send = std::pin::pin!(world.driver.send(&dropped));
            assert!(poll_once(send.as_mut()).await.is_none());
            world.settle().await;
            assert!(poll_once(send.as_mut()).await.is_none());
        }
        assert!(!dropped.is_preparing());
        world.sandbox.next_sends([Fault::cannot_send()]);
        let next = world.begin("#ops", "next");
        world.settle().await;
        world.sandbox.resume();
        assert!(
            next.await.unwrap().is_ok(),
            "the refusal was of the dropped one"
        );
        assert_eq!(world.ops().sent_texts(), ["next"]);
    }
}

#[tokio::test]
async fn channels_do_not_mix() {
    for server in servers() {
        let world = started(server).await;
        let channels = ["#a", "#b", "#c", "#d"];
        world.work.name(&channels);
        let mut sends = Vec::new();
        for number in 0..20 {
            for channel in channels {
                sends.push(world.begin(channel, &format!("{channel} {number}")));
            }
            for send in sends.drain(..) {
                assert!(send.await.unwrap().is_ok());
            }
        }
        for channel in channels {
            let expected: Vec<_> = (0..20)
                .map(|number| format!("{channel} {number}"))
                .collect();
            assert_eq!(world.sandbox.room(channel).sent_texts(), expected);
        }
    }
}

#[tokio::test]
async fn the_flood_limit_is_kept() {
    for (server, lines_a_send) in servers().into_iter().zip([1, 2]) {
        let limited = server.flood_limit(5, Duration::from_secs(1));
        let world = World::new(limited, json!({ "flood_burst": 4 }));
        let _running = world.run();
        world
            .ops()
            .wait_for_member("bridge", PATIENCE)
            .await
            .unwrap();
        let start = world.clock.now();
        for number in 0..6 {
            let send = world.begin("#ops", &number.to_string());
            world
                .advance_until(Duration::from_millis(250), || send.is_finished())
                .await;
            assert!(send.await.unwrap().is_ok());
        }
        let took = world.clock.now().since(start);
        // One of the burst went for the JOIN.
        let least = Duration::from_secs(6 * lines_a_send - 4);
        assert!(took >= least, "{took:?}");
        assert_eq!(world.ops().sent_texts().len(), 6);
    }
}

/// Polls once.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
