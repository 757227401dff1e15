//! Every way in which a send can be wrong, and the code that DingTalk has for it.

use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{City, PATIENCE, SEND_PATH, text_to};

/// A send that would be taken, before a row spoils it.
struct Draft {
    token: Option<String>,
    other_token: String,
    content_type: Option<&'static str>,
    body: Value,
    raw: Option<&'static str>,
}

type Spoil = fn(&mut Draft);

const INVALID_TOKEN: &str = "InvalidAuthentication";
const NO_BODY: &str = "Missingbody";
const NO_ROBOT: &str = "invalidParameter.robotCode.notExsit";
const NO_GROUP: &str = "invalid.openConversationId";
const BAD_KEY: &str = "invalidParameter.msgKey.invalid";
const BAD_PARAM: &str = "invalidParameter.msgParam.invalid";

const REFUSED: &[(&str, Spoil, &str)] = &[
    ("no token", |d| d.token = None, INVALID_TOKEN),
    (
        "empty token",
        |d| d.token = Some(String::new()),
        INVALID_TOKEN,
    ),
    (
        "unknown token",
        |d| d.token = Some("0".repeat(32)),
        INVALID_TOKEN,
    ),
    (
        "token in quotes",
        |d| d.token = d.token.take().map(|token| format!("\"{token}\"")),
        INVALID_TOKEN,
    ),
    (
        "bearer token",
        |d| d.token = d.token.take().map(|token| format!("Bearer {token}")),
        INVALID_TOKEN,
    ),
    ("no content type", |d| d.content_type = None, NO_BODY),
    (
        "form",
        |d| d.content_type = Some("application/x-www-form-urlencoded"),
        NO_BODY,
    ),
    ("text", |d| d.content_type = Some("text/plain"), NO_BODY),
    ("no body", |d| d.raw = Some(""), NO_BODY),
    ("not json", |d| d.raw = Some("{\"robotCode\""), NO_BODY),
    ("not an object", |d| d.raw = Some("\"robotCode\""), NO_BODY),
    (
        "no robot",
        |d| drop(d.body["robotCode"].take()),
        "invalidParameter.robotCode.empty",
    ),
    (
        "empty robot",
        |d| d.body["robotCode"] = "".into(),
        "invalidParameter.robotCode.empty",
    ),
    (
        "robot of the wrong type",
        |d| d.body["robotCode"] = 1.into(),
        "invalidParameter.robotCode.invalid",
    ),
    (
        "unknown robot",
        |d| d.body["robotCode"] = "dingnobody".into(),
        NO_ROBOT,
    ),
    (
        "robot of another app",
        |d| d.body["robotCode"] = "dingotherrobot".into(),
        "invalidParameter.robotCode.auth",
    ),
    (
        "token of another app",
        |d| d.token = Some(d.other_token.clone()),
        "invalidParameter.robotCode.auth",
    ),
    (
        "no group",
        |d| drop(d.body["openConversationId"].take()),
        "miss.openConversationId",
    ),
    (
        "unknown group",
        |d| d.body["openConversationId"] = "cidNowhere==".into(),
        NO_GROUP,
    ),
    (
        "group in another case",
        |d| d.body["openConversationId"] = "CIDDYW50+XLF/TW==".into(),
        NO_GROUP,
    ),
    (
        "group of the wrong type",
        |d| d.body["openConversationId"] = json!(["cidAlone=="]),
        NO_GROUP,
    ),
    (
        "group without the robot",
        |d| d.body["openConversationId"] = "cidAlone==".into(),
        NO_ROBOT,
    ),
    (
        "no template",
        |d| drop(d.body["msgKey"].take()),
        "invalidParameter.msgKey.empty",
    ),
    (
        "unknown template",
        |d| d.body["msgKey"] = "text".into(),
        BAD_KEY,
    ),
    (
        "template in another case",
        |d| d.body["msgKey"] = "sampletext".into(),
        BAD_KEY,
    ),
    (
        "template of the wrong type",
        |d| d.body["msgKey"] = true.into(),
        BAD_KEY,
    ),
    (
        "no parameter",
        |d| drop(d.body["msgParam"].take()),
        BAD_PARAM,
    ),
    (
        "parameter as an object",
        |d| d.body["msgParam"] = json!({ "content": "hi" }),
        BAD_PARAM,
    ),
    (
        "parameter not json",
        |d| d.body["msgParam"] = "hi".into(),
        BAD_PARAM,
    ),
    (
        "parameter not an object",
        |d| d.body["msgParam"] = "[\"hi\"]".into(),
        BAD_PARAM,
    ),
    (
        "value not a string",
        |d| d.body["msgParam"] = r#"{"content":7}"#.into(),
        BAD_PARAM,
    ),
    (
        "no content",
        |d| d.body["msgParam"] = r#"{"text":"hi"}"#.into(),
        "miss.param.content",
    ),
    (
        "empty content",
        |d| d.body["msgParam"] = r#"{"content":""}"#.into(),
        "miss.param.content",
    ),
    (
        "markdown without title",
        |d| {
            d.body["msgKey"] = "sampleMarkdown".into();
            d.body["msgParam"] = r#"{"text":"hi"}"#.into();
        },
        "miss.param.title",
    ),
    (
        "too long",
        |d| d.body["msgParam"] = param_of(15_001, "a").into(),
        "invalidParameter.msgParam.tooLong",
    ),
    (
        "too long in bytes, not in characters",
        |d| d.body["msgParam"] = json!({ "content": "汉".repeat(5_000) }).to_string().into(),
        "invalidParameter.msgParam.tooLong",
    ),
    (
        "too long once escaped",
        |d| d.body["msgParam"] = json!({ "content": "\n".repeat(7_500) }).to_string().into(),
        "invalidParameter.msgParam.tooLong",
    ),
];

