//! `POST /v1.0/robot/groupMessages/send`.

use std::sync::{Arc, PoisonError};

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::template::Template;
use super::{Answer, Failure, after, before, is_json, success};
use crate::ids;
use crate::journal::Author;
use crate::people::App;
use crate::refusal::Refusal;
use crate::state::{Room, State};

/// The fields as they came: a wrong JSON type has a code of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendRequest {
    robot_code: Option<Value>,
    open_conversation_id: Option<Value>,
    msg_key: Option<Value>,
    msg_param: Option<Value>,
}

/// A message that DingTalk would take.
struct Message {
    app: Arc<App>,
    room: Arc<Room>,
    msg_key: &'static str,
    text: String,
}

/// Checks the request and puts its message into the group.
pub(super) async fn take(state: &State, head: &Parts, body: &[u8]) -> Result<Answer, Failure> {
    let message = check(state, head, body)?;
    let fault = message.room.faults.draw();
    before(state, fault.as_ref()).await?;
    let key = message.deliver(state);
    after(state, fault.as_ref()).await?;
    Ok(success(json!({ "processQueryKey": key }).to_string()))
}

/// In DingTalk's order: first the gateway (token, form), then the robot, the group, the message.
fn check(state: &State, head: &Parts, body: &[u8]) -> Result<Message, Refusal> {
    let caller = caller(state, head)?;
    if !is_json(head) {
        return Err(Refusal::missing_body());
    }
    let request: SendRequest = serde_json::from_slice(body).map_err(|_| Refusal::missing_body())?;
    let app = robot(state, &caller, request.robot_code.as_ref())?;
    let room = room(state, &app, request.open_conversation_id.as_ref())?;
    let template = Template::named(request.msg_key.as_ref())?;
    let text = template.read(request.msg_param.as_ref())?;
    Ok(Message {
        app,
        room,
        msg_key: template.msg_key,
        text,
    })
}

/// The key of the app that calls, by its token: as it is, without `Bearer` or quotes.
pub(super) fn caller(state: &State, head: &Parts) -> Result<Arc<str>, Refusal> {
    head.headers
        .get("x-acs-dingtalk-access-token")
        .and_then(|token| token.to_str().ok())
        .and_then(|token| state.tokens.app_key(token))
        .ok_or_else(Refusal::invalid_token)
}

pub(super) fn robot(
    state: &State,
    caller: &str,
    code: Option<&Value>,
) -> Result<Arc<App>, Refusal> {
    let code = match code {
        Some(Value::String(code)) if !code.is_empty() => code,
        Some(Value::String(_) | Value::Null) | None => {
            return Err(Refusal::bad_request(
                "invalidParameter.robotCode.empty",
                "robotCode不能为空",
            ));
        }
        Some(_) => {
            return Err(Refusal::bad_request(
                "invalidParameter.robotCode.invalid",
                "robotCode不合法",
            ));
        }
    };
    let app = state
        .app(|app| *app.robot_code == **code)
        .ok_or_else(no_such_robot)?;
    if *app.key != *caller {
        return Err(Refusal::bad_request(
            "invalidParameter.robotCode.auth",
            "应用和机器人不匹配",
        ));
    }
    Ok(app)
}

/// The group, if the robot is in it.
pub(super) fn room(state: &State, app: &App, id: Option<&Value>) -> Result<Arc<Room>, Refusal> {
    let no_such_group =
        || Refusal::bad_request("invalid.openConversationId", "openConversationId不合法");
    let id = match id {
        Some(Value::String(id)) if !id.is_empty() => id,
        Some(Value::String(_) | Value::Null) | None => {
            return Err(Refusal::bad_request(
                "miss.openConversationId",
                "openConversationId缺失",
            ));
        }
        Some(_) => return Err(no_such_group()),
    };
    let room = state.room(id).ok_or_else(no_such_group)?;
    let is_inside = {
        let apps = room.apps.read().unwrap_or_else(PoisonError::into_inner);
        apps.iter().any(|other| other.robot_code == app.robot_code)
    };
    if is_inside {
        Ok(room)
    } else {
        Err(no_such_robot())
    }
}

/// DingTalk says the same of a robot that does not exist and of one that is not in the group.
fn no_such_robot() -> Refusal {
    Refusal::bad_request("invalidParameter.robotCode.notExsit", "机器人不存在")
}

impl Message {
    /// Puts the message into the group; gives its `processQueryKey`.
    fn deliver(self, state: &State) -> String {
        let key = ids::process_query_key();
        let author = Author::Robot {
            robot_code: Arc::clone(&self.app.robot_code),
        };
        state.record(&self.room, author, &key, &self.text, Some(self.msg_key));
        self.room.accepted.add();
        state.tally.accept();
        key
    }
}
