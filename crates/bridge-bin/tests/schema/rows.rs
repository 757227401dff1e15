//! Files with one change each, and whether they are good: a table, as long as there are cases.

use serde_json::{Value, json};

/// A change of one of the two whole files.
pub(crate) struct Row {
    pub(crate) file: &'static str,
    /// The place as a JSON pointer; a key that is not there yet is added.
    pub(crate) at: &'static str,
    /// What is put there; `None` removes it.
    pub(crate) value: Option<Value>,
    /// The code with which the parser refuses it; `None` for a good file.
    pub(crate) refused: Option<&'static str>,
    /// Whether the schema refuses it too.
    pub(crate) is_seen_by_schema: bool,
}

/// A config in which every key stands.
pub(crate) fn config() -> Value {
    json!({
        "$schema": "config.schema.json",
        "global": {
            "data_dir": "data",
            "proxy": "http://user:password@proxy.example:3128",
            "log": { "level": "info", "format": "json" },
            "delivery": { "max_age": "48h", "on_dead": "block" },
            "store": {
                "retain_bodies": "7d", "retain_ids": "14d",
                "lane_backlog": 100, "max_backlog": 1_000_000_000,
            },
            "server": {
                "body_limit_bytes": 1024, "max_connections": 1, "max_connections_per_address": 1,
                "trusted_proxies": ["192.0.2.7", "10.0.0.0/8", "fd00::/8", "::ffff:192.0.2.1"],
                "shutdown_timeout": "1m 30s",
            },
        },
        "dingtalk": {
            "dt_main": {
                "app_key": "dingxxxxxxxxxx",
                "app_secret": { "env": "DINGTALK_APP_SECRET" },
                "robot_code": "dingxxxxxxxxxx",
                "signing_secret": { "file": "/run/secrets/dingtalk" },
                "listen_host": "127.0.0.1",
                "listen_port": 8082,
                "listen_path": "/dingtalk/event",
                "api_base": "https://api.dingtalk.com",
                "rate_per_second": 0, "channel_rate_per_minute": 20, "max_in_flight": 1024,
                "proxy": { "env": "PROXY" },
                "attempt_timeout": "500ms", "backoff_max": "5m", "retry_after_cap": "1.5h",
                "max_age": "7days", "on_uncertain": "park", "on_dead": "park",
                "expires_after": "2h30m", "digest": true,
            },
            "群机器人": {
                "app_key": "dingyyyyyyyyyy", "app_secret": "as it is",
                "robot_code": "dingyyyyyyyyyy", "signing_secret": "as it is", "listen_port": 8083,
            },
        },
        "webhook": {
            "hook": {
                "url": "https://bots.example.com/hook", "method": "PUT",
                "headers": { "Authorization": { "env": "HOOK" }, "X-Key": "as it is" },
                "secrets": ["as it is, and long enough", { "file": "/run/secrets/hook" }],
                "listen_host": "::1", "listen_port": 9000, "listen_path": "/webhook",
                "read_token": { "env": "READ_TOKEN" }, "max_age": "1h",
            },
        },
    })
}

