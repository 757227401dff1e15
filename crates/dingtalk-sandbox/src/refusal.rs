//! DingTalk's way of saying no: a status, a code, a sentence, a request id.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

/// An answer other than success, in the form of DingTalk's v1.0 API:
/// `{"code": …, "requestid": …, "message": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// DingTalk's name for what is wrong.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: Cow<'static, str>,
    /// Sent as `Retry-After` in whole seconds, rounded up.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal without `Retry-After`.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn invalid_token() -> Self {
        Self::bad_request("InvalidAuthentication", "不合法的access_token")
    }

    pub(crate) fn missing_body() -> Self {
        Self::bad_request("Missingbody", "body is mandatory for this action.")
    }

    pub(crate) fn system_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "system.error",
            "系统错误",
        )
    }
}
