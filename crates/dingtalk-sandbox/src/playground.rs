//! The sandbox as `bridge demo` plays on it: a robot and a group for each place.

use std::sync::{Mutex, PoisonError};

use bridge_core::id::Address;
use bridge_core::sandbox::{self, Person, Place, RoomError, Screen};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::callback::{Callback, CallbackAnswer, CallbackError};
use crate::conversation::Group;
use crate::people::{Member, Robot};
use crate::sandbox::Sandbox;

/// With what a forged callback is signed: whatever it is, it is not the secret.
const GUESS: &str = "a guess at the secret";

/// A sandbox, and who reads along for the screens.
struct Playground {
    sandbox: Sandbox,
    readers: Mutex<Vec<JoinHandle<()>>>,
}

/// A group with one robot in it.
struct Room {
    sandbox: Sandbox,
    group: Group,
    robot: Robot,
}

bridge_core::register_sandbox!(Playground);

impl sandbox::Sandbox for Playground {
    const PLATFORM: &'static str = "dingtalk";
    const SHORT: &'static str = "dt";
    const ROOM: &'static str = "DingTalk group";

    type Room = Room;

    async fn start() -> Result<Self, String> {
        let sandbox = Sandbox::start().await;
        let sandbox = sandbox
            .map_err(|error| format!("the DingTalk sandbox finds no port on 127.0.0.1: {error}"))?;
        Ok(Self {
            sandbox,
            readers: Mutex::default(),
        })
    }

    fn describe(&self) -> String {
        format!("plays DingTalk on {}", self.sandbox.api_base())
    }

    fn open_room(&self, place: &Place, screen: Screen) -> Result<Room, String> {
        let name = place.name;
        let key = format!("ding{name}0001");
        let secret = format!("demo-{name}-client-secret");
        let robot = self.sandbox.add_robot(&key, &secret, &key);
        let conversation_id = format!("cid{}Ops==", capitalised(name));
        let group = self.sandbox.add_group(&conversation_id, place.title);
        group.add_robot(&robot);
        let mut entries = group.subscribe();
        let reader = tokio::spawn(async move {
            while let Some(entry) = entries.next().await {
                if entry.is_from_robot() {
                    screen.show(&entry.text, entry.at);
                }
            }
        });
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.push(reader);
        Ok(Room {
            sandbox: self.sandbox.clone(),
            group,
            robot,
        })
    }

    async fn stop(&self) {
        self.sandbox.stop().await;
        let readers = {
            let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *readers)
        };
        for reader in readers {
            // An error is a panic of the screen, which has been seen.
            reader.await.ok();
        }
    }
}

impl sandbox::Room for Room {
    fn title(&self) -> String {
        self.group.title().to_owned()
    }

    fn settings(&self) -> Value {
        json!({
            "app_key": self.robot.app_key(),
            "app_secret": self.robot.app_secret(),
            "signing_secret": self.robot.app_secret(),
            "robot_code": self.robot.robot_code(),
            "api_base": self.sandbox.api_base(),
            "listen_host": "127.0.0.1",
            "listen_port": 0,
        })
    }

    fn address(&self) -> Address {
        Address::new([("open_conversation_id", self.group.open_conversation_id())])
    }

    async fn connect(&self, listener: Option<&str>) -> Result<(), String> {
        let title = self.group.title();
        let url = listener.ok_or_else(|| format!("nobody listens to what is said in {title}"))?;
        let secret = self.robot.app_secret();
        let set = self.robot.set_callback(url, secret);
        set.map_err(|error| error.to_string())
    }

    async fn say(&self, person: &Person, text: &str) -> Result<(), String> {
        let answer = self.group.say(&member(person), text).await;
        expect("a message", answer, StatusCode::OK)?;
        Ok(())
    }

    async fn say_twice(&self, person: &Person, text: &str) -> Result<String, RoomError> {
        let member = member(person);
        let callback = self.callback(&member, text)?;
        self.group.chat(&member, text);
        self.post("a message", &callback, StatusCode::OK).await?;
        self.post("the repeated callback", &callback, StatusCode::OK)
            .await
    }

    async fn forge(&self, person: &Person, text: &str) -> Result<String, RoomError> {
        let callback = self.callback(&member(person), text)?.signed(GUESS);
        self.post("a forged callback", &callback, StatusCode::UNAUTHORIZED)
            .await
    }
}

impl Room {
    fn callback(&self, member: &Member, text: &str) -> Result<Callback, RoomError> {
        let callback = self.group.callback(member, text);
        callback.map_err(|error| RoomError::Failed(error.to_string()))
    }

    async fn post(
        &self,
        what: &str,
        callback: &Callback,
        expected: StatusCode,
    ) -> Result<String, RoomError> {
        let answer = self.sandbox.post(callback).await;
        expect(what, answer, expected).map_err(RoomError::Failed)
    }
}

fn member(person: &Person) -> Member {
    Member::new(person.name, person.id)
}

/// `answered 200`, if that is what was expected.
fn expect(
    what: &str,
    answer: Result<CallbackAnswer, CallbackError>,
    expected: StatusCode,
) -> Result<String, String> {
    let expected = expected.as_u16();
    match answer.map(|answer| answer.status.as_u16()) {
        Ok(status) if status == expected => Ok(format!("answered {status}")),
        Ok(status) => Err(format!(
            "{what} was answered {status} instead of {expected}"
        )),
        Err(error) => Err(format!("{what} was not answered: {error}")),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
