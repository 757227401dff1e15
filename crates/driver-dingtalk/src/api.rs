//! One request to DingTalk's API: JSON by POST, with the token where there is one.

use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use serde::Serialize;

const TOKEN_HEADER: &str = "x-acs-dingtalk-access-token";

/// A call of the API.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Its name in errors.
    pub(crate) operation: &'static str,
    /// What follows the API's root.
    pub(crate) path: &'static str,
}

pub(crate) const TOKEN: Call = Call {
    operation: "oauth2/accessToken",
    path: "/v1.0/oauth2/accessToken",
};

pub(crate) const GROUP_SEND: Call = Call {
    operation: "groupMessages/send",
    path: "/v1.0/robot/groupMessages/send",
};

pub(crate) const GROUP_RECALL: Call = Call {
    operation: "groupMessages/recall",
    path: "/v1.0/robot/groupMessages/recall",
};

impl Call {
    /// The request to the API at `root`.
    ///
    /// # Errors
    ///
    /// If root and path are no URL, which the check of the settings rules out.
    pub(crate) fn request(
        self,
        root: &str,
        token: Option<&HeaderValue>,
        body: &impl Serialize,
    ) -> Result<Request<Bytes>, SendError> {
        let body = serde_json::to_vec(body).map_err(|error| self.not_built(&error))?;
        let mut request = Request::post(format!("{root}{}", self.path))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(TOKEN_HEADER, token);
        }
        let request = request.body(body.into());
        request.map_err(|error| self.not_built(&error))
    }

    fn not_built(self, error: &dyn std::error::Error) -> SendError {
        SendError::temporary(
            ErrorKind::Protocol,
            RetryAdvice::Backoff(Scope::Instance),
            self.operation,
            format!("the request can't be built: {error}; check `api_base`"),
        )
    }
}

/// The body of an answer of a success, as text; `None` for another status and for bytes that are
/// no text.
pub(crate) fn success_text(answer: &Response<Bytes>) -> Option<&str> {
    if !answer.status().is_success() {
        return None;
    }
    std::str::from_utf8(answer.body()).ok()
}
