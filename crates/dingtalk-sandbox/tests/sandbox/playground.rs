//! The sandbox as `bridge demo` plays on it.

use bridge_core::sandbox::{
    ErasedRoom, ErasedSandbox, Person, Place, RoomError, Sandboxes, Screen,
};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::callbacks::receiver;
use crate::support::{City, SEND_PATH, TOKEN_PATH};

const ZHANG: Person = Person::new("张三", "zhangsan", "100001");

type Shown = mpsc::UnboundedReceiver<String>;

async fn room() -> (Box<dyn ErasedSandbox>, Box<dyn ErasedRoom>, Shown) {
    let linked = Sandboxes::linked().unwrap();
    let entry = linked.get("dingtalk").expect("it is registered");
    let sandbox = entry.start().await.unwrap();
    let (show, shown) = mpsc::unbounded_channel();
    let screen = Screen::new(move |text, _| show.send(text.to_owned()).unwrap());
    let room = sandbox.open_room(&Place::new("shanghai", "上海值班群"), screen);
    let room = room.unwrap_or_else(|error| panic!("{error}"));
    (sandbox, room, shown)
}

#[tokio::test]
async fn what_people_say_is_called_back_and_the_answer_is_judged() {
    // What the bridge answers, and whether a message, a repeated one and a forged one went as they should.
    let believed = "a forged callback was answered 200 instead of 401";
    let refused = "a message was answered 401 instead of 200";
    let failed = |problem: &str| Err(RoomError::Failed(problem.to_owned()));
    let answered = |how: &str| Ok(how.to_owned());
    let rows = [
        (
            StatusCode::OK,
            Ok(()),
            answered("answered 200"),
            failed(believed),
        ),
        (
            StatusCode::UNAUTHORIZED,
            Err(refused.to_owned()),
            failed(refused),
            answered("answered 401"),
        ),
    ];
    for (status, said, twice, forged) in rows {
        let (sandbox, room, mut shown) = room().await;
        assert_eq!(room.title(), "上海值班群");
        assert!(room.connect(None).await.is_err(), "nobody listens");
        let (address, mut arrived) = receiver(status).await;
        let url = format!("http://{address}/event");
        room.connect(Some(&url)).await.unwrap();
        assert_eq!(room.say(&ZHANG, "早上好").await, said);
        assert_eq!(room.say_twice(&ZHANG, "again").await, twice);
        assert_eq!(room.forge(&ZHANG, "not me").await, forged);
        sandbox.stop().await;

        let mut bodies = Vec::new();
        while let Ok(callback) = arrived.try_recv() {
            bodies.push((callback.header("sign").to_owned(), callback.body));
        }
        let (sign, body) = &bodies[0];
        let body: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(body["senderNick"], room.name_of(&ZHANG));
        assert_eq!(body["text"]["content"], " 早上好");
        if status == StatusCode::OK {
            assert_eq!(bodies[1], bodies[2], "the same callback");
        }
        let (forged_sign, _) = bodies.last().unwrap();
        assert_ne!(forged_sign, sign);
        assert!(shown.recv().await.is_none(), "nothing was brought here");
    }
}

#[tokio::test]
async fn what_is_sent_with_the_settings_is_shown() {
    let (sandbox, room, mut shown) = room().await;
    let settings = room.settings();
    let text = |key: &str| settings[key].as_str().unwrap().to_owned();
    let client = City::start().await;
    let request = |path: &str| {
        Request::post(text("api_base") + path).header("content-type", "application/json")
    };
    let body = json!({ "appKey": text("app_key"), "appSecret": text("app_secret") });
    let token = client.request(request(TOKEN_PATH), &body.to_string()).await;
    let token = token.json()["accessToken"].as_str().unwrap().to_owned();
    let body = json!({
        "robotCode": text("robot_code"),
        "openConversationId": room.address().get("open_conversation_id"),
        "msgKey": "sampleText",
        "msgParam": json!({ "content": "Anna: hi" }).to_string(),
    });
    let send = request(SEND_PATH).header("x-acs-dingtalk-access-token", token);
    let reply = client.request(send, &body.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    sandbox.stop().await;
    assert_eq!(shown.recv().await.as_deref(), Some("Anna: hi"));
    assert_eq!(shown.recv().await, None, "nothing comes after the stop");
}
