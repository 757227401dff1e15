//! What an operator writes for one connection to an IRC network, and what can be wrong with it.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bridge_core::config::settings::DurationText;
use bridge_core::driver::{Identity, Report};
use bridge_core::ports::{DialTarget, Security};
use bridge_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::errors;
use crate::wire::{CaseMapping, LINE_BYTES};

/// The longest nickname that may be configured; networks take 9 to 32 characters.
const MOST_NICK_BYTES: usize = 32;

/// The longest user name that may be configured; most networks cut it to 10 characters.
const MOST_USERNAME_BYTES: usize = 20;

/// What a nickname grows by while the configured one is in use.
const OTHER_NICK_BYTES: usize = 4;

/// The longest host that a server shows us with.
const HOST_BYTES: usize = 63;

/// The longest channel that is reckoned with; most networks end at 50 or 64.
const CHANNEL_BYTES: usize = 64;

/// One connection to an IRC network, under one nickname.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server's name or IP address, without a port: `irc.libera.chat`.
    #[schemars(length(min = 1))]
    pub(crate) server: String,
    /// The server's port; 6697 unless set, or 6667 with `tls` off.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(crate) port: Option<u16>,
    /// Whether the connection is encrypted. The certificate must be valid for `server`. Without
    /// it, everybody between can read and change what is said, the passwords included.
    #[serde(default = "default_tls")]
    pub(crate) tls: bool,
    /// The nickname, which people see. While somebody else has it, the bridge takes it with `_`
    /// behind, and takes the right one back once it is free.
    #[schemars(length(min = 1, max = 32))]
    pub(crate) nick: String,
    /// The user name, which stands in `nick!user@host`.
    #[serde(default = "default_username")]
    #[schemars(length(min = 1, max = 20))]
    pub(crate) username: String,
    /// What stands at "real name" when somebody asks who the bridge is.
    #[serde(default = "default_realname")]
    #[schemars(length(min = 1))]
    pub(crate) realname: String,
    /// The server's password, if it has one for all. An account's goes into `sasl_password`.
    #[serde(default)]
    pub(crate) password: Option<Secret>,
    /// The account to log in to by SASL PLAIN; with `sasl_password`. Without both, nobody is logged
    /// in.
    #[serde(default)]
    pub(crate) sasl_user: Option<String>,
    /// The account's password.
    #[serde(default)]
    pub(crate) sasl_password: Option<Secret>,
    /// Lines that go out at once before `flood_pause` is kept. Servers throw out who sends too much.
    #[serde(default = "default_flood_burst")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) flood_burst: u32,
    /// The pause between two lines after the burst; each line that the pause has passed for is free
    /// again.
    #[serde(default = "default_flood_pause")]
    pub(crate) flood_pause: DurationText,
}

fn default_tls() -> bool {
    true
}

fn default_username() -> String {
    "bridge".into()
}

fn default_realname() -> String {
    "chat bridge".into()
}

fn default_flood_burst() -> u32 {
    5
}

fn default_flood_pause() -> DurationText {
    DurationText(Duration::from_secs(1))
}

impl Settings {
    pub(crate) fn check(&self, report: &mut Report) {
        self.check_server(report);
        self.check_names(report);
        self.check_secrets(report);
    }

    fn check_server(&self, report: &mut Report) {
        let is_ipv6 = self.server.parse::<std::net::Ipv6Addr>().is_ok();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !is_ipv6 && (self.server.is_empty() || !self.server.chars().all(is_name)) {
            report.error(
                "server",
                format!("{:?} is no server's name or address", self.server),
                "write a name such as \"irc.libera.chat\", without scheme, brackets or port",
            );
        } else if !self.tls && !self.is_local() {
            report.warning(
                "tls",
                "the connection is not encrypted: everybody between can read and change what is said, passwords included",
                "set `tls` to true if the network has a port for it, usually 6697",
            );
        }
        if self.port == Some(0) {
            report.error(
                "port",
                "0 is no port to connect to",
                "write one such as 6697, or remove the key",
            );
        }
    }

    fn check_names(&self, report: &mut Report) {
        if let Err(problem) = check_nick(&self.nick) {
            report.error(
                "nick",
                format!("{:?} {problem}", self.nick),
                "write a name of letters, digits and any of -_[]\\`^{|}, such as \"bridge\"",
            );
        }
        let is_word = |c: char| c.is_ascii_graphic() && !"@!:".contains(c);
        let username = &self.username;
        if username.is_empty()
            || username.len() > MOST_USERNAME_BYTES
            || !username.chars().all(is_word)
        {
            report.error(
                "username",
                format!(
                    "{username:?} is no user name of up to {MOST_USERNAME_BYTES} letters and digits"
                ),
                "write one such as \"bridge\", or remove the key",
            );
        }
        if self.realname.trim().is_empty()
            || self.realname.contains(char::is_control)
            || self.realname.len() > 100
        {
            report.error(
                "realname",
                "it is empty, longer than 100 bytes, or has control characters",
                "write a line such as \"chat bridge\", or remove the key",
            );
        }
    }

