//! The sandbox as `bridge demo` plays on it: a channel for each place, which the bridge joins under a
//! nickname of its own.

use std::time::{Duration, Instant};

use bridge_core::id::Address;
use bridge_core::sandbox::{self, Person, Place, Screen};
use serde_json::{Value, json};

use crate::room::Room as Channel;
use crate::sandbox::Sandbox;

/// How long it is waited for the bridge to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A network on a port.
struct Playground {
    sandbox: Sandbox,
    port: u16,
}

/// A channel, and the nickname of the bridge in it.
struct Room {
    sandbox: Sandbox,
    port: u16,
    channel: Channel,
    nick: String,
}

bridge_core::register_sandbox!(Playground);

impl sandbox::Sandbox for Playground {
    const PLATFORM: &'static str = "irc";
    const ROOM: &'static str = "IRC channel";

    type Room = Room;

    async fn start() -> Result<Self, String> {
        let sandbox = Sandbox::start().await;
        let sandbox = sandbox
            .map_err(|error| format!("the IRC sandbox finds no port on 127.0.0.1: {error}"))?;
        let address = sandbox.address().ok_or("the IRC sandbox has no port")?;
        Ok(Self {
            sandbox,
            port: address.port(),
        })
    }

    fn describe(&self) -> String {
        format!("plays an IRC network on 127.0.0.1:{}", self.port)
    }

    fn open_room(&self, place: &Place, screen: Screen) -> Result<Room, String> {
        let channel = self.sandbox.room(&format!("#{}", place.name));
        channel.watch(move |entry| {
            if entry.is_from_client {
                screen.show(&entry.text, Instant::now());
            }
        });
        Ok(Room {
            sandbox: self.sandbox.clone(),
            port: self.port,
            channel,
            nick: format!("bridge-{}", place.name),
        })
    }

    async fn stop(&self) {
        self.sandbox.stop().await;
    }
}

impl sandbox::Room for Room {
    fn title(&self) -> String {
        self.channel.name().to_owned()
    }

    fn settings(&self) -> Value {
        json!({
            "server": "127.0.0.1",
            "port": self.port,
            "tls": false,
            "nick": self.nick,
            // The network throws nobody out.
            "flood_burst": 1000,
        })
    }

    fn address(&self) -> Address {
        Address::new([("channel", self.channel.name())])
    }

    fn name_of(&self, person: &Person) -> String {
        person.handle.to_owned()
    }

    async fn connect(&self, _: Option<&str>) -> Result<(), String> {
        let came = self.channel.wait_for_member(&self.nick, PATIENCE).await;
        came.map_err(|_| {
            let channel = self.channel.name();
            format!(
                "{} did not come into {channel} within {PATIENCE:?}",
                self.nick
            )
        })
    }

    async fn say(&self, person: &Person, text: &str) -> Result<(), String> {
        let person = self.sandbox.person(person.handle);
        person.join(self.channel.name()).say(text);
        Ok(())
    }
}
