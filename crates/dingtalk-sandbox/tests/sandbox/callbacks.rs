//! Signed callbacks: the signature, the body, and what arrives at the other side.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dingtalk_sandbox::{Callback, CallbackError, Member, Sandbox, sign};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::City;

/// A callback as the other side got it.
pub(crate) struct Arrived {
    method: Method,
    path: String,
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Answers every request with `status` and the body `{}`, and hands it on.
pub(crate) async fn receiver(status: StatusCode) -> (SocketAddr, mpsc::UnboundedReceiver<Arrived>) {
    receiver_saying(status, "{}").await
}

async fn receiver_saying(
    status: StatusCode,
    answer: &'static str,
) -> (SocketAddr, mpsc::UnboundedReceiver<Arrived>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (arrivals, arrived) = mpsc::unbounded_channel();
    let arrivals = Arc::new(arrivals);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let arrivals = Arc::clone(&arrivals);
            let service = service_fn(move |request: Request<Incoming>| {
                let arrivals = Arc::clone(&arrivals);
                async move {
                    let (head, body) = request.into_parts();
                    let arrived = Arrived {
                        method: head.method,
                        path: head.uri.path().to_owned(),
                        headers: head.headers,
                        body: body.collect().await.unwrap().to_bytes(),
                    };
                    arrivals.send(arrived).unwrap();
                    let mut response = Response::new(Full::<Bytes>::from(answer));
                    *response.status_mut() = status;
                    Ok::<_, Infallible>(response)
                }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    (address, arrived)
}

#[test]
fn signatures_equal_the_published_vectors() {
    let vectors = [
        (
            "1577262236757",
            "this is a secret",
            "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA=",
        ),
        (
            "1695199269062",
            "test-secret",
            "DZmNQvE3NperfGdUgHn19h5ryzRVRC78Y+8fDBr06XE=",
        ),
        (
            "1772376934909",
            "dingtalk-app-secret_+/=",
            "TP8uwvrpeYGiwOGBg5Yxzqj5fD7aPRd/0bQsWai2Mqk=",
        ),
        (
            "1772376934909",
            " secret with spaces ",
            "bR60uu+HU+qKQZAZatncRzfKk//ZXC5NKJuoyXsfhYk=",
        ),
    ];
    for (timestamp, secret, expected) in vectors {
        assert_eq!(sign(timestamp, secret), expected, "{secret}");
        let callback = Callback::new("http://127.0.0.1:1/", "{}").unwrap();
        let callback = callback.signed_at(secret, timestamp.parse().unwrap());
        assert_eq!(callback.sign(), Some(expected));
        assert_eq!(callback.timestamp(), Some(timestamp));
    }
}

#[tokio::test]
async fn what_a_member_says_to_the_robot_arrives_signed() {
    let city = City::start().await;
    let (address, mut arrived) = receiver(StatusCode::OK).await;
    let url = format!("http://{address}/dingtalk/event");
    city.robot.set_callback(&url, "signing secret").unwrap();
    let zhang = Member::new("张三", "042531297");
    let answer = city.ops.say(&zhang, "你好").await.unwrap();
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, &b"{}"[..]));

    let arrived = arrived.recv().await.unwrap();
    assert_eq!(
        (arrived.method.as_str(), &*arrived.path),
        ("POST", "/dingtalk/event")
    );
    assert_eq!(
        arrived.header("content-type"),
        "application/json; charset=utf-8"
    );
    let timestamp = arrived.header("timestamp");
    assert_eq!(arrived.header("sign"), sign(timestamp, "signing secret"));

    let body = arrived.json();
    let entry = &city.ops.transcript()[0];
    let rows = [
        ("/conversationId", "ciddyW50+xLF/Tw=="),
        ("/conversationType", "2"),
        ("/conversationTitle", "Ops"),
        ("/senderNick", "张三"),
        ("/senderStaffId", "042531297"),
        ("/senderId", &zhang.sender_id()),
        ("/robotCode", "dingrobot"),
        ("/msgtype", "text"),
        ("/text/content", " 你好"),
        ("/msgId", &entry.id),
        (
            "/atUsers/0/dingtalkId",
            body["chatbotUserId"].as_str().unwrap(),
        ),
    ];
    for (pointer, expected) in rows {
        assert_eq!(body.pointer(pointer).unwrap(), expected, "{pointer}");
    }
    assert_eq!(body["isInAtList"], true);
    assert_eq!(body["createAt"].as_u64().unwrap().to_string(), timestamp);
    let expires = body["sessionWebhookExpiredTime"].as_u64().unwrap();
    assert_eq!(expires - body["createAt"].as_u64().unwrap(), 5_400_000);
    assert!(zhang.sender_id().starts_with("$:LWCP_v1:$"));
    assert_eq!(entry.text, "你好");
    // Whoever follows the link does not leave the machine.
    let webhook = body["sessionWebhook"].as_str().unwrap();
    assert!(webhook.starts_with(&city.sandbox.api_base()), "{webhook}");
}

#[tokio::test]
async fn the_body_has_the_fields_of_a_recorded_one() {
    let city = City::start().await;
    city.robot.set_callback("http://127.0.0.1:1/", "s").unwrap();
    let recorded = [
        "atUsers",
        "chatbotCorpId",
        "chatbotUserId",
        "conversationId",
        "conversationTitle",
        "conversationType",
        "createAt",
        "isAdmin",
        "isInAtList",
        "msgId",
        "msgtype",
        "openThreadId",
        "robotCode",
        "senderCorpId",
        "senderId",
        "senderNick",
        "senderPlatform",
        "senderStaffId",
        "senderUnionId",
        "sessionWebhook",
        "sessionWebhookExpiredTime",
        "text",
    ];
    let of_employees = ["senderCorpId", "senderStaffId"];
    let rows: [(Member, Vec<&str>); 2] = [
        (Member::new("张三", "0425"), recorded.to_vec()),
        (
            Member::external("外部"),
            recorded
                .into_iter()
                .filter(|key| !of_employees.contains(key))
                .collect(),
        ),
    ];
    for (member, expected) in rows {
        let callback = city.ops.callback(&member, "hi").unwrap();
        let body: serde_json::Map<String, Value> = serde_json::from_slice(callback.body()).unwrap();
        let mut keys: Vec<_> = body.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, expected);
    }
    assert!(city.ops.transcript().is_empty());
}

