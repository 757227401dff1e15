//! The pigeon platform, as its driver is tested against it.

use std::time::Duration;

use bridge_core::driver::{Act, Answer, Change, ChangeKind};
use bridge_core::id::Address;
use bridge_core::message::{Attachment, Message, Sender};
use bridge_core::time::Timestamp;
use bridge_testkit::driver_contract::{
    Api, ApiError, Asked, Brings, Callbacks, Covers, Encoding, Markup, Published, Questions,
    Recorded, Subject, Success, Verification, WayIn, WayOut,
};
use bridge_testkit::fake_http::json as answer;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::pigeon::{Pigeon, TEXT_LIMIT, escaped_len, ids_of_edit, sign, unescape};

const HOOK_SECRET: &str = "hook-canary-91";
const API_KEY: &str = "api-canary-17";
const READ_KEY: &str = "read-canary-33";
const TOKEN: &str = "token-canary-5d2e";

pub(crate) struct PigeonSubject;

impl Subject for PigeonSubject {
    type Driver = Pigeon;

    fn settings(&self) -> Value {
        json!({
            "api_key": API_KEY, "hook_secret": HOOK_SECRET, "read_key": READ_KEY,
            "api_base": "http://127.0.0.1:9", "listen_port": 0
        })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["api_key", "hook_secret", "read_key"]
    }

    fn address(&self, number: usize) -> Address {
        Address::new([("loft", format!("loft {number}"))])
    }

    fn way_in(&self) -> WayIn<'_> {
        WayIn::Callbacks(self)
    }

    fn way_out(&self) -> WayOut<'_> {
        WayOut::Requests(self)
    }

    fn recorded(&self) -> Vec<Recorded> {
        let said = |id: &str, text: &str| {
            let mut message = Message::new(self.address(1), Sender::new("ann", "ann"), text);
            message.id = Some(id.into());
            message.sent_at = Some(Timestamp::from_millis(1_772_366_400_000));
            Brings::Message(Box::new(message))
        };
        let written = |id: &str, text: &str| json!({ "id": id, "loft": "loft 1", "by": "ann", "text": text, "at": 1_772_366_400_000_u64 });
        let edited = |id: &str, text: &str| {
            let (id, of) = ids_of_edit(id, "1");
            let kind = ChangeKind::Edited(text.into());
            let mut change = Change::new(of, self.address(1), Sender::new("ann", "ann"), kind);
            change.id = Some(id);
            Brings::Changed(change)
        };
        let edit = |id: &str, text: &str| json!({ "id": id, "of": "1", "loft": "loft 1", "by": "ann", "text": text });
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
                name: "edited",
                body: body(json!([edit("5", "better words"), edit("6", "best words")])),
                brings: vec![edited("5", "better words"), edited("6", "best words")],
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

    fn questions(&self) -> Option<Questions> {
        let asked = |uri: &str| {
            Request::get(uri)
                .header(AUTHORIZATION, format!("Bearer {READ_KEY}"))
                .body(Bytes::new())
                .expect("plain headers")
        };
        Some(Questions {
            good: vec![asked("/letters"), asked("/letters?after=7&limit=1")],
            credential: "authorization",
        })
    }

    fn markup(&self) -> Vec<Markup> {
        let row = |text, written| Markup { text, written };
        vec![
            row("<loud>", "&lt;loud>"),
            row("&lt;loud&gt; & clear", "&amp;lt;loud&amp;gt; &amp; clear"),
        ]
    }
}

impl Callbacks for PigeonSubject {
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

    fn answers(&self) -> Vec<(Bytes, Answer)> {
        let body = Bytes::from_static(b"{\"challenge\":\"coo\"}");
        let answer = Answer {
            content_type: "text/plain",
            body: Bytes::from_static(b"coo"),
        };
        vec![(body, answer)]
    }

    fn published(&self) -> Vec<Published> {
        let mut settings = self.settings();
        settings["hook_secret"] = "page-canary-91".into();
        let request = Request::post("/pigeon")
            .header(
                "x-pigeon-signature",
                "18+Op2TlaeUV0dToVlvLT/c4AdWnqxz6F/XOnY3Or5M=",
            )
            .header("x-pigeon-time", "1772366400000")
            .body(Bytes::from_static(b"{\"messages\":[]}"))
            .expect("plain headers");
        let at = Timestamp::from_millis(1_772_366_400_000);
        vec![Published::new(settings, at, request)]
    }
}

impl Api for PigeonSubject {
    fn asked(&self, request: &Request<Bytes>) -> Option<Asked> {
        if request.uri().path() != "/messages" {
            return None;
        }
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let key = request.headers().get("idempotency-key");
        let written = body["text"].as_str().expect("a text");
        let loft = body["loft"].as_str();
        let key = key.map(|key| key.to_str().expect("ASCII"));
        let mut asked = Asked::to_change(act(&body), unescape(written)).keyed(key);
        asked.address = loft.map(|loft| Address::new([("loft", loft)]));
        asked.written = written.to_owned();
        let files = body["files"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        asked.attachments = files
            .map(|file| Attachment::new(text(&file[0]), text(&file[1])))
            .collect();
        Some(asked)
    }

    fn accepted(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some(asked) = self.asked(request) else {
            return answer(200, json!({ "token": TOKEN }));
        };
        if request.headers().get(AUTHORIZATION).is_none() {
            return self.unauthorized();
        }
        match escaped_len(&asked.text) <= TEXT_LIMIT {
            true => answer(200, json!({ "id": "sent-1", "ok": true })),
            false => answer(413, "{}"),
        }
    }

    fn accepted_ids(&self, _: &Request<Bytes>) -> Option<Vec<String>> {
        Some(vec!["sent-1".into()])
    }

    fn success(&self) -> Success {
        Success::Body
    }

    fn refused(&self, saying: &str) -> Response<Bytes> {
        answer(400, json!({ "error": saying, "ok": false }))
    }

    fn throttled(&self, pause: Duration) -> Response<Bytes> {
        let millis = u64::try_from(pause.as_millis()).expect("a pause");
        answer(429, json!({ "wait_ms": millis }))
    }

    fn unauthorized(&self) -> Response<Bytes> {
        answer(401, "{}")
    }

    fn errors(&self) -> Vec<ApiError> {
        let named = |name: &str| answer(200, json!({ "error": name, "ok": false }));
        vec![
            ApiError::refused("kicked", answer(403, json!({ "error": "kicked" }))),
            ApiError::refused("no_such_loft", named("no_such_loft")),
            ApiError::throttled("slow_down", named("slow_down")),
            ApiError::unauthorized("revoked", named("revoked")),
            ApiError::failing("busy", named("busy")),
        ]
    }

    fn expired(&self) -> Option<Response<Bytes>> {
        Some(answer(401, json!({ "error": "expired" })))
    }
}

fn act(body: &Value) -> Act {
    let ids = body["ids"].as_array().into_iter().flatten();
    let ids: Vec<_> = ids
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect();
    match body["act"].as_str() {
        Some("reply") => Act::Reply { to: ids },
        Some("edit") => Act::Edit { of: ids },
        Some("recall") => Act::Recall { of: ids },
        Some("react") => Act::React { to: ids },
        Some("unreact") => Act::RemoveReaction { from: ids },
        _ => Act::Say,
    }
}
