//! What failures mean: of sends, and of the connection.

use std::time::Duration;

use bridge_core::driver::RunError;
use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError};

/// The operation that errors name.
const PRIVMSG: &str = "PRIVMSG";

/// The least pause after which a send is tried again that found no connection.
const SOONEST: Duration = Duration::from_secs(2);

/// The longest.
const LATEST: Duration = Duration::from_secs(60);

/// The longest part of what a server says that is kept.
const SAID_CHARS: usize = 200;

/// There is no connection, since that long. Tried again sooner after a short break than after a
/// long one.
pub(crate) fn not_connected(down_for: Duration, why: Option<&RunError>) -> SendError {
    let pause = (down_for / 2).clamp(SOONEST, LATEST);
    let advice = RetryAdvice::After(pause, Scope::Instance);
    match why {
        None => temporary(ErrorKind::Unavailable, advice, "not connected yet"),
        Some(why) => temporary(why.kind, advice, &format!("not connected: {}", why.detail)),
    }
}

/// The connection broke before the line was written.
pub(crate) fn lost_before() -> SendError {
    temporary(
        ErrorKind::Unavailable,
        RetryAdvice::After(SOONEST, Scope::Instance),
        "the connection broke before this was written",
    )
}

/// The connection broke after the line was written.
pub(crate) fn lost_after() -> SendError {
    let detail = "the connection broke before the server confirmed this";
    SendError::uncertain(ErrorKind::Unavailable, PRIVMSG, detail)
}

/// The server went on without showing the line.
pub(crate) fn no_echo() -> SendError {
    let detail = "the server answered what came later and did not echo this";
    SendError::uncertain(ErrorKind::Protocol, PRIVMSG, detail)
}

/// The server refused a line, and does not say which.
pub(crate) fn not_told(numeric: u16, said: &str) -> SendError {
    let detail = format!(
        "{numeric} {}; the server does not say of which line",
        shown(said)
    );
    SendError::uncertain(ErrorKind::Protocol, PRIVMSG, detail)
}

/// More waits than goes out in time.
pub(crate) fn too_many(wait: Duration) -> SendError {
    let advice = RetryAdvice::After(wait.clamp(SOONEST, LATEST), Scope::Channel);
    temporary(
        ErrorKind::Throttled,
        advice,
        "more waits than `flood_pause` lets out in time",
    )
}

/// No address of a channel.
pub(crate) fn no_address(key: &str) -> SendError {
    SendError::rejected(
        PRIVMSG,
        format!("the target has no `{key}`; correct the rule"),
    )
}

/// A name that no channel can have.
pub(crate) fn no_channel_name(key: &str) -> SendError {
    SendError::rejected(
        PRIVMSG,
        format!("`{key}` is no channel's name, such as \"#ops\"; correct the rule"),
    )
}

/// Nothing is left of the text.
pub(crate) fn nothing_to_say() -> SendError {
    SendError::rejected(PRIVMSG, "the text has nothing but control characters")
}

/// The line does not fit: a name is longer than what was reckoned with.
pub(crate) fn too_long() -> SendError {
    let detail = "the channel's name is too long for a line of this text; split it in the rule";
    SendError::rejected(PRIVMSG, detail)
}

/// The channel can't be joined for now.
pub(crate) fn not_joined(numeric: Option<u16>, said: &str) -> SendError {
    let number = numeric.map(|numeric| format!("{numeric} "));
    let cure = match numeric.unwrap_or_default() {
        471 => "; the channel is full",
        473 => "; invite the bridge or take the mode +i away",
        474 => "; lift the ban",
        475 => "; the channel has a key, which the driver has not",
        477 => "; the channel wants a registered nickname: set `sasl_user`",
        _ => "",
    };
    let number = number.unwrap_or_default();
    let detail = format!("the channel can't be joined: {number}{}{cure}", shown(said));
    let advice = RetryAdvice::Backoff(Scope::Channel);
    temporary(ErrorKind::Unavailable, advice, &detail)
}

/// Thrown out of the channel, which is joined again after this pause.
pub(crate) fn thrown_out(pause: Duration) -> SendError {
    temporary(
        ErrorKind::Unavailable,
        RetryAdvice::After(pause, Scope::Channel),
        "thrown out of the channel; it is joined again after a pause",
    )
}

/// The server has no such channel, and never will.
pub(crate) fn no_such_channel(numeric: u16, said: &str) -> SendError {
    let detail = format!(
        "the server takes this for no channel: {numeric} {}",
        shown(said)
    );
    SendError::rejected("JOIN", detail)
}

