//! The message templates that `msgKey` names and what their `msgParam` must hold.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// DingTalk's limit for `msgParam`, in bytes of the string itself.
const MAX_PARAM_BYTES: usize = 15_000;

/// A message template.
pub(super) struct Template {
    pub(super) msg_key: &'static str,
    /// The fields that it can't do without; the first tells people most.
    required: &'static [&'static str],
}

macro_rules! templates {
    ($($msg_key:literal: [$($field:literal),+],)+) => {
        &[$(Template { msg_key: $msg_key, required: &[$($field),+] },)+]
    };
}

const TEMPLATES: &[Template] = templates! {
    "sampleText": ["content"],
    "sampleMarkdown": ["text", "title"],
    "sampleImageMsg": ["photoURL"],
    "sampleLink": ["text", "title", "picUrl", "messageUrl"],
    "sampleActionCard": ["text", "title", "singleTitle", "singleURL"],
    "sampleActionCard2": ["text", "title", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2"],
    "sampleActionCard3": ["text", "title", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2",
        "actionTitle3", "actionURL3"],
    "sampleActionCard4": ["text", "title", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2",
        "actionTitle3", "actionURL3", "actionTitle4", "actionURL4"],
    "sampleActionCard5": ["text", "title", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2",
        "actionTitle3", "actionURL3", "actionTitle4", "actionURL4", "actionTitle5", "actionURL5"],
    "sampleActionCard6": ["text", "title", "buttonTitle1", "buttonUrl1", "buttonTitle2", "buttonUrl2"],
    "sampleAudio": ["mediaId", "duration"],
    "sampleFile": ["fileName", "mediaId", "fileType"],
    "sampleVideo": ["videoMediaId", "videoType", "picMediaId", "duration"],
};

impl Template {
    /// The template that `msgKey` names.
    pub(super) fn named(msg_key: Option<&Value>) -> Result<&'static Self, Refusal> {
        let name = match msg_key {
            Some(Value::String(name)) => name,
            Some(Value::Null) | None => {
                return Err(Refusal::bad_request(
                    "invalidParameter.msgKey.empty",
                    "msgKey不能为空",
                ));
            }
            Some(_) => return Err(unknown_key()),
        };
        TEMPLATES
            .iter()
            .find(|template| template.msg_key == name)
            .ok_or_else(unknown_key)
    }

    /// Checks `msgParam` and gives what people read of the message.
    pub(super) fn read(&self, msg_param: Option<&Value>) -> Result<String, Refusal> {
        let Some(Value::String(param)) = msg_param else {
            return Err(invalid_param());
        };
        if param.len() > MAX_PARAM_BYTES {
            return Err(Refusal::bad_request(
                "invalidParameter.msgParam.tooLong",
                "msgParam超过长度限制",
            ));
        }
        let mut fields: Map<String, Value> =
            serde_json::from_str(param).map_err(|_| invalid_param())?;
        if !fields.values().all(Value::is_string) {
            return Err(invalid_param());
        }
        for field in self.required {
            if fields.get(*field).is_none_or(|value| value == "") {
                return Err(Refusal::new(
                    http::StatusCode::BAD_REQUEST,
                    format!("miss.param.{field}"),
                    "参数缺失，或者参数格式不正确",
                ));
            }
        }
        match fields.remove(self.required[0]) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(invalid_param()),
        }
    }
}

fn unknown_key() -> Refusal {
    Refusal::bad_request("invalidParameter.msgKey.invalid", "不支持的消息类型")
}

fn invalid_param() -> Refusal {
    Refusal::bad_request("invalidParameter.msgParam.invalid", "msgParam格式不正确")
}