#[tokio::test]
async fn a_bent_callback_arrives_bent() {
    let city = City::start().await;
    let (address, mut arrived) = receiver(StatusCode::UNAUTHORIZED).await;
    city.robot
        .set_callback(&format!("http://{address}/"), "secret")
        .unwrap();
    let callback = city
        .ops
        .callback(&Member::new("张三", "0425"), "hi")
        .unwrap();
    let stale = callback.clone().signed_at("secret", 1_577_262_236_757);
    let rows = [
        callback.clone(),
        callback.clone(),
        stale,
        callback.clone().with_sign(Some("AAAA")),
        callback.clone().with_sign(None),
        callback.clone().with_timestamp(None),
        callback.clone().with_timestamp(Some("soon")),
        callback.clone().with_body("not json"),
        Callback::new(&format!("http://{address}/"), "{}")
            .unwrap()
            .signed("other"),
    ];
    for callback in rows {
        let answer = city.sandbox.post(&callback).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let arrived = arrived.recv().await.unwrap();
        let header = |name| {
            arrived
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(header("timestamp"), callback.timestamp());
        assert_eq!(header("sign"), callback.sign());
        assert_eq!(arrived.body, callback.body());
    }
}

#[tokio::test]
async fn each_utterance_is_another_message() {
    let city = City::start().await;
    let (address, mut arrived) = receiver(StatusCode::OK).await;
    city.robot
        .set_callback(&format!("http://{address}/"), "s")
        .unwrap();
    let zhang = Member::new("张三", "0425");
    for _ in 0..2 {
        city.ops.say(&zhang, "again").await.unwrap();
    }
    let first = arrived.recv().await.unwrap().json();
    let second = arrived.recv().await.unwrap().json();
    assert_ne!(first["msgId"], second["msgId"]);
    assert_eq!(first["senderId"], second["senderId"]);
}

#[tokio::test]
async fn the_robot_that_is_mentioned_is_told() {
    let city = City::start().await;
    let (first, mut told_first) = receiver(StatusCode::OK).await;
    let (second, mut told_second) = receiver(StatusCode::OK).await;
    city.ops.add_robot(&city.other_robot);
    city.robot
        .set_callback(&format!("http://{first}/"), "s")
        .unwrap();
    city.other_robot
        .set_callback(&format!("http://{second}/"), "s")
        .unwrap();
    let zhang = Member::new("张三", "0425");
    city.ops.chat(&zhang, "to nobody");
    city.ops
        .say_to(&city.other_robot, &zhang, "to the second")
        .await
        .unwrap();
    city.ops.say(&zhang, "to the first").await.unwrap();
    assert_eq!(
        told_first.recv().await.unwrap().json()["text"]["content"],
        " to the first"
    );
    assert_eq!(
        told_second.recv().await.unwrap().json()["robotCode"],
        "dingotherrobot"
    );
    assert!(told_first.try_recv().is_err() && told_second.try_recv().is_err());
    assert_eq!(city.ops.transcript().len(), 3);
}

#[tokio::test]
async fn what_can_not_be_said_says_why() {
    let city = City::start().await;
    let zhang = Member::new("张三", "0425");
    for url in ["", "/dingtalk/event", "https://127.0.0.1/", "127.0.0.1:80"] {
        let error = city.robot.set_callback(url, "s").unwrap_err();
        assert_eq!(error, CallbackError::Url(url.to_owned()));
    }
    let error = city.ops.say(&zhang, "hi").await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("call Robot::set_callback first"), "{error}");
    let error = city.without_robot.say(&zhang, "hi").await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("call Group::add_robot first"), "{error}");
    assert!(city.sandbox.transcript().is_empty());
}