/// What a numeric about a send means. `is_member` says whether the bridge is in the channel.
pub(crate) fn refused(numeric: u16, said: &str, is_member: bool) -> SendError {
    let detail = format!("{numeric} {}", shown(said));
    let again = RetryAdvice::After(SOONEST, Scope::Channel);
    match numeric {
        // Too many targets in too short a time; try again.
        263 | 439 | 707 => {
            let advice = RetryAdvice::After(throttled_for(said), Scope::Channel);
            temporary(ErrorKind::Throttled, advice, &detail)
        }
        // Not in it: it is joined again.
        401 | 403 | 442 => temporary(ErrorKind::Unavailable, again, &detail),
        _ if !is_member => temporary(ErrorKind::Unavailable, again, &detail),
        _ => SendError::rejected(PRIVMSG, detail + "; look at the channel's modes and bans"),
    }
}

/// `… wait 30 seconds`: the first number in the text, within reason.
fn throttled_for(said: &str) -> Duration {
    let mut numbers = said.split(|c: char| !c.is_ascii_digit());
    let secs = numbers.find_map(|number| number.parse().ok()).unwrap_or(10);
    Duration::from_secs(secs).clamp(SOONEST, Duration::from_secs(600))
}

fn temporary(kind: ErrorKind, advice: RetryAdvice, detail: &str) -> SendError {
    SendError::temporary(kind, advice, PRIVMSG, detail)
}

/// The connection is gone.
pub(crate) fn lost(detail: impl Into<String>) -> RunError {
    RunError::new(ErrorKind::Unavailable, detail)
}

/// What came is no IRC.
pub(crate) fn not_irc() -> RunError {
    let detail = "the server sends lines that are longer than those of IRC; check `port` and `tls`";
    RunError::new(ErrorKind::Protocol, detail)
}

/// The server does not answer.
pub(crate) fn silent(detail: &str) -> RunError {
    RunError::new(ErrorKind::Timeout, detail)
}

/// The server closed the connection and says why.
pub(crate) fn closed(said: &str) -> RunError {
    let detail = format!("the server closed the connection: {}", shown(said));
    let lower = said.to_ascii_lowercase();
    if ["throttl", "too fast", "flood"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return RunError::new(ErrorKind::Throttled, detail).after(Duration::from_secs(30));
    }
    lost(detail)
}

/// The server does not accept who we say we are; `cure` names the keys to look at.
pub(crate) fn unauthorized(numeric: u16, said: &str, cure: &str) -> RunError {
    let detail = format!("{numeric} {}; {cure}", shown(said));
    RunError::new(ErrorKind::Unauthorized, detail)
}

/// The server bans us.
pub(crate) fn banned(numeric: u16, said: &str) -> RunError {
    let detail = format!(
        "{numeric} {}; `server` bans this address or name",
        shown(said)
    );
    RunError::new(ErrorKind::Rejected, detail)
}

/// The server has no login that we know.
pub(crate) fn no_sasl() -> RunError {
    let detail = "the server offers no login by SASL PLAIN; check `server`, or remove `sasl_user` and `sasl_password`";
    RunError::new(ErrorKind::Rejected, detail)
}

/// The server does not take the nickname.
pub(crate) fn bad_nick(nick: &str, said: &str) -> RunError {
    let detail = format!(
        "432 {}; the network does not take {nick:?} as `nick`",
        shown(said)
    );
    RunError::new(ErrorKind::Rejected, detail)
}

/// The nickname and all that were tried instead are in use.
pub(crate) fn no_nick_left(nick: &str) -> RunError {
    lost(format!("{nick:?} and all nicknames like it are in use"))
}

/// A failed connection as a failed probe.
pub(crate) fn probe(error: RunError) -> SendError {
    let advice = RetryAdvice::Backoff(Scope::Instance);
    SendError::temporary(error.kind, advice, "connect", error.detail)
}

/// `text` without any of `private`.
pub(crate) fn withhold<'a>(text: &str, private: impl IntoIterator<Item = &'a str>) -> String {
    /// What is shorter turns up in any sentence.
    const SHORTEST_PRIVATE: usize = 4;
    let mut text = text.to_owned();
    for private in private {
        let private = private.trim();
        if private.chars().count() >= SHORTEST_PRIVATE {
            text = text.replace(private, "[withheld]");
        }
    }
    text
}

/// What a server said, as a log can bear it.
pub(crate) fn shown(said: &str) -> String {
    let line = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = said.chars().take(SAID_CHARS).map(line).collect();
    if said.chars().nth(SAID_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
