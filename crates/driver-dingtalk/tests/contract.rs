//! The driver holds the contract of drivers, as far as DingTalk can be told from its documents.

use std::time::Duration;

use bridge_core::driver::Act;
use bridge_core::id::Address;
use bridge_core::message::{Message, Quoted, Sender};
use bridge_core::time::Timestamp;
use bridge_testkit::driver_contract::{
    Api, ApiError, Asked, Brings, Callbacks, Covers, Encoding, Published, Recorded, Subject,
    Success, Verification, WayIn, WayOut, check_all,
};
use bridge_testkit::fake_http::json as answer;
use bytes::Bytes;
use driver_dingtalk::{DingTalk, sign};
use http::{Request, Response};
use serde_json::{Value, json};

const SIGNING_SECRET: &str = "signing-canary_+/=";
const TOKEN_PATH: &str = "/prefix/v1.0/oauth2/accessToken";
const SEND_PATH: &str = "/prefix/v1.0/robot/groupMessages/send";
const RECALL_PATH: &str = "/prefix/v1.0/robot/groupMessages/recall";

struct DingTalkSubject;

impl Subject for DingTalkSubject {
    type Driver = DingTalk;

    fn settings(&self) -> Value {
        json!({
            "app_key": "key-1", "app_secret": "secret-canary", "robot_code": "dingx7q2m4k9t1b8w5z3",
            "signing_secret": [SIGNING_SECRET, "older-canary"],
            "listen_host": "127.0.0.1", "listen_port": 0, "listen_path": "/dingtalk/event",
            "api_base": "http://127.0.0.1:9/prefix/"
        })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["app_secret", "signing_secret"]
    }

    fn address(&self, number: usize) -> Address {
        Address::new([("open_conversation_id", format!("cid{number}/+=="))])
    }

    fn way_in(&self) -> WayIn<'_> {
        WayIn::Callbacks(self)
    }

    fn way_out(&self) -> WayOut<'_> {
        WayOut::Requests(self)
    }

    fn recorded(&self) -> Vec<Recorded> {
        let message = |id: &str, channel: &str, title: &str, sender: Sender, text: &str, millis| {
            let address = Address::new([("open_conversation_id", channel)]);
            let mut message = Message::new(address, sender, text);
            message.id = Some(id.into());
            message.channel_title = title.into();
            message.sent_at = Some(Timestamp::from_millis(millis));
            Brings::Message(Box::new(message))
        };
        let row = |name, body: &'static str, brings| Recorded {
            name,
            body: Bytes::from_static(body.trim_end().as_bytes()),
            brings: vec![brings],
        };
        vec![
            row(
                "text-group-at",
                include_str!("fixtures/text-group-at.json"),
                message(
                    "msg9U9FIg7t0yJQbhcnrG/qKQ==",
                    "ciddyW50dFVaPgR3F3f+xLFTw==",
                    "机器人测试群",
                    Sender::new("042531297", "张三"),
                    "你好，帮我查一下今天的值班表",
                    1_772_376_934_909,
                ),
            ),
            row(
                "audio",
                include_str!("fixtures/audio.json"),
                Brings::Ignored("private_chat"),
            ),
            row(
                "richtext-group-at",
                include_str!("fixtures/richtext-group-at.json"),
                Brings::Ignored("not_text"),
            ),
            row(
                "reply-quote",
                include_str!("fixtures/reply-quote.json"),
                answering(
                    message(
                        "msgodxQ8M+pP78yWi/e5benLw==",
                        "ciddyW50dFVaPgR3F3f+xLFTw==",
                        "机器人测试群",
                        Sender::new("042531297", "张三"),
                        "这个时间定了吗？",
                        1_776_067_733_725,
                    ),
                    "msgTTCkJnvlPhlHbykOQvCCwA==",
                    "发布窗口改到周四 20:00",
                ),
            ),
        ]
    }

    fn own_message(&self) -> Option<Bytes> {
        let mut body: Value =
            serde_json::from_str(include_str!("fixtures/text-group-at.json")).expect("JSON");
        body["senderId"] = body["chatbotUserId"].clone();
        Some(body.to_string().into())
    }
}

impl Callbacks for DingTalkSubject {
    fn verification(&self) -> Option<Verification> {
        Some(Verification {
            signature: "sign",
            encoding: Encoding::Text,
            other_headers: &["timestamp"],
            window: Some(Duration::from_secs(3600)),
            covers: Covers::Headers,
        })
    }

    fn callback(&self, body: &[u8], at: Timestamp) -> Request<Bytes> {
        let timestamp = at.as_millis().to_string();
        Request::post("/dingtalk/event")
            .header("Sign", sign(SIGNING_SECRET, &timestamp))
            .header("Timestamp", timestamp)
            .body(Bytes::copy_from_slice(body))
            .expect("plain headers")
    }

