//! The driver holds the contract of drivers; here stands what parrots do.

use std::time::Duration;

use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_core::time::Timestamp;
use bridge_testkit::driver_contract::{
    Api, ApiError, Asked, Brings, Callbacks, Covers, Encoding, Recorded, Subject, Success,
    Verification, WayIn, WayOut, check_all,
};
use bridge_testkit::fake_http::json as answer;
use bytes::Bytes;
use driver_parrot::Parrot;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use serde_json::{Value, json};

const TOKEN: &str = "token-canary-1";
const CALLBACK_TOKEN: &str = "callback-canary-2";

struct ParrotSubject;

impl Subject for ParrotSubject {
    type Driver = Parrot;

    fn settings(&self) -> Value {
        json!({
            "token": TOKEN, "callback_token": CALLBACK_TOKEN, "api_base": "http://127.0.0.1:9/api",
            "listen_host": "127.0.0.1", "listen_port": 0
        })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["token", "callback_token"]
    }

    fn address(&self, number: usize) -> Address {
        Address::new([("perch", format!("perch-{number}"))])
    }

    fn way_in(&self) -> WayIn<'_> {
        WayIn::Callbacks(self)
    }

    fn way_out(&self) -> WayOut<'_> {
        WayOut::Requests(self)
    }

    fn recorded(&self) -> Vec<Recorded> {
        let polly = Sender::new("p-7", "Polly");
        let mut squawk = Message::new(Address::new([("perch", "mast")]), polly, "land ahoy ⚓");
        squawk.id = Some("s-1".into());
        vec![
            Recorded {
                name: "squawk",
                body: fixture(include_str!("fixtures/squawk.json")),
                brings: vec![Brings::Message(Box::new(squawk))],
            },
            Recorded {
                name: "empty-text",
                body: fixture(include_str!("fixtures/empty-text.json")),
                brings: vec![Brings::Ignored("empty_text")],
            },
        ]
    }

    fn own_message(&self) -> Option<Bytes> {
        Some(fixture(include_str!("fixtures/own-message.json")))
    }
}

impl Callbacks for ParrotSubject {
    fn verification(&self) -> Option<Verification> {
        Some(Verification {
            signature: "x-parrot-token",
            encoding: Encoding::Text,
            other_headers: &[],
            window: None,
            covers: Covers::Headers,
        })
    }

    fn callback(&self, body: &[u8], _at: Timestamp) -> Request<Bytes> {
        Request::post("/parrot")
            .header("x-parrot-token", CALLBACK_TOKEN)
            .body(Bytes::copy_from_slice(body))
            .expect("plain headers")
    }
}

impl Api for ParrotSubject {
    fn asked(&self, request: &Request<Bytes>) -> Option<Asked> {
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let text = |key: &str| body[key].as_str().expect("a text").to_owned();
        let address = Address::new([("perch", text("perch"))]);
        Some(Asked::to_say(address, text("text")).keyed(Some(text("nonce"))))
    }

    fn accepted(&self, _request: &Request<Bytes>) -> Response<Bytes> {
        answer(201, json!({ "id": "s-99" }))
    }

    fn accepted_ids(&self, _: &Request<Bytes>) -> Option<Vec<String>> {
        Some(vec!["s-99".into()])
    }

    fn success(&self) -> Success {
        Success::Body
    }

    fn refused(&self, saying: &str) -> Response<Bytes> {
        answer(400, json!({ "error": saying }))
    }

    fn throttled(&self, pause: Duration) -> Response<Bytes> {
        let mut answer = answer(429, json!({ "error": "too loud" }));
        let secs = pause.as_secs().into();
        answer.headers_mut().insert(RETRY_AFTER, secs);
        answer
    }

    fn unauthorized(&self) -> Response<Bytes> {
        answer(401, json!({ "error": "whose parrot is this" }))
    }

    fn errors(&self) -> Vec<ApiError> {
        vec![
            ApiError::refused("no such perch", answer(404, "{}")),
            ApiError::unauthorized("caged", answer(403, json!({ "error": "caged" }))),
            ApiError::failing("asleep", answer(503, "{}")),
        ]
    }
}

fn fixture(text: &'static str) -> Bytes {
    Bytes::from_static(text.trim_end().as_bytes())
}

#[test]
fn the_driver_holds_its_contract() {
    check_all(ParrotSubject);
}