#[tokio::test]
async fn a_callback_that_is_not_answered_was_said_all_the_same() {
    let zhang = Member::new("张三", "0425");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());

    // Connected by the kernel, answered by nobody.
    let patience = Duration::from_millis(20);
    let city = City::of(Sandbox::builder().callback_timeout(patience)).await;
    city.robot.set_callback(&url, "s").unwrap();
    let error = city.ops.say(&zhang, "hi").await.unwrap_err();
    assert_eq!(error, CallbackError::Timeout(patience));
    assert_eq!(city.ops.transcript().len(), 1);

    let city = City::start().await;
    city.robot.set_callback(&url, "s").unwrap();
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let error = city.ops.say(&zhang, "hi").await.unwrap_err();
    assert!(matches!(error, CallbackError::Exchange(_)), "{error}");
    assert_eq!(city.ops.transcript().len(), 1);
}

#[tokio::test]
async fn an_answer_in_the_form_of_a_message_appears_in_the_group() {
    let text = r#"{"msgtype":"text","text":{"content":"echo"}}"#;
    let markdown = r#"{"msgtype":"markdown","markdown":{"title":"t","text":"echo"}}"#;
    let rows: [(StatusCode, &str, &[&str]); 7] = [
        (StatusCode::OK, text, &["echo"]),
        (StatusCode::OK, markdown, &["echo"]),
        (StatusCode::UNAUTHORIZED, text, &[]),
        (StatusCode::OK, r#"{"msgtype":"empty"}"#, &[]),
        (StatusCode::OK, "{}", &[]),
        (StatusCode::OK, "", &[]),
        (StatusCode::OK, r#"{"msgtype":"text","text":"echo"}"#, &[]),
    ];
    for (status, body, expected) in rows {
        let city = City::start().await;
        let (address, _arrived) = receiver_saying(status, body).await;
        let url = format!("http://{address}/");
        city.robot.set_callback(&url, "s").unwrap();
        let zhang = Member::new("张三", "0425");
        let answer = city.ops.say(&zhang, "hi").await.unwrap();
        assert_eq!((answer.status, &*answer.body), (status, body.as_bytes()));
        assert_eq!(city.ops.transcript().sent_texts(), expected, "{body}");
        assert_eq!(city.ops.accepted(), 0);
    }
}

#[tokio::test]
async fn nothing_prints_a_secret_or_what_was_said() {
    let city = City::start().await;
    city.robot
        .set_callback("http://127.0.0.1:1/", "s3cr3t")
        .unwrap();
    let callback = city
        .ops
        .callback(&Member::new("张三", "0425"), "wh1sper")
        .unwrap();
    let printed = format!(
        "{:?} {callback:?} {:?} {:?}",
        city.robot, city.ops, city.sandbox
    );
    for hidden in ["app secret", "s3cr3t", "wh1sper", callback.sign().unwrap()] {
        assert!(!printed.contains(hidden), "{hidden} in {printed}");
    }
}