const TAKEN: &[(&str, Spoil, &str)] = &[
    ("as it is", |_| {}, "hi"),
    (
        "content type with charset, in capitals",
        |d| d.content_type = Some("Application/JSON; charset=utf-8"),
        "hi",
    ),
    ("unknown field", |d| d.body["later"] = 1.into(), "hi"),
    (
        "unknown parameter",
        |d| d.body["msgParam"] = r#"{"content":"hi","later":"1"}"#.into(),
        "hi",
    ),
    (
        "markdown",
        |d| {
            d.body["msgKey"] = "sampleMarkdown".into();
            d.body["msgParam"] = r##"{"title":"day","text":"# day"}"##.into();
        },
        "# day",
    ),
    (
        "line breaks and quotes",
        |d| d.body["msgParam"] = json!({ "content": "a\n\"b\" \\ 汉" }).to_string().into(),
        "a\n\"b\" \\ 汉",
    ),
];

fn param_of(bytes: usize, filler: &str) -> String {
    let frame = r#"{"content":""}"#.len();
    json!({ "content": filler.repeat((bytes - frame) / filler.len()) }).to_string()
}

async fn send(city: &City, spoil: impl Fn(&mut Draft)) -> crate::support::Reply {
    let mut draft = Draft {
        token: Some(city.token_of(&city.robot).await),
        other_token: city.token_of(&city.other_robot).await,
        content_type: Some("application/json"),
        body: text_to(city.ops.open_conversation_id(), "hi"),
        raw: None,
    };
    spoil(&mut draft);
    let mut request = city.post(SEND_PATH);
    if let Some(content_type) = draft.content_type {
        request = request.header("content-type", content_type);
    }
    if let Some(token) = draft.token {
        request = request.header("x-acs-dingtalk-access-token", token);
    }
    let body = draft.raw.map_or(draft.body.to_string(), str::to_owned);
    city.request(request, &body).await
}

#[tokio::test]
async fn a_wrong_send_is_refused_with_the_documented_code() {
    let city = City::start().await;
    for (name, spoil, code) in REFUSED {
        let reply = send(&city, spoil).await;
        assert_eq!(
            (reply.status.as_u16(), &*reply.code()),
            (400, *code),
            "{name}"
        );
        let body = reply.json();
        let request_id = body["requestid"].as_str().unwrap();
        assert_eq!(request_id.len(), 36, "{name}: {request_id}");
        assert_eq!(reply.headers["x-acs-request-id"], request_id, "{name}");
        assert!(body["message"].is_string(), "{name}");
    }
    assert!(city.sandbox.transcript().is_empty());
    let counters = city.sandbox.counters();
    assert_eq!(counters.sends_accepted, 0);
    let refused: u64 = counters.sends_refused.values().sum();
    assert_eq!(refused, REFUSED.len() as u64);
    assert_eq!(counters.sends_refused[INVALID_TOKEN], 5);
}

