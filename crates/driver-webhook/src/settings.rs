//! What an operator writes for one webhook, and what can be wrong with it.

mod check;

use std::collections::BTreeMap;
use std::net::IpAddr;

use bridge_core::driver::{Listen, Report};
use bridge_core::secret::{Secret, Secrets};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::reading;
use crate::signature::SigningKeys;

/// One webhook: where messages are sent to, and where they come in and are read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where each message is sent to, as JSON; left out, nothing is sent, and bots read the mailbox.
    /// Private addresses and plain `http` are allowed; redirects are not followed.
    #[serde(default)]
    pub(crate) url: Option<Secret>,
    /// The method of what is sent to `url`.
    #[serde(default)]
    pub(crate) method: Method,
    /// Further headers of what is sent to `url`, such as `Authorization`; their values are secrets.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Secret>,
    /// What requests are signed with, both ways, by Standard Webhooks: `whsec_` and base64, or any
    /// other text, whose bytes are the key. Without it, nothing that is sent is signed, and whoever
    /// sends something in shows the `read_token`. A list while it is being changed: what is sent is
    /// signed with each, and what comes in with any.
    #[serde(default)]
    pub(crate) secrets: Option<Secrets>,
    /// The IP address to listen on: `127.0.0.1` for this machine alone or behind a proxy on it,
    /// `0.0.0.0` for all of IPv4, `::` for all.
    #[serde(default = "default_listen_host")]
    #[schemars(regex(
        pattern = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$"
    ))]
    pub(crate) listen_host: String,
    /// The port at which messages come in and are read, one for each instance; left out, there is no
    /// listener, and messages only go out. 0 lets the system choose a free one, which is of use in
    /// tests only.
    #[serde(default)]
    pub(crate) listen_port: Option<u16>,
    /// The path at which messages come in; with and without a slash at its end. They are read at
    /// `/messages`, whatever this says.
    #[serde(default = "default_listen_path")]
    #[schemars(regex(pattern = r"^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$"))]
    pub(crate) listen_path: String,
    /// What a bot shows as `Authorization: Bearer …` to read messages; needed with a listener.
    #[serde(default)]
    pub(crate) read_token: Option<Secret>,
}

/// The method of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub(crate) enum Method {
    /// The usual one.
    #[default]
    #[serde(rename = "POST")]
    Post,
    /// For receivers that want it.
    #[serde(rename = "PUT")]
    Put,
    /// For receivers that want it.
    #[serde(rename = "PATCH")]
    Patch,
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
        }
    }
}

fn default_listen_host() -> String {
    "127.0.0.1".into()
}

fn default_listen_path() -> String {
    "/webhook".into()
}

impl Settings {
    pub(crate) fn check(&self, report: &mut Report) {
        check::check(self, report);
    }

    /// `None` without a port, and for a host that [`Settings::check`] refuses.
    pub(crate) fn listen(&self) -> Option<Listen> {
        let host: IpAddr = self.listen_host.parse().ok()?;
        let mut listen = Listen::new(host, self.listen_port?, self.listen_path.as_str());
        listen.questions = vec![reading::PATH.to_owned()];
        Some(listen)
    }

    /// None for secrets that [`Settings::check`] refuses.
    pub(crate) fn keys(&self) -> SigningKeys {
        let secrets = self.secrets.iter().flat_map(Secrets::iter);
        SigningKeys::new(secrets).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
