//! The keys of a rules file, with their descriptions: the schema and the compiler both know them
//! from here.

use std::marker::PhantomData;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::template;
use crate::config::publish::keys;
use crate::config::settings::DeliveryKeys;
use crate::message::MessageKind;

/// The whole file.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct FileKeys {
    /// The rules, asked in this order.
    rules: Vec<RuleKeys>,
}

/// Which channels hear which.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct RuleKeys {
    /// Names the rule in `bridge explain` and in the store; stands once in the file. Left out, it
    /// is made from the rule's type, instances and addresses.
    #[schemars(regex(pattern = r"\S"))]
    id: Option<String>,
    /// `"connect"` links all `channels` with each other; `"forward"` goes one way, from `from` to
    /// `to`.
    #[serde(default, rename = "type")]
    kind: RuleType,
    /// Of a `connect` rule: at least two channels, by their instances. What is said in one appears
    /// in all others.
    channels: Option<Targets>,
    /// Of a `forward` rule: the channels to take messages from, by their instances; `"*"` in the
    /// place of an address is any channel of the instance.
    from: Option<Sources>,
    /// Of a `forward` rule: the channels to send to, by their instances.
    to: Option<Targets>,
    /// The rule takes only messages for which it holds; left out, it takes all.
    when: Option<Condition>,
    /// The rule takes no message for which it holds; of the same form as `when`.
    unless: Option<Condition>,
    /// `true`: for a message that this rule took, no later rule is asked; nothing to do with whether
    /// its targets were served already.
    #[serde(default)]
    stop: bool,
    /// How messages look in all channels that the rule sends to.
    msg: Option<MsgKeys>,
}

/// What must hold for a message: all of it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
#[expect(dead_code, reason = "only its schema is used")]
struct WhenKeys {
    /// The sender's id on the platform, letter by letter: what `{user_id}` shows.
    sender_id: Option<OneOrMore<Words>>,
    /// The sender's name, letter by letter. A name proves nothing, since anybody may choose any: use
    /// `sender_id` for anything that matters.
    sender: Option<OneOrMore<Words>>,
    /// A regular expression, searched anywhere in the text; `^` and `$` hold it to the beginning and
    /// the end.
    text: Option<OneOrMore<Words>>,
    /// What the message mainly is. The platform's page says which kinds its driver forwards.
    kind: Option<OneOrMore<Kind>>,
}

/// A part of the text that is replaced.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ReplaceKeys {
    /// A regular expression; each match is replaced.
    #[schemars(length(min = 1))]
    pattern: String,
    /// What stands in for a match: text, `{0}` for the whole match, `{1}` or `{name}` for a group
    /// of the pattern.
    with: String,
}

/// Which of the two kinds a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RuleType {
    /// One way, from each channel in `from` to each in `to`.
    #[default]
    Forward,
    /// Both ways, between all `channels`.
    Connect,
}

/// How a message looks.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct MsgKeys {
    /// The text that is sent, with placeholders such as `{user}`, and at most one
    /// `<richheader title="…" content="…"/>`. Left out, it is `{user}: {msg}`.
    msg_format: Option<Format>,
    /// Parts of the text that are replaced, in this order, before it is put at `{msg}`.
    replace: Option<Vec<ReplaceKeys>>,
}

/// Keys that a `connect` rule has alone.
pub(super) const OF_CONNECT: [&str; 1] = ["channels"];
/// Keys that a `forward` rule has alone.
pub(super) const OF_FORWARD: [&str; 2] = ["from", "to"];

/// The keys that are known in each block.
pub(super) struct Known {
    pub(super) file: Vec<String>,
    pub(super) connect: Vec<String>,
    pub(super) forward: Vec<String>,
    pub(super) msg: Vec<String>,
    pub(super) when: Vec<String>,
    pub(super) replace: Vec<String>,
    /// Beside the address of a target; never a part of it.
    pub(super) delivery: Vec<String>,
}

/// The schema of the keys of deliveries.
pub(super) static DELIVERY: LazyLock<serde_json::Value> =
    LazyLock::new(|| schemars::schema_for!(DeliveryKeys).to_value());

pub(super) static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let of = |schema: Schema| keys(&schema.to_value());
    let rule = of(schemars::schema_for!(RuleKeys));
    let without = |others: &[&str]| {
        let kept = rule.iter().filter(|key| !others.contains(&key.as_str()));
        kept.cloned().collect()
    };
    Known {
        file: [
            vec!["$schema".to_owned()],
            of(schemars::schema_for!(FileKeys)),
        ]
        .concat(),
        connect: without(&OF_FORWARD),
        forward: without(&OF_CONNECT),
        msg: of(schemars::schema_for!(MsgKeys)),
        when: of(schemars::schema_for!(WhenKeys)),
        replace: of(schemars::schema_for!(ReplaceKeys)),
        delivery: keys(&DELIVERY),
    }
});

/// Channels to take messages from; which addresses there are depends on the linked drivers.
pub(super) struct Sources;

/// Channels to send to.
pub(super) struct Targets;

macro_rules! defined_later {
    ($type:ident) => {
        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({})
            }
        }
    };
}

defined_later!(Sources);
defined_later!(Targets);

/// One object of what must hold, or a list of them, of which one must hold.
struct Condition;

impl JsonSchema for Condition {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<WhenKeys>();
        one_or_more(&one)
    }
}

/// One value, or a list of them.
struct OneOrMore<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMore{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::json_schema(generator);
        one_or_more(&one)
    }
}

fn one_or_more(one: &Schema) -> Schema {
    json_schema!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
}

/// A text that is not empty.
struct Words;

impl JsonSchema for Words {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// The name of a kind of message.
struct Kind;

impl JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": MessageKind::ALL.map(MessageKind::name) })
    }
}

/// A text with placeholders.
struct Format;

impl JsonSchema for Format {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }

    /// Placeholders and braces exactly; what is wrong with a tag is for the parser.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = template_pattern();
        let description = "A text with placeholders; {{ and }} are literal braces";
        json_schema!({
            "type": "string",
            "description": description,
            "allOf": [{ "pattern": pattern }, { "pattern": r"\S" }],
        })
    }
}

/// Texts in which every brace is doubled or part of a placeholder.
fn template_pattern() -> String {
    let names: Vec<_> = template::names().collect();
    let names = names.join("|");
    format!(r"^([^{{}}]|\{{\{{|\}}\}}|\{{({names})\}})*$")
}

/// The schema of a template at a key of a driver's own.
pub(super) fn value_template() -> serde_json::Value {
    serde_json::json!({ "type": "string", "pattern": template_pattern() })
}