#[tokio::test]
async fn a_right_send_appears_in_the_group() {
    for (name, spoil, text) in TAKEN {
        let city = City::start().await;
        let reply = send(&city, spoil).await;
        assert_eq!(reply.status, StatusCode::OK, "{name}: {}", reply.text);
        let transcript = city.ops.wait_for_sent(1, PATIENCE).await.unwrap();
        assert_eq!(transcript.sent_texts(), [*text], "{name}");
        assert_eq!(reply.json()["processQueryKey"], *transcript[0].id, "{name}");
        assert_eq!(transcript[0].id.len(), 44, "{name}");
        assert_eq!(city.sandbox.counters().sends_accepted, 1, "{name}");
    }
}

#[tokio::test]
async fn the_longest_parameter_is_taken() {
    let city = City::start().await;
    let param = param_of(15_000, "a");
    assert_eq!(param.len(), 15_000);
    let reply = send(&city, |draft| draft.body["msgParam"] = param.clone().into()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}

#[tokio::test]
async fn every_template_is_taken_whole_and_refused_with_a_field_less() {
    let city = City::start().await;
    let templates: &[(&str, &[&str])] = &[
        ("sampleText", &["content"]),
        ("sampleMarkdown", &["title", "text"]),
        ("sampleImageMsg", &["photoURL"]),
        ("sampleLink", &["title", "text", "picUrl", "messageUrl"]),
        (
            "sampleActionCard",
            &["title", "text", "singleTitle", "singleURL"],
        ),
        (
            "sampleActionCard6",
            &[
                "title",
                "text",
                "buttonTitle1",
                "buttonUrl1",
                "buttonTitle2",
                "buttonUrl2",
            ],
        ),
        ("sampleAudio", &["mediaId", "duration"]),
        ("sampleFile", &["mediaId", "fileName", "fileType"]),
        (
            "sampleVideo",
            &["videoMediaId", "videoType", "picMediaId", "duration"],
        ),
    ];
    for (msg_key, fields) in templates {
        let spoil = |left_out: Option<&str>| {
            let kept = fields.iter().filter(|field| Some(**field) != left_out);
            let param: serde_json::Map<_, _> = kept
                .map(|field| ((*field).to_owned(), Value::from("x")))
                .collect();
            let param = Value::Object(param).to_string();
            move |draft: &mut Draft| {
                draft.body["msgKey"] = (*msg_key).into();
                draft.body["msgParam"] = param.clone().into();
            }
        };
        let reply = send(&city, spoil(None)).await;
        assert_eq!(reply.status, StatusCode::OK, "{msg_key}: {}", reply.text);
        for field in *fields {
            let reply = send(&city, spoil(Some(field))).await;
            assert_eq!(reply.code(), format!("miss.param.{field}"), "{msg_key}");
        }
    }
}

#[tokio::test]
async fn a_path_or_method_that_does_not_exist_is_404() {
    let city = City::start().await;
    let base = city.sandbox.api_base();
    let rows = [
        Request::post(format!("{base}/v1.0/robot/groupMessages/sent")),
        Request::post(format!("{base}{SEND_PATH}/")),
        Request::post(format!("{base}/v1.0/robot/groupmessages/send")),
        Request::get(format!("{base}{SEND_PATH}")),
        Request::post(format!("{base}/robot/sendBySession?session=1")),
    ];
    for request in rows {
        let reply = city.request(request, "{}").await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        assert_eq!(reply.code(), "InvalidAction.NotFound");
    }
}

#[tokio::test]
async fn a_body_of_megabytes_is_not_read() {
    let city = City::start().await;
    let request = city
        .post(SEND_PATH)
        .header("content-type", "application/json");
    let reply = city.request(request, &" ".repeat(1024 * 1024 + 1)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_robot_that_was_thrown_out_sends_no_more() {
    let city = City::start().await;
    city.ops.remove_robot(&city.robot);
    let reply = send(&city, |_| {}).await;
    assert_eq!(reply.code(), NO_ROBOT);
    city.ops.add_robot(&city.robot);
    let reply = send(&city, |_| {}).await;
    assert_eq!(reply.status, StatusCode::OK);
}
