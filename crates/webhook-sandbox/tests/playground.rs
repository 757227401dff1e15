//! A room that is connected to itself hears what its people say, and judges the answers.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, by panicking"
)]

use bridge_core::sandbox::{
    ErasedRoom, ErasedSandbox, Person, Place, RoomError, Sandboxes, Screen,
};
use tokio::sync::mpsc;

// Links the sandbox.
use webhook_sandbox as _;

const BEN: Person = Person::new("Ben", "ben", "200002");

type Shown = mpsc::UnboundedReceiver<String>;

async fn room() -> (Box<dyn ErasedSandbox>, Box<dyn ErasedRoom>, Shown) {
    let linked = Sandboxes::linked().unwrap();
    let entry = linked.get("webhook").expect("it is registered");
    let sandbox = entry.start().await.unwrap();
    let (show, shown) = mpsc::unbounded_channel();
    let screen = Screen::new(move |text, _| show.send(text.to_owned()).unwrap());
    let room = sandbox.open_room(&Place::new("berlin", "Berlin Ops"), screen);
    let room = room.unwrap_or_else(|error| panic!("{error}"));
    (sandbox, room, shown)
}

fn url(room: &dyn ErasedRoom) -> String {
    let settings = room.settings();
    settings["url"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn what_is_signed_is_shown_once_and_what_is_forged_is_not() {
    let (sandbox, room, mut shown) = room().await;
    assert!(room.say(&BEN, "too early").await.is_err());
    assert!(room.connect(None).await.is_err(), "nobody listens");
    room.connect(Some(&url(&*room))).await.unwrap();
    room.say(&BEN, "line\nand line 🎉").await.unwrap();
    let answered = |status: u16| Ok(format!("answered {status}"));
    assert_eq!(room.say_twice(&BEN, "twice").await, answered(200));
    assert_eq!(room.forge(&BEN, "forged").await, answered(401));
    room.say(&BEN, "twice").await.unwrap();
    sandbox.stop().await;
    for expected in ["line\nand line 🎉", "twice", "twice"] {
        assert_eq!(shown.try_recv().as_deref(), Ok(expected));
    }
    assert!(shown.try_recv().is_err());
    // Nothing answers any more.
    let error = room.say(&BEN, "too late").await.unwrap_err();
    assert!(error.starts_with("a message was not answered: "), "{error}");
}

#[tokio::test]
async fn another_answer_than_expected_is_said() {
    let (sandbox, room, mut shown) = room().await;
    room.connect(Some(&(url(&*room) + "/nobody")))
        .await
        .unwrap();
    let problem = |what: &str, expected| format!("{what} was answered 404 instead of {expected}");
    let failed = |what, expected| Err(RoomError::Failed(problem(what, expected)));
    assert_eq!(room.say(&BEN, "x").await, Err(problem("a message", 200)));
    assert_eq!(room.say_twice(&BEN, "x").await, failed("a message", 200));
    assert_eq!(room.forge(&BEN, "x").await, failed("a forged message", 401));
    sandbox.stop().await;
    assert!(shown.try_recv().is_err());
}
