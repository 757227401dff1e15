//! The driver holds the contract of drivers.

use std::time::Duration;

use bridge_core::driver::{Act, Change, ChangeKind};
use bridge_core::id::Address;
use bridge_core::message::{Attachment, Message, MessageKind, Quoted, Sender};
use bridge_core::secret::Secret;
use bridge_core::time::Timestamp;
use bridge_testkit::driver_contract::{
    Api, ApiError, Asked, Brings, Callbacks, Covers, Encoding, Published, Questions, Recorded,
    Subject, Success, Verification, WayIn, WayOut, check_all,
};
use bytes::Bytes;
use driver_webhook::{SigningKeys, Webhook};
use http::header::RETRY_AFTER;
use http::{Request, Response};
use serde_json::{Value, json};

const SECRET: &str = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5IQ==";

const TOKEN: &str = "read-token-canary-1";

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
            "read_token": TOKEN
        })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["url", "secrets", "read_token"]
    }

    fn address(&self, _: usize) -> Address {
        Address::default()
    }

    fn way_in(&self) -> WayIn<'_> {
        WayIn::Callbacks(self)
    }

    fn way_out(&self) -> WayOut<'_> {
        WayOut::Requests(self)
    }

    fn questions(&self) -> Option<Questions> {
        let ask = |query: &str| {
            Request::get(format!("/messages{query}"))
                .header("authorization", format!("Bearer {TOKEN}"))
                .body(Bytes::new())
                .expect("a plain request")
        };
        Some(Questions {
            good: ["", "?after=0&limit=10&wait=5"].map(ask).into(),
            credential: "authorization",
        })
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
        let kind = ChangeKind::Edited("磁盘又好了".to_owned());
        let mut edited = Change::new("alarm-2041", Address::default(), sender(), kind);
        edited.id = Some("alarm-2041-2".to_owned());
        edited.at = Some(Timestamp::from_millis(1_772_366_460_000));
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
                "edited",
                include_str!("fixtures/edited.json"),
                Brings::Changed(edited),
            ),
            row(
                "empty-text",
                include_str!("fixtures/empty-text.json"),
                Brings::Ignored("empty_text"),
            ),
        ]
    }
}

impl Callbacks for WebhookSubject {
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

    // The example of the standard's reference libraries.
    fn published(&self) -> Vec<Published> {
        let mut settings = self.settings();
        settings["secrets"] = json!(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let request = Request::post("/webhook")
            .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .header("webhook-timestamp", "1614265330")
            .header("webhook-signature", signature)
            .body(Bytes::from_static(br#"{"test": 2432232314}"#))
            .expect("plain headers");
        let at = Timestamp::from_millis(1_614_265_330_000);
        vec![Published::new(settings, at, request)]
    }
}

impl Api for WebhookSubject {
    fn asked(&self, request: &Request<Bytes>) -> Option<Asked> {
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let id = request.headers().get("webhook-id");
        let id = id.and_then(|id| id.to_str().ok()).expect("an id");
        assert_eq!(body["id"], id, "the body and the header give one id");
        let text = body["text"].as_str().expect("a text");
        let mut asked = Asked::to_say(Address::default(), text).keyed(Some(id));
        let ids = |key: &str| {
            let ids = body[key].as_array().expect("a list of ids").iter();
            ids.map(|id| id.as_str().expect("an id").to_owned())
                .collect()
        };
        asked.act = match body["event"].as_str().expect("an event") {
            "message" if body.get("reply_to").is_some() => Act::Reply {
                to: ids("reply_to"),
            },
            "message" => Act::Say,
            "edited" => Act::Edit {
                of: ids("refers_to"),
            },
            "recalled" => Act::Recall {
                of: ids("refers_to"),
            },
            "reacted" => Act::React {
                to: ids("refers_to"),
            },
            "reaction_removed" => Act::RemoveReaction {
                from: ids("refers_to"),
            },
            other => panic!("the event {other:?}"),
        };
        let files = body["attachments"].as_array().expect("a list of files");
        let files = files.iter().map(|file| {
            let text = |key: &str| file[key].as_str().expect("a text");
            assert_eq!((text("type"), &file["size"]), ("file", &Value::Null));
            Attachment::new(text("name"), text("url"))
        });
        asked.attachments = files.collect();
        Some(asked)
    }

    fn accepted(&self, _: &Request<Bytes>) -> Response<Bytes> {
        answer(204, "")
    }

    fn accepted_ids(&self, request: &Request<Bytes>) -> Option<Vec<String>> {
        // A receiver gives none, so the id under which it got the message is the message's.
        let id = request.headers().get("webhook-id")?;
        Some(vec![id.to_str().expect("an id").to_owned()])
    }

    fn success(&self) -> Success {
        Success::Status
    }

    fn refused(&self, saying: &str) -> Response<Bytes> {
        answer(400, saying.to_owned())
    }

    fn throttled(&self, pause: Duration) -> Response<Bytes> {
        let mut answer = answer(429, "");
        let secs = pause.as_secs().into();
        answer.headers_mut().insert(RETRY_AFTER, secs);
        answer
    }

    fn unauthorized(&self) -> Response<Bytes> {
        answer(401, "who are you?")
    }

    fn errors(&self) -> Vec<ApiError> {
        vec![
            ApiError::refused("too large", answer(413, "")),
            ApiError::refused("no more, please", answer(410, "")),
            ApiError::unauthorized("forbidden", answer(403, "")),
            ApiError::failing("too early", answer(425, "")),
            ApiError::failing("in maintenance", answer(503, "")),
        ]
    }
}

#[test]
fn the_driver_holds_its_contract() {
    check_all(WebhookSubject);
}
