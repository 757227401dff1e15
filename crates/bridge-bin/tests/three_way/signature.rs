//! Standard Webhooks signatures, read from the standard's page and sharing no code with the driver.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bridge_core::ports::Clock as _;
use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use sha2::Sha256;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// How far a time may lie from now, in seconds.
const WINDOW_SECS: u64 = 300;

/// The value of `webhook-signature`.
pub(crate) fn sign(id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = BASE64_STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// The id of a request, if it is signed; what is wrong with it otherwise.
pub(crate) fn verify(headers: &HeaderMap, body: &[u8]) -> Result<String, String> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or_else(|| format!("a request without {name}"))
    };
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let signed_at: u64 = timestamp
        .parse()
        .map_err(|_| format!("the time {timestamp:?}"))?;
    if signed_at.abs_diff(now_secs()) > WINDOW_SECS {
        return Err(format!("signed at {signed_at}, which is not now"));
    }
    let expected = sign(id, timestamp, body);
    let mut signatures = header("webhook-signature")?.split(' ');
    match signatures.any(|signature| signature == expected) {
        true => Ok(id.to_owned()),
        false => Err(format!("a wrong signature of {id}")),
    }
}

pub(crate) fn now_secs() -> u64 {
    let now = bridge_http::SystemClock.now().as_millis() / 1000;
    u64::try_from(now).unwrap()
}