/// Rules in which every key stands.
pub(crate) fn rules() -> Value {
    json!({
        "$schema": "rules.schema.json",
        "rules": [
            {
                "id": "all-of-them",
                "type": "connect",
                "channels": {
                    "dt_main": [
                        { "open_conversation_id": "cidOps==", "digest": true },
                        { "open_conversation_id": "cidDev==" },
                    ],
                    "群机器人": { "open_conversation_id": "cidPartner==" },
                },
                "msg": { "msg_format": "<richheader title=\"{user}\" content='{from}'/>{msg}" },
            },
            {
                "type": "forward",
                "from": { "dt_main": "*", "群机器人": ["*", { "open_conversation_id": "cidOps==" }] },
                "to": {
                    "dt_main": [{
                        "open_conversation_id": "cidArchive==",
                        "msg": { "msg_format": "{{{time}}} {user}: {msg}" },
                        "max_age": "7d", "on_uncertain": "resend",
                    }],
                },
            },
            {
                "from": { "dt_main": { "open_conversation_id": "cidOne==" } },
                "when": [{ "sender_id": "u1", "kind": ["text", "file"] }, { "text": "(?i)alarm" }],
                "unless": { "sender": ["张三", "李四"] },
                "stop": true,
                "to": { "群机器人": {
                    "open_conversation_id": "cidTwo==",
                    "msg": { "replace": [{ "pattern": "(a)b", "with": "{1}" }] },
                } },
            },
            {
                "from": { "hook": {}, "dt_main": "*" },
                "to": {
                    "hook": { "msg": { "fields": { "sender": "{user}", "{}": "" } }, "digest": true },
                    "dt_main": { "open_conversation_id": "cidThree==" },
                },
                "msg": { "fields": { "room": "ops {{x}}" } },
            },
        ],
    })
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    good(&mut rows);
    bad_configs(&mut rows);
    bad_rules(&mut rows);
    only_the_parser(&mut rows);
    rows
}

fn good(rows: &mut Vec<Row>) {
    let mut add = |file, at, value: Option<Value>| {
        rows.push(Row {
            file,
            at,
            value,
            refused: None,
            is_seen_by_schema: false,
        });
    };
    add("config", "/$schema", None);
    add("config", "/global", None);
    add("config", "/global", Some(json!({})));
    add(
        "config",
        "/global/proxy",
        Some(json!({ "file": "/run/proxy" })),
    );
    add(
        "config",
        "/global/log/level",
        Some(json!("info,bridge_http=debug")),
    );
    add(
        "config",
        "/global/store/retain_ids",
        Some(json!(" 2 weeks 3h")),
    );
    add(
        "config",
        "/global/delivery/max_age",
        Some(json!("1.5 days")),
    );
    add("config", "/global/server/trusted_proxies", Some(json!([])));
    add("config", "/dingtalk/群机器人", None);
    add("config", "/dingtalk", None);
    add("config", "/webhook", None);
    add("config", "/webhook/hook/url", None);
    add("config", "/webhook/hook/headers", Some(json!({})));
    add("config", "/dingtalk/dt_main/signing_secret", None);
    add("config", "/dingtalk/dt_main/listen_host", Some(json!("::")));
    add("config", "/dingtalk/dt_main/listen_port", Some(json!(0)));
    add("config", "/dingtalk/dt_main/listen_path", Some(json!("/")));
    add(
        "config",
        "/dingtalk/dt_main/api_base",
        Some(json!("http://127.0.0.1:8080/gate")),
    );
    add("config", "/dingtalk/dt_main/digest", Some(json!(false)));
    add(
        "config",
        "/dingtalk/dt_main/rate_per_second",
        Some(json!(4_294_967_295_u32)),
    );
    add("rules", "/$schema", None);
    add("rules", "/rules", Some(json!([])));
    add("rules", "/rules/0/id", None);
    add("rules", "/rules/0/id", Some(json!("值班 群")));
    add("rules", "/rules/0/channels/群机器人", None);
    add("rules", "/rules/0/msg", Some(json!({})));
    add(
        "rules",
        "/rules/1/from/dt_main",
        Some(json!([{ "open_conversation_id": "a" }, "*"])),
    );
    add(
        "rules",
        "/rules/2/to/群机器人/expires_after",
        Some(json!("10min")),
    );
    add(
        "rules",
        "/rules/2/msg",
        Some(json!({ "msg_format": "a {{literal}} brace, {user_id}" })),
    );
}

