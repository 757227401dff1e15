//! `POST /v1.0/robot/groupMessages/recall`.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::send::{caller, robot, room};
use super::{Answer, Failure, is_json, success};
use crate::people::App;
use crate::refusal::Refusal;
use crate::state::{Room, State};

/// Sends that one call may name.
const MOST_KEYS: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecallRequest {
    robot_code: Option<Value>,
    open_conversation_id: Option<Value>,
    process_query_keys: Option<Vec<String>>,
}

/// Takes the named sends of the robot back. What it has not sent there, or has taken back before,
/// stands among the failures of a success.
pub(super) fn take_back(state: &State, head: &Parts, body: &[u8]) -> Result<Answer, Failure> {
    let caller = caller(state, head)?;
    if !is_json(head) {
        return Err(Refusal::missing_body().into());
    }
    let request: RecallRequest =
        serde_json::from_slice(body).map_err(|_| Refusal::missing_body())?;
    let app = robot(state, &caller, request.robot_code.as_ref())?;
    let room = room(state, &app, request.open_conversation_id.as_ref())?;
    let keys = request.process_query_keys.unwrap_or_default();
    if keys.is_empty() {
        return Err(Refusal::bad_request("miss.processQueryKeys", "processQueryKeys缺失").into());
    }
    if keys.len() > MOST_KEYS {
        return Err(Refusal::bad_request(
            "invalidParameter.processQueryKeys.overMax",
            "processQueryKeys超过最大值",
        )
        .into());
    }
    let (mut recalled, mut failed) = (Vec::new(), BTreeMap::new());
    for key in keys {
        if recall(&app, &room, &key) {
            recalled.push(key);
        } else {
            failed.insert(key, "invalid.processQueryKey");
        }
    }
    let answer = json!({ "successResult": recalled, "failedResult": failed });
    Ok(success(answer.to_string()))
}

fn recall(app: &App, room: &Room, key: &str) -> bool {
    let transcript = room.journal.transcript();
    let is_own = transcript
        .sent()
        .any(|entry| entry.id == key && entry.is_by(&app.robot_code));
    let mut recalled = room.recalled.lock().unwrap_or_else(PoisonError::into_inner);
    is_own && recalled.insert(key.to_owned())
}
