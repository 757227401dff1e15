//! What an operator writes for one instance, and what can be wrong with it.

use std::net::IpAddr;

use bridge_core::driver::{Listen, Report};
use bridge_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// One instance of Parrot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The token of the API, with which messages are sent.
    pub(crate) token: Secret,
    /// The token that the platform shows with every callback.
    pub(crate) callback_token: Secret,
    /// Where the platform's API is, such as `https://parrot.example/api`. Plain `http` is allowed towards
    /// this machine only.
    pub(crate) api_base: String,
    /// The IP address to listen on for callbacks.
    #[serde(default = "default_listen_host")]
    pub(crate) listen_host: String,
    /// The port to listen on for callbacks, one for each instance.
    #[serde(default = "default_listen_port")]
    pub(crate) listen_port: u16,
}

fn default_listen_host() -> String {
    "127.0.0.1".into()
}

fn default_listen_port() -> u16 {
    8095
}

impl Settings {
    /// Reports everything that is wrong, not only the first.
    pub(crate) fn check(&self, report: &mut Report) {
        let secrets = [
            ("token", &self.token),
            ("callback_token", &self.callback_token),
        ];
        for (key, secret) in secrets {
            if secret.expose().is_empty() {
                let help = "copy it from the page of your parrot";
                report.error(key, format!("`{key}` is empty"), help);
            }
        }
        if !is_safe(&self.api_base) {
            // The value itself is left out: it may hold a password.
            let problem = "the URL is neither https, nor http on this machine";
            report.error(
                "api_base",
                problem,
                "write a URL such as \"https://parrot.example/api\"",
            );
        }
        report.check_host("listen_host", &self.listen_host);
    }

    /// `None` for a host that [`Settings::check`] refuses.
    pub(crate) fn listen(&self) -> Option<Listen> {
        let host = self.listen_host.parse().ok()?;
        Some(Listen::new(host, self.listen_port, "/parrot"))
    }
}

/// Whether the token can be shown there: over TLS, or to a program on this machine.
fn is_safe(api_base: &str) -> bool {
    let uri = api_base.parse::<http::Uri>().unwrap_or_default();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_shown_over_tls_or_on_this_machine() {
        let rows = [
            ("https://parrot.example/api", true),
            ("http://127.0.0.1:9", true),
            ("http://[::1]:9/api", true),
            ("http://parrot.example/api", false),
            ("ftp://parrot.example", false),
            ("parrot.example", false),
            ("", false),
        ];
        for (api_base, expected) in rows {
            assert_eq!(is_safe(api_base), expected, "{api_base}");
        }
    }
}
