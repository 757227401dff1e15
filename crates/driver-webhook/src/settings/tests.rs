use bridge_core::driver::Driver;
use serde_json::{Value, json};

use super::*;
use crate::Webhook;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "0123456789abcdef";

/// `error: KEY: problem` for everything that is said of these settings.
fn said(settings: Value) -> Vec<String> {
    let settings: Settings = serde_json::from_value(settings).expect("of the right types");
    let mut report = Report::default();
    Webhook::check(&settings, &mut report);
    let errors = report.errors().map(|one| format!("error: {one:?}"));
    let warnings = report.warnings().map(|one| format!("warning: {one:?}"));
    errors.chain(warnings).collect()
}

/// Whether exactly these are said; each is how it begins, and a part of it.
fn says(settings: Value, expected: &[(&str, &str)]) {
    let found = said(settings.clone());
    let fits = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, (kind, part))| found.starts_with(kind) && found.contains(part));
    assert!(fits, "{settings}\n{found:#?}\n{expected:#?}");
    assert!(
        !found.iter().any(|line| line.contains("canary")),
        "{found:#?}"
    );
}

#[test]
fn what_works_is_not_blamed() {
    for settings in [
        json!({ "url": "https://x.example/hook?token=canary", "secrets": SECRET }),
        json!({ "url": "http://10.0.0.7:8080", "secrets": [SECRET, "another secret of enough bytes"], "method": "PUT",
                "headers": { "Authorization": "Bearer canary", "X-Room": "ops" } }),
        json!({ "listen_port": 9000, "read_token": TOKEN }),
        json!({ "listen_port": 9000, "read_token": TOKEN, "listen_host": "::", "listen_path": "/", "secrets": SECRET,
                "url": "https://x.example" }),
    ] {
        says(settings, &[]);
    }
}

#[test]
fn what_can_not_work_is_told() {
    let url = "https://x.example";
    let rows: &[(Value, &[(&str, &str)])] = &[
        (json!({}), &[("error", "neither `url` nor `listen_port`")]),
        (
            json!({ "url": "canary", "secrets": SECRET }),
            &[("error", "the URL can't be read")],
        ),
        (
            json!({ "url": "ftp://canary", "secrets": SECRET }),
            &[("error", "neither https nor http")],
        ),
        (
            json!({ "url": "https://canary:canary@x", "secrets": SECRET }),
            &[("error", "user name or password")],
        ),
        (
            json!({ "url": "https://x/#canary", "secrets": SECRET }),
            &[("error", "fragment")],
        ),
        (
            json!({ "url": url }),
            &[("warning", "what is sent is not signed")],
        ),
        (
            json!({ "url": url, "secrets": "whsec_canary!" }),
            &[("error", "is not base64")],
        ),
        (
            json!({ "url": url, "secrets": ["whpk_canary", SECRET] }),
            &[("error", "`secrets[0]` is a key of asymmetric")],
        ),
        (
            json!({ "url": url, "secrets": "canary" }),
            &[("warning", "a key of 6 bytes")],
        ),
        (
            json!({ "url": url, "secrets": [SECRET, SECRET] }),
            &[("warning", "the same secret as `secrets[0]`")],
        ),
        (
            json!({ "url": url, "secrets": SECRET, "headers": { "a canary": "x" } }),
            &[("error", "no name of a header")],
        ),
        (
            json!({ "url": url, "secrets": SECRET, "headers": { "X-A": "canary\n" } }),
            &[("error", "can't stand in a header")],
        ),
        (
            json!({ "url": url, "secrets": SECRET, "headers": { "X-A": "1", "x-a": "2" } }),
            &[("error", "stands twice")],
        ),
        (
            json!({ "url": url, "secrets": SECRET, "headers": { "Webhook-Id": "1" } }),
            &[("error", "`webhook-id` is a header")],
        ),
        (
            json!({ "listen_port": 1, "read_token": TOKEN, "headers": { "X-A": "1" } }),
            &[("warning", "no `url` to send it to")],
        ),
        (
            json!({ "listen_port": 1 }),
            &[("error", "no `read_token`: whoever reaches the port")],
        ),
        (
            json!({ "listen_port": 1, "read_token": "a canary" }),
            &[("error", "can't be shown in a header")],
        ),
        (
            json!({ "listen_port": 1, "read_token": "canary" }),
            &[("warning", "may be guessed")],
        ),
        (
            json!({ "url": url, "secrets": SECRET, "read_token": TOKEN }),
            &[("warning", "there is no listener")],
        ),
        (
            json!({ "listen_port": 1, "read_token": TOKEN, "listen_host": "localhost" }),
            &[("error", "is not an IP address")],
        ),
        (
            json!({ "listen_port": 1, "read_token": TOKEN, "listen_path": "hook" }),
            &[("error", "does not begin with")],
        ),
        (
            json!({ "listen_port": 1, "read_token": TOKEN, "listen_path": "/a?b" }),
            &[("error", "a plain path has not")],
        ),
        (
            json!({ "listen_port": 1, "read_token": TOKEN, "listen_path": "/a/../b" }),
            &[("error", "segment")],
        ),
    ];
    for (settings, expected) in rows {
        says(settings.clone(), expected);
    }
}

#[test]
fn debug_shows_no_secret() {
    let settings = json!({ "url": "https://x/canary", "headers": { "A": "canary" }, "secrets": "canary", "read_token": "canary" });
    let settings: Settings = serde_json::from_value(settings).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}

#[test]
fn there_is_a_listener_exactly_where_there_is_a_port() {
    let listen = |settings: Value| {
        serde_json::from_value::<Settings>(settings)
            .unwrap()
            .listen()
    };
    assert_eq!(listen(json!({ "url": "https://x" })), None);
    let listen = listen(json!({ "listen_port": 0 })).unwrap();
    assert_eq!((listen.port, &*listen.path), (0, "/webhook"));
    assert_eq!(listen.questions, ["/messages"]);
    assert!(listen.host.is_loopback());
}
