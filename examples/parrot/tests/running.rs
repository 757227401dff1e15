//! The binary runs as a bridge: a message goes in at one perch and comes out at another. And its
//! commands know parrots, and nothing else.

#[path = "running/bridge.rs"]
mod bridge;

use bridge::{Running, run};
use bridge_core::sandbox::{Person, Place, Sandboxes, Screen};
use serde_json::json;
use tokio::sync::mpsc;

// Links the driver, and with it the sandbox.
use driver_parrot as _;

const POLLY: Person = Person::new("Polly", "polly", "1");

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_through() {
    let linked = Sandboxes::linked().expect("one sandbox for each platform");
    let platform = linked.get("parrot").expect("it is linked").start().await;
    let platform = platform.expect("a free port");
    let (show, mut shown) = mpsc::unbounded_channel();
    let perch = |name| {
        let show = show.clone();
        let screen = Screen::new(move |text, _| drop(show.send(format!("{name}: {text}"))));
        let opened = platform.open_room(&Place::new(name, name), screen);
        opened.unwrap_or_else(|error| panic!("{error}"))
    };
    let (mast, _deck) = (perch("mast"), perch("deck"));
    let config = json!({
        "global": { "log": { "format": "json" } },
        "parrot": { "polly": mast.settings() },
    });
    let running = Running::start(&config, include_str!("../rules.example.json"));
    mast.connect(Some(&running.url()))
        .await
        .expect("it listens");

    let forged = mast.forge(&POLLY, "abandon ship").await;
    assert_eq!(forged, Ok("answered 401".to_owned()));
    // The same callback again is the same message: what comes next is another one.
    let repeated = mast.say_twice(&POLLY, "land ahoy ⚓").await;
    assert_eq!(repeated, Ok("answered 200".to_owned()));
    mast.say(&POLLY, "land gone ⚓").await.expect("it is taken");
    for expected in ["deck: Polly: land ahoy ⚓", "deck: Polly: land gone ⚓"] {
        assert_eq!(shown.recv().await.as_deref(), Some(expected));
    }
    drop(running);
    platform.stop().await;
    assert!(shown.try_recv().is_err(), "nothing else was brought");
}

#[test]
fn the_demo_plays_on_parrots() {
    for args in [&["demo", "--once"][..], &["demo", "parrot", "--once"]] {
        let output = run(args);
        let (printed, said) = (&output.stdout, &output.stderr);
        let (printed, said) = (
            String::from_utf8_lossy(printed),
            String::from_utf8_lossy(said),
        );
        assert!(output.status.success(), "{args:?}: {printed}\n{said}");
        let head = "A bridge between two Parrot channels, all of it on this machine.\n";
        assert!(printed.starts_with(head), "{printed}");
        for expected in [
            "the same callback a second time (answered 200, not delivered again)",
            "forged in the name of 张三 (answered 401)",
            "11 messages, 11 delivered, in order, once each; median ",
        ] {
            assert!(printed.contains(expected), "{args:?}: {printed}");
        }
    }
}

#[test]
fn commands_know_the_platform() {
    let files = [
        "--config",
        "config.example.json",
        "--rules",
        "rules.example.json",
    ];
    let explain = [
        "explain",
        "--from",
        "polly",
        "--channel",
        "perch=mast",
        "--text",
        "ahoy",
    ];
    let rows = [
        (
            vec!["drivers"],
            "parrot: Parrot: callbacks in, text out\n  driver-parrot 0.1.0",
        ),
        (vec!["docs", "parrot"], "| `perch` | string | required |"),
        (vec!["docs"], "# parrot\n"),
        (vec!["schema", "config"], "\"#/$defs/parrot\""),
        (vec!["schema", "rules"], "\"parrot.source\""),
        ([&["check", "--offline"], &files[..]].concat(), ""),
        ([&explain[..], &files].concat(), "\"perch\":\"deck\""),
    ];
    for (args, expected) in rows {
        let output = run(&args);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{args:?}: {output:?}");
        assert!(printed.contains(expected), "{args:?}: {printed}");
        assert!(!printed.contains("dingtalk"), "{args:?}: {printed}");
    }
}

#[test]
fn what_is_not_linked_is_said_so() {
    let rows = [
        (
            &["demo", "dingtalk"][..],
            "driver \"dingtalk\" is not linked into this binary; with a sandbox: parrot",
        ),
        (
            &["docs", "dingtalk"],
            "driver \"dingtalk\" is not linked into this binary; linked: parrot",
        ),
    ];
    for (args, expected) in rows {
        let output = run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}
