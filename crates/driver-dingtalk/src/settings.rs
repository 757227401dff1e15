//! What an operator writes for one DingTalk robot, and what can be wrong with it.

use std::net::IpAddr;

use bridge_core::driver::{Identity, Listen, Report};
use bridge_core::secret::Secret;
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
    /// it, signatures are not verified, and whoever reaches the port can speak for anybody.
    #[serde(default)]
    pub(crate) signing_secret: Option<Secret>,
    /// The IP address to listen on: `0.0.0.0` for all of IPv4, `::` for all, `127.0.0.1` behind a
    /// proxy on the same machine.
    #[serde(default = "default_listen_host")]
    pub(crate) listen_host: String,
    /// The port to listen on for callbacks; 0 lets the system choose a free one, which is of use
    /// in tests only.
    #[serde(default = "default_listen_port")]
    pub(crate) listen_port: u16,
    /// The path of callbacks, as in the message receive URL set in the console.
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
        let texts = [
            ("app_key", Some(&*self.app_key)),
            ("app_secret", Some(self.app_secret.expose())),
            ("robot_code", Some(&*self.robot_code)),
            (
                "signing_secret",
                self.signing_secret.as_ref().map(Secret::expose),
            ),
        ];
        for (key, text) in texts {
            check_credential(key, text, report);
        }
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
        if self.listen_host.parse::<IpAddr>().is_err() {
            report.error(
                "listen_host",
                format!("{:?} is not an IP address", self.listen_host),
                "write an address such as \"0.0.0.0\", \"127.0.0.1\" or \"::\", without brackets or port",
            );
        }
        if let Err(problem) = check_path(&self.listen_path) {
            let problem = format!("{:?} {problem}", self.listen_path);
            report.error(
                "listen_path",
                problem,
                "write a path such as \"/dingtalk/event\"",
            );
        }
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

    /// `None` for a host that [`Settings::check`] refuses.
    pub(crate) fn listen(&self) -> Option<Listen> {
        Some(Listen {
            host: self.listen_host.parse().ok()?,
            port: self.listen_port,
            path: self.listen_path.clone(),
            method: http::Method::POST,
        })
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

fn check_credential(key: &'static str, text: Option<&str>, report: &mut Report) {
    let Some(text) = text else { return };
    if text.is_empty() {
        let help = match key {
            "signing_secret" => "set it to the app's Client Secret, or remove the key",
            _ => "copy it from the DingTalk developer console",
        };
        report.error(key, format!("`{key}` is empty"), help);
    } else if text.trim() != text {
        report.warning(
            key,
            format!("`{key}` begins or ends with white space, which is taken as part of it"),
            "remove the white space unless the console shows it",
        );
    }
}

/// Only what reaches a server as it was written, whatever proxy stands before it.
fn check_path(path: &str) -> Result<(), &'static str> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("does not begin with \"/\"");
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    if !rest.bytes().all(plain) {
        return Err(
            "has characters that a plain path has not, such as a space, \"?\", \"#\" or \"%\"",
        );
    }
    if rest.is_empty() {
        return Ok(());
    }
    let mut segments = rest.strip_suffix('/').unwrap_or(rest).split('/');
    if segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("has an empty, \".\" or \"..\" segment");
    }
    Ok(())
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
