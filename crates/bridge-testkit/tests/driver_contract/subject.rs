//! The pigeon platform, as its driver is tested against it.

use std::time::Duration;

use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_core::time::Timestamp;
use bridge_testkit::driver_contract::{
    Brings, Covers, Encoding, Recorded, SentText, Subject, Success, Verification,
};
use bridge_testkit::fake_http::json as answer;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::pigeon::{Pigeon, TEXT_LIMIT, sign};

const HOOK_SECRET: &str = "hook-canary-91";
const API_KEY: &str = "api-canary-17";
const TOKEN: &str = "token-canary-5d2e";

pub(crate) struct PigeonSubject;

impl Subject for PigeonSubject {
    type Driver = Pigeon;

    fn settings(&self) -> Value {
        json!({
            "api_key": API_KEY, "hook_secret": HOOK_SECRET, "api_base": "http://127.0.0.1:9",
            "listen_port": 0
        })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["api_key", "hook_secret"]
    }

    fn verification(&self) -> Option<Verification> {
        Some(Verification {
            signature: "x-pigeon-signature",
            encoding: Encoding::Text,
            other_headers: &["x-pigeon-time"],
            window: Some(Duration::from_secs(300)),
            covers: Covers::Body,
        })
    }

    fn callback(&self, body: &[u8], at: Timestamp) -> Request<Bytes> {
        let time = at.as_millis().to_string();
        Request::post("/pigeon")
            .header("x-pigeon-signature", sign(HOOK_SECRET, &time, body))
            .header("x-pigeon-time", time)
            .body(Bytes::copy_from_slice(body))
            .expect("plain headers")
    }

    fn recorded(&self) -> Vec<Recorded> {
        let said = |id: &str, text: &str| {
            let mut message = Message::new(self.address(1), Sender::new("ann", "ann"), text);
            message.id = Some(id.into());
            message.sent_at = Some(Timestamp::from_millis(1_772_366_400_000));
            Brings::Message(Box::new(message))
        };
        let written = |id: &str, text: &str| json!({ "id": id, "loft": "loft 1", "by": "ann", "text": text, "at": 1_772_366_400_000_u64 });
        let body = |messages: Value| Bytes::from(json!({ "messages": messages }).to_string());
        vec![
            Recorded {
                name: "two",
                body: body(json!([
                    written("1", "first words"),
                    written("2", "second words")
                ])),
                brings: vec![said("1", "first words"), said("2", "second words")],
            },
            Recorded {
                name: "empty",
                body: body(json!([written("3", " ")])),
                brings: vec![Brings::Ignored("empty_text")],
            },
        ]
    }

    fn own_message(&self) -> Option<Bytes> {
        let message = json!({ "id": "4", "loft": "loft 1", "by": "self", "text": "echo" });
        Some(json!({ "messages": [message] }).to_string().into())
    }

    fn address(&self, number: usize) -> Address {
        Address::new([("loft", format!("loft {number}"))])
    }

    fn sent(&self, request: &Request<Bytes>) -> Option<SentText> {
        if request.uri().path() != "/messages" {
            return None;
        }
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let key = request.headers().get("idempotency-key");
        Some(SentText {
            address: Address::new([("loft", body["loft"].as_str().expect("a loft"))]),
            text: body["text"].as_str().expect("a text").into(),
            key: key.map(|key| key.to_str().expect("ASCII").into()),
        })
    }

    fn accepted(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some(sent) = self.sent(request) else {
            return answer(200, json!({ "token": TOKEN }));
        };
        if request.headers().get(AUTHORIZATION).is_none() {
            return self.unauthorized();
        }
        match sent.text.len() <= TEXT_LIMIT {
            true => answer(200, json!({ "id": "sent-1" })),
            false => answer(413, "{}"),
        }
    }

    fn success(&self) -> Success {
        Success::Body
    }

    fn refused(&self, saying: &str) -> Response<Bytes> {
        answer(400, json!({ "error": saying }))
    }

    fn throttled(&self) -> Response<Bytes> {
        answer(429, "{}")
    }

    fn unauthorized(&self) -> Response<Bytes> {
        answer(401, "{}")
    }

    fn expired(&self) -> Option<Response<Bytes>> {
        Some(answer(401, json!({ "error": "expired" })))
    }
}
