//! What a failed call means, in words that may be logged.

use std::borrow::Cow;

use bridge_core::ports::{HttpError, HttpErrorKind, Reached};
use http::Uri;
use ureq::Error;

/// The other side as it may be shown: `https://host:port`. No path, as some platforms put tokens
/// there, no query and no user.
pub(super) fn peer(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.host().unwrap_or("?");
    match uri.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// The error of a call to `uri` that had, or had not, begun to write its request.
///
/// ureq's own texts are not passed on where they can quote the URL or what came back.
pub(super) fn of(error: &Error, uri: &Uri, written: bool) -> HttpError {
    let (kind, what) = describe(error, written);
    HttpError {
        kind,
        reached: if written {
            Reached::Perhaps
        } else {
            Reached::No
        },
        detail: format!("{}: {what}", peer(uri)),
    }
}

fn describe(error: &Error, written: bool) -> (HttpErrorKind, Cow<'static, str>) {
    // What means "no connection" before the request was written means "it broke" after.
    let connection = if written {
        HttpErrorKind::Broken
    } else {
        HttpErrorKind::Connect
    };
    match error {
        Error::Timeout(step) => {
            let what = format!("no answer in time (limit of the step \"{step}\")");
            (HttpErrorKind::Timeout, what.into())
        }
        Error::HostNotFound => (connection, "the host name has no address".into()),
        Error::Io(error) => (connection, error.to_string().into()),
        Error::Tls(what) => (connection, format!("no secure connection: {what}").into()),
        Error::Rustls(error) => (connection, format!("no secure connection: {error}").into()),
        Error::TlsRequired => (connection, "no secure connection".into()),
        Error::ConnectProxyFailed(what) => {
            (connection, format!("the proxy refused: {what}").into())
        }
        Error::ConnectionFailed => (connection, "no connection".into()),
        Error::BodyExceedsLimit(limit) => (
            HttpErrorKind::Protocol,
            format!("the answer is larger than {limit} bytes").into(),
        ),
        Error::LargeResponseHeader(_, limit) => (
            HttpErrorKind::Protocol,
            format!("the head of the answer is larger than {limit} bytes").into(),
        ),
        _ if written => (
            HttpErrorKind::Protocol,
            "the answer is not valid HTTP".into(),
        ),
        _ => (
            HttpErrorKind::Protocol,
            "the request can't be sent as it is".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_shows_no_secrets() {
        let rows = [
            (
                "https://api.example.com/v1?access_token=canary",
                "https://api.example.com",
            ),
            (
                "http://user:canary@127.0.0.1:8080/bot-canary/send",
                "http://127.0.0.1:8080",
            ),
            ("http://[::1]:80/", "http://[::1]:80"),
            ("/canary", "http://?"),
        ];
        for (uri, expected) in rows {
            assert_eq!(peer(&uri.parse().unwrap()), expected);
        }
    }

    #[test]
    fn an_unusable_url_is_not_quoted() {
        let uri = "/canary".parse().unwrap();
        let error = of(
            &Error::BadUri("/canary is missing scheme".into()),
            &uri,
            false,
        );
        assert_eq!(error.detail, "http://?: the request can't be sent as it is");
        assert_eq!(error.reached, Reached::No);
    }
}
