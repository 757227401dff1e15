//! The keys and values of a file, each for itself.

use super::Part;

codes! {
    WRONG_TYPE = "E0201", Error, "a value is of the wrong type",
        "A number stands where a text is wanted, a text where a list is, and so on. Nothing is \
         converted: `\"8082\"` is a text and no port. Durations are texts with a unit (`\"24h\"`); \
         ids are texts, even if they consist of digits.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""listen_port": "8090""#,
            right: r#""listen_port": 8090"#,
        };
    MISSING_KEY = "E0202", Error, "a key is missing",
        "The object can't do without this key. The help line says what it is; `bridge drivers` \
         lists the keys of every platform, and says which are required.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    UNKNOWN_KEY = "E0203", Error, "a key is not known here",
        "A key that is not known is a typo, or stands in the wrong block. It is refused, since a \
         misspelled key would otherwise be left out in silence. The help line names the key that \
         was probably meant, or those that are known at this place.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""listen_prot": 8090"#,
            right: r#""listen_port": 8090"#,
        };
    UNKNOWN_VALUE = "E0204", Error, "a value is none of those known here",
        "The key takes one of a few words. The help line names the one that was probably meant, or \
         all of them.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""on_uncertain": "resent""#,
            right: r#""on_uncertain": "resend""#,
        };
    OUT_OF_RANGE = "E0205", Error, "a number is too small or too large",
        "The number, or how many there are, is outside of what the key takes; the help line says \
         from where to where that goes.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""max_in_flight": 0"#,
            right: r#""max_in_flight": 8"#,
        };
    BAD_FORMAT = "E0206", Error, "a text is not of the form that its key wants",
        "The text has the right type and can't be read all the same: a duration without a unit, an \
         address that is none, a log level that does not exist.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""max_age": "24""#,
            right: r#""max_age": "24h""#,
        };
    EMPTY_VALUE = "E0207", Error, "a value is empty",
        "An empty text or list says nothing here. Write a value, or remove the key if it has a \
         default.",
        Example::Files {
            part: Part::Global,
            wrong: r#""data_dir": """#,
            right: r#""data_dir": "data""#,
        };
    NULL = "E0208", Error, "a value is null",
        "`null` is no value of any key. To have the default, remove the key.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""rate_per_second": null"#,
            right: r#""rate_per_second": 10"#,
        };
    NOT_A_SECRET = "E0209", Error, "a secret is not written in one of its forms",
        "A secret is a text, `{\"env\": \"NAME\"}` for a variable of the environment, or \
         `{\"file\": \"path\"}` for a file that holds nothing else. What stands here is never shown, as \
         it may be the secret itself.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""proxy": { "variable": "BRIDGE_PROXY" }"#,
            right: r#""proxy": { "env": "BRIDGE_PROXY" }"#,
        };
    REFUSED_BY_DRIVER = "E0210", Error, "a driver refuses a setting",
        "The value has the right type, and the platform's driver knows that it can't work. The help \
         line says what to write instead.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""listen_host": "localhost""#,
            right: r#""listen_host": "127.0.0.1""#,
        };
    UNKNOWN_PLATFORM = "E0211", Error, "no driver for a platform is linked into this binary",
        "The top level of the config holds `global` and one block for each platform. This binary \
         has no driver of that name: it is a typo, or the binary was built without the driver. \
         `bridge drivers` lists those that are there.",
        Example::Files {
            part: Part::Config,
            wrong: r#"{ "dingtlk": { "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8",
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } } } }"#,
            right: r#"{ "dingtalk": { "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8",
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } } } }"#,
        };
    BAD_NAME = "E0212", Error, "an instance's name can't be used",
        "Rules, logs and commands name instances, so a name is not empty and holds no white space \
         and no control character. All else is allowed.",
        Example::Files {
            part: Part::Config,
            wrong: r#"{ "dingtalk": { "dt main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8",
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } } } }"#,
            right: r#"{ "dingtalk": { "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8",
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } } } }"#,
        };
    DUPLICATE_INSTANCE = "E0213", Error, "two instances have one name",
        "Rules name an instance without its platform, so a name stands once in the whole config. \
         Rename one of the two, in the rules as well.",
        Example::Situation {
            wrong: "Two platforms have an instance `main` each.",
            right: "Call them by their platforms too, such as `dt_main` for the one of DingTalk.",
        };
    NO_INSTANCE = "E0214", Error, "no instance is configured",
        "A bridge without an instance hears nothing and says nothing. Add one below its platform.",
        Example::Files {
            part: Part::Config,
            wrong: r#"{ "dingtalk": {} }"#,
            right: r#"{ "dingtalk": { "dt_main": { "app_key": "dingk4q7m2x9t1b8", "robot_code": "dingk4q7m2x9t1b8",
    "app_secret": { "env": "DT_SECRET" }, "signing_secret": { "env": "DT_SECRET" } } } }"#,
        };
    BAD_RETENTION = "E0215", Error, "things would be kept too short or in the wrong proportion",
        "Platforms send a message again for hours. An id that is forgotten before that lets the \
         message through a second time, so `retain_ids` is at least 48 hours, and not shorter than \
         `retain_bodies`.",
        Example::Files {
            part: Part::Global,
            wrong: r#""store": { "retain_bodies": "30d", "retain_ids": "14d" }"#,
            right: r#""store": { "retain_bodies": "30d", "retain_ids": "30d" }"#,
        };
    NOT_FOR_THIS_RULE = "E0216", Error, "a key belongs to another kind of rule",
        "A `forward` rule, which is the kind of a rule without a `type`, has `from` and `to`; a \
         `connect` rule has `channels`, and links all of them both ways.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } },
  "channels": { "dt_main": { "open_conversation_id": "cidMain4Xn8Rz==" } } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } } }"#,
        };
    DOUBTFUL_SETTING = "E0217", Warning, "a driver advises against a setting",
        "It works, and the platform's driver knows a reason against it, which the text names. \
         Follow the help line, or live with it.",
        Example::Files {
            part: Part::Instance,
            wrong: r#""signing_secret": ["a-new-secret-9f2", "a-new-secret-9f2"]"#,
            right: r#""signing_secret": ["a-new-secret-9f2", "an-old-secret-7c1"]"#,
        };
    DUPLICATE_EXPECTATION = "E0218", Error, "a test expects one channel twice",
        "A message reaches each channel at most once, so a test of rules names each channel once.",
        Example::Situation {
            wrong: "A test in `rules/rules.tests.json` names one channel twice under `expect`.",
            right: "Keep the one with the right text.",
        };
    BAD_PATTERN = "E0219", Error, "a pattern is no regular expression that can be used",
        "Patterns of filters and replacements are regular expressions that are searched in linear \
         time, so they know no look-around and no back-references. The place that is shown is the \
         part that can't be read. Inside JSON a backslash is written twice.",
        Example::Files {
            part: Part::Rule,
            wrong: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } },
  "when": { "text": "^(ALARM|WARN" } }"#,
            right: r#"{ "from": { "dt_main": "*" }, "to": { "dt_ops": { "open_conversation_id": "cidOps7Yk2Qw==" } },
  "when": { "text": "^(ALARM|WARN)" } }"#,
        };
}
