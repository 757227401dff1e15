//! What stands in the cells of tables beside names and descriptions.

/// Words of the cells, in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    pub(super) header: &'static str,
    pub(super) required: &'static str,
    pub(super) none: &'static str,
    pub(super) string: &'static str,
    pub(super) whole_number: &'static str,
    pub(super) number: &'static str,
    /// Between a type and its bounds.
    pub(super) comma: &'static str,
    /// Between the least and the greatest number.
    pub(super) to: &'static str,
    pub(super) at_least: &'static str,
    /// Between alternatives.
    pub(super) or: &'static str,
    /// Before the type of a list's elements.
    pub(super) list_of: &'static str,
    pub(super) object: &'static str,
    pub(super) any: &'static str,
    pub(super) duration: &'static str,
    pub(super) secret: &'static str,
    pub(super) network: &'static str,
}

impl Words {
    /// In English.
    pub const ENGLISH: Self = Self {
        header: "| key | type | default | what it is |",
        required: "required",
        none: "none",
        string: "string",
        whole_number: "whole number",
        number: "number",
        comma: ", ",
        to: " to ",
        at_least: "at least ",
        or: " or ",
        list_of: "list: ",
        object: "object",
        any: "any",
        duration: "duration",
        secret: "secret",
        network: "IP address or network",
    };

    /// In Chinese.
    pub const CHINESE: Self = Self {
        header: "| 键 | 类型 | 默认值 | 说明 |",
        required: "必填",
        none: "无",
        string: "字符串",
        whole_number: "整数",
        number: "数",
        comma: "，",
        to: " 到 ",
        at_least: "至少 ",
        or: " 或 ",
        list_of: "列表：",
        object: "对象",
        any: "任意",
        duration: "时长",
        secret: "密钥",
        network: "IP 地址或网段",
    };
}
