//! The telegraph platform, without a socket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bridge_core::driver::Act;
use bridge_core::id::Address;
use bridge_testkit::driver_contract::{Asked, Fate, Server};
use bytes::Bytes;
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Office {
    /// The token that it knows.
    token: String,
    is_welcome: bool,
    is_closed: bool,
    inbound: Vec<u8>,
    outbound: Vec<u8>,
    /// What was said, and how much of it was taken.
    said: Vec<(String, String)>,
    took: usize,
    taken: Vec<Asked>,
    fate: Fate,
}

impl Office {
    /// One that knows this token.
    pub(crate) fn new(token: &str) -> Self {
        Self {
            token: token.into(),
            ..Self::default()
        }
    }

    fn write(&mut self, line: &Value) {
        self.outbound.extend_from_slice(line.to_string().as_bytes());
        self.outbound.push(b'\n');
    }

    fn tell(&mut self, number: usize) {
        let (town, text) = self.said[number].clone();
        let said = json!({ "id": number.to_string(), "town": town, "by": "ann", "text": text });
        self.write(&json!({ "said": said }));
    }

    fn handle(&mut self, line: &[u8]) {
        let line: Value = serde_json::from_slice(line).expect("a line is JSON");
        if let Some(token) = line["hello"].as_str() {
            let token = STANDARD.decode(token).expect("base64");
            self.is_welcome = token == self.token.as_bytes();
            if !self.is_welcome {
                self.write(&json!({ "goodbye": "unknown" }));
                self.is_closed = true;
                return;
            }
            self.write(&json!({ "welcome": true }));
            for number in self.took..self.said.len() {
                self.tell(number);
            }
        }
        assert!(self.is_welcome, "a line before the welcome");
        // An echo has no number, and need not be kept.
        if let Some(number) = line["took"]
            .as_str()
            .and_then(|id| id.parse::<usize>().ok())
        {
            self.took = self.took.max(number + 1);
        }
        if line.get("ping").is_some() {
            self.write(&json!({ "pong": true }));
        }
        if let Some(send) = line.get("send") {
            self.send(send);
        }
    }

    fn send(&mut self, send: &Value) {
        let text = |key: &str| send[key].as_str().expect("a text").to_owned();
        let (key, town) = (text("key"), text("town"));
        match std::mem::take(&mut self.fate) {
            Fate::Refused(words) => {
                self.write(&json!({ "refused": { "key": key, "words": words } }));
            }
            Fate::Throttled => self.write(&json!({ "throttled": { "key": key } })),
            _ if send["recalled"].is_string() => {
                let of = vec![text("recalled")];
                let asked = Asked::to_change(Act::Recall { of }, text("text"));
                self.taken.push(asked.keyed(Some(&*key)));
                self.write(&json!({ "taken": { "key": key } }));
            }
            _ => {
                // A room hears what is said in it, and so does the one who said it.
                let echo =
                    json!({ "id": "echo", "town": town, "by": "self", "text": text("text") });
                let address = Address::new([("town", town)]);
                self.taken
                    .push(Asked::to_say(address, text("text")).keyed(Some(&*key)));
                self.write(&json!({ "said": echo }));
                self.write(&json!({ "taken": { "key": key } }));
            }
        }
    }
}

impl Server for Office {
    fn connect(&mut self) {
        self.is_welcome = false;
        self.is_closed = false;
        self.inbound.clear();
        self.outbound.clear();
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.inbound.extend_from_slice(bytes);
        while let Some(end) = self.inbound.iter().position(|byte| *byte == b'\n') {
            let line: Vec<_> = self.inbound.drain(..=end).collect();
            self.handle(&line);
        }
    }

    fn output(&mut self) -> Bytes {
        std::mem::take(&mut self.outbound).into()
    }

    fn is_open(&self) -> bool {
        !self.is_closed
    }

    fn say(&mut self, address: &Address, text: &str) {
        let town = address.get("town").expect("a town").to_owned();
        self.said.push((town, text.to_owned()));
        if self.is_welcome {
            self.tell(self.said.len() - 1);
        }
    }

    fn acknowledged(&self) -> Option<usize> {
        Some(self.took)
    }

    fn taken(&self) -> Vec<Asked> {
        self.taken.clone()
    }

    fn next_send(&mut self, fate: Fate) -> bool {
        self.fate = fate;
        true
    }
}
