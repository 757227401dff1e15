//! An independent implementation of Standard Webhooks understands the driver, and the driver it: the
//! package `standardwebhooks` for Python, where it is installed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bridge_core::driver::{Driver, Outgoing};
use bridge_core::id::Address;
use bridge_core::time::Timestamp;
use bridge_testkit::{FakeClock, FakeHttp, fake_ports};
use bytes::Bytes;
use driver_webhook::Webhook;
use http::Request;
use serde_json::{Value, json};

/// Verifies or signs what stdin says, with the keys that it names: `whsec_…`, or any other text, whose
/// bytes are the key.
const SCRIPT: &str = r#"
import datetime, json, sys, time
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
asked = json.load(sys.stdin)
def keys():
    for key in asked["keys"]:
        yield Webhook(key if key.startswith("whsec_") else key.encode())
if asked["do"] == "time":
    answer = int(time.time())
elif asked["do"] == "sign":
    at = datetime.datetime.fromtimestamp(asked["timestamp"], datetime.timezone.utc)
    answer = " ".join(key.sign(asked["id"], at, asked["body"]) for key in keys())
else:
    answer = []
    for key in keys():
        try:
            key.verify(asked["body"], asked["headers"])
            answer.append(True)
        except WebhookVerificationError:
            answer.append(False)
json.dump(answer, sys.stdout)
"#;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const RAW: &str = "just a text of enough bytes, ünïcode";

/// A Python that has the package: the one that `.ci/run` makes, or the usual one.
fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let made = target.join("standardwebhooks/bin/python");
    let has_it = |python: &PathBuf| {
        let mut command = Command::new(python);
        command
            .args(["-c", "import standardwebhooks"])
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    [made, PathBuf::from("python3")].into_iter().find(has_it)
}

fn ask(python: &Path, question: &Value) -> Value {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(question.to_string().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{question}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn open(keys: &[&str], clock: &FakeClock, http: &FakeHttp) -> Webhook {
    let settings = json!({ "url": "https://x.example/hook", "secrets": keys });
    Webhook::open(
        serde_json::from_value(settings).expect("settings"),
        fake_ports(clock, http),
    )
}

#[tokio::test]
async fn an_independent_implementation_agrees_both_ways() {
    let Some(python) = python() else {
        println!("not run: no python3 has the package `standardwebhooks`");
        return;
    };
    let secs = ask(&python, &json!({ "do": "time", "keys": [] }))
        .as_i64()
        .expect("seconds");
    let clock = FakeClock::new(Timestamp::from_millis(secs * 1000 + 999));
    let http = FakeHttp::new();

    // What the driver sends, they verify: with each of its secrets, and with no other.
    let driver = open(&[SECRET, RAW], &clock, &http);
    http.push_json(200, "");
    let outgoing = Outgoing::new(
        Address::default(),
        "张三: \"hi\" \\ \u{1f44b}\n",
        "0123456789abcdef-7.0",
    );
    driver.send(&outgoing).await.expect("taken");
    let request = http.requests().remove(0);
    let header = |name: &str| request.headers()[name].to_str().expect("visible ASCII");
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: Value = names
        .map(|name| (name.to_owned(), json!(header(name))))
        .into_iter()
        .collect();
    let body = std::str::from_utf8(request.body()).expect("UTF-8");
    let others = [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSX",
        "another text of enough bytes",
    ];
    let keys = [SECRET, RAW, others[0], others[1]];
    let verify = |body: &str| {
        ask(
            &python,
            &json!({ "do": "verify", "keys": keys, "headers": headers, "body": body }),
        )
    };
    assert_eq!(verify(body), json!([true, true, false, false]));
    assert_eq!(
        verify(&body.replace("hi", "ho")),
        json!([false, false, false, false])
    );

    // What they sign, the driver verifies, and nothing else.
    for (by, known) in [
        ([SECRET].as_slice(), true),
        (&[RAW], true),
        (&[others[0], RAW], true),
        (&[others[0]], false),
    ] {
        let (id, body) = ("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "{\"text\": \"你好\"}");
        let question =
            json!({ "do": "sign", "keys": by, "id": id, "timestamp": secs, "body": body });
        let signatures = ask(&python, &question);
        let signed = |body: &'static str| {
            let request = Request::post("/webhook").header("webhook-id", id);
            let request = request.header("webhook-timestamp", secs);
            let request = request.header("webhook-signature", signatures.as_str().expect("a text"));
            request
                .body(Bytes::from_static(body.as_bytes()))
                .expect("plain headers")
        };
        assert_eq!(
            Driver::verify(&driver, &signed(body)).is_ok(),
            known,
            "{by:?}"
        );
        assert!(Driver::verify(&driver, &signed("{\"text\": \"您好\"}")).is_err());
    }
}
