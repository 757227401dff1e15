//! A callback as DingTalk posts it: body, timestamp, signature; and the ways in which tests bend
//! one.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::clock::now_ms;
use crate::ids;
use crate::people::{App, Member};

/// How long DingTalk lets a `sessionWebhook` live, in the samples.
const SESSION_MS: u64 = 5_400_000;

/// A callback, ready to be posted by [`Sandbox::post`](crate::Sandbox::post) once or more often.
///
/// Each method takes the callback and gives it back changed, so that a test says in one line what
/// is wrong with it. The body is not signed: changing it keeps the signature valid.
#[derive(Clone)]
pub struct Callback {
    url: Uri,
    timestamp: Option<String>,
    sign: Option<String>,
    body: Bytes,
}

impl Callback {
    /// A callback with neither timestamp nor signature.
    ///
    /// # Errors
    ///
    /// [`CallbackError::Url`] if `url` is not an absolute `http` one.
    pub fn new(url: &str, body: impl Into<Bytes>) -> Result<Self, CallbackError> {
        Ok(Self {
            url: parse_url(url)?,
            timestamp: None,
            sign: None,
            body: body.into(),
        })
    }

    /// Timestamp and signature of this moment.
    pub fn signed(self, secret: &str) -> Self {
        self.signed_at(secret, now_ms())
    }

    /// Timestamp and signature of `timestamp_ms`, milliseconds since the Unix epoch.
    pub fn signed_at(self, secret: &str, timestamp_ms: u64) -> Self {
        let timestamp = timestamp_ms.to_string();
        let sign = sign(&timestamp, secret);
        Self {
            timestamp: Some(timestamp),
            sign: Some(sign),
            ..self
        }
    }

    /// Another `timestamp` header; `None` leaves it out. The signature stays.
    pub fn with_timestamp(self, timestamp: Option<&str>) -> Self {
        Self {
            timestamp: timestamp.map(str::to_owned),
            ..self
        }
    }

    /// Another `sign` header; `None` leaves it out.
    pub fn with_sign(self, sign: Option<&str>) -> Self {
        Self {
            sign: sign.map(str::to_owned),
            ..self
        }
    }

    /// Another body.
    pub fn with_body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    /// The `timestamp` header.
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// The `sign` header.
    pub fn sign(&self) -> Option<&str> {
        self.sign.as_deref()
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn request(&self) -> Result<Request<Full<Bytes>>, CallbackError> {
        let mut request =
            Request::post(self.url.clone()).header(CONTENT_TYPE, "application/json; charset=utf-8");
        if let Some(timestamp) = &self.timestamp {
            request = request.header("timestamp", timestamp);
        }
        if let Some(sign) = &self.sign {
            request = request.header("sign", sign);
        }
        request
            .body(Full::new(self.body.clone()))
            .map_err(|error| CallbackError::Exchange(error.to_string()))
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("url", &self.url)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

/// The `sign` header that belongs to the `timestamp` header: the base64 of the HMAC-SHA256, keyed
/// by `secret`, over the timestamp's text, a line feed and the secret.
pub fn sign(timestamp: &str, secret: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b"\n");
    mac.update(secret.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What the other side made of a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// The status.
    pub status: StatusCode,
    /// The body; at most 64 KiB.
    pub body: Bytes,
    /// From the start of the exchange, connecting included, to the end of the answer.
    pub elapsed: Duration,
}

impl CallbackAnswer {
    /// What DingTalk would show in the group as the robot's reply: the text of a 200 whose body
    /// is a message in the form of webhooks (`text` or `markdown`).
    pub fn reply(&self) -> Option<String> {
        if self.status != StatusCode::OK {
            return None;
        }
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let text = match body.get("msgtype")?.as_str()? {
            "text" => body.pointer("/text/content"),
            "markdown" => body.pointer("/markdown/text"),
            _ => None,
        };
        text?.as_str().map(str::to_owned)
    }
}

/// A callback that was not made or brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackError {
    /// The URL is not an absolute `http` one.
    Url(String),
    /// No robot is in the group, so none can be mentioned.
    NoRobot {
        /// The group's `openConversationId`.
        group: String,
    },
    /// The robot is told of nothing, since it has no callback URL yet.
    NoCallback {
        /// The robot.
        robot_code: String,
    },
    /// No answer within the time; it may have arrived.
    Timeout(Duration),
    /// No connection, or one that broke.
    Exchange(String),
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(
                f,
                "callback url \"{url}\" is not an absolute http url; write http://HOST:PORT/PATH"
            ),
            Self::NoRobot { group } => write!(
                f,
                "group \"{group}\" has no robot to mention; call Group::add_robot first"
            ),
            Self::NoCallback { robot_code } => write!(
                f,
                "robot \"{robot_code}\" has no callback url; call Robot::set_callback first"
            ),
            Self::Timeout(patience) => {
                write!(f, "callback was not answered within {patience:?}")
            }
            Self::Exchange(detail) => write!(f, "callback failed: {detail}"),
        }
    }
}

impl std::error::Error for CallbackError {}

/// Only plain HTTP: what the sandbox calls back is on the same machine.
pub(crate) fn parse_url(url: &str) -> Result<Uri, CallbackError> {
    let parsed: Option<Uri> = url.parse().ok();
    parsed
        .filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some())
        .ok_or_else(|| CallbackError::Url(url.to_owned()))
}

/// One thing that a member said to a robot.
pub(crate) struct Utterance<'a> {
    pub(crate) group: &'a str,
    pub(crate) title: &'a str,
    pub(crate) app: &'a App,
    pub(crate) member: &'a Member,
    pub(crate) text: &'a str,
    pub(crate) message_id: &'a str,
    pub(crate) at_ms: u64,
    /// Where the robot could answer; on this machine, so that nothing leaves it.
    pub(crate) api_base: &'a str,
}

impl Utterance<'_> {
    /// The signed callback that tells the robot of it.
    pub(crate) fn callback(&self) -> Result<Callback, CallbackError> {
        let target = self.app.callback()?;
        let callback = Callback {
            url: target.url,
            timestamp: None,
            sign: None,
            body: self.body(),
        };
        Ok(callback.signed_at(&target.secret, self.at_ms))
    }

    fn body(&self) -> Bytes {
        let mut body = json!({
            "senderPlatform": "Mac",
            "conversationId": self.group,
            "atUsers": [{ "dingtalkId": self.app.robot_id }],
            "chatbotCorpId": ids::CORP_ID,
            "chatbotUserId": self.app.robot_id,
            "openThreadId": self.group,
            "msgId": self.message_id,
            "senderNick": self.member.nick(),
            "isAdmin": false,
            "sessionWebhookExpiredTime": self.at_ms.saturating_add(SESSION_MS),
            "createAt": self.at_ms,
            "conversationType": "2",
            "senderId": self.member.sender_id(),
            "conversationTitle": self.title,
            "isInAtList": true,
            "sessionWebhook":
                format!("{}/robot/sendBySession?session={}", self.api_base, ids::session()),
            "senderUnionId": self.member.union_id(),
            // The space is what remains where the client cut the mention out.
            "text": { "content": format!(" {}", self.text) },
            "robotCode": &*self.app.robot_code,
            "msgtype": "text",
        });
        if let Some(staff_id) = self.member.staff_id() {
            body["senderStaffId"] = staff_id.into();
            body["senderCorpId"] = ids::CORP_ID.into();
        }
        Bytes::from(body.to_string())
    }
}
