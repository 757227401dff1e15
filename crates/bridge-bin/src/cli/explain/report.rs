//! What is said about the messages, for programs; people are shown the same in sentences.

use std::collections::BTreeSet;
use std::fmt;

use bridge_core::capability::Capabilities;
use bridge_core::carriage::as_said;
use bridge_core::driver::Ignored;
use bridge_core::fit::{Part, fit};
use bridge_core::id::Channel;
use bridge_core::message::{Content, Message, MsgValue, MsgValues};
use bridge_core::rules::{TargetVerdict, Verdict};
use serde::Serialize;
use serde_json::{Map, Value};

use super::expect::{Comparison, Expected};
use super::given::{Asked, Given};
use crate::files::Files;
use crate::intake::find_leak;

/// Everything. Fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) messages: Vec<MessageRecord>,
    pub(super) ignored: Vec<IgnoredRecord>,
    pub(super) notices: Vec<String>,
    /// Only with `--expect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<Comparison>,
    #[serde(skip)]
    pub(super) is_event: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct ChannelRecord {
    instance: String,
    address: Value,
    #[serde(skip)]
    channel: Channel,
}

#[derive(Debug, Serialize)]
pub(super) struct MessageRecord {
    pub(super) from: ChannelRecord,
    pub(super) user: String,
    pub(super) user_id: String,
    pub(super) kind: &'static str,
    /// `None` for what holds a secret.
    pub(super) text: Option<String>,
    /// The key whose secret it holds: then it is not forwarded, whatever the rules say.
    pub(super) held_back: Option<String>,
    pub(super) rules: Vec<RuleRecord>,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleRecord {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) place: PlaceRecord,
    pub(super) matched: bool,
    pub(super) clauses: Vec<ClauseRecord>,
    pub(super) targets: Vec<TargetRecord>,
}

/// Lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
pub(super) struct PlaceRecord {
    file: String,
    line: usize,
    column: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct ClauseRecord {
    kind: &'static str,
    #[serde(flatten)]
    pub(super) place: PlaceRecord,
    pub(super) text: String,
}

#[derive(Debug, Serialize)]
pub(super) struct TargetRecord {
    #[serde(flatten)]
    pub(super) channel: ChannelRecord,
    /// Why nothing is sent there.
    pub(super) skipped: Option<String>,
    /// What is sent, in order.
    pub(super) parts: Vec<PartRecord>,
    /// What is said at keys of the platform's own, the same with every part.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) msg: Map<String, Value>,
    /// The largest size of a part, in the same unit as `size`.
    pub(super) limit: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct PartRecord {
    pub(super) text: String,
    /// As the platform counts.
    pub(super) size: usize,
    /// Where files are that the platform shows by itself; elsewhere they stand in the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct IgnoredRecord {
    pub(super) reason: &'static str,
    pub(super) message_id: Option<String>,
    pub(super) from: Option<ChannelRecord>,
}

impl Report {
    pub(super) fn new(
        given: Given,
        asked: &Asked,
        files: &Files,
        expected: Option<&Expected>,
    ) -> Self {
        let Given {
            instance,
            platform,
            is_event,
            messages,
            ignored,
            notices,
        } = given;
        let view = View { asked, files };
        let messages: Vec<_> = messages
            .iter()
            .map(|message| {
                let source = Channel::new(instance.clone(), message.address.clone());
                view.message(platform, &source, message)
            })
            .collect();
        let ignored = ignored.into_iter().map(|event| {
            let Ignored {
                reason,
                message_id,
                address,
            } = event;
            let from = address.map(|address| Channel::new(instance.clone(), address));
            IgnoredRecord {
                reason,
                message_id,
                from: from.as_ref().map(ChannelRecord::from),
            }
        });
        let expected = expected.map(|expected| {
            let reached = messages.iter().flat_map(MessageRecord::reached);
            expected.compare(&reached.cloned().collect::<BTreeSet<_>>())
        });
        Self {
            ignored: ignored.collect(),
            notices: notices.into_iter().map(|notice| notice.text).collect(),
            expected,
            is_event,
            messages,
        }
    }
}

impl MessageRecord {
    /// The channels that it goes to.
    pub(super) fn reached(&self) -> impl Iterator<Item = &Channel> {
        let targets = self.rules.iter().flat_map(|rule| &rule.targets);
        let reached = targets.filter(|target| target.skipped.is_none());
        reached.map(|target| &target.channel.channel)
    }
}

/// What is sent: where answers are not shown, with the line of what is answered. Whether the channel
/// knows the message that is answered, only the store can tell.
fn parts(content: &Content, capabilities: &Capabilities) -> Vec<Part> {
    match capabilities.shows.replies {
        true => fit(content, capabilities),
        false => fit(&as_said(content), capabilities),
    }
}

/// What records are made from.
struct View<'a> {
    asked: &'a Asked,
    files: &'a Files,
}

impl View<'_> {
    fn message(&self, platform: &str, source: &Channel, message: &Message) -> MessageRecord {
        let held_back = find_leak(&self.asked.leaks, message).map(str::to_owned);
        let verdicts = match &held_back {
            Some(_) => Vec::new(),
            None => self.asked.rules.explain(platform, source, message),
        };
        // A secret is not shown, wherever in the message it stands.
        let shown = |text: &str| match &held_back {
            Some(_) => String::new(),
            None => text.to_owned(),
        };
        MessageRecord {
            from: source.into(),
            user: shown(&message.sender.name),
            user_id: shown(&message.sender.id),
            kind: message.kind.name(),
            text: held_back.is_none().then(|| message.text.clone()),
            rules: verdicts.iter().map(|verdict| self.rule(verdict)).collect(),
            held_back,
        }
    }

