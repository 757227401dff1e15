//! The telegraph platform, as its driver is tested against it.

use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_testkit::FakeClock;
use bridge_testkit::driver_contract::{
    Brings, Credentials, Network, Recorded, Server, Subject, WayIn, WayOut,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Telegraph;
use super::office::Office;

const TOKEN: &str = "telegraph-canary-3";

pub(crate) struct TelegraphSubject;

impl Subject for TelegraphSubject {
    type Driver = Telegraph;

    fn settings(&self) -> Value {
        json!({ "server": "telegraph.example", "token": TOKEN })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["token"]
    }

    fn address(&self, number: usize) -> Address {
        Address::new([("town", format!("town {number}"))])
    }

    fn way_in(&self) -> WayIn<'_> {
        WayIn::Connection(self)
    }

    fn way_out(&self) -> WayOut<'_> {
        WayOut::Connection
    }

    fn recorded(&self) -> Vec<Recorded> {
        let mut message = Message::new(self.address(1), Sender::new("ann", "ann"), "first words");
        message.id = Some("1".into());
        let line = |said: Value| Bytes::from(json!({ "said": said }).to_string());
        vec![
            Recorded {
                name: "said",
                body: line(
                    json!({ "id": "1", "town": "town 1", "by": "ann", "text": "first words" }),
                ),
                brings: vec![Brings::Message(Box::new(message))],
            },
            Recorded {
                name: "pong",
                body: Bytes::from_static(b"{\"pong\":true}"),
                brings: Vec::new(),
            },
            Recorded {
                name: "empty",
                body: line(json!({ "id": "2", "town": "town 1", "by": "ann", "text": " " })),
                brings: vec![Brings::Ignored("empty_text")],
            },
        ]
    }

    fn own_message(&self) -> Option<Bytes> {
        let said = json!({ "id": "3", "town": "town 1", "by": "self", "text": "echo" });
        Some(json!({ "said": said }).to_string().into())
    }

    fn shows_control_characters(&self) -> bool {
        false
    }
}

impl Network for TelegraphSubject {
    fn start(&self, _: &FakeClock, credentials: Credentials) -> Box<dyn Server> {
        let token = match credentials {
            Credentials::Known => TOKEN,
            Credentials::Unknown => "another one",
        };
        Box::new(Office::new(token))
    }
}