fn bad_configs(rows: &mut Vec<Row>) {
    let mut add = |at, code, value: Option<Value>| {
        rows.push(Row {
            file: "config",
            at,
            value,
            refused: Some(code),
            is_seen_by_schema: true,
        });
    };
    add("", "E0201", Some(json!([])));
    add("", "E0214", Some(json!({})));
    add("", "E0214", Some(json!({ "dingtalk": {}, "webhook": {} })));
    add("/dingtalk", "E0201", Some(json!([])));
    add("/dingtlak", "E0211", Some(json!({})));
    add("/dingtalk/a b", "E0212", Some(json!({})));
    add("/dingtalk/", "E0212", Some(json!({})));
    add("/dingtalk/dt_main", "E0201", Some(json!("x")));
    add("/dingtalk/dt_main", "E0202", Some(json!({})));
    add("/dingtalk/dt_main/app_key", "E0202", None);
    add("/dingtalk/dt_main/app_key", "E0201", Some(json!(7)));
    add("/dingtalk/dt_main/app_key", "E0207", Some(json!("")));
    add("/dingtalk/dt_main/app_key", "E0208", Some(json!(null)));
    add("/dingtalk/dt_main/appkey", "E0203", Some(json!("x")));
    add("/dingtalk/dt_main/app_secret", "E0209", Some(json!(7)));
    add(
        "/dingtalk/dt_main/app_secret",
        "E0209",
        Some(json!({ "vault": "x" })),
    );
    add(
        "/dingtalk/dt_main/app_secret",
        "E0209",
        Some(json!({ "env": 7 })),
    );
    add(
        "/dingtalk/dt_main/app_secret",
        "E0209",
        Some(json!({ "env": "A", "file": "b" })),
    );
    add("/dingtalk/dt_main/app_secret", "E0207", Some(json!("")));
    add(
        "/dingtalk/dt_main/signing_secret",
        "E0208",
        Some(json!(null)),
    );
    add(
        "/dingtalk/dt_main/listen_port",
        "E0205",
        Some(json!(65_536)),
    );
    add("/dingtalk/dt_main/listen_port", "E0205", Some(json!(-1)));
    add("/dingtalk/dt_main/listen_port", "E0201", Some(json!(80.5)));
    add(
        "/dingtalk/dt_main/listen_port",
        "E0201",
        Some(json!("8082")),
    );
    add(
        "/dingtalk/dt_main/listen_host",
        "E0210",
        Some(json!("localhost")),
    );
    add(
        "/dingtalk/dt_main/listen_path",
        "E0210",
        Some(json!("dingtalk")),
    );
    add(
        "/dingtalk/dt_main/rate_per_second",
        "E0205",
        Some(json!(4_294_967_296_u64)),
    );
    add("/dingtalk/dt_main/max_in_flight", "E0205", Some(json!(0)));
    add("/dingtalk/dt_main/max_age", "E0206", Some(json!("24")));
    add("/dingtalk/dt_main/max_age", "E0206", Some(json!("0s")));
    add("/dingtalk/dt_main/max_age", "E0206", Some(json!("")));
    add("/dingtalk/dt_main/max_age", "E0206", Some(json!("P1D")));
    add("/dingtalk/dt_main/max_age", "E0206", Some(json!("-1h")));
    add("/dingtalk/dt_main/max_age", "E0201", Some(json!(24)));
    add("/dingtalk/dt_main/on_dead", "E0204", Some(json!("Park")));
    add("/dingtalk/dt_main/on_dead", "E0201", Some(json!(true)));
    add("/dingtalk/dt_main/digest", "E0201", Some(json!("true")));
    add("/webhook/hook/headers", "E0201", Some(json!(["x"])));
    add("/webhook/hook/headers/X-Key", "E0209", Some(json!(7)));
    add("/webhook/hook/headers/X-Key", "E0207", Some(json!("")));
    add("/webhook/hook/method", "E0204", Some(json!("GET")));
    add("/webhook/hook/secrets", "E0207", Some(json!([])));
    add(
        "/webhook/hook/listen_host",
        "E0210",
        Some(json!("localhost")),
    );
    add("/global", "E0208", Some(json!(null)));
    add("/global/data_dir", "E0207", Some(json!("")));
    add("/global/log/format", "E0204", Some(json!("xml")));
    add("/global/logs", "E0203", Some(json!({})));
    add("/global/store/lane_backlog", "E0205", Some(json!(0)));
    add(
        "/global/server/trusted_proxies",
        "E0201",
        Some(json!("10.0.0.0/8")),
    );
    add(
        "/global/server/trusted_proxies/0",
        "E0206",
        Some(json!("proxy.example")),
    );
    add(
        "/global/server/trusted_proxies/0",
        "E0206",
        Some(json!("10.0.0.1:80")),
    );
}

