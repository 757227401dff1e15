//! The page's snippet, the defaults, and every way to get a key wrong.

use bridge_core::catalog::DriverEntry;
use serde_json::{Value, json};

use super::*;
use crate::DingTalk;

fn with(key: &str, value: Value) -> Value {
    let mut settings =
        json!({ "app_key": "k", "app_secret": "s", "robot_code": "r", "signing_secret": "s" });
    settings[key] = value;
    settings
}

/// The keys of errors and of warnings.
fn findings(settings: &Value) -> (Vec<&'static str>, Vec<&'static str>) {
    let settings: Settings = serde_json::from_value(settings.clone()).expect("readable");
    let mut report = Report::default();
    settings.check(&mut report);
    let errors = report.errors().map(|(key, _)| key).collect();
    (errors, report.warnings().map(|(key, _)| key).collect())
}

#[track_caller]
fn check(settings: &Value, errors: &[&str], warnings: &[&str]) {
    assert_eq!(
        findings(settings),
        (errors.to_vec(), warnings.to_vec()),
        "{settings}"
    );
}

#[test]
fn the_documented_snippet_is_fine() {
    let snippet = json!({
        "app_key": "dingxxxxxxxxxx",
        "app_secret": "your_app_secret",
        "robot_code": "your_robot_code",
        "signing_secret": "your_signing_secret",
        "listen_port": 8082,
        "listen_path": "/dingtalk/event"
    });
    check(&snippet, &[], &[]);
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = json!({ "app_key": "k", "app_secret": "s", "robot_code": "r" });
    check(&settings, &[], &["signing_secret"]);
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let listen = settings.listen().unwrap();
    assert_eq!((listen.port, &*listen.path), (8082, "/dingtalk/event"));
    assert_eq!(listen.host, IpAddr::from([0, 0, 0, 0]));
    assert_eq!(listen.method, http::Method::POST);
    assert_eq!(settings.api_root(), "https://api.dingtalk.com");
}

#[test]
fn a_missing_signing_secret_is_warned_of_with_who_can_misuse_it() {
    let rows = [
        ("0.0.0.0", "whoever reaches port 8082 can speak"),
        ("::", "whoever reaches port 8082 can speak"),
        (
            "192.0.2.7",
            "whoever reaches port 8082 at 192.0.2.7 can speak",
        ),
        (
            "127.0.0.1",
            "whoever reaches port 8082 of this machine, as through its proxy, can speak",
        ),
        (
            "::1",
            "whoever reaches port 8082 of this machine, as through its proxy, can speak",
        ),
    ];
    for (host, expected) in rows {
        let settings =
            json!({ "app_key": "k", "app_secret": "s", "robot_code": "r", "listen_host": host });
        let prepared = DriverEntry::of::<DingTalk>().prepare(settings).unwrap();
        let warnings: Vec<_> = prepared.report().warnings().collect();
        let [("signing_secret", problem)] = &*warnings else {
            panic!("{host}: {warnings:?}");
        };
        assert!(
            problem.contains("signatures are not verified") && problem.contains(expected),
            "{host}: {problem}"
        );
    }
}

#[test]
fn two_settings_are_one_robot_if_their_code_is_equal() {
    let identity = |code: &str| {
        let prepared = DriverEntry::of::<DingTalk>().prepare(with("robot_code", code.into()));
        prepared.unwrap().identity().cloned().unwrap()
    };
    assert_eq!(identity("r"), identity("r"));
    assert_ne!(identity("r"), identity("s"));
    assert_eq!(identity("r").key, "robot_code");
}

#[test]
fn values_out_of_bounds_are_refused() {
    let rows = [
        (with("app_key", json!(1)), "string"),
        (with("listen_port", json!(65_536)), "u16"),
        (with("listen_port", json!(-1)), "u16"),
        (with("listen_port", json!("8082")), "u16"),
        (json!(7), "settings"),
    ];
    for (settings, expected) in rows {
        let error = DriverEntry::of::<DingTalk>()
            .prepare(settings.clone())
            .unwrap_err();
        let shown = format!("{} {}", error.path, error.problem).to_lowercase();
        assert!(shown.contains(expected), "{settings}: {shown}");
    }
}

#[test]
fn credentials_are_not_empty_and_better_without_white_space() {
    for key in ["app_key", "app_secret", "robot_code", "signing_secret"] {
        check(&with(key, json!("")), &[key], &[]);
        check(&with(key, json!(" s")), &[], &[key]);
        check(&with(key, json!("s\n")), &[], &[key]);
    }
    check(
        &with("signing_secret", Value::Null),
        &[],
        &["signing_secret"],
    );
}