    fn check_secrets(&self, report: &mut Report) {
        let secrets = [
            ("password", &self.password),
            ("sasl_password", &self.sasl_password),
        ];
        for (key, secret) in secrets {
            let Some(secret) = secret else { continue };
            let secret = secret.expose();
            if secret.is_empty() {
                report.error(
                    key,
                    format!("`{key}` is empty"),
                    "write it, or remove the key",
                );
            } else if secret.contains(char::is_control) || secret.len() > 400 {
                report.error(
                    key,
                    format!(
                        "`{key}` has control characters or more than 400 bytes, which can't be sent"
                    ),
                    "write it as it was given to you, in one line",
                );
            }
        }
        match (&self.sasl_user, &self.sasl_password) {
            (Some(_), None) => report.error(
                "sasl_password",
                "there is no `sasl_password` beside `sasl_user`",
                "set `sasl_password`, or remove `sasl_user`",
            ),
            (None, Some(_)) => report.error(
                "sasl_user",
                "there is no `sasl_user` beside `sasl_password`",
                "set `sasl_user`, or remove `sasl_password`",
            ),
            _ => {}
        }
        if let Some(user) = &self.sasl_user
            && (user.is_empty() || user.contains(char::is_control))
        {
            report.error(
                "sasl_user",
                format!("{user:?} is no account's name"),
                "write the account's name, or remove the key",
            );
        }
    }

    /// Who connects as whom: a nickname is one connection's.
    pub(crate) fn identity(&self) -> Identity {
        let fold = |text: &str| CaseMapping::Rfc1459.fold(text);
        Identity {
            key: "nick",
            value: format!(
                "{} {} {}",
                fold(&self.server),
                self.port(),
                fold(&self.nick)
            ),
            consequence: "a nickname is one connection's, so the second gets another one, and each hears what the other sends",
        }
    }

    /// The largest text of one line, such that others get the whole of it:
    /// `:nick!~user@host PRIVMSG #channel :text`, with the largest nickname that is tried, host and
    /// channel.
    pub(crate) fn text_limit(&self) -> usize {
        let source = ":".len() + self.source_bytes();
        LINE_BYTES - source - " PRIVMSG ".len() - CHANNEL_BYTES - " :\r\n".len()
    }

    /// The most bytes of `nick!~user@host`, to be reckoned with until the server has said it.
    pub(crate) fn source_bytes(&self) -> usize {
        let nick = self.nick.len() + OTHER_NICK_BYTES;
        nick + "!~".len() + self.username.len() + "@".len() + HOST_BYTES
    }

    pub(crate) fn target(&self) -> DialTarget {
        DialTarget {
            host: self.server.clone(),
            port: self.port(),
            security: match self.tls {
                true => Security::Tls,
                false => Security::Plain,
            },
        }
    }

    /// The response of SASL PLAIN (RFC 4616), if there is somebody to log in.
    pub(crate) fn sasl_response(&self) -> Option<Secret> {
        let (user, password) = (self.sasl_user.as_ref()?, self.sasl_password.as_ref()?);
        let plain = format!("\0{user}\0{}", password.expose());
        Some(Secret::new(BASE64_STANDARD.encode(plain)))
    }

    /// `text` with nothing in it that is to be shown nowhere.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        let response = self.sasl_response();
        let secrets = [&response, &self.sasl_password, &self.password];
        errors::withhold(text, secrets.into_iter().flatten().map(Secret::expose))
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 6697 } else { 6667 })
    }

    fn is_local(&self) -> bool {
        let address = self.server.parse::<IpAddr>();
        self.server == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// What every network takes; some take more, and refuse the rest with 432.
fn check_nick(nick: &str) -> Result<(), &'static str> {
    let is_special = |c: char| "[]\\`_^{|}".contains(c);
    let Some(first) = nick.chars().next() else {
        return Err("is empty");
    };
    if nick.len() > MOST_NICK_BYTES {
        return Err("is longer than 32 characters");
    }
    if !first.is_ascii_alphabetic() && !is_special(first) {
        return Err("begins with what no nickname begins with");
    }
    match nick
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || is_special(c) || c == '-')
    {
        true => Ok(()),
        false => Err("has characters that a nickname has not"),
    }
}

#[cfg(test)]
mod tests;
