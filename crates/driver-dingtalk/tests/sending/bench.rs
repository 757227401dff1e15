//! A driver between a clock that stands still and a DingTalk that answers from a script.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::driver::{Driver, Outgoing};
use bridge_core::id::Address;
use bridge_core::outcome::{SendError, Sent};
use bridge_testkit::{FakeClock, FakeHttp, fake_ports};
use driver_dingtalk::DingTalk;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub(crate) const SENT: &str = include_str!("../fixtures/api/group-send-200.json");
pub(crate) const SENT_KEY: &str = "n9pMTzE7v1F34x9X+gyFk8E0xGEKCyYcWrzd5aA34OU=";
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A driver, the clock it reads and the DingTalk it talks to.
pub(crate) struct Bench {
    pub(crate) driver: Arc<DingTalk>,
    pub(crate) clock: FakeClock,
    pub(crate) http: FakeHttp,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let settings = json!({
            "app_key": "key-1", "app_secret": "secret-canary", "robot_code": "robot-1",
            "api_base": "http://127.0.0.1:9/prefix/"
        });
        let (clock, http) = (FakeClock::default(), FakeHttp::new());
        let settings = serde_json::from_value(settings).expect("readable settings");
        let driver = Arc::new(DingTalk::open(settings, fake_ports(&clock, &http)));
        Self {
            driver,
            clock,
            http,
        }
    }

    /// One with a token of an hour in its hands, and nothing asked since.
    pub(crate) async fn with_token(token: &str) -> Self {
        let bench = Self::new();
        bench.push_token(token, json!(3600));
        bench.http.push_json(200, SENT);
        bench.send().await.expect("a scripted success");
        bench.clock.advance(2 * SECOND);
        bench
    }

    pub(crate) fn push_token(&self, token: &str, expire_in: Value) {
        self.http
            .push_json(200, json!({ "accessToken": token, "expireIn": expire_in }));
    }

    pub(crate) fn push_sent(&self, count: usize) {
        for _ in 0..count {
            self.http.push_json(200, SENT);
        }
    }

    pub(crate) async fn send(&self) -> Result<Sent, SendError> {
        self.driver.send(&outgoing("hi")).await
    }

    pub(crate) fn spawn_send(&self) -> JoinHandle<Result<Sent, SendError>> {
        let driver = Arc::clone(&self.driver);
        tokio::spawn(async move { driver.send(&outgoing("hi")).await })
    }

    /// The paths of all requests so far, `T` for the token's and the token itself for a send's.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.http.requests();
        let name = |request: &http::Request<_>| match request.uri().path() {
            "/prefix/v1.0/oauth2/accessToken" => "T".to_owned(),
            "/prefix/v1.0/robot/groupMessages/send" => {
                request.headers()["x-acs-dingtalk-access-token"]
                    .to_str()
                    .expect("a token is ASCII")
                    .to_owned()
            }
            other => panic!("{other}"),
        };
        requests.iter().map(name).collect()
    }
}

pub(crate) fn outgoing(text: &str) -> Outgoing {
    Outgoing::new(
        Address::new([("open_conversation_id", "cid/+==")]),
        text,
        "key",
    )
}

/// Lets spawned tasks run until they wait for something: a test's runtime has one thread, on which
/// they take turns.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
