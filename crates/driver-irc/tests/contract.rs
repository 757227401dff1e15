//! The driver holds the contract of drivers, on a network that needs no server.

use bridge_core::id::Address;
use bridge_core::message::{Message, Sender};
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;
use bridge_testkit::FakeClock;
use bridge_testkit::driver_contract::{
    Asked, Brings, Credentials, Fate, Network, Recorded, Server, Subject, WayIn, WayOut, check_all,
};
use bytes::Bytes;
use driver_irc::Irc;
use irc_sandbox::{Fault, Link, Sandbox};
use serde_json::{Value, json};

const PASSWORD: &str = "server-canary";
const ACCOUNT_PASSWORD: &str = "account-canary";

/// IRC, as the settings see it: `echoes` or not.
struct IrcSubject {
    without: &'static [&'static str],
}

impl Subject for IrcSubject {
    type Driver = Irc;

    fn settings(&self) -> Value {
        json!({
            "server": "irc.example.org", "port": 6697, "tls": true, "nick": "bridge",
            "username": "bridge", "realname": "a bridge", "password": PASSWORD,
            "sasl_user": "bridge", "sasl_password": ACCOUNT_PASSWORD,
            "flood_burst": 5, "flood_pause": "1s"
        })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["password", "sasl_password"]
    }

    fn address(&self, number: usize) -> Address {
        Address::new([("channel", format!("#channel-{number}"))])
    }

    fn way_in(&self) -> WayIn<'_> {
        WayIn::Connection(self)
    }

    fn way_out(&self) -> WayOut<'_> {
        WayOut::Connection
    }

    fn recorded(&self) -> Vec<Recorded> {
        let row = |name, body: &'static str, brings| Recorded {
            name,
            body: Bytes::from_static(body.trim_end_matches('\n').as_bytes()),
            brings: vec![brings],
        };
        let message = |id: &str, name: &str, text: &str| {
            let mut message = Message::new(self.address(0), Sender::new(id, name), text);
            message.channel_title = "#channel-0".into();
            message
        };
        let mut tagged = message("anna_a", "anna", "hello all");
        tagged.id = Some("x1Yz-3".into());
        tagged.sent_at = Some(Timestamp::from_millis(1_772_376_934_909));
        let action = message("ben!~ben@host.example", "ben", "* waves");
        vec![
            row(
                "message",
                include_str!("fixtures/message.txt"),
                Brings::Message(Box::new(tagged)),
            ),
            row(
                "action",
                include_str!("fixtures/action.txt"),
                Brings::Message(Box::new(action)),
            ),
            row(
                "private",
                include_str!("fixtures/private.txt"),
                Brings::Ignored("private_chat"),
            ),
            row(
                "notice",
                include_str!("fixtures/notice.txt"),
                Brings::Ignored("notice"),
            ),
        ]
    }

    fn own_message(&self) -> Option<Bytes> {
        let line = ":bridge!~bridge@host.example PRIVMSG #channel-0 :own";
        Some(Bytes::from_static(line.as_bytes()))
    }

    fn shows_control_characters(&self) -> bool {
        false
    }
}

impl Network for IrcSubject {
    fn start(&self, clock: &FakeClock, credentials: Credentials) -> Box<dyn Server> {
        let time = clock.clone();
        let now_ms = move || u64::try_from(time.now().as_millis()).unwrap_or_default();
        let account_password = match credentials {
            Credentials::Known => ACCOUNT_PASSWORD,
            Credentials::Unknown => "another password",
        };
        let builder = Sandbox::builder()
            .password(PASSWORD)
            .account("bridge", account_password)
            // Stricter than the driver's own limit only in what it counts.
            .flood_limit(12, std::time::Duration::from_secs(1))
            .clock(now_ms);
        let without = self.without.iter();
        let sandbox = without
            .fold(builder, |builder, capability| builder.without(capability))
            .in_memory();
        Box::new(IrcServer {
            sandbox,
            link: None,
        })
    }
}

/// One network with one client.
struct IrcServer {
    sandbox: Sandbox,
    link: Option<Link>,
}

impl Server for IrcServer {
    fn connect(&mut self) {
        self.link = self.sandbox.connect();
    }

    fn receive(&mut self, bytes: &[u8]) {
        if let Some(link) = &self.link {
            link.write(bytes);
        }
    }

    fn output(&mut self) -> Bytes {
        self.link.as_ref().map(Link::read).unwrap_or_default()
    }

    fn is_open(&self) -> bool {
        self.link.as_ref().is_some_and(Link::is_open)
    }

    fn disconnect(&mut self) {
        self.link = None;
    }

    fn say(&mut self, address: &Address, text: &str) {
        let channel = address.get("channel").expect("a channel");
        self.sandbox.person("anna").join(channel).say(text);
    }

    fn taken(&self) -> Vec<Asked> {
        let said = self.sandbox.said().into_iter();
        let sent = said.filter(|entry| entry.is_from_client);
        sent.map(|entry| Asked::to_say(Address::new([("channel", entry.channel)]), entry.text))
            .collect()
    }

    fn next_send(&mut self, fate: Fate) -> bool {
        let (numeric, words) = match fate {
            Fate::Taken => return true,
            Fate::Refused(saying) => (404, saying),
            Fate::Throttled => (439, "Target change too fast. Please wait 30 seconds".into()),
            _ => return false,
        };
        self.sandbox.next_sends([Fault::Refuse {
            numeric,
            words: words.into(),
        }]);
        true
    }
}

#[test]
fn the_driver_holds_its_contract() {
    check_all(IrcSubject { without: &[] });
}

#[test]
fn the_driver_holds_its_contract_on_a_server_that_echoes_nothing() {
    check_all(IrcSubject {
        without: &["echo-message", "message-tags"],
    });
}
