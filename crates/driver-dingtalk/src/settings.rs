//! What an operator writes for one DingTalk robot, and what can be wrong with it.

use std::net::IpAddr;

use bridge_core::driver::{Identity, Listen, Report};
use bridge_core::secret::{Secret, Secrets};
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

/// One DingTalk robot of an internal app, which receives over HTTP callbacks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The app's Client ID (App Key), from the developer console under "Credentials".
    #[schemars(length(min = 1))]
    pub(crate) app_key: String,
    /// The app's Client Secret (App Secret), from the same page.
    pub(crate) app_secret: Secret,
    /// The robot's code, from the console's robot page; every send goes out under it.
    #[schemars(length(min = 1))]
    pub(crate) robot_code: String,
    /// The secret with which DingTalk signs callbacks: set it to the app's Client Secret. Without
    /// it, signatures are not verified, and whoever reaches the port can speak for anybody. While
    /// it is being changed, a list of the new and the old one: both are good then.
    #[serde(default)]
    pub(crate) signing_secret: Option<Secrets>,
    /// The IP address to listen on: `0.0.0.0` for all of IPv4, `::` for all, `127.0.0.1` behind a
    /// proxy on the same machine.
    #[serde(default = "default_listen_host")]
    #[schemars(regex(
        pattern = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$"
    ))]
    pub(crate) listen_host: String,
    /// The port to listen on for callbacks, one for each instance; 0 lets the system choose a free
    /// one, which is of use in tests only.
    #[serde(default = "default_listen_port")]
    pub(crate) listen_port: u16,
    /// The path of callbacks, as in the message receive URL set in the console; with and without a
    /// slash at its end.
    #[serde(default = "default_listen_path")]
    #[schemars(regex(pattern = r"^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$"))]
    pub(crate) listen_path: String,
    /// Where DingTalk's API is, to be changed for a proxy, a private deployment or tests. A path
    /// is put before every call's own. Plain `http` is allowed towards this machine only.
    #[serde(default = "default_api_base")]
    #[schemars(url)]
    pub(crate) api_base: String,
}

fn default_listen_host() -> String {
    "0.0.0.0".into()
}

fn default_listen_port() -> u16 {
    8082
}

fn default_listen_path() -> String {
    "/dingtalk/event".into()
}

fn default_api_base() -> String {
    "https://api.dingtalk.com".into()
}

impl Settings {
    pub(crate) fn check(&self, report: &mut Report) {
        for (key, text) in [
            ("app_key", &*self.app_key),
            ("app_secret", self.app_secret.expose()),
            ("robot_code", &*self.robot_code),
        ] {
            check_credential(key, key, text, report);
        }
        self.check_signing_secrets(report);
        if self.signing_secret.is_none() {
            let problem = format!(
                "there is no `signing_secret`: signatures are not verified, and {} can speak for anybody",
                self.who_reaches_the_port()
            );
            report.warning(
                "signing_secret",
                problem,
                "set `signing_secret` to the app's Client Secret",
            );
        }
        report.check_host("listen_host", &self.listen_host);
        report.check_path("listen_path", &self.listen_path, "/dingtalk/event");
        if let Err(problem) = api_root(&self.api_base) {
            // The value itself is left out: it may hold a password.
            let problem = format!("the URL {problem}");
            report.error(
                "api_base",
                problem,
                "write a URL such as \"https://api.dingtalk.com\"",
            );
        }
    }

    /// Behind an address of the machine's own there is a proxy, or else no callback would arrive: it
    /// makes the port as public as any other.
    fn who_reaches_the_port(&self) -> String {
        let (host, port) = (&*self.listen_host, self.listen_port);
        match host.parse::<IpAddr>() {
            Ok(host) if host.to_canonical().is_loopback() => {
                format!("whoever reaches port {port} of this machine, as through its proxy,")
            }
            Ok(host) if host.is_unspecified() => format!("whoever reaches port {port}"),
            _ => format!("whoever reaches port {port} at {host}"),
        }
    }

    fn check_signing_secrets(&self, report: &mut Report) {
        const KEY: &str = "signing_secret";
        if let Some(secrets) = &self.signing_secret {
            report.check_secrets(KEY, secrets, |report, name, secret| {
                check_credential(KEY, name, secret.expose(), report);
            });
        }
    }

    /// `None` for a host that [`Settings::check`] refuses.
    pub(crate) fn listen(&self) -> Option<Listen> {
        let host = self.listen_host.parse().ok()?;
        Some(Listen::new(
            host,
            self.listen_port,
            self.listen_path.as_str(),
        ))
    }

    /// The robot's code: sends go out under it, and its app has one message receive URL.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            key: "robot_code",
            value: self.robot_code.clone(),
            consequence: "DingTalk calls one URL for a robot, so one of the two hears nothing",
        }
    }

    /// What the path of a call is appended to: `api_base` in its normal form, without a slash at
    /// its end.
    pub(crate) fn api_root(&self) -> String {
        // A base that `check` refuses gets no further than the first call, which can't be built.
        api_root(&self.api_base).unwrap_or_default()
    }
}

/// `name` is what the problem calls the text below the settings key `key`.
fn check_credential(key: &'static str, name: &str, text: &str, report: &mut Report) {
    if text.is_empty() {
        let help = match key {
            "signing_secret" => "set it to the app's Client Secret, or remove the key",
            _ => "copy it from the DingTalk developer console",
        };
        report.error(key, format!("`{name}` is empty"), help);
    } else if text.trim() != text {
        report.warning(
            key,
            format!("`{name}` begins or ends with white space, which is taken as part of it"),
            "remove the white space unless the console shows it",
        );
    }
}

fn api_root(base: &str) -> Result<String, String> {
    let url = Url::parse(base).map_err(|error| format!("can't be read: {error}"))?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err("has no host".into()),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return Err(
                "is plain http to another machine, which would show the app's secret; use https"
                    .into(),
            );
        }
        _ => return Err("is neither https nor http".into()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or fragment".into());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
