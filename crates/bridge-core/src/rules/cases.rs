//! Tests of rules: messages, and exactly which channels each one reaches with which text.

use foldhash::HashMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Rules;
use super::compile::{InstanceFacts, exact_channel};
use crate::config::InstanceSetup;
use crate::config::codes;
use crate::config::diagnostic::{Findings, Place};
use crate::config::key_path::KeyPath;
use crate::config::shape::{NoSecrets, ShapeReader};
use crate::config::tree::{Node, Value, parse};
use crate::fit::flatten;
use crate::id::{Channel, RuleId};
use crate::message::{Message, MessageKind, Sender};
use crate::time::parse_timestamp;

/// A file of tests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CasesFile {
    /// The schema of this file, for editors.
    #[serde(rename = "$schema", default)]
    #[expect(dead_code, reason = "for editors only")]
    schema: Option<String>,
    /// The tests.
    #[expect(
        dead_code,
        reason = "each is read for itself, so that all faults are found"
    )]
    tests: Vec<CaseKeys>,
}

/// One message, and what must become of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CaseKeys {
    /// What is tested, for people.
    #[schemars(length(min = 1))]
    name: String,
    /// The channel in which it is said: one instance with one whole address.
    #[expect(dead_code, reason = "read from the tree, like the channels of rules")]
    from: serde_json::Value,
    /// What is said.
    text: String,
    /// Who says it. Default: `someone`.
    #[serde(default = "someone")]
    user: String,
    /// The platform's id of who says it. Default: none.
    #[serde(default)]
    user_id: String,
    /// Where the picture of who says it is. Default: none.
    #[serde(default)]
    user_avatar: String,
    /// What the message mainly is: `text`, `picture`, `audio`, `video`, `file` or `other`. Default:
    /// `text`.
    #[serde(default)]
    kind: MessageKind,
    /// The platform's time of the message, such as `2026-03-01T14:55:31Z`. Default: none.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    time: Option<String>,
    /// All channels that it reaches; an empty list if it goes nowhere.
    expect: Vec<ExpectKeys>,
}

/// A channel that the message must reach.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExpectKeys {
    /// The channel: one instance with one whole address.
    #[expect(dead_code, reason = "read from the tree, like the channels of rules")]
    to: serde_json::Value,
    /// The text as it is sent, before a long one is cut into parts. Default: any.
    #[serde(default)]
    text: Option<String>,
}

fn someone() -> String {
    "someone".to_owned()
}

/// A test of the rules.
#[derive(Debug)]
pub struct Case {
    /// What is tested, for people.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    source: Channel,
    message: Message,
    expected: Vec<Expected>,
}

#[derive(Debug)]
struct Expected {
    channel: Channel,
    text: Option<String>,
    place: Place,
}

/// In what the rules and a test differ.
#[derive(Debug)]
pub enum Difference {
    /// The message does not reach the channel.
    Missing {
        /// The channel.
        channel: Channel,
        /// Where the test expects it.
        place: Place,
    },
    /// A rule sends the message to a channel that the test does not expect.
    Unexpected {
        /// The channel.
        channel: Channel,
        /// The rule that sends it there.
        rule: RuleId,
    },
    /// The message arrives with another text.
    Text {
        /// The channel.
        channel: Channel,
        /// Where the test expects it.
        place: Place,
        /// The text of the test.
        expected: String,
        /// The text that the rules make.
        actual: String,
    },
}

impl Case {
    /// Asks the rules as a running bridge would. Empty if they do what the test says.
    pub fn run(&self, rules: &Rules, instances: &[InstanceSetup]) -> Vec<Difference> {
        let instance = instances
            .iter()
            .find(|known| known.id == self.source.instance);
        let platform = instance.map_or("", |instance| instance.platform);
        let plan = rules.plan(platform, &self.source, &self.message);
        let mut unclaimed: Vec<_> = plan.iter().collect();
        let mut differences = Vec::new();
        for expected in &self.expected {
            let (channel, place) = (expected.channel.clone(), expected.place.clone());
            let position = unclaimed
                .iter()
                .position(|planned| planned.channel == channel);
            let Some(position) = position else {
                differences.push(Difference::Missing { channel, place });
                continue;
            };
            let actual = flatten(&unclaimed.remove(position).content);
            if let Some(text) = &expected.text
                && *text != actual
            {
                let expected = text.clone();
                differences.push(Difference::Text {
                    channel,
                    place,
                    expected,
                    actual,
                });
            }
        }
        differences.extend(unclaimed.into_iter().map(|planned| Difference::Unexpected {
            channel: planned.channel.clone(),
            rule: planned.rule.clone(),
        }));
        differences
    }
}

/// Reads a file of tests. Without errors among the findings, all of them were read.
pub(crate) fn read_cases(
    facts: &HashMap<String, InstanceFacts>,
    findings: &mut Findings,
) -> Vec<Case> {
    let Some(root) = parse(findings) else {
        return Vec::new();
    };
    let whole = schemars::schema_for!(CasesFile).to_value();
    let mut secrets = Vec::new();
    let before = findings.error_count();
    let mut shape = ShapeReader {
        findings,
        source: &NoSecrets,
        secrets: &mut secrets,
    };
    shape.read(&root, &whole, &KeyPath::ROOT);
    let is_well_formed = findings.error_count() == before;
    let Some(Value::Array(nodes)) = root.get("tests").map(|entry| &entry.node.value) else {
        return Vec::new();
    };
    let tests = KeyPath::new("tests");
    let nodes = nodes.iter().enumerate();
    nodes
        .filter_map(|(index, node)| {
            read_case(node, &tests.index(index), is_well_formed, facts, findings)
        })
        .collect()
}

fn read_case(
    node: &Node,
    path: &KeyPath<'_>,
    is_well_formed: bool,
    facts: &HashMap<String, InstanceFacts>,
    findings: &mut Findings,
) -> Option<Case> {
    let source = exact_channel(node, "from", path, facts, findings);
    let nodes = match node.get("expect").map(|entry| &entry.node.value) {
        Some(Value::Array(nodes)) => &nodes[..],
        _ => &[],
    };
    let expect = path.key("expect");
    let mut channels: Vec<Option<Channel>> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let path = expect.index(index);
        let channel = exact_channel(node, "to", &path, facts, findings);
        if channel.is_some() && channels.contains(&channel) {
            let problem = "this channel is expected twice; a message reaches each at most once";
            findings
                .report(
                    &codes::DUPLICATE_EXPECTATION,
                    &node.opening(),
                    path,
                    problem,
                )
                .help("remove one of the two");
        }
        channels.push(channel);
    }
    if !is_well_formed {
        return None;
    }
    let keys: CaseKeys = serde_json::from_value(node.to_json()).ok()?;
    let source = source?;
    let mut sender = Sender::new(keys.user_id, keys.user);
    sender.avatar = keys.user_avatar;
    let mut message = Message::new(source.address.clone(), sender, keys.text);
    message.kind = keys.kind;
    message.sent_at = keys.time.and_then(|text| parse_timestamp(&text).ok());
    let expected = nodes.iter().zip(channels).zip(keys.expect);
    let expected = expected.map(|((node, channel), keys)| {
        Some(Expected {
            channel: channel?,
            text: keys.text,
            place: findings.at(&node.opening()),
        })
    });
    Some(Case {
        name: keys.name,
        place: findings.at(&node.opening()),
        source,
        message,
        expected: expected.collect::<Option<_>>()?,
    })
}
