//! What stands around the files: secrets from outside, data directory, ports, platforms. Warnings
//! of `check`, errors of `run`.

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use support::{Bed, PATIENCE, Process, SECRET, bridge, run, text};

/// Everything that was printed, and the code.
fn ended(output: &Output) -> (String, Option<i32>) {
    let printed = text(&output.stdout) + &text(&output.stderr);
    (printed, output.status.code())
}

fn command(bed: &Bed, args: &[&str]) -> (String, Option<i32>) {
    ended(&run(bed.path(), args))
}

/// A file that holds the secret, with this mode.
fn secret_file(path: &Path, content: &str, mode: u32) {
    std::fs::write(path, content).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

fn main(bed: &mut Bed) -> &mut Value {
    &mut bed.config["dingtalk"]["dt_main"]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_around_the_files_is_reported_at_once() {
    let mut bed = Bed::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    main(&mut bed)["listen_port"] = port.into();
    main(&mut bed)["app_secret"] = json!({ "env": "BRIDGE_TEST_NOT_SET" });
    main(&mut bed)["signing_secret"] = json!([SECRET, { "file": "no-such-file" }]);
    // A folder below a file can't be made, not even by root.
    bed.config["global"]["data_dir"] = "config/config.json/data".into();
    bed.write_files();
    let expected = [
        "the environment variable BRIDGE_TEST_NOT_SET is not set".to_owned(),
        "no-such-file".to_owned(),
        "the data directory \"config/config.json/data\" can't be used".to_owned(),
        format!("127.0.0.1:{port}, where \"dt_main\" listens, can't be bound"),
    ];
    let rows: [(&[&str], &str, i32); 4] = [
        (&["check"], "warning", 0),
        (&["check", "--deny-warnings"], "warning", 78),
        (&["run"], "error", 1),
        (&["check", "--online"], "", 1),
    ];
    for (args, severity, code) in rows {
        let (printed, ended) = command(&bed, args);
        assert_eq!(ended, Some(code), "{args:?}: {printed}");
        for part in &expected {
            assert!(printed.contains(part), "{args:?}: {part}: {printed}");
        }
        for id in ["E0501", "E0502", "E0503"] {
            assert!(
                printed.contains(&format!("{severity}[{id}]")) || severity.is_empty(),
                "{printed}"
            );
        }
    }
    // Each stands at its value.
    let (printed, _) = command(&bed, &["check", "--format", "json"]);
    let report: Value = serde_json::from_str(&printed).unwrap();
    let found = report["diagnostics"].as_array().unwrap().iter();
    let places = found.clone().map(|found| {
        let number = |key: &str| found[key].as_u64().unwrap();
        let is_of_rules = found["file"] == "rules/rules.json";
        (is_of_rules, number("line"), number("column"))
    });
    assert!(places.is_sorted(), "{printed}");
    let paths: Vec<_> = found.map(|found| found["path"].as_str().unwrap()).collect();
    for path in [
        "dingtalk.dt_main.app_secret",
        "dingtalk.dt_main.signing_secret[1]",
        "global.data_dir",
        "dingtalk.dt_main.listen_port",
    ] {
        assert!(paths.contains(&path), "{paths:?}");
    }
    // What is wrong in the files weighs more, and is found beside a secret that is missing.
    main(&mut bed)["listen_prot"] = 1.into();
    bed.write_files();
    for args in [&["check"][..], &["run"]] {
        let (printed, ended) = command(&bed, args);
        assert_eq!(ended, Some(78), "{args:?}: {printed}");
        assert!(printed.contains("unknown key \"listen_prot\""), "{printed}");
    }
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_the_bridge_on_the_same_data_is_free_for_its_files() {
    let mut bed = Bed::new().await;
    // Two bridges that take ports which were free a moment ago may meet another process there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    main(&mut bed)["listen_port"] = port.into();
    let process = bed.start();
    let (printed, code) = command(&bed, &["check", "--deny-warnings"]);
    assert_eq!(code, Some(0), "{printed}");

    let (printed, code) = command(&bed, &["run"]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(
        printed.contains(
            "error[E0502]: the data directory \"data\" is in use by another bridge, process "
        ),
        "{printed}"
    );
    assert!(!printed.contains("E0503"), "{printed}");

    // The same files on other data: the port is somebody else's.
    bed.config["global"]["data_dir"] = "other".into();
    bed.write_files();
    let (printed, code) = command(&bed, &["check"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("warning[E0503]"), "{printed}");
    process.stop();
    let (printed, code) = command(&bed, &["check", "--deny-warnings"]);
    assert_eq!(code, Some(0), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_of_systemd_comes_before_a_file_of_the_working_directory() {
    let mut bed = Bed::new().await;
    let credentials = bed.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    main(&mut bed)["app_secret"] = json!({ "file": "dingtalk" });
    bed.write_files();
    let online = |dir: Option<&Path>| {
        let mut command = bridge(bed.path(), &["check", "--online"]);
        command.env_remove("CREDENTIALS_DIRECTORY");
        if let Some(dir) = dir {
            command.env("CREDENTIALS_DIRECTORY", dir);
        }
        ended(&command.output().unwrap())
    };
    let (printed, code) = online(Some(&credentials));
    assert_eq!(code, Some(1), "{printed}");
    let both = format!(
        "is neither in $CREDENTIALS_DIRECTORY ({}",
        credentials.display()
    );
    assert!(printed.contains(&both), "{printed}");
    assert!(
        printed.contains("from the working directory: No such file"),
        "{printed}"
    );
    let (printed, _) = online(None);
    assert!(
        printed.contains("the secret's file dingtalk can't be read"),
        "{printed}"
    );

    secret_file(&bed.path().join("dingtalk"), "another-secret-81c", 0o600);
    let (printed, code) = online(Some(&credentials));
    assert_eq!(code, Some(78), "the file here is taken: {printed}");
    secret_file(&credentials.join("dingtalk"), &format!("{SECRET}\n"), 0o400);
    let (printed, code) = online(Some(&credentials));
    assert_eq!(code, Some(0), "the credential is taken: {printed}");
    assert!(!printed.contains("E0504"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_s_file_that_everybody_can_read_is_warned_of() {
    let mut bed = Bed::new().await;
    secret_file(&bed.path().join("open"), SECRET, 0o644);
    main(&mut bed)["app_secret"] = json!({ "file": "open" });
    bed.write_files();
    let (printed, code) = command(&bed, &["check"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(
        printed.contains(
            "warning[E0504]: everybody on this machine can read the secret's file open (mode 0644)"
        ),
        "{printed}"
    );
    let mut process = bed.start();
    let line = process.wait_for_line("everybody on this machine can read");
    assert_eq!(
        (&line["level"], &line["code"]),
        (&json!("WARN"), &json!("E0504"))
    );
    secret_file(&bed.path().join("open"), SECRET, 0o640);
    let (printed, _) = command(&bed, &["check"]);
    assert!(!printed.contains("E0504"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_asked_without_a_message() {
    let mut bed = Bed::new().await;
    bed.write_files();
    let (printed, code) = command(&bed, &["check", "--online"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(
        printed.contains("dt_main: fetched an access token\n"),
        "{printed}"
    );
    let report = json_report(&bed);
    assert_eq!(
        report["online"],
        json!([{ "instance": "dt_main", "done": "fetched an access token" }])
    );
    assert!(
        bed.dev.transcript().sent_texts().is_empty()
            && bed.ops.transcript().sent_texts().is_empty()
    );

    main(&mut bed)["app_secret"] = "another-secret-81c".into();
    bed.write_files();
    let (printed, code) = command(&bed, &["check", "--online"]);
    assert_eq!(code, Some(78), "{printed}");
    for part in [
        "error[E0601]: \"dt_main\": oauth2/accessToken: unauthorized: ",
        "check `app_key` and `app_secret`",
    ] {
        assert!(printed.contains(part), "{printed}");
    }
    assert!(
        !printed.contains("are fine") && !printed.contains("another-secret"),
        "{printed}"
    );
    let report = json_report(&bed);
    assert_eq!(report["diagnostics"][0]["path"], "dingtalk.dt_main");
    assert_eq!(report["errors"], 1);

    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    main(&mut bed)["api_base"] = format!("http://127.0.0.1:{port}").into();
    bed.write_files();
    let (printed, code) = command(&bed, &["check", "--online"]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("error[E0602]: \"dt_main\""), "{printed}");
    let (_, code) = command(&bed, &["check", "--online", "--offline"]);
    assert_eq!(code, Some(2));
}

fn json_report(bed: &Bed) -> Value {
    let output = run(bed.path(), &["check", "--online", "--format", "json"]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_are_good_while_one_is_changed_for_the_other() {
    let mut bed = Bed::new().await;
    let new = "the-new-signing-secret";
    main(&mut bed)["signing_secret"] = json!([new, SECRET]);
    bed.write_files();
    let mut process = Process::start(bed.path());
    for (secret, said) in [
        (SECRET, "signed with the old one"),
        (new, "signed with the new one"),
    ] {
        bed.robot.set_callback(&process.url(), secret).unwrap();
        bed.ops.say(&bed.zhang, said).await.unwrap();
    }
    bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    bed.robot
        .set_callback(&process.url(), "neither-of-the-two")
        .unwrap();
    let forged = bed.ops.callback(&bed.zhang, "forged").unwrap();
    assert_eq!(
        bed.sandbox.post(&forged).await.unwrap().status.as_u16(),
        401
    );
    // Both are known to the guard.
    bed.robot.set_callback(&process.url(), new).unwrap();
    for secret in [new, SECRET] {
        bed.ops
            .say(&bed.zhang, &format!("it is {secret}!"))
            .await
            .unwrap();
    }
    for key in [
        "dingtalk.dt_main.signing_secret[0]",
        "dingtalk.dt_main.app_secret",
    ] {
        let line = process.wait_for_next_line("a message holds this key's secret");
        assert_eq!(line["key"], key);
    }
    assert_eq!(bed.dev.transcript().sent_texts().len(), 2);
}
