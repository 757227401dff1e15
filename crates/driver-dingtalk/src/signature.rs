//! Whether a callback is DingTalk's: the `timestamp` and `sign` headers, checked before the body
//! is looked at.
//!
//! `sign` is the padded standard base64 of HMAC-SHA256, keyed with the secret, over the
//! `timestamp` header's exact text, a line feed and the secret. The body is not covered.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bridge_core::driver::{Refusal, decimal, only_header, refuse_stale};
use bridge_core::secret::Secret;
use bridge_core::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

/// How far the `timestamp` may lie from the bridge's clock, either way.
const WINDOW: Duration = Duration::from_secs(3600);

/// The value of the `sign` header for a `timestamp` header, as DingTalk makes it. For whoever
/// plays DingTalk: tests, benches, the sandbox. Both texts are used as they stand.
pub fn sign(secret: &str, timestamp: &str) -> String {
    let mac = Key::new(&Secret::new(secret)).mac(timestamp);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Checks signatures made with any of the secrets that are good now.
pub(crate) struct Verifier {
    keys: Vec<Key>,
}

/// A secret, ready to sign.
struct Key {
    /// Keyed once, cloned for each request.
    keyed: Hmac<Sha256>,
    secret: Secret,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl Verifier {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let keys = secrets.into_iter().map(Key::new).collect();
        Self { keys }
    }

    /// Checks the headers of a request that came at `now`, the signature in constant time.
    ///
    /// # Errors
    ///
    /// - `missing`: a header is absent or empty;
    /// - `stale`: the timestamp is more than an hour from `now`;
    /// - `wrong`: all else, repeated headers and a timestamp that is no decimal number included.
    pub(crate) fn verify(&self, headers: &HeaderMap, now: Timestamp) -> Result<(), Refusal> {
        let timestamp = only_header(headers, "timestamp")?;
        let sign = only_header(headers, "sign")?;
        let millis = decimal(timestamp)
            .ok_or_else(|| wrong("the `timestamp` header is not a number of milliseconds"))?;
        refuse_stale(Timestamp::from_millis(millis), now, WINDOW)?;
        let sign = STANDARD
            .decode(sign)
            .map_err(|_| wrong("the `sign` header is not base64"))?;
        // All secrets are tried, each in constant time: how long it takes does not tell which fits.
        let mut fits = false;
        for key in &self.keys {
            fits |= key.mac(timestamp).verify_slice(&sign).is_ok();
        }
        match fits {
            true => Ok(()),
            false => Err(wrong(
                "the signature does not match; is `signing_secret` the Client Secret of the app that owns the robot?",
            )),
        }
    }
}

impl Key {
    fn new(secret: &Secret) -> Self {
        let keyed = Hmac::new_from_slice(secret.expose().as_bytes())
            .expect("HMAC takes keys of any length");
        Self {
            keyed,
            secret: secret.clone(),
        }
    }

    fn mac(&self, timestamp: &str) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        mac.update(timestamp.as_bytes());
        mac.update(b"\n");
        mac.update(self.secret.expose().as_bytes());
        mac
    }
}

fn wrong(detail: impl Into<String>) -> Refusal {
    Refusal {
        reason: "wrong",
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests;
