//! What can be wrong with settings whose types are right.

use bridge_core::driver::Report;
use bridge_core::secret::{Secret, Secrets};
use http::{HeaderName, HeaderValue};
use url::Url;

use super::Settings;
use crate::signature::{self, LEAST_KEY_BYTES};

/// A shorter token can be guessed.
const LEAST_TOKEN_CHARS: usize = 16;

/// Headers that say what the driver and the client say themselves.
const TAKEN: [&str; 11] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    signature::ID,
    signature::SIGNATURE,
    signature::TIMESTAMP,
];

pub(super) fn check(settings: &Settings, report: &mut Report) {
    if settings.url.is_none() && settings.listen_port.is_none() {
        report.error(
            "url",
            "there is neither `url` nor `listen_port`, so nothing can go out or come in",
            "write where messages are to be sent, or the port at which a bot reads them",
        );
    }
    if let Some(Err(problem)) = settings.url.as_ref().map(check_url) {
        // The value itself is left out: it may hold a secret.
        report.error(
            "url",
            format!("the URL {problem}"),
            "write a URL such as \"https://bots.example.com/hook\"",
        );
    }
    check_headers(settings, report);
    check_secrets(settings, report);
    check_listener(settings, report);
}

fn check_url(url: &Secret) -> Result<(), String> {
    let url = Url::parse(url.expose()).map_err(|error| format!("can't be read: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("is neither https nor http".into());
    }
    if !url.has_host() {
        return Err("has no host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "holds a user name or password; write them as an `Authorization` header into `headers`"
                .into(),
        );
    }
    match url.fragment() {
        Some(_) => Err("has a fragment (`#…`), which is never sent".into()),
        None => Ok(()),
    }
}

fn check_headers(settings: &Settings, report: &mut Report) {
    const KEY: &str = "headers";
    let mut names: Vec<HeaderName> = Vec::new();
    for (name, value) in &settings.headers {
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            let problem = "one of the names is no name of a header";
            report.error(
                KEY,
                problem,
                "write names such as \"Authorization\" or \"X-Api-Key\"",
            );
            continue;
        };
        if TAKEN.contains(&parsed.as_str()) {
            let problem = format!("`{parsed}` is a header that the bridge writes itself");
            report.error(KEY, problem, "remove it");
        }
        if names.contains(&parsed) {
            let problem = format!("`{parsed}` stands twice, in upper and lower case");
            report.error(KEY, problem, "keep one");
        }
        if HeaderValue::from_str(value.expose()).is_err() {
            let problem = format!("the value of `{parsed}` can't stand in a header");
            report.error(KEY, problem, "write visible ASCII characters on one line");
        }
        names.push(parsed);
    }
    if settings.url.is_none() && !settings.headers.is_empty() {
        let problem = "there are headers of what is sent, and no `url` to send it to";
        report.warning(KEY, problem, "write `url`, or remove `headers`");
    }
}

fn check_secrets(settings: &Settings, report: &mut Report) {
    const KEY: &str = "secrets";
    if let Some(secrets) = &settings.secrets {
        report.check_secrets(KEY, secrets, check_secret);
    }
    let signs = settings.secrets.iter().flat_map(Secrets::iter).next();
    if signs.is_none() && settings.url.is_some() {
        report.warning(
            KEY,
            "there are no `secrets`: what is sent is not signed, and its receiver can't tell it from what others send",
            "make one with `echo whsec_$(openssl rand -base64 32)`, and give it to the receiver",
        );
    }
}

fn check_secret(report: &mut Report, name: &str, secret: &Secret) {
    const KEY: &str = "secrets";
    match signature::key(secret) {
        Err(error) => report.error(
            KEY,
            format!("`{name}` {}", error.0),
            "write `whsec_` and base64 as the other side shows it, or any other text",
        ),
        Ok(key) if key.len() < LEAST_KEY_BYTES => {
            let size = key.len();
            report.warning(
                KEY,
                format!("`{name}` is a key of {size} bytes, which may be guessed; the standard asks for {LEAST_KEY_BYTES} at least"),
                "make one: echo whsec_$(openssl rand -base64 32)",
            );
        }
        Ok(_) => {}
    }
}

fn check_listener(settings: &Settings, report: &mut Report) {
    match (&settings.read_token, settings.listen_port) {
        (None, Some(_)) => report.error(
            "read_token",
            "there is a listener (`listen_port`) and no `read_token`: whoever reaches the port could read every message",
            "make one with `openssl rand -hex 32`, and give it to the bot that reads",
        ),
        (Some(token), _) => check_token(token, report),
        (None, None) => {}
    }
    if settings.read_token.is_some() && settings.listen_port.is_none() {
        report.warning(
            "read_token",
            "there is no listener at which anybody could show the token",
            "write `listen_port`, or remove `read_token`",
        );
    }
    report.check_host("listen_host", &settings.listen_host);
    report.check_path("listen_path", &settings.listen_path, "/webhook");
}

fn check_token(token: &Secret, report: &mut Report) {
    const KEY: &str = "read_token";
    let token = token.expose();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem = "the token can't be shown in a header: it is empty, or holds white space or letters beyond ASCII";
        report.error(KEY, problem, "make one with `openssl rand -hex 32`");
    } else if token.len() < LEAST_TOKEN_CHARS {
        let problem =
            format!("the token has fewer than {LEAST_TOKEN_CHARS} characters and may be guessed");
        report.warning(KEY, problem, "make one with `openssl rand -hex 32`");
    }
}