#[test]
fn each_of_several_signing_secrets_is_checked() {
    let several = |secrets: Value| with("signing_secret", secrets);
    check(&several(json!(["new", "old"])), &[], &[]);
    check(&several(json!(["new", ""])), &["signing_secret"], &[]);
    check(&several(json!(["new", " old"])), &[], &["signing_secret"]);
    check(
        &several(json!(["new", "old", "new"])),
        &[],
        &["signing_secret"],
    );
    let settings: Settings = serde_json::from_value(several(json!(["new", "", "x"]))).unwrap();
    let mut report = Report::default();
    settings.check(&mut report);
    let problems: Vec<_> = report.errors().map(|(_, problem)| problem).collect();
    assert_eq!(problems, ["`signing_secret[1]` is empty"]);
}

#[test]
fn hosts_are_ip_addresses() {
    for host in ["0.0.0.0", "127.0.0.1", "::", "::1"] {
        check(&with("listen_host", json!(host)), &[], &[]);
    }
    for host in [
        "",
        "localhost",
        "[::1]",
        "127.0.0.1:80",
        "1.2.3",
        " ::",
        "*",
    ] {
        check(&with("listen_host", json!(host)), &["listen_host"], &[]);
    }
}

#[test]
fn paths_are_plain() {
    for path in ["/", "/a", "/a/", "/dingtalk/event", "/a.b/~c;d=e/..f"] {
        check(&with("listen_path", json!(path)), &[], &[]);
    }
    let wrong = [
        "",
        "a",
        "/a?b",
        "/a#b",
        "/a b",
        "/%61",
        "//",
        "//a",
        "/a//b",
        "/a//",
        "/./a",
        "/a/..",
        "/a/../",
        "/钉",
        "/a\\b",
        "/a\n",
        "/{x}",
        "http://h/a",
    ];
    for path in wrong {
        check(&with("listen_path", json!(path)), &["listen_path"], &[]);
    }
}

#[test]
fn the_api_is_reached_over_https_or_on_this_machine() {
    let fine = [
        ("https://api.dingtalk.com", "https://api.dingtalk.com"),
        ("https://api.dingtalk.com/", "https://api.dingtalk.com"),
        (
            "https://proxy.example:8443/ding/",
            "https://proxy.example:8443/ding",
        ),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://127.8.8.8", "http://127.8.8.8"),
        ("http://[::1]:9/x", "http://[::1]:9/x"),
        ("http://LOCALHOST:9", "http://localhost:9"),
    ];
    for (base, root) in fine {
        check(&with("api_base", json!(base)), &[], &[]);
        assert_eq!(api_root(base).as_deref(), Ok(root));
    }
    let wrong = [
        "",
        "api.dingtalk.com",
        "/v1.0",
        "ftp://127.0.0.1",
        "http://api.dingtalk.com",
        "http://10.0.0.1",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://0.0.0.0",
        "http://[::]",
        "https://u@api.dingtalk.com",
        "https://u:p@api.dingtalk.com",
        "https://api.dingtalk.com?a",
        "https://api.dingtalk.com/#a",
        "https://",
        "unix:/run/x",
    ];
    for base in wrong {
        check(&with("api_base", json!(base)), &["api_base"], &[]);
    }
}

#[test]
fn a_password_in_the_url_is_not_shown() {
    let settings: Settings =
        serde_json::from_value(with("api_base", json!("https://u:canary@h"))).unwrap();
    let mut report = Report::default();
    settings.check(&mut report);
    assert!(!format!("{report:?}").contains("canary"));
}

#[test]
fn all_problems_come_in_one_report() {
    let settings = json!({
        "app_key": "", "app_secret": "", "robot_code": "", "signing_secret": "",
        "listen_host": "x", "listen_path": "x", "api_base": "x"
    });
    let keys = [
        "app_key",
        "app_secret",
        "robot_code",
        "signing_secret",
        "listen_host",
        "listen_path",
        "api_base",
    ];
    check(&settings, &keys, &[]);
}

#[test]
fn the_schema_tells_defaults_bounds_and_meaning() {
    let schema = DriverEntry::of::<DingTalk>().schema();
    let schema = schema.as_value();
    let keys = &schema["properties"];
    assert_eq!(keys["listen_port"]["default"], 8082);
    assert_eq!(keys["listen_port"]["maximum"], 65_535);
    assert_eq!(keys["listen_path"]["default"], "/dingtalk/event");
    assert_eq!(keys["listen_host"]["default"], "0.0.0.0");
    assert_eq!(keys["api_base"]["default"], "https://api.dingtalk.com");
    assert_eq!(keys["app_key"]["minLength"], 1);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["required"],
        json!(["app_key", "app_secret", "robot_code"])
    );
}
