//! The sandbox as `bridge demo` plays on it.

use std::net::SocketAddr;

use bridge_core::sandbox::{Person, Place, RoomError, Sandboxes, Screen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

const LI: Person = Person::new("李娜", "lina", "100002");

/// Reads until the network has said `wanted`; all that it said.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut heard = String::new();
    let mut bytes = [0; 1024];
    while !heard.contains(wanted) {
        let count = stream.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "it hung up after {heard}");
        heard += std::str::from_utf8(&bytes[..count]).unwrap();
    }
    heard
}

#[tokio::test]
async fn a_client_with_the_settings_hears_people_and_is_shown() {
    let linked = Sandboxes::linked().unwrap();
    let sandbox = linked.get("irc").expect("it is registered").start().await;
    let sandbox = sandbox.unwrap();
    let (show, mut shown) = mpsc::unbounded_channel();
    let screen = Screen::new(move |text, _| show.send(text.to_owned()).unwrap());
    let room = sandbox.open_room(&Place::new("berlin", "Berlin Ops"), screen);
    let room = room.unwrap_or_else(|error| panic!("{error}"));
    let (settings, address) = (room.settings(), room.address());
    let (nick, channel) = (
        settings["nick"].as_str().unwrap(),
        address.get("channel").unwrap(),
    );
    assert_eq!(room.title(), channel);

    let port = u16::try_from(settings["port"].as_u64().unwrap()).unwrap();
    let server = SocketAddr::new(settings["server"].as_str().unwrap().parse().unwrap(), port);
    let mut client = TcpStream::connect(server).await.unwrap();
    let hello = format!("NICK {nick}\r\nUSER bridge 0 * :bridge\r\nJOIN {channel}\r\n");
    client.write_all(hello.as_bytes()).await.unwrap();
    room.connect(None).await.unwrap();

    assert_eq!(room.name_of(&LI), "lina");
    room.say(&LI, "监控一切正常。").await.unwrap();
    let heard = read_until(&mut client, "监控一切正常。\r\n").await;
    assert!(heard.contains(":lina!"), "{heard}");
    let words = format!("PRIVMSG {channel} :Ben: hi\r\nPING done\r\n");
    client.write_all(words.as_bytes()).await.unwrap();
    read_until(&mut client, "done\r\n").await;
    for unable in [room.say_twice(&LI, "x").await, room.forge(&LI, "x").await] {
        assert_eq!(unable, Err(RoomError::Unable));
    }
    sandbox.stop().await;
    assert_eq!(shown.try_recv().as_deref(), Ok("Ben: hi"));
    assert!(shown.try_recv().is_err(), "what people say is not shown");
}
