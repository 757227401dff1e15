//! Webhooks with the real binary: the scripts of the page, a mailbox that survives, signatures on real
//! sockets, and requests that are repeated.

#[path = "documents/page.rs"]
mod page;
mod support;

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use bridge_core::ports::Clock as _;
use bridge_core::secret::Secret;
use driver_webhook::SigningKeys;
use page::Page;
use serde_json::{Value, json};
use support::{PATIENCE, Process, root, write_pair};

const TOKEN: &str = "0123456789abcdef-token";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A folder with these files.
fn folder(webhooks: &Value, rules: &Value) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = json!({ "global": { "log": { "format": "json" } }, "webhook": webhooks });
    write_pair(dir.path(), &config, &json!({ "rules": rules }));
    dir
}

/// Two instances with listeners that hear each other.
fn pair() -> tempfile::TempDir {
    let listens = json!({ "listen_port": 0, "read_token": TOKEN });
    let rule = json!({ "type": "connect", "channels": { "app": {}, "hook": {} } });
    folder(&json!({ "app": listens, "hook": listens }), &json!([rule]))
}

/// `http://host:port` of the instance's listener.
fn base(process: &Process, instance: &str) -> String {
    let (_, url) = process
        .urls
        .iter()
        .find(|(name, _)| name == instance)
        .expect("a listener");
    url.trim_end_matches("/webhook").to_owned()
}

/// The status and the JSON that answer a request which shows the token.
fn ask(url: &str, body: Option<Value>) -> (u16, Value) {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let agent = ureq::Agent::new_with_config(agent);
    let token = format!("Bearer {TOKEN}");
    let answer = match body {
        Some(body) => agent
            .post(url)
            .header("authorization", token)
            .send(body.to_string()),
        None => agent.get(url).header("authorization", token).call(),
    };
    let mut answer = answer.expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    (answer.status().as_u16(), json)
}

/// The texts of a page of messages, and the next cursor.
fn texts((status, page): (u16, Value)) -> (Vec<String>, String) {
    assert_eq!(status, 200, "{page}");
    let messages = page["messages"].as_array().expect("a list").iter();
    let texts = messages.map(|message| message["text"].as_str().expect("a text").to_owned());
    (
        texts.collect(),
        page["next"].as_str().expect("a cursor").to_owned(),
    )
}

/// Asks until so many messages are there.
fn read(hook: &str, count: usize) -> (Vec<String>, String) {
    loop {
        let (found, next) = texts(ask(&format!("{hook}/messages?wait=25"), None));
        if found.len() >= count {
            return (found, next);
        }
    }
}

/// A script of the page, killed when dropped.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Script {
    fn start(dir: &Path, info: &str, bridge: &str) -> Self {
        let page = Page::read(root().join("docs/drivers/webhook.md"));
        let block = page.blocks.iter().find(|block| block.info == info);
        let file = dir.join(info.replace(' ', "-"));
        std::fs::write(&file, &block.expect("a script").text).expect("a file");
        let child = Command::new("python3")
            .arg(file)
            .env("BRIDGE", bridge)
            .env("READ_TOKEN", TOKEN)
            .env("PYTHONIOENCODING", "utf-8")
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Self(child.expect("python3"))
    }
}

#[test]
fn the_bot_and_the_script_of_the_page_work() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("not run: there is no python3");
        return;
    }
    let dir = pair();
    let process = Process::start(dir.path());
    let _bot = Script::start(dir.path(), "python bot", &base(&process, "hook"));
    let mut driver = Script::start(dir.path(), "python driver", &base(&process, "app"));
    let stdout = driver.0.stdout.take().expect("a pipe");
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut stdin = driver.0.stdin.take().expect("a pipe");
    for line in ["张三: nothing that the bot answers", "张三: ping"] {
        writeln!(stdin, "{line}").expect("the script reads");
    }
    assert_eq!(lines.recv_timeout(PATIENCE).as_deref(), Ok("bot: pong"));
    // It has asked past what it read: nothing is left for the next reader but the bot's answers.
    writeln!(stdin, "李四: ping").expect("the script reads");
    assert_eq!(lines.recv_timeout(PATIENCE).as_deref(), Ok("bot: pong"));
}

