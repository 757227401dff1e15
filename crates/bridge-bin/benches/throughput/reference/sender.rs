//! The sending half of the minimal forwarder: one token, one blocking call per message.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;

use crate::Result;
use crate::bed::{APP, DEV, SECRET};

/// More than any number of sending threads that is tried.
const IDLE_CONNECTIONS: usize = 256;

/// What is needed of a callback.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Callback<'a> {
    sender_nick: &'a str,
    text: Text<'a>,
}

#[derive(Deserialize)]
struct Text<'a> {
    content: &'a str,
}

/// Sends to one group. Clones share their connections.
#[derive(Clone)]
pub(super) struct Sender {
    agent: Agent,
    url: String,
    token: String,
}

impl Sender {
    /// Fetches the token that is used from then on.
    pub(super) fn new(api_base: &str) -> Result<Self> {
        let agent = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .input_buffer_size(16 * 1024)
            .output_buffer_size(16 * 1024)
            .build()
            .new_agent();
        let mut sender = Self {
            agent,
            url: format!("{api_base}/v1.0/oauth2/accessToken"),
            token: String::new(),
        };
        let answer = sender.post(&json!({ "appKey": APP, "appSecret": SECRET }))?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let token = answer["accessToken"].as_str();
        token
            .ok_or("no token was given")?
            .clone_into(&mut sender.token);
        sender.url = format!("{api_base}/v1.0/robot/groupMessages/send");
        Ok(sender)
    }

    /// Sends the text of a callback's body.
    pub(super) fn forward(&self, body: &Bytes) -> Result<()> {
        let callback: Callback<'_> = serde_json::from_slice(body)?;
        let (nick, text) = (callback.sender_nick, callback.text.content.trim());
        self.post(&json!({
            "robotCode": APP,
            "openConversationId": DEV,
            "msgKey": "sampleText",
            "msgParam": json!({ "content": format!("{nick}: {text}") }).to_string(),
        }))?;
        Ok(())
    }

    fn post(&self, body: &Value) -> Result<Vec<u8>> {
        let request = self.agent.post(&self.url).content_type("application/json");
        let request = request.header("x-acs-dingtalk-access-token", &self.token);
        let mut response = request.send(body.to_string())?;
        let answer = response.body_mut().read_to_vec()?;
        match response.status().as_u16() {
            200 => Ok(answer),
            status => Err(format!("a send was answered {status}").into()),
        }
    }
}