fn bad_rules(rows: &mut Vec<Row>) {
    let mut add = |at, code, value: Option<Value>| {
        rows.push(Row {
            file: "rules",
            at,
            value,
            refused: Some(code),
            is_seen_by_schema: true,
        });
    };
    let address = || json!({ "open_conversation_id": "cidX==" });
    add("", "E0201", Some(json!([])));
    add("/rules", "E0202", None);
    add("/rules", "E0201", Some(json!({})));
    add("/rule", "E0203", Some(json!([])));
    add("/rules/0", "E0201", Some(json!("x")));
    add("/rules/0/id", "E0207", Some(json!(" ")));
    add("/rules/0/id", "E0207", Some(json!(7)));
    add("/rules/0/type", "E0204", Some(json!("conect")));
    add("/rules/0/type", "E0201", Some(json!(1)));
    add("/rules/0/type", "E0216", None);
    add("/rules/0/from", "E0216", Some(json!({ "dt_main": "*" })));
    add("/rules/0/channels", "E0202", None);
    add("/rules/0/channels", "E0306", Some(json!({})));
    add(
        "/rules/0/channels",
        "E0306",
        Some(json!({ "dt_main": address() })),
    );
    add("/rules/0/channels/dt_main", "E0306", Some(json!([])));
    add("/rules/0/channels/dt_main", "E0304", Some(json!("*")));
    add("/rules/1/from", "E0202", None);
    add("/rules/1/from", "E0201", Some(json!("*")));
    add("/rules/1/to", "E0202", None);
    add("/rules/1/to/dt_main", "E0304", Some(json!(["*"])));
    add("/rules/1/to/dt_main", "E0201", Some(json!("cidX==")));
    add("/rules/1/when_said", "E0203", Some(json!("x")));
    add(
        "/rules/2/from/dt_main/conversation",
        "E0302",
        Some(json!("x")),
    );
    add("/rules/2/from/dt_main/msg", "E0307", Some(json!({})));
    add("/rules/2/from/dt_main/max_age", "E0307", Some(json!("1h")));
    add(
        "/rules/2/from/dt_main/open_conversation_id",
        "E0305",
        Some(json!(" ")),
    );
    add(
        "/rules/2/from/dt_main/open_conversation_id",
        "E0304",
        Some(json!("*")),
    );
    add(
        "/rules/2/from/dt_main/open_conversation_id",
        "E0201",
        Some(json!(5)),
    );
    add("/rules/2/to/群机器人/max_age", "E0208", Some(json!(null)));
    add("/rules/2/to/群机器人/max_age", "E0206", Some(json!("soon")));
    add(
        "/rules/2/to/群机器人/rate_per_second",
        "E0302",
        Some(json!(1)),
    );
    add("/rules/2/msg", "E0201", Some(json!("{msg}")));
    add("/rules/2/msg", "E0203", Some(json!({ "format": "{msg}" })));
    add("/rules/2/msg", "E0201", Some(json!({ "msg_format": 1 })));
    add(
        "/rules/2/msg",
        "E0308",
        Some(json!({ "msg_format": "{usr}: {msg}" })),
    );
    add(
        "/rules/2/msg",
        "E0309",
        Some(json!({ "msg_format": "{msg" })),
    );
    add("/rules/2/msg", "E0309", Some(json!({ "msg_format": " " })));
    add("/rules/2/when", "E0207", Some(json!({})));
    add("/rules/2/when", "E0207", Some(json!([])));
    add("/rules/2/when", "E0201", Some(json!("alarm")));
    add("/rules/2/when", "E0203", Some(json!({ "sendr": "u1" })));
    add("/rules/2/unless/sender", "E0207", Some(json!([])));
    add("/rules/2/unless/sender", "E0207", Some(json!("")));
    add("/rules/2/unless/sender", "E0201", Some(json!([1])));
    add("/rules/2/unless/kind", "E0204", Some(json!("sticker")));
    add("/rules/2/stop", "E0201", Some(json!("yes")));
    add("/rules/3/msg/fields", "E0201", Some(json!("{user}")));
    add("/rules/3/msg/fields/room", "E0201", Some(json!(1)));
    add("/rules/3/msg/fields/room", "E0308", Some(json!("{usr}")));
    add("/rules/3/msg/fields/text", "E0210", Some(json!("x")));
    add("/rules/3/to/hook/msg/fields/id", "E0210", Some(json!("x")));
    add("/rules/3/to/hook/msg/field", "E0203", Some(json!({})));
    add("/rules/3/to/hook/room", "E0302", Some(json!("x")));
    add("/rules/2/msg", "E0201", Some(json!({ "replace": {} })));
    add(
        "/rules/2/msg",
        "E0202",
        Some(json!({ "replace": [{ "with": "" }] })),
    );
    add(
        "/rules/2/msg",
        "E0207",
        Some(json!({ "replace": [{ "pattern": "", "with": "" }] })),
    );
    add(
        "/rules/2/msg",
        "E0203",
        Some(json!({ "replace": [{ "pattern": "a", "with": "", "x": 1 }] })),
    );
}

