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
        "The instance listens and reports the channels that it hears, and nothing is forwarded from \
         or to it. That is right before the first rule is written; later it is a rule that was \
         forgotten.",
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
}
