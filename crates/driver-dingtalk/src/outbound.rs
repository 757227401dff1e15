//! Sends text to a group, `groupMessages/send` with the `sampleText` template, and takes it back,
//! `groupMessages/recall`.

use bridge_core::capability::{Capabilities, Inbound};
use bridge_core::driver::{Act, Outgoing};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::Ports;
use serde::Serialize;

use crate::api::{Call, GROUP_RECALL, GROUP_SEND, success_text};
use crate::errors::{Failure, classify, not_recalled};
use crate::inbound::ADDRESS_KEY;
use crate::settings::Settings;
use crate::token::{Token, TokenSource};
use crate::wire::{RecallAnswer, process_query_key};

/// The largest `msgParam`, in bytes.
const MSG_PARAM_LIMIT: usize = 15_000;

/// What `msgParam` holds beside the text: `{"content":""}`.
const MSG_PARAM_FRAME: usize = 14;

/// Sends a second that DingTalk takes from one app.
const RATE_PER_SECOND: u32 = 20;

/// A text of `text_limit`, as counted by `text_size`, just fits into `msgParam`.
pub(crate) const fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::text(MSG_PARAM_LIMIT - MSG_PARAM_FRAME);
    capabilities.inbound = Inbound::Listener;
    capabilities.hears.replies = true;
    capabilities.shows.recalls = true;
    capabilities.text_size = escaped_size;
    capabilities.rate_per_second = RATE_PER_SECOND;
    capabilities
}

/// Bytes of `text` within a JSON string.
fn escaped_size(text: &str) -> usize {
    let size = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    text.bytes().map(size).sum()
}

/// The sending half of an instance.
#[derive(Debug)]
pub(crate) struct Outbound {
    ports: Ports,
    api_root: String,
    settings: Settings,
    tokens: TokenSource,
}

/// What is asked of DingTalk for one send.
#[derive(Serialize)]
#[serde(untagged)]
enum Order<'a> {
    Send(GroupSend<'a>),
    Recall(GroupRecall<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupRecall<'a> {
    robot_code: &'a str,
    open_conversation_id: &'a str,
    process_query_keys: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupSend<'a> {
    robot_code: &'a str,
    open_conversation_id: &'a str,
    msg_key: &'static str,
    msg_param: String,
}

#[derive(Serialize)]
struct SampleText<'a> {
    content: &'a str,
}

impl Outbound {
    pub(crate) fn new(settings: Settings, ports: Ports) -> Self {
        let api_root = settings.api_root();
        let tokens = TokenSource::new(
            ports.clone(),
            api_root.clone(),
            settings.app_key.clone(),
            settings.app_secret.clone(),
        );
        Self {
            ports,
            api_root,
            settings,
            tokens,
        }
    }

