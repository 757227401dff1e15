//! `POST /v1.0/oauth2/accessToken`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, is_json, success};
use crate::refusal::Refusal;
use crate::state::State;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenRequest {
    #[serde(default)]
    app_key: String,
    #[serde(default)]
    app_secret: String,
}

/// Gives the app its token, if key and secret belong together.
pub(super) fn grant(state: &State, head: &Parts, body: &[u8]) -> Result<Answer, Refusal> {
    if !is_json(head) {
        return Err(Refusal::missing_body());
    }
    let request: TokenRequest =
        serde_json::from_slice(body).map_err(|_| Refusal::missing_body())?;
    let app = state
        .app(|app| *app.key == *request.app_key && app.secret == request.app_secret)
        .ok_or_else(|| {
            Refusal::bad_request("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
        })?;
    let (token, lifetime) = state.tokens.issue(&app.key);
    let body = json!({ "accessToken": token, "expireIn": lifetime.as_secs() });
    Ok(success(body.to_string()))
}