#[test]
fn what_nobody_confirmed_survives_a_kill_and_what_was_confirmed_is_gone() {
    let dir = pair();
    let process = Process::start(dir.path());
    for number in 0..3 {
        let message = json!({ "text": number.to_string(), "sender": "n" });
        assert_eq!(
            ask(&format!("{}/webhook", base(&process, "app")), Some(message)).0,
            200
        );
    }
    let (all, last) = read(&base(&process, "hook"), 3);
    assert_eq!(all, ["n: 0", "n: 1", "n: 2"]);
    process.kill();

    let process = Process::start(dir.path());
    let hook = base(&process, "hook");
    assert_eq!(read(&hook, 3), (all, last.clone()));
    let (first, next) = texts(ask(&format!("{hook}/messages?limit=1"), None));
    assert_eq!(first, ["n: 0"]);
    assert_eq!(
        texts(ask(&format!("{hook}/messages?after={next}"), None)).0,
        ["n: 1", "n: 2"]
    );
    assert_eq!(
        texts(ask(&format!("{hook}/messages?after={last}"), None)).0,
        [""; 0]
    );
    let (status, log) = process.stop();
    assert_eq!(status.code(), Some(0), "{log}");

    let process = Process::start(dir.path());
    let hook = base(&process, "hook");
    assert_eq!(texts(ask(&format!("{hook}/messages"), None)).0, [""; 0]);
    assert_eq!(
        texts(ask(&format!("{hook}/messages?after={last}"), None)).1,
        last
    );
    drop(process);

    // A new store knows nothing of the cursor, and confirms nothing by it.
    std::fs::remove_dir_all(dir.path().join("data")).expect("the data directory");
    let process = Process::start(dir.path());
    let (app, hook) = (base(&process, "app"), base(&process, "hook"));
    for text in ["a", "b", "c", "d"] {
        ask(
            &format!("{app}/webhook"),
            Some(json!({ "text": text, "sender": "n" })),
        );
    }
    read(&hook, 4);
    for cursor in [&next, &last] {
        let (status, answer) = ask(&format!("{hook}/messages?after={cursor}"), None);
        assert_eq!(status, 400, "{answer}");
    }
    assert_eq!(read(&hook, 4).0.len(), 4);
}

#[test]
fn only_the_token_reads_and_posts() {
    let dir = pair();
    let process = Process::start(dir.path());
    let hook = base(&process, "hook");
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let agent = ureq::Agent::new_with_config(agent);
    for token in ["", "Bearer ", "Bearer 0123456789abcdef-tokem", TOKEN] {
        let answer = agent
            .get(format!("{hook}/messages"))
            .header("authorization", token)
            .call();
        assert_eq!(answer.expect("an answer").status(), 401, "{token}");
        let answer = agent
            .post(format!("{hook}/webhook"))
            .header("authorization", token)
            .send("{\"text\": \"x\"}");
        assert_eq!(answer.expect("an answer").status(), 401, "{token}");
    }
}

/// A request that a receiver got.
struct Got {
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines();
        let value = lines.find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        value.unwrap_or_default()
    }
}

/// A receiver that answers with these heads in turn; what it got.
fn receiver(answers: &'static [&'static str]) -> (String, Receiver<Got>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let url = format!(
        "http://{}/hook?key=canary",
        listener.local_addr().expect("an address")
    );
    let (sender, got) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().expect("a connection");
            let request = receive(stream, answer);
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    (url, got)
}

fn receive(mut stream: TcpStream, answer: &str) -> Got {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut got = Got {
        head: String::new(),
        body: Vec::new(),
    };
    while !got.head.ends_with("\r\n\r\n") {
        assert!(
            reader.read_line(&mut got.head).expect("a head") > 0,
            "{}",
            got.head
        );
    }
    got.body
        .resize(got.header("content-length").parse().expect("a length"), 0);
    reader.read_exact(&mut got.body).expect("a body");
    let answer = format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream
        .write_all(answer.as_bytes())
        .expect("the bridge reads");
    got
}

