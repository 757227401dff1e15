//! What the files mean as a whole.

use super::Part;

codes! {
    ADDRESS_IN_USE = "E0401", Error, "two instances listen on one address",
        "Each instance has a listener of its own, and the kernel gives an address to one of them \
         only. `0.0.0.0` covers every IPv4 address of the machine, `::` those of IPv6 too.",
        Example::Files {
            part: Part::Config,
            wrong: r#"{ "dingtalk": {
  "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8", "listen_port": 8082,
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } },
  "dt_ops": { "app_key": "dingw3h6p5z8n7c2", "robot_code": "dingw3h6p5z8n7c2", "listen_port": 8082,
    "app_secret": { "env": "OPS_SECRET" }, "signing_secret": { "env": "OPS_SECRET" } } } }"#,
            right: r#"{ "dingtalk": {
  "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8", "listen_port": 8082,
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } },
  "dt_ops": { "app_key": "dingw3h6p5z8n7c2", "robot_code": "dingw3h6p5z8n7c2", "listen_port": 8083,
    "app_secret": { "env": "OPS_SECRET" }, "signing_secret": { "env": "OPS_SECRET" } } } }"#,
        };
    UNUSED_INSTANCE = "E0402", Warning, "no rule uses an instance",
        "Nothing is forwarded from the instance or to it. An instance with a listener reports the \
         channels that it hears, so that is right before the first rule is written; later it is a \
         rule that was forgotten. An instance that keeps a connection, as on IRC, is in no channel \
         that no rule names.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_main": { "open_conversation_id": "cidSide2Gf6Ty==" } } }"#,
            right: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    NO_RULES = "E0403", Warning, "there are no rules",
        "Nothing is forwarded. That is right for the first start: say something in each group, and \
         the bridge logs the addresses that rules take.",
        Example::Files {
            part: Part::Rules,
            wrong: r#"{ "rules": [] }"#,
            right: r#"{ "rules": [
  { "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
    "to": { "dt_main": { "open_conversation_id": "cidSide2Gf6Ty==" } } } ] }"#,
        };
    NEVER_SENDS = "E0404", Warning, "a rule can never send anything",
        "A message never goes back to the channel that it came from, and what a rule with `stop` \
         took is not shown to later rules. So this rule has no message to send.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } } }"#,
            right: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_main": { "open_conversation_id": "cidSide2Gf6Ty==" } } }"#,
        };
    REDUNDANT_RULE = "E0405", Warning, "earlier rules send all that a rule sends",
        "A channel gets a message at most once, as the first rule that chose it says. Earlier rules \
         send everything that this one would, so its format and its keys have no effect.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } },
{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    CHOSEN_TWICE = "E0406", Warning, "two rules send a message to one channel",
        "A channel gets a message at most once. The earlier rule's format and keys hold; what this \
         rule says of that channel has no effect for those messages.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } },
{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": [ { "open_conversation_id": "cidOps7Yk2Qw==" }, { "open_conversation_id": "cidLog5Hj9Bv==" } ] } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } },
{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": { "open_conversation_id": "cidLog5Hj9Bv==" } } }"#,
        };
    REPEATED_CHANNEL = "E0407", Warning, "a rule names a channel twice",
        "The second one has no effect. Often another channel was meant.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": [ { "open_conversation_id": "cidOps7Yk2Qw==" }, { "open_conversation_id": "cidOps7Yk2Qw==" } ] } }"#,
            right: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": [ { "open_conversation_id": "cidOps7Yk2Qw==" }, { "open_conversation_id": "cidLog5Hj9Bv==" } ] } }"#,
        };
    LOOP = "E0408", Warning, "a message can come back to where it started",
        "Some instance hears what robots say, its own sends included, and the rules lead from there \
         back to the beginning: people see their own messages again, perhaps without end. Two \
         instances whose rooms have one address are taken for two ways into one room.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": { "open_conversation_id": "cidMain4Xn8Rz==" } } }"#,
            right: r#"{ "from": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } },
  "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    SAME_ROBOT = "E0409", Warning, "two instances are one robot",
        "A platform calls one address for each robot, so one of the two instances hears nothing; \
         and both count against the same limits without knowing of each other.",
        Example::Files {
            part: Part::Config,
            wrong: r#"{ "dingtalk": {
  "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8", "listen_port": 8082,
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } },
  "dt_ops": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8", "listen_port": 8083,
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } } } }"#,
            right: r#"{ "dingtalk": {
  "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8", "listen_port": 8082,
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } },
  "dt_ops": { "app_key": "dingw3h6p5z8n7c2", "robot_code": "dingw3h6p5z8n7c2", "listen_port": 8083,
    "app_secret": { "env": "OPS_SECRET" }, "signing_secret": { "env": "OPS_SECRET" } } } }"#,
        };
}