/// What no schema can know; each code is one of the listed exceptions.
fn only_the_parser(rows: &mut Vec<Row>) {
    let mut add = |file, at, code, value: Value| {
        rows.push(Row {
            file,
            at,
            value: Some(value),
            refused: Some(code),
            is_seen_by_schema: false,
        });
    };
    let twice =
        json!({ "dt_main": [{ "open_conversation_id": "a" }, { "open_conversation_id": "a" }] });
    add(
        "config",
        "/dingtalk/dt_main/listen_port",
        "E0201",
        json!(8082.0),
    );
    add(
        "config",
        "/dingtalk/dt_main/max_age",
        "E0206",
        json!("99999999999999999999s"),
    );
    add(
        "config",
        "/global/server/trusted_proxies/0",
        "E0206",
        json!("10.0.0.1/8"),
    );
    add("config", "/global/proxy", "E0206", json!("proxy.example"));
    add(
        "config",
        "/dingtalk/dt_main/listen_path",
        "E0210",
        json!("/a/../b"),
    );
    add(
        "config",
        "/dingtalk/dt_main/api_base",
        "E0210",
        json!("http://api.dingtalk.com"),
    );
    add("config", "/global/store/retain_ids", "E0215", json!("47h"));
    add(
        "rules",
        "/rules/1/to/dt_mian",
        "E0301",
        json!({ "open_conversation_id": "a" }),
    );
    add("rules", "/rules/2/when", "E0219", json!({ "text": "(" }));
    add(
        "rules",
        "/rules/2/msg",
        "E0308",
        json!({ "replace": [{ "pattern": "a", "with": "{7}" }] }),
    );
    add("rules", "/rules/0/channels", "E0306", twice);
    add(
        "rules",
        "/rules/2/msg",
        "E0309",
        json!({ "msg_format": "<richheader/>{msg}" }),
    );
    add("rules", "/rules/1/id", "E0310", json!("all-of-them"));
    // Of which platform an instance is stands in the other file.
    let foreign = json!({ "open_conversation_id": "cidX==" });
    add("rules", "/rules/3/from/hook", "E0302", foreign);
    add("rules", "/rules/1/to/dt_main", "E0303", json!({}));
    add("rules", "/rules/2/from/dt_main", "E0303", json!({}));
    add(
        "rules",
        "/rules/1/to/dt_main",
        "E0303",
        json!({ "max_age": "1h" }),
    );
    add(
        "rules",
        "/rules/2/msg",
        "E0312",
        json!({ "fields": { "sender": "{user}" } }),
    );
}