    fn rule(&self, verdict: &Verdict<'_>) -> RuleRecord {
        let clauses = verdict.clauses.iter().map(|clause| ClauseRecord {
            kind: clause.kind.name(),
            place: self.place(clause.place),
            text: clause.text.clone(),
        });
        let targets = verdict.targets.iter();
        RuleRecord {
            id: verdict.rule.to_string(),
            place: self.place(verdict.place),
            matched: verdict.matched,
            clauses: clauses.collect(),
            targets: targets.map(|target| self.target(target)).collect(),
        }
    }

    fn target(&self, target: &TargetVerdict) -> TargetRecord {
        let channel = ChannelRecord::from(&target.channel);
        let capabilities = self.asked.capabilities.get(&target.channel.instance);
        let (skipped, parts) = match (&target.result, capabilities) {
            (Err(reason), _) => (Some(reason.clone()), Vec::new()),
            (Ok(_), None) => (
                Some("its instance is not configured".to_owned()),
                Vec::new(),
            ),
            (Ok(content), Some(capabilities)) => (None, parts(content, capabilities)),
        };
        let content = target.result.as_ref().ok().filter(|_| skipped.is_none());
        let limit = capabilities.map(|capabilities| capabilities.text_limit);
        let parts = parts.into_iter().map(|part| PartRecord {
            size: capabilities.map_or(0, |capabilities| (capabilities.text_size)(&part.text)),
            text: part.text,
            attachments: part.attachments.into_iter().map(|file| file.url).collect(),
        });
        TargetRecord {
            channel,
            limit: limit.filter(|_| skipped.is_none()),
            skipped,
            parts: parts.collect(),
            msg: content
                .map(|content| values(&content.msg))
                .unwrap_or_default(),
        }
    }

    fn place(&self, (line, column): (usize, usize)) -> PlaceRecord {
        let file = self.files.rules().display().to_string();
        PlaceRecord { file, line, column }
    }
}

fn values(msg: &MsgValues) -> Map<String, Value> {
    let values = msg.iter().map(|(key, value)| {
        let value = match value {
            MsgValue::Text(text) => text.as_str().into(),
            MsgValue::Texts(texts) => {
                let texts = texts.iter();
                let texts = texts.map(|(key, text)| (key.clone(), text.as_str().into()));
                texts.collect::<Map<_, _>>().into()
            }
            _ => Value::Null,
        };
        (key.clone(), value)
    });
    values.collect()
}

impl From<&Channel> for ChannelRecord {
    fn from(channel: &Channel) -> Self {
        let pairs = channel.address.iter();
        Self {
            instance: channel.instance.to_string(),
            address: pairs
                .map(|(key, value)| (key.to_owned(), Value::from(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            channel: channel.clone(),
        }
    }
}

/// As it is pasted into the rules.
impl fmt::Display for ChannelRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt(f)
    }
}

impl fmt::Display for PlaceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{file}:{line}:{column}")
    }
}