    /// Sends one part; with a new token once more at once if DingTalk refuses the first one (not
    /// sooner than a second after the token before was asked for).
    pub(crate) async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let order = self.order(outgoing)?;
        outgoing.preparing();
        let token = self.tokens.get().await?;
        let failure = match self.send_with(&token, &order, outgoing).await {
            Ok(sent) => return Ok(sent),
            Err(failure) => failure,
        };
        if !failure.token_refused {
            return Err(failure.error);
        }
        outgoing.preparing();
        self.tokens.give_up(&token);
        let token = self.tokens.get().await?;
        self.send_with(&token, &order, outgoing)
            .await
            .map_err(|failure| {
                if failure.token_refused {
                    self.tokens.give_up(&token);
                }
                failure.error
            })
    }

    /// Fetches a token anew, which shows whether the app's key and secret are accepted.
    pub(crate) async fn probe(&self) -> Result<(), SendError> {
        let token = self.tokens.get().await?;
        // A kept one would say nothing about a second probe.
        self.tokens.give_up(&token);
        Ok(())
    }

    fn order<'a>(&'a self, outgoing: &'a Outgoing) -> Result<Order<'a>, SendError> {
        let operation = GROUP_SEND.operation;
        let group = outgoing.address.get(ADDRESS_KEY).ok_or_else(|| {
            let detail = format!("the target has no `{ADDRESS_KEY}`; correct the rule");
            SendError::rejected(operation, detail)
        })?;
        match &outgoing.act {
            Act::Say => Ok(Order::Send(self.group_send(group, outgoing)?)),
            Act::Recall { of } => Ok(Order::Recall(GroupRecall {
                robot_code: &self.settings.robot_code,
                open_conversation_id: group,
                process_query_keys: of,
            })),
            // Not claimed, so never asked for.
            _ => Err(SendError::rejected(operation, "DingTalk can't do this")),
        }
    }

    fn group_send<'a>(
        &'a self,
        group: &'a str,
        outgoing: &Outgoing,
    ) -> Result<GroupSend<'a>, SendError> {
        let content = SampleText {
            content: &outgoing.text,
        };
        let msg_param = serde_json::to_string(&content).map_err(|error| {
            SendError::rejected(
                GROUP_SEND.operation,
                format!("the text is no JSON: {error}"),
            )
        })?;
        Ok(GroupSend {
            robot_code: &self.settings.robot_code,
            open_conversation_id: group,
            msg_key: "sampleText",
            msg_param,
        })
    }

    async fn send_with(
        &self,
        token: &Token,
        order: &Order<'_>,
        outgoing: &Outgoing,
    ) -> Result<Sent, Failure> {
        let call = order.call();
        let request = call.request(&self.api_root, Some(&token.value), order)?;
        outgoing.sending();
        let answer = self
            .ports
            .http
            .exchange(request)
            .await
            .map_err(|error| SendError {
                operation: call.operation,
                ..error.into()
            })?;
        if let Some(result) = success_text(&answer).and_then(|body| order.read(body)) {
            return Ok(result?);
        }
        let secrets = [token.expose(), self.settings.app_secret.expose()];
        let private = secrets.into_iter().chain(outgoing.text.lines());
        let now = self.ports.clock.now();
        Err(classify(call.operation, &answer, now, private))
    }
}

impl Order<'_> {
    fn call(&self) -> Call {
        match self {
            Self::Send(_) => GROUP_SEND,
            Self::Recall(_) => GROUP_RECALL,
        }
    }

    /// What the body of a success says of the order; `None` if it says nothing of it.
    fn read(&self, body: &str) -> Option<Result<Sent, SendError>> {
        match self {
            Self::Send(_) => process_query_key(body).map(|key| {
                Ok(Sent {
                    platform_ids: vec![key.into_owned()],
                })
            }),
            Self::Recall(recall) => {
                let answer = RecallAnswer::parse(body)?;
                let mut keys = recall.process_query_keys.iter();
                if let Some(reason) = keys.find_map(|key| answer.failed.get(key)) {
                    return Some(Err(not_recalled(GROUP_RECALL.operation, reason)));
                }
                let mut keys = recall.process_query_keys.iter();
                let are_gone = keys.all(|key| answer.recalled.contains(key));
                are_gone.then(|| Ok(Sent::default()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn msg_param(text: &str) -> String {
        serde_json::to_string(&SampleText { content: text }).unwrap()
    }

    #[test]
    fn a_text_at_the_limit_fills_msg_param_exactly() {
        let limit = capabilities().text_limit;
        for unit in ["a", "\"", "\n", "\u{1}", "中", "😀", "\u{7f}"] {
            let unit_size = escaped_size(unit);
            let mut text = unit.repeat(limit / unit_size);
            text += &"a".repeat(limit % unit_size);
            assert_eq!(escaped_size(&text), limit);
            assert_eq!(msg_param(&text).len(), MSG_PARAM_LIMIT, "{unit:?}");
        }
    }

    #[test]
    fn every_character_below_the_surrogates_is_counted_as_it_is_written() {
        for c in '\0'..'\u{d7ff}' {
            let text = c.to_string();
            assert_eq!(
                escaped_size(&text) + MSG_PARAM_FRAME,
                msg_param(&text).len(),
                "{c:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_text_is_counted_as_it_is_written(text in any::<String>(), more in "[\"\\\\\n\r\t\u{0}-\u{1f}中]*") {
            let whole = text.clone() + &more;
            prop_assert_eq!(escaped_size(&whole) + MSG_PARAM_FRAME, msg_param(&whole).len());
            prop_assert_eq!(escaped_size(&text) + escaped_size(&more), escaped_size(&whole));
        }
    }
}
