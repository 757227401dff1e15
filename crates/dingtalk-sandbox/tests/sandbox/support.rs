//! A furnished sandbox and a client that speaks to it.

use std::time::Duration;

use bytes::Bytes;
use dingtalk_sandbox::{Builder, Group, Robot, Sandbox};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// Longer than anything takes that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const TOKEN_PATH: &str = "/v1.0/oauth2/accessToken";
pub(crate) const SEND_PATH: &str = "/v1.0/robot/groupMessages/send";

/// A sandbox with a robot in one of two groups, and a second robot in none.
pub(crate) struct City {
    pub(crate) sandbox: Sandbox,
    pub(crate) robot: Robot,
    pub(crate) other_robot: Robot,
    pub(crate) ops: Group,
    pub(crate) without_robot: Group,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl City {
    pub(crate) async fn start() -> Self {
        Self::of(Sandbox::builder()).await
    }

    pub(crate) async fn of(builder: Builder) -> Self {
        let sandbox = builder.start().await.unwrap();
        let robot = sandbox.add_robot("dingkey", "app secret", "dingrobot");
        let other_robot = sandbox.add_robot("dingother", "other secret", "dingotherrobot");
        let ops = sandbox.add_group("ciddyW50+xLF/Tw==", "Ops");
        ops.add_robot(&robot);
        let without_robot = sandbox.add_group("cidAlone==", "Alone");
        let client = Client::builder(TokioExecutor::new())
            .retry_canceled_requests(false)
            .build_http();
        Self {
            sandbox,
            robot,
            other_robot,
            ops,
            without_robot,
            client,
        }
    }

    pub(crate) async fn request(&self, request: http::request::Builder, body: &str) -> Reply {
        self.try_request(request, body).await.unwrap()
    }

    pub(crate) async fn try_request(
        &self,
        request: http::request::Builder,
        body: &str,
    ) -> Result<Reply, Error> {
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let response = self.client.request(request).await?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        })
    }

    pub(crate) fn post(&self, path: &str) -> http::request::Builder {
        Request::post(format!("{}{path}", self.sandbox.api_base()))
    }

    pub(crate) async fn token_of(&self, robot: &Robot) -> String {
        let reply = self.ask_token(robot.app_key(), robot.app_secret()).await;
        reply.json()["accessToken"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn ask_token(&self, key: &str, secret: &str) -> Reply {
        let body = json!({ "appKey": key, "appSecret": secret }).to_string();
        let request = self
            .post(TOKEN_PATH)
            .header("content-type", "application/json");
        self.request(request, &body).await
    }

    pub(crate) async fn send(&self, token: &str, group: &Group, text: &str) -> Reply {
        self.try_send(token, group, text).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        token: &str,
        group: &Group,
        text: &str,
    ) -> Result<Reply, Error> {
        let request = self
            .post(SEND_PATH)
            .header("content-type", "application/json")
            .header("x-acs-dingtalk-access-token", token);
        let body = text_to(group.open_conversation_id(), text).to_string();
        self.try_request(request, &body).await
    }
}

/// The body of a send of `text` by the robot of the city.
pub(crate) fn text_to(group: &str, text: &str) -> Value {
    json!({
        "robotCode": "dingrobot",
        "openConversationId": group,
        "msgKey": "sampleText",
        "msgParam": json!({ "content": text }).to_string(),
    })
}
