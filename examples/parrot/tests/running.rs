//! The binary runs as a bridge: a message goes in at one perch and comes out at another. And its
//! commands know parrots, and nothing else.

#[path = "running/bridge.rs"]
mod bridge;
#[path = "running/platform.rs"]
mod platform;

use bridge::{Running, run};
use platform::Platform;
use serde_json::json;

#[test]
fn a_message_goes_through() {
    let platform = Platform::start();
    let config = json!({
        "global": { "log": { "format": "json" } },
        "parrot": { "polly": {
            "token": platform::TOKEN, "callback_token": platform::CALLBACK_TOKEN,
            "api_base": platform.api_base(), "listen_port": 0 } },
    });
    let rules = include_str!("../rules.example.json");
    let running = Running::start(&config, rules);
    let squawk = include_str!("fixtures/squawk.json");

    assert_eq!(platform.call("another token", &running.url(), squawk), 401);
    let status = platform.call(platform::CALLBACK_TOKEN, &running.url(), squawk);
    assert_eq!(status, 200);
    let heard = platform.next_squawk();
    assert_eq!(heard["perch"], "deck");
    assert_eq!(heard["text"], "Polly: land ahoy ⚓");

    // The same callback again is the same message: what comes next is another one.
    platform.call(platform::CALLBACK_TOKEN, &running.url(), squawk);
    let next = squawk.replace("s-1", "s-2").replace("ahoy", "gone");
    platform.call(platform::CALLBACK_TOKEN, &running.url(), &next);
    let after = platform.next_squawk();
    assert_eq!(after["text"], "Polly: land gone ⚓");
    assert_ne!(heard["nonce"], after["nonce"]);
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
            &["demo", "--once"][..],
            "\"dingtalk\", which is not linked into this binary; linked: parrot",
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
