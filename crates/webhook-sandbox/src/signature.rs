//! Signatures of Standard Webhooks 1.0.0.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

pub(crate) const ID: &str = "webhook-id";
pub(crate) const TIMESTAMP: &str = "webhook-timestamp";
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// How far the time of signing may lie from now, as the standard's libraries have it.
const WINDOW_SECS: u64 = 300;

/// The value of the signature header: `v1,` and the base64 of HMAC-SHA256 over id, time and body.
pub(crate) fn sign(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    format!(
        "v1,{}",
        BASE64_STANDARD.encode(mac(key, id, timestamp, body).finalize().into_bytes())
    )
}

/// The id of a request that is signed with `key`, not long ago.
pub(crate) fn verify<'a>(key: &[u8], headers: &'a HeaderMap, body: &[u8]) -> Option<&'a str> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let (id, timestamp) = (header(ID)?, header(TIMESTAMP)?);
    let signed_at: u64 = timestamp.parse().ok()?;
    let is_fresh = signed_at.abs_diff(now_secs()) <= WINDOW_SECS;
    let mac = mac(key, id, timestamp, body);
    let mut signatures = header(SIGNATURE)?.split(' ');
    let is_signed = signatures.any(|signature| {
        let given = signature.strip_prefix("v1,");
        let given = given.and_then(|given| BASE64_STANDARD.decode(given).ok());
        given.is_some_and(|given| mac.clone().verify_slice(&given).is_ok())
    });
    (is_fresh && is_signed).then_some(id)
}

fn mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

/// Seconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox plays another machine, whose clock a test of the bridge does not set"
)]
pub(crate) fn now_secs() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let pairs = [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)];
        let pairs = pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        pairs.into_iter().collect()
    }

    #[test]
    fn a_signature_equals_that_of_the_standard() {
        // The example of the standard's own libraries.
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", b"{\"test\": 2432232314}");
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(&key.unwrap(), id, "1614265330", body), expected);
    }

    #[test]
    fn what_has_changed_is_not_signed() {
        let now = now_secs();
        let (fresh, old) = (now.to_string(), (now - 301).to_string());
        let signed = |timestamp: &str| sign(b"secret", "m-1", timestamp, b"{}");
        let rows = [
            ("m-1", &fresh, signed(&fresh), true),
            ("m-1", &fresh, format!("v1,AAAA {}", signed(&fresh)), true),
            ("m-2", &fresh, signed(&fresh), false),
            ("m-1", &old, signed(&old), false),
            ("m-1", &fresh, sign(b"guess", "m-1", &fresh, b"{}"), false),
            ("m-1", &fresh, "v1a,AAAA".to_owned(), false),
        ];
        for (id, timestamp, signature, expected) in rows {
            let headers = headers(id, timestamp, &signature);
            let verified = verify(b"secret", &headers, b"{}");
            assert_eq!(verified.is_some(), expected, "{id} {timestamp} {signature}");
        }
        assert!(verify(b"secret", &HeaderMap::new(), b"{}").is_none());
    }
}
