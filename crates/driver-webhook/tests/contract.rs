//! The driver holds the contract of drivers.

use std::time::Duration;

use bridge_core::id::Address;
use bridge_core::message::{Attachment, Message, MessageKind, Quoted, Sender};
use bridge_core::secret::Secret;
use bridge_core::time::Timestamp;
use bridge_testkit::driver_contract::{
    Brings, Covers, Encoding, Recorded, SentText, Subject, Success, Verification, check_all,
};
use bytes::Bytes;
use driver_webhook::{SigningKeys, Webhook};
use http::{Request, Response};
use serde_json::{Value, json};

const SECRET: &str = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5IQ==";

struct WebhookSubject;

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    let answer = Response::builder().status(status);
    answer.body(body.into()).expect("a valid status")
}

impl Subject for WebhookSubject {
    type Driver = Webhook;

    fn settings(&self) -> Value {
        json!({
            "url": "https://bots.example.com/hook/url-canary?key=query-canary",
            "method": "POST",
            "headers": { "X-Key": "header-canary" },
            "secrets": [SECRET, "older-secret-canary-older-secret"],
            "listen_host": "127.0.0.1", "listen_port": 0, "listen_path": "/webhook",
            "read_token": "read-token-canary-1"
        })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["url", "secrets", "read_token"]
    }

    fn verification(&self) -> Option<Verification> {
        Some(Verification {
            signature: "webhook-signature",
            encoding: Encoding::Text,
            other_headers: &["webhook-id", "webhook-timestamp"],
            window: Some(Duration::from_secs(300)),
            covers: Covers::Body,
        })
    }

    fn callback(&self, body: &[u8], at: Timestamp) -> Request<Bytes> {
        let keys = SigningKeys::new(&[Secret::new(SECRET)]).expect("a secret");
        let timestamp = (at.as_millis() / 1000).to_string();
        let signature = keys.sign("msg_contract", &timestamp, body);
        Request::post("/webhook")
            .header("webhook-id", "msg_contract")
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature.expect("a secret"))
            .body(Bytes::copy_from_slice(body))
            .expect("plain headers")
    }

    fn recorded(&self) -> Vec<Recorded> {
        let row = |name, body: &'static str, brings| Recorded {
            name,
            body: Bytes::from_static(body.trim_end().as_bytes()),
            brings: vec![brings],
        };
        let sender = || {
            let mut sender = Sender::new("u-17", "张三");
            sender.avatar = "https://files.example.com/a.png".to_owned();
            sender
        };
        let mut whole = Message::new(Address::default(), sender(), "磁盘满了 on web-3");
        whole.id = Some("alarm-2041".to_owned());
        let mut picture = Attachment::new("disk.png", "https://files.example.com/disk.png");
        picture.kind = MessageKind::Picture;
        picture.size_bytes = Some(48_213);
        whole.attachments = vec![picture];
        whole.reply_to = Some(Quoted::new("alarm-2040"));
        whole.sent_at = Some(Timestamp::from_millis(1_772_366_400_000));
        let mut least = Message::new(Address::default(), Sender::default(), "hello from a script");
        // Where the body gives none, the request's own id counts.
        least.id = Some("msg_contract".to_owned());
        vec![
            row(
                "whole",
                include_str!("fixtures/whole.json"),
                Brings::Message(Box::new(whole)),
            ),
            row(
                "least",
                include_str!("fixtures/least.json"),
                Brings::Message(Box::new(least)),
            ),
            row(
                "empty-text",
                include_str!("fixtures/empty-text.json"),
                Brings::Ignored("empty_text"),
            ),
        ]
    }

    fn address(&self, _: usize) -> Address {
        Address::default()
    }

    fn sent(&self, request: &Request<Bytes>) -> Option<SentText> {
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let id = request.headers().get("webhook-id");
        let id = id.and_then(|id| id.to_str().ok()).expect("an id");
        assert_eq!(body["id"], id, "the body and the header give one id");
        Some(SentText {
            address: Address::default(),
            text: body["text"].as_str().expect("a text").to_owned(),
            key: Some(id.to_owned()),
        })
    }

    fn accepted(&self, _: &Request<Bytes>) -> Response<Bytes> {
        answer(204, "")
    }

    fn success(&self) -> Success {
        Success::Status
    }

    fn refused(&self, saying: &str) -> Response<Bytes> {
        answer(400, saying.to_owned())
    }

    fn throttled(&self) -> Response<Bytes> {
        answer(429, "")
    }

    fn unauthorized(&self) -> Response<Bytes> {
        answer(401, "who are you?")
    }
}

#[test]
fn the_driver_holds_its_contract() {
    check_all(WebhookSubject);
}
