//! A bridge that runs, receives and sends with canaries for secrets, with everything logged.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use dingtalk_sandbox::{Fault, Member, Refusal, Sandbox};
use http::StatusCode;
use serde_json::json;

use crate::plant::{Seed, canary};
use crate::support::{DEV, OPS, PATIENCE, Process, bridge};
use crate::{assert_hidden, outputs};

/// Writes both files.
fn write(dir: &Path, config: &serde_json::Value, rules: &serde_json::Value) {
    for (name, value) in [("config", config), ("rules", rules)] {
        std::fs::create_dir_all(dir.join(name)).expect("a temporary folder and its socket");
        let file = dir.join(name).join(name).with_extension("json");
        std::fs::write(file, value.to_string()).expect("a temporary folder and its socket");
    }
}

/// Asks a running bridge something that it does not expect.
fn raw_question(socket: &Path, body: &str) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).expect("a temporary folder and its socket");
    let head = "POST /v1/ask HTTP/1.1\r\nhost: bridge\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())
        .expect("a temporary folder and its socket");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("a temporary folder and its socket");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_at_work_shows_no_secret_and_stores_none() {
    let seed = Seed::new();
    let mut random = seed.random();
    let canaries: Vec<_> = (0..4).map(|_| canary(&mut random)).collect();
    let [app, new, old, proxy] = &canaries[..] else {
        unreachable!("four were made")
    };
    let hidden = |what: &str, text: &[u8]| assert_hidden(what, text, &canaries, seed);

    let sandbox = Sandbox::start().await.unwrap();
    let robot = sandbox.add_robot("dingx7q2m2x9t1b8", app, "dingx7q2m2x9t1b8");
    let (ops, dev) = (sandbox.add_group(OPS, "ops"), sandbox.add_group(DEV, "dev"));
    ops.add_robot(&robot);
    dev.add_robot(&robot);
    let zhang = Member::new("张三", "042531297");
    let dir = tempfile::tempdir().unwrap();
    let credentials = dir.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("signing"), new).unwrap();
    let mut config = json!({
        "global": { "log": { "format": "json" } },
        "dingtalk": { "one": {
            "app_key": robot.app_key(), "app_secret": app, "robot_code": robot.robot_code(),
            "signing_secret": [{ "file": "signing" }, { "env": "CANARY" }],
            "api_base": sandbox.api_base(), "listen_host": "127.0.0.1", "listen_port": 0,
        } } });
    let rules = json!({ "rules": [{ "id": "ops-dev", "type": "connect", "channels": { "one": [
        { "open_conversation_id": OPS }, { "open_conversation_id": DEV } ] } }] });
    write(dir.path(), &config, &rules);
    let command = |args: &[&str]| {
        let mut command = bridge(dir.path(), args);
        command
            .env("CANARY", old)
            .env("CREDENTIALS_DIRECTORY", &credentials)
            .env("RUST_BACKTRACE", "1");
        command
    };
    let mut process = Process::start_command(command(&["run", "--log", "trace"]));

    // Echoed where a token is fetched, and where a message is sent.
    let echo = || {
        let said = format!("the secret {app} is bad");
        Fault::Refuse(Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("no.{app}"),
            said,
        ))
    };
    sandbox.token_faults().next(1, echo());
    dev.faults().next(1, echo());
    for (secret, text) in [(new, "first"), (old, "second")] {
        robot.set_callback(&process.url(), secret).unwrap();
        ops.say(&zhang, text).await.unwrap();
    }
    process.wait_for_line("a send failed");
    process.wait_for_line("a delivery failed for good");
    dev.wait_for_sent(1, PATIENCE).await.unwrap();
    // Forged, and with secrets in what is said.
    robot.set_callback(&process.url(), "another").unwrap();
    let forged = ops.callback(&zhang, "forged").unwrap();
    assert_eq!(
        sandbox.post(&forged).await.unwrap().status,
        StatusCode::UNAUTHORIZED
    );
    robot.set_callback(&process.url(), new).unwrap();
    for secret in [app, new, old] {
        ops.say(&zhang, &format!("my secret is {secret}!"))
            .await
            .unwrap();
        process.wait_for_next_line("a message holds this key's secret");
    }

    let channel = format!("open_conversation_id={OPS}");
    let commands: [&[&str]; 13] = [
        &["check"],
        &["check", "--format", "json"],
        &["check", "--online"],
        &["dead", "list"],
        &["dead", "list", "--json"],
        &["dead", "show", "1"],
        &["trace", "1"],
        &["trace", "--totals"],
        &["channels"],
        &["store", "check"],
        &[
            "explain",
            "--from",
            "one",
            "--channel",
            &channel,
            "--text",
            "hi",
        ],
        &["dead", "replay", "1"],
        &["run"],
    ];
    for args in commands {
        let said = outputs(&command(args).output().unwrap());
        assert!(!said.is_empty(), "{args:?}");
        hidden(&format!("`bridge {}` beside it", args.join(" ")), &said);
    }
    let socket = dir.path().join("data/control.sock");
    for body in [
        r#"{"ask":"listeners"}"#,
        r#"{"ask":"totals"}"#,
        r#"{"ask":"secrets"}"#,
        "nonsense",
    ] {
        let said = raw_question(&socket, body);
        assert!(said.starts_with(b"HTTP/1.1 "));
        hidden(&format!("the control socket, asked {body}"), &said);
    }
    let (status, log) = process.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("\"DEBUG\""), "everything was logged");
    hidden("the log", log.as_bytes());

    // Without a bridge, with a secret that is wrong, and through a proxy that is not there.
    config["dingtalk"]["one"]["app_secret"] = old.as_str().into();
    write(dir.path(), &config, &rules);
    let refused = command(&["check", "--online"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(78));
    hidden(
        "`bridge check --online` with a wrong secret",
        &outputs(&refused),
    );
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    config["dingtalk"]["one"]["proxy"] = format!("http://user:{proxy}@{free}").into();
    write(dir.path(), &config, &rules);
    for args in [
        &["check", "--online"][..],
        &["check", "--online", "--format", "json"],
    ] {
        let down = command(args).output().unwrap();
        assert_eq!(down.status.code(), Some(1));
        hidden("`bridge check --online` without a proxy", &outputs(&down));
    }

    let mut files = 0;
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap();
        files += usize::from(!content.is_empty());
        hidden(&format!("{}", path.display()), &content);
    }
    assert!(files > 0, "there is a store");
}
