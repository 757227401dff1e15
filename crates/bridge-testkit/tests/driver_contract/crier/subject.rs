//! The crier platform, as its driver is tested against it.

use std::time::Duration;

use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_testkit::driver_contract::{
    Api, Asked, Brings, Feed, FeedServer, Recorded, Subject, Success, WayIn, WayOut,
};
use bridge_testkit::fake_http::json as answer;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::Crier;

pub(crate) struct CrierSubject<const SHOUTS: bool = false>;

impl<const SHOUTS: bool> Subject for CrierSubject<SHOUTS> {
    type Driver = Crier<SHOUTS>;

    fn settings(&self) -> Value {
        json!({ "key": "crier-canary-5" })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["key"]
    }

    fn address(&self, number: usize) -> Address {
        Address::new([("square", format!("square {number}"))])
    }

    fn way_in(&self) -> WayIn<'_> {
        WayIn::Polling(self)
    }

    fn way_out(&self) -> WayOut<'_> {
        WayOut::Requests(self)
    }

    fn recorded(&self) -> Vec<Recorded> {
        let message = Message::new(self.address(1), Sender::default(), "hear ye");
        vec![Recorded {
            name: "cried",
            body: Bytes::from_static(
                b"{\"cried\":[{\"square\":\"square 1\",\"text\":\"hear ye\"}],\"next\":1}",
            ),
            brings: vec![Brings::Message(Box::new(message))],
        }]
    }
}

impl<const SHOUTS: bool> Api for CrierSubject<SHOUTS> {
    fn asked(&self, request: &Request<Bytes>) -> Option<Asked> {
        if request.method() != Method::POST {
            return None;
        }
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let text = |key: &str| body[key].as_str().expect("a text");
        let address = Address::new([("square", text("square"))]);
        Some(Asked::to_say(address, text("text")))
    }

    fn accepted(&self, _: &Request<Bytes>) -> Response<Bytes> {
        answer(200, "")
    }

    fn success(&self) -> Success {
        Success::Status
    }

    fn refused(&self, saying: &str) -> Response<Bytes> {
        answer(400, saying)
    }

    fn throttled(&self, pause: Duration) -> Response<Bytes> {
        let mut answer = answer(429, "");
        let secs = pause.as_secs().into();
        answer.headers_mut().insert(RETRY_AFTER, secs);
        answer
    }

    fn unauthorized(&self) -> Response<Bytes> {
        answer(401, "")
    }
}

impl<const SHOUTS: bool> Feed for CrierSubject<SHOUTS> {
    fn start(&self) -> Box<dyn FeedServer> {
        Box::new(Cried::default())
    }

    fn throttled_poll(&self, pause: Duration) -> Option<Response<Bytes>> {
        let mut answer = answer(429, "");
        answer
            .headers_mut()
            .insert(RETRY_AFTER, pause.as_secs().into());
        Some(answer)
    }
}

/// What was cried, and how much of it was asked past.
#[derive(Default)]
struct Cried {
    all: Vec<Value>,
    taken: usize,
}

impl FeedServer for Cried {
    fn answer(&mut self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let after = request.uri().query()?.strip_prefix("after=")?;
        let after: usize = after.parse().expect("a place of this feed");
        self.taken = self.taken.max(after);
        let rest = &self.all[self.taken..];
        Some(answer(
            200,
            json!({ "cried": rest, "next": self.all.len() }),
        ))
    }

    fn say(&mut self, address: &Address, text: &str) {
        let square = address.get("square");
        self.all.push(json!({ "square": square, "text": text }));
    }

    fn acknowledged(&self) -> Option<usize> {
        Some(self.taken)
    }
}
