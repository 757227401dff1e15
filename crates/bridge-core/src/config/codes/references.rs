//! What a file refers to.

use super::Part;

codes! {
    UNKNOWN_INSTANCE = "E0301", Error, "a rule names an instance that the config lacks",
        "Rules name the instances of the config. It is a typo in one of the two files, or the \
         instance has been renamed or removed. The second place that is shown is where the config \
         defines its instances.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_opps": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    UNKNOWN_CHANNEL_KEY = "E0302", Error, "an address has a key that its platform does not know",
        "A channel is named by the keys of its platform, and by no others. A key that is not known \
         is not left out, since the rest would then match more channels than was meant.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation": "cidOps7Yk2Qw==" } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    MISSING_CHANNEL_KEY = "E0303", Error, "an address lacks a key",
        "A channel needs all keys of its platform. The help line says where its value is found; \
         `bridge channels` prints the addresses of all channels that were heard, ready to paste.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": {} } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    BAD_WILDCARD = "E0304", Error, "\"*\" stands where it can't",
        "`\"dt_main\": \"*\"` is every group of an instance, and may stand in `from` only: nobody can \
         send to every group. It can't stand for the value of a key either.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": "*" } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    EMPTY_ADDRESS_VALUE = "E0305", Error, "an address has an empty value",
        "An empty value matches no channel. Copy the channel's id whole; `bridge channels` prints it.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "" } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    NO_CHANNEL = "E0306", Error, "a rule names no channel, or too few",
        "A rule takes from one channel at least and sends to one at least; a `connect` rule links \
         at least two different ones.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": [] } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": [{ "open_conversation_id": "cidOps7Yk2Qw==" }] } }"#,
        };
    TARGET_KEY_IN_SOURCE = "E0307", Error, "a key of targets stands in \"from\"",
        "How a message looks and how its delivery is tried is a matter of the target. Move the key \
         to a channel in `to`, or beside `from` and `to` for all targets of the rule.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==", "max_age": "1h" } },
  "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
            right: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==", "max_age": "1h" } } }"#,
        };
    UNKNOWN_PLACEHOLDER = "E0308", Error, "a format has a placeholder that is not known",
        "The text between braces is a placeholder, and only the documented ones exist. For a brace \
         that is to be shown, write it twice: `{{` and `}}`.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==",
    "msg": { "msg_format": "{usr}: {msg}" } } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==",
    "msg": { "msg_format": "{user}: {msg}" } } } }"#,
        };
    BAD_TEMPLATE = "E0309", Error, "a format can't be read",
        "A brace is not closed or closes nothing, a `<richheader …/>` is not of its form or stands \
         there twice, or the format is empty. The place that is shown is the faulty part.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==",
    "msg": { "msg_format": "{user}: {msg" } } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==",
    "msg": { "msg_format": "{user}: {msg}" } } } }"#,
        };
    DUPLICATE_RULE_ID = "E0310", Error, "two rules have one id",
        "Logs, `bridge explain` and queued deliveries name rules by their ids, so an id stands once. \
         A rule without an `id` gets one of its own.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "id": "ops", "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } },
{ "id": "ops", "from": { "dt_ops": "*" }, "to": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } } }"#,
            right: r#"{ "id": "ops", "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } },
{ "id": "back", "from": { "dt_ops": "*" }, "to": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } } }"#,
        };
    PLACEHOLDER_VALUE = "E0311", Warning, "a value is left from an example",
        "The value looks like one that documents use in place of a real one. No platform knows it, \
         so nothing will be heard or sent there.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidXXXXXXXXXXXXXXX" } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    FOREIGN_MSG_KEY = "E0312", Error, "a key of `msg` is that of another platform",
        "Some platforms take keys in `msg` that others do not, such as `fields` of webhooks. Such a key \
         stands in a channel of its platform, or in a rule that sends to one.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==",
    "msg": { "fields": { "sender": "{user}" } } } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==",
    "msg": { "msg_format": "{user}: {msg}" } } } }"#,
        };
    OTHER_SPELLING = "E0313", Error, "a channel is written in two ways",
        "The platform takes both for one channel, as IRC takes `#Ops` and `#ops`. Rules compare what \
         is written, so one of the two would hear nothing. Write the channel in one way everywhere.",
        Example::Files {
            part: Part::Rule,
            wrong: r##"{ "from": { "libera": { "channel": "#Ops" } }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } },
{ "from": { "dt_main": "*" }, "to": { "libera": { "channel": "#ops" } } }"##,
            right: r##"{ "from": { "libera": { "channel": "#ops" } }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } },
{ "from": { "dt_main": "*" }, "to": { "libera": { "channel": "#ops" } } }"##,
        };
}
