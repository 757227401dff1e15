//! A Parrot on this machine, on which `bridge demo` plays: no account, no network.

mod platform;

use bridge_core::id::Address;
use bridge_core::sandbox::{Person, Place, Room, RoomError, Sandbox, Screen};
use serde_json::{Value, json};

use crate::ADDRESS_KEY;
use platform::Platform;

/// What somebody shows who doesn't know the token.
const GUESS: &str = "a-guess-at-the-token";

/// A platform that runs until it is stopped.
struct Cage {
    platform: Platform,
}

/// A perch of it, and the parrot that speaks for the bridge there.
struct Perch {
    name: &'static str,
    platform: Platform,
}

bridge_core::register_sandbox!(Cage);

impl Sandbox for Cage {
    const PLATFORM: &'static str = "parrot";
    const ROOM: &'static str = "Parrot channel";

    type Room = Perch;

    async fn start() -> Result<Self, String> {
        let platform = Platform::start().await;
        let platform = platform.map_err(|error| format!("Parrot finds no port: {error}"))?;
        Ok(Self { platform })
    }

    fn describe(&self) -> String {
        format!("plays Parrot on {}", self.platform.api_base())
    }

    fn open_room(&self, place: &Place, screen: Screen) -> Result<Perch, String> {
        self.platform.add_perch(place.name, screen);
        Ok(Perch {
            name: place.name,
            platform: self.platform.clone(),
        })
    }

    async fn stop(&self) {
        self.platform.stop().await;
    }
}

impl Room for Perch {
    fn title(&self) -> String {
        self.name.to_owned()
    }

    fn settings(&self) -> Value {
        json!({
            "token": platform::TOKEN,
            "callback_token": platform::CALLBACK_TOKEN,
            "api_base": self.platform.api_base(),
            "listen_port": 0,
        })
    }

    fn address(&self) -> Address {
        Address::new([(ADDRESS_KEY, self.name)])
    }

    async fn connect(&self, listener: Option<&str>) -> Result<(), String> {
        let url = listener.ok_or("nobody listens to parrots")?;
        self.platform.call_back(self.name, url);
        Ok(())
    }

    async fn say(&self, person: &Person, text: &str) -> Result<(), String> {
        let squawk = self.squawk(person, text);
        expect(200, self.call(platform::CALLBACK_TOKEN, &squawk).await)?;
        Ok(())
    }

    async fn say_twice(&self, person: &Person, text: &str) -> Result<String, RoomError> {
        let squawk = self.squawk(person, text);
        let first = self.call(platform::CALLBACK_TOKEN, &squawk).await;
        expect(200, first).map_err(RoomError::Failed)?;
        let second = self.call(platform::CALLBACK_TOKEN, &squawk).await;
        expect(200, second).map_err(RoomError::Failed)
    }

    async fn forge(&self, person: &Person, text: &str) -> Result<String, RoomError> {
        let squawk = self.squawk(person, text);
        expect(401, self.call(GUESS, &squawk).await).map_err(RoomError::Failed)
    }
}

impl Perch {
    /// The body of a callback, under an id of its own.
    fn squawk(&self, person: &Person, text: &str) -> Value {
        json!({
            "id": self.platform.next_id(),
            "perch": self.name,
            "parrot": { "id": person.id, "name": person.name },
            "text": text,
        })
    }

    /// Calls the bridge; the status of its answer.
    async fn call(&self, token: &str, squawk: &Value) -> std::io::Result<u16> {
        self.platform.call(self.name, token, squawk).await
    }
}

/// `answered 200`, if that is what was expected.
fn expect(status: u16, answer: std::io::Result<u16>) -> Result<String, String> {
    match answer {
        Ok(given) if given == status => Ok(format!("answered {status}")),
        Ok(given) => Err(format!("a squawk was answered {given} instead of {status}")),
        Err(error) => Err(format!("a squawk was not answered: {error}")),
    }
}
