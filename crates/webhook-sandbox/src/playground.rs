//! The sandbox as `bridge demo` plays on it: a program for each place.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bridge_core::id::Address;
use bridge_core::sandbox::{self, Person, Place, RoomError, Screen};
use http::StatusCode;
use serde_json::{Value, json};

use crate::receiver::Receivers;
use crate::sender::{Letter, Sender};
use crate::server::Server;

/// With what a forged request is signed: whatever it is, it is not the secret.
const GUESS: &str = "a guess at what the secret may be";

/// Programs on one port.
struct Playground {
    server: Server,
    receivers: Arc<Receivers>,
    sender: Sender,
}

/// A program.
struct Room {
    place: Place,
    address: SocketAddr,
    secret: String,
    sender: Sender,
    said: AtomicU64,
    /// Where the bridge listens, once that is known.
    listener: OnceLock<String>,
}

bridge_core::register_sandbox!(Playground);

impl sandbox::Sandbox for Playground {
    const PLATFORM: &'static str = "webhook";
    const SHORT: &'static str = "hook";
    const ROOM: &'static str = "webhook";

    type Room = Room;

    async fn start() -> Result<Self, String> {
        let receivers = Arc::<Receivers>::default();
        let server = Server::start(Arc::clone(&receivers)).await;
        let server = server
            .map_err(|error| format!("the webhook sandbox finds no port on 127.0.0.1: {error}"))?;
        Ok(Self {
            server,
            receivers,
            sender: Sender::new(),
        })
    }

    fn describe(&self) -> String {
        format!("plays programs on http://{}", self.server.address())
    }

    fn open_room(&self, place: &Place, screen: Screen) -> Result<Room, String> {
        let room = Room {
            place: *place,
            address: self.server.address(),
            secret: format!("demo-secret-of-the-webhook-{}", place.name),
            sender: self.sender.clone(),
            said: AtomicU64::new(0),
            listener: OnceLock::new(),
        };
        self.receivers.add(&room.path(), &room.secret, screen);
        Ok(room)
    }

    async fn stop(&self) {
        self.server.stop().await;
    }
}

impl sandbox::Room for Room {
    fn title(&self) -> String {
        self.place.title.to_owned()
    }

    fn settings(&self) -> Value {
        json!({
            "url": format!("http://{}{}", self.address, self.path()),
            "secrets": self.secret,
            "listen_host": "127.0.0.1",
            "listen_port": 0,
            "read_token": format!("demo-token-of-the-webhook-{}", self.place.name),
        })
    }

    fn address(&self) -> Address {
        Address::default()
    }

    async fn connect(&self, listener: Option<&str>) -> Result<(), String> {
        let title = self.place.title;
        let listener =
            listener.ok_or_else(|| format!("nobody listens to what is said in {title}"))?;
        self.listener.get_or_init(|| listener.to_owned());
        Ok(())
    }

    async fn say(&self, person: &Person, text: &str) -> Result<(), String> {
        let letter = self.letter(&self.secret, person, text)?;
        self.post("a message", &letter, StatusCode::OK).await?;
        Ok(())
    }

    async fn say_twice(&self, person: &Person, text: &str) -> Result<String, RoomError> {
        let letter = self.letter(&self.secret, person, text);
        let letter = letter.map_err(RoomError::Failed)?;
        let posts = ["a message", "the repeated message"];
        let [first, second] = posts.map(|what| self.post(what, &letter, StatusCode::OK));
        first.await.map_err(RoomError::Failed)?;
        second.await.map_err(RoomError::Failed)
    }

    async fn forge(&self, person: &Person, text: &str) -> Result<String, RoomError> {
        let letter = self.letter(GUESS, person, text);
        let letter = letter.map_err(RoomError::Failed)?;
        let posted = self.post("a forged message", &letter, StatusCode::UNAUTHORIZED);
        posted.await.map_err(RoomError::Failed)
    }
}

impl Room {
    fn path(&self) -> String {
        format!("/{}", self.place.name)
    }

    /// A message of its own, signed with `secret`.
    fn letter(&self, secret: &str, person: &Person, text: &str) -> Result<Letter, String> {
        let listener = self.listener.get();
        let listener = listener.ok_or("nobody listens yet")?;
        let number = self.said.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("{}-{number}", self.place.name);
        let body = json!({
            "text": text,
            "sender": { "id": person.id, "name": person.name },
        });
        Ok(Letter::signed(listener, secret, &id, body.to_string()))
    }

    /// `answered 200`, if that is what was expected.
    async fn post(
        &self,
        what: &str,
        letter: &Letter,
        expected: StatusCode,
    ) -> Result<String, String> {
        let expected = expected.as_u16();
        match self.sender.post(letter).await.map(|status| status.as_u16()) {
            Ok(status) if status == expected => Ok(format!("answered {status}")),
            Ok(status) => Err(format!(
                "{what} was answered {status} instead of {expected}"
            )),
            Err(problem) => Err(format!("{what} was not answered: {problem}")),
        }
    }
}