    // Secret and time are those of DingTalk's own sample in Java.
    fn published(&self) -> Vec<Published> {
        let mut settings = self.settings();
        settings["signing_secret"] = "this is a secret".into();
        let request = Request::post("/dingtalk/event")
            .header("sign", "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA=")
            .header("timestamp", "1577262236757")
            .body(Bytes::new())
            .expect("plain headers");
        let at = Timestamp::from_millis(1_577_262_236_757);
        vec![Published::new(settings, at, request)]
    }
}

impl Api for DingTalkSubject {
    fn asked(&self, request: &Request<Bytes>) -> Option<Asked> {
        let path = request.uri().path();
        if ![SEND_PATH, RECALL_PATH].contains(&path) {
            return None;
        }
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let group = body["openConversationId"].as_str().expect("a group");
        let address = Address::new([("open_conversation_id", group)]);
        if path == RECALL_PATH {
            let mut asked = Asked::to_say(address, "");
            asked.act = Act::Recall {
                of: keys(&body["processQueryKeys"]),
            };
            return Some(asked);
        }
        let param: Value =
            serde_json::from_str(body["msgParam"].as_str().expect("a text")).expect("JSON");
        let text = param["content"].as_str().expect("a text");
        Some(Asked::to_say(address, text))
    }

    fn accepted(&self, request: &Request<Bytes>) -> Response<Bytes> {
        match request.uri().path() {
            TOKEN_PATH => answer(200, include_str!("fixtures/api/token-200.json")),
            SEND_PATH => answer(200, include_str!("fixtures/api/group-send-200.json")),
            RECALL_PATH => {
                let body: Value = serde_json::from_slice(request.body()).expect("JSON");
                let recalled = keys(&body["processQueryKeys"]);
                answer(
                    200,
                    json!({ "successResult": recalled, "failedResult": {} }),
                )
            }
            other => answer(
                404,
                format!("{{\"code\":\"InvalidAction.NotFound\",\"message\":\"{other}\"}}"),
            ),
        }
    }

    fn accepted_ids(&self, _: &Request<Bytes>) -> Option<Vec<String>> {
        let body = include_str!("fixtures/api/group-send-200.json");
        let body: Value = serde_json::from_str(body).expect("JSON");
        Some(vec![body["processQueryKey"].as_str()?.to_owned()])
    }

    fn success(&self) -> Success {
        Success::Body
    }

    fn refused(&self, saying: &str) -> Response<Bytes> {
        let code = "invalidParameter.robotCode.notExsit";
        answer(
            400,
            json!({ "code": code, "requestid": "1B16", "message": saying }),
        )
    }

    /// The guard in front of DingTalk, the only one that says how long.
    fn throttled(&self, pause: Duration) -> Response<Bytes> {
        answer(
            403,
            json!({ "status": 1111, "wait": pause.as_secs(), "punish": "deny" }),
        )
    }

    fn unauthorized(&self) -> Response<Bytes> {
        answer(400, include_str!("fixtures/api/token-400-bad-secret.json"))
    }

    fn errors(&self) -> Vec<ApiError> {
        let coded = |status, code: &str| answer(status, json!({ "code": code, "message": "…" }));
        vec![
            ApiError::refused("group.disbanded", coded(400, "group.disbanded")),
            ApiError::refused("bot.stopped", coded(403, "bot.stopped")),
            ApiError::throttled(
                "QpsLimitForAppkeyAndApi",
                answer(403, include_str!("fixtures/api/throttle-403.json")),
            ),
            ApiError::throttled("send.too.fast", coded(400, "send.too.fast")),
            ApiError::throttled("-1, at 200", answer(200, json!({ "code": "-1" }))),
            ApiError::throttled("the guard's page", answer(403, "<html>")),
            ApiError::unauthorized(
                "AccessTokenPermissionDenied",
                coded(403, "Forbidden.AccessDenied.AccessTokenPermissionDenied"),
            ),
            ApiError::failing("system.error", coded(500, "system.error")),
        ]
    }

    fn expired(&self) -> Option<Response<Bytes>> {
        Some(answer(
            400,
            include_str!("fixtures/api/invalid-token-400.json"),
        ))
    }
}

/// The message as one that answers another.
fn answering(message: Brings, id: &str, text: &str) -> Brings {
    let Brings::Message(mut message) = message else {
        panic!("a message")
    };
    let mut quoted = Quoted::new(id);
    text.clone_into(&mut quoted.text);
    message.reply_to = Some(quoted);
    Brings::Message(message)
}

fn keys(list: &Value) -> Vec<String> {
    let keys = list.as_array().expect("a list").iter();
    keys.map(|key| key.as_str().expect("a key").to_owned())
        .collect()
}

#[test]
fn the_driver_holds_its_contract() {
    check_all(DingTalkSubject);
}
