//! DingTalk's error codes and what each means for a send.

use std::time::Duration;

use bridge_core::outcome::{RetryAdvice, Scope};

/// What a code or a status means for the send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The token is wrong or has expired.
    TokenRefused,
    /// The app's key and secret are not accepted.
    Credentials,
    /// The app or the robot may not do it until somebody changes that in the console.
    Forbidden,
    /// The month's calls are used up.
    Quota,
    /// Too much for now; nothing was delivered.
    Throttled(RetryAdvice),
    /// Refused for good.
    Rejected,
    /// DingTalk failed, perhaps after it had delivered.
    Failed,
    /// Nobody knows whether it was delivered, and asking again would not tell.
    Unknown,
    /// Something before DingTalk refused; nothing was delivered.
    NotDingTalk,
    /// A success that says nothing of a message.
    Senseless,
}

pub(super) const BUSY: Class = Class::Throttled(RetryAdvice::Backoff(Scope::Instance));
const ROOM_BUSY: Class = Class::Throttled(RetryAdvice::Backoff(Scope::Channel));
const PER_SECOND: Class = wait(1);
/// A limit by the minute is over after a minute at most; when that began, nobody tells.
const PER_MINUTE: Class = wait(60);

/// Too much for now; again after `secs`.
pub(super) const fn wait(secs: u64) -> Class {
    Class::Throttled(RetryAdvice::After(
        Duration::from_secs(secs),
        Scope::Instance,
    ))
}

const CHECK_ROBOT: &str =
    "check `robot_code`, and that the robot is published, belongs to the app and is in the group";
const CHECK_GROUP: &str = "check the rule's `open_conversation_id`; it must be an internal group";
pub(super) const CHECK_KEYS: &str = "check `app_key` and `app_secret`";
const CHECK_SCOPES: &str = "grant the permission to the app in the developer console";
const CHECK_QUOTA: &str = "the organisation's monthly API quota is used up";
const CHECK_ADDRESS: &str = "add the bridge's public address to the app's allow-list";
pub(super) const NO_CURE: &str = "";

/// Codes by their last segments, whatever their case; `*` stands for further segments. The first
/// row that fits decides, whatever the status. A third column says what an operator can do. The
/// numbers are the older API's names for the same.
const CODES: &[(&str, Class, &str)] = &[
    ("InvalidAuthentication", Class::TokenRefused, CHECK_KEYS),
    ("40014", Class::TokenRefused, CHECK_KEYS),
    ("42001", Class::TokenRefused, CHECK_KEYS),
    ("40001", Class::TokenRefused, CHECK_KEYS),
    ("41001", Class::TokenRefused, CHECK_KEYS),
    ("invalidClientIdOrSecret", Class::Credentials, CHECK_KEYS),
    ("invalid.client", Class::Credentials, CHECK_KEYS),
    ("unauthorized.client", Class::Credentials, CHECK_KEYS),
    ("QpsLimitForAppkeyAndApi", PER_SECOND, NO_CURE),
    ("QpsLimitForSuitekeyAndOrgAndApi", PER_SECOND, NO_CURE),
    ("90018", PER_SECOND, NO_CURE),
    ("QpmLimitForAppkeyAndApi", PER_MINUTE, NO_CURE),
    ("QpmLimitForSuitekeyAndOrgAndApi", PER_MINUTE, NO_CURE),
    // The whole API is busy, not this app's share of it: pauses grow.
    ("QpsLimitForApi", BUSY, NO_CURE),
    ("90002", BUSY, NO_CURE),
    ("QpmLimitForApi", PER_MINUTE, NO_CURE),
    ("ApiCountLimitForOrg", Class::Quota, CHECK_QUOTA),
    ("90020", Class::Quota, CHECK_QUOTA),
    (
        "AccessTokenPermissionDenied",
        Class::Forbidden,
        CHECK_SCOPES,
    ),
    ("IpNotInWhiteList", Class::Forbidden, CHECK_ADDRESS),
    ("60020", Class::Forbidden, CHECK_ADDRESS),
    ("send.too.fast", ROOM_BUSY, NO_CURE),
    ("send.byToken.tooFast", ROOM_BUSY, NO_CURE),
    ("too.many.group", ROOM_BUSY, NO_CURE),
    ("too.many.people", ROOM_BUSY, NO_CURE),
    ("system.busy", BUSY, NO_CURE),
    ("systemBusy", BUSY, NO_CURE),
    ("-1", BUSY, NO_CURE),
    ("system.error", Class::Failed, NO_CURE),
    ("send.ding.exception", Class::Failed, NO_CURE),
    ("unknown.send.result", Class::Unknown, NO_CURE),
    (
        "robotCode.coolApp",
        Class::Rejected,
        "install the robot in the group directly, not through a group app",
    ),
    ("invalidParameter.robotCode.*", Class::Rejected, CHECK_ROBOT),
    ("miss.robotCode", Class::Rejected, CHECK_ROBOT),
    ("resource.not.found", Class::Rejected, CHECK_ROBOT),
    ("resource.unavailable", Class::Rejected, CHECK_ROBOT),
    (
        "bot.stopped",
        Class::Rejected,
        "enable the robot in the developer console",
    ),
    (
        "bot.forbidden.sendMessage",
        Class::Rejected,
        "allow the robot to speak in the group",
    ),
    (
        "send.forbidden",
        Class::Rejected,
        "allow the robot to speak in the group",
    ),
    ("invalid.openConversationId", Class::Rejected, CHECK_GROUP),
    ("miss.openConversationId", Class::Rejected, CHECK_GROUP),
    ("conversation.org.notMatch", Class::Rejected, CHECK_GROUP),
    (
        "group.disbanded",
        Class::Rejected,
        "the group is gone; remove it from the rules",
    ),
    ("invalidParameter.*", Class::Rejected, NO_CURE),
    ("miss.param.*", Class::Rejected, NO_CURE),
    ("msg.unsupport", Class::Rejected, NO_CURE),
    ("template.stopped", Class::Rejected, NO_CURE),
    ("template.not.existed", Class::Rejected, NO_CURE),
    (
        "contain.unsafe.url",
        Class::Rejected,
        "the platform's audit refused the message",
    ),
    (
        "contain.notAllowed.*",
        Class::Rejected,
        "the platform's audit refused the message",
    ),
    ("unauthorized", Class::Forbidden, CHECK_SCOPES),
    ("auth.error", Class::Forbidden, CHECK_SCOPES),
];

/// What the table says of `code`, and what an operator can do; `None` if it is not listed.
pub(super) fn listed(code: &str) -> Option<(Class, &'static str)> {
    let code: Vec<&str> = code.split('.').collect();
    let row = CODES.iter().find(|(pattern, ..)| fits(pattern, &code));
    row.map(|(_, class, cure)| (*class, *cure))
}

fn fits(pattern: &str, code: &[&str]) -> bool {
    let (pattern, open) = match pattern.strip_suffix(".*") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let pattern: Vec<&str> = pattern.split('.').collect();
    let same = |window: &[&str]| {
        let mut pairs = window.iter().zip(&pattern);
        pairs.all(|(code, pattern)| code.eq_ignore_ascii_case(pattern))
    };
    let mut windows = code.windows(pattern.len());
    if open {
        // The last window leaves no further segment.
        windows.next_back();
        windows.any(same)
    } else {
        windows.next_back().is_some_and(same)
    }
}
