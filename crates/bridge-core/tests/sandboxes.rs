//! Sandboxes are found by platform, and a room does what its author wrote and no more.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bridge_core::id::Address;
use bridge_core::sandbox::{
    DuplicateSandbox, Person, Place, Room, RoomError, Sandbox, SandboxEntry, Sandboxes, Screen,
};
use serde_json::{Value, json};

/// A sandbox with what a sandbox must have, and nothing more.
struct Least;

/// Whatever is said is heard on the other side of its screen.
struct Echoing(Screen);

impl Sandbox for Least {
    const PLATFORM: &'static str = "least";
    const ROOM: &'static str = "least room";
    type Room = Echoing;

    async fn start() -> Result<Self, String> {
        Ok(Self)
    }

    fn describe(&self) -> String {
        "plays nothing".to_owned()
    }

    fn open_room(&self, _: &Place, screen: Screen) -> Result<Echoing, String> {
        Ok(Echoing(screen))
    }

    async fn stop(&self) {}
}

impl Room for Echoing {
    fn title(&self) -> String {
        "echo".to_owned()
    }

    fn settings(&self) -> Value {
        json!({})
    }

    fn address(&self) -> Address {
        Address::default()
    }

    async fn connect(&self, listener: Option<&str>) -> Result<(), String> {
        match listener {
            Some(_) => Err("nothing is called".to_owned()),
            None => Ok(()),
        }
    }

    async fn say(&self, person: &Person, text: &str) -> Result<(), String> {
        let text = format!("{}: {text}", self.name_of(person));
        self.0.show(&text, Instant::now());
        Ok(())
    }
}

struct Other;

impl Sandbox for Other {
    const PLATFORM: &'static str = "another";
    const SHORT: &'static str = "an";
    const ROOM: &'static str = "room";
    type Room = Echoing;

    async fn start() -> Result<Self, String> {
        Err("there is no port".to_owned())
    }

    fn describe(&self) -> String {
        String::new()
    }

    fn open_room(&self, _: &Place, _: Screen) -> Result<Echoing, String> {
        Err("it is full".to_owned())
    }

    async fn stop(&self) {}
}

bridge_core::register_sandbox!(Least);

/// What a future gives that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn a_room_can_do_what_its_author_wrote() {
    let linked = Sandboxes::linked().unwrap();
    let entry = linked.get("least").expect("it is registered");
    assert_eq!((entry.short(), entry.room()), ("least", "least room"));
    let sandbox = now(entry.start()).unwrap();
    assert_eq!(sandbox.describe(), "plays nothing");

    let shown = Arc::new(Mutex::new(Vec::new()));
    let screen = Screen::new({
        let shown = Arc::clone(&shown);
        move |text, _| shown.lock().unwrap().push(text.to_owned())
    });
    let room = sandbox.open_room(&Place::new("here", "Here"), screen);
    let room = room.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(now(room.connect(None)), Ok(()));
    let ann = Person::new("Ann", "ann", "1");
    assert_eq!(now(room.say(&ann, "hi")), Ok(()));
    assert_eq!(*shown.lock().unwrap(), ["Ann: hi"]);

    // What was not written does nothing, and says so.
    assert_eq!(now(room.say_twice(&ann, "hi")), Err(RoomError::Unable));
    assert_eq!(now(room.forge(&ann, "hi")), Err(RoomError::Unable));
    assert_eq!(shown.lock().unwrap().len(), 1);
    now(sandbox.stop());
}

#[test]
fn sandboxes_are_sorted_and_one_platform_has_one() {
    let (least, other) = (SandboxEntry::of::<Least>(), SandboxEntry::of::<Other>());
    let sandboxes = Sandboxes::of([least, other]).unwrap();
    let names: Vec<_> = sandboxes.iter().map(SandboxEntry::platform).collect();
    assert_eq!(names, ["another", "least"]);
    assert!(sandboxes.get("none").is_none());
    let other = sandboxes.get("another").unwrap();
    assert_eq!(other.short(), "an");
    assert_eq!(
        now(other.start()).err().as_deref(),
        Some("there is no port")
    );

    let error = Sandboxes::of([least, least]).unwrap_err();
    assert_eq!(error, DuplicateSandbox("least"));
    let said = error.to_string();
    assert!(
        said.contains("two sandboxes of platform \"least\""),
        "{said}"
    );
}