#[test]
fn what_is_sent_is_signed_and_keeps_its_id_when_it_is_sent_again() {
    let (url, got) = receiver(&["503 Busy\r\nretry-after: 1", "204 Fine"]);
    let webhooks = json!({
        "app": { "listen_port": 0, "read_token": TOKEN },
        "hook": { "url": url, "secrets": SECRET, "headers": { "X-Key": "header value" } },
    });
    let fields = json!({ "fields": { "sender": "{user}" }, "msg_format": "{msg}" });
    let rule = json!({ "from": { "app": {} }, "to": { "hook": { "msg": fields } } });
    let dir = folder(&webhooks, &json!([rule]));
    let process = Process::start(dir.path());
    let message = json!({
        "text": "hi", "sender": "张三", "attachments": [{ "type": "image", "url": "https://x.example/1", "size": 7 }],
    });
    assert_eq!(
        ask(&format!("{}/webhook", base(&process, "app")), Some(message)).0,
        200
    );
    let requests = [got.recv_timeout(PATIENCE), got.recv_timeout(PATIENCE)];
    let [first, second] = requests.map(|request| request.expect("a request"));
    let keys = SigningKeys::new(&[Secret::new(SECRET)]).expect("a secret");
    for request in [&first, &second] {
        assert!(
            request
                .head
                .starts_with("POST /hook?key=canary HTTP/1.1\r\n"),
            "{}",
            request.head
        );
        assert_eq!(request.header("x-key"), "header value");
        let (id, timestamp) = (
            request.header("webhook-id"),
            request.header("webhook-timestamp"),
        );
        let signature = keys.sign(id, timestamp, &request.body).expect("a secret");
        assert_eq!(request.header("webhook-signature"), signature);
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(
            (&body["id"], &body["text"], &body["sender"]),
            (&json!(id), &json!("hi"), &json!("张三"))
        );
        let files =
            json!([{ "type": "image", "url": "https://x.example/1", "name": "", "size": 7 }]);
        assert_eq!(body["attachments"], files);
    }
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    let (status, log) = process.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    for secret in ["canary", "header value", SECRET, TOKEN] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_signed_request_that_is_repeated_is_one_message() {
    let signed = json!({ "listen_port": 0, "read_token": TOKEN, "secrets": ["an older secret of many bytes", SECRET] });
    let webhooks = json!({ "app": signed, "hook": { "listen_port": 0, "read_token": TOKEN } });
    let rule =
        json!({ "from": { "app": {} }, "to": { "hook": {} }, "msg": { "msg_format": "{msg}" } });
    let dir = folder(&webhooks, &json!([rule]));
    let process = Process::start(dir.path());
    let url = format!("{}/webhook", base(&process, "app"));
    let keys = SigningKeys::new(&[Secret::new(SECRET)]).expect("a secret");
    let timestamp = (bridge_http::SystemClock.now().as_millis() / 1000).to_string();
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let agent = ureq::Agent::new_with_config(agent);
    let post = |id: &str, body: &str, signed: &str| {
        let signature = keys
            .sign(id, &timestamp, signed.as_bytes())
            .expect("a secret");
        let request = agent
            .post(&url)
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp);
        let answer = request.header("webhook-signature", signature).send(body);
        answer.expect("an answer").status().as_u16()
    };
    for (id, body) in [
        ("msg_1", "{\"text\": \"one\"}"),
        ("msg_1", "{\"text\": \"one\"}"),
        ("msg_2", "{\"text\": \"two\", \"id\": \"own\"}"),
        ("msg_3", "{\"text\": \"two again\", \"id\": \"own\"}"),
        ("msg_4", "{\"text\": \"three\"}"),
    ] {
        assert_eq!(post(id, body, body), 200, "{id}");
    }
    assert_eq!(
        post("msg_5", "{\"text\": \"forged\"}", "{\"text\": \"four\"}"),
        401
    );
    assert_eq!(ask(&url, Some(json!({ "text": "with a token" }))).0, 401);
    assert_eq!(read(&base(&process, "hook"), 3).0, ["one", "two", "three"]);
}

#[test]
fn what_happens_to_a_message_is_told_of_the_send_that_carried_it() {
    let dir = pair();
    let process = Process::start(dir.path());
    let (app, hook) = (base(&process, "app"), base(&process, "hook"));
    let post = |body: Value| assert_eq!(ask(&format!("{app}/webhook"), Some(body)).0, 200);
    post(json!({ "id": "m1", "text": "one", "sender": "n" }));
    read(&hook, 1);
    post(json!({ "id": "m2", "event": "edited", "refers_to": "m1", "text": "two", "sender": "n" }));
    read(&hook, 2);
    post(json!({ "id": "m3", "text": "three", "sender": "n", "reply_to": "m1" }));
    read(&hook, 3);
    post(json!({ "id": "m4", "event": "recalled", "refers_to": "m1", "sender": "n" }));
    read(&hook, 4);
    let (_, page) = ask(&format!("{hook}/messages"), None);
    let first = page["messages"][0]["id"].clone();
    let told: Vec<_> = (0..4)
        .map(|number| {
            let message = &page["messages"][number];
            let refers = message.get("refers_to").or(message.get("reply_to"));
            (message["event"].clone(), refers.cloned())
        })
        .collect();
    let of_first = || Some(json!([first]));
    let expected = [
        (json!("message"), None),
        (json!("edited"), of_first()),
        (json!("message"), of_first()),
        (json!("recalled"), of_first()),
    ];
    assert_eq!(told, expected, "{page:#}");
}
