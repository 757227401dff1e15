//! Standard Webhooks: signatures over the id, the time and the raw body of a request, made and
//! checked (<https://www.standardwebhooks.com>, version 1.0.0, symmetric signatures).
//!
//! `webhook-signature` holds `v1,` and the padded standard base64 of HMAC-SHA256 over
//! `webhook-id`, a dot, `webhook-timestamp` (whole seconds), a dot and the body; one for each secret
//! that is good now, separated by spaces.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bridge_core::driver::{Refusal, decimal, only_header, refuse_stale};
use bridge_core::secret::Secret;
use bridge_core::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;

/// The request's id, the same on every try.
pub(crate) const ID: &str = "webhook-id";
/// The time of the try, in seconds.
pub(crate) const TIMESTAMP: &str = "webhook-timestamp";
/// The signatures.
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// How far the time of signing may lie from the bridge's clock, either way.
const WINDOW: Duration = Duration::from_secs(300);

/// The longest id that is taken.
const MOST_ID_CHARS: usize = 256;

/// Signatures of one request that are looked at; more are refused.
const MOST_SIGNATURES: usize = 16;

/// What secrets in the standard's own form begin with.
const PREFIX: &str = "whsec_";

/// What keys of signatures begin with that are not supported.
const ASYMMETRIC: [&str; 2] = ["whsk_", "whpk_"];

/// The least bytes of a key, as the standard says.
pub(crate) const LEAST_KEY_BYTES: usize = 24;

/// Secrets may come without their padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secrets that are good now, ready to sign.
#[derive(Clone, Default)]
pub struct SigningKeys {
    /// Keyed once, cloned for each signature.
    keyed: Vec<Hmac<Sha256>>,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").finish_non_exhaustive()
    }
}

/// A secret that can't be used, and why; never what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusableSecret(pub &'static str);

impl SigningKeys {
    /// Keys of these secrets: `whsec_` and base64, or any other text, whose bytes are the key.
    ///
    /// # Errors
    ///
    /// The first secret that can't be used.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Self, UnusableSecret> {
        let mut keyed = Vec::new();
        for secret in secrets {
            let key = key(secret)?;
            keyed.push(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"));
        }
        Ok(Self { keyed })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.keyed.is_empty()
    }

    /// The value of the signature header; `None` without a secret.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<HeaderValue> {
        let signatures = self.keyed.iter().map(|key| {
            let signature = mac(key, id, timestamp, body).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(signature))
        });
        let value = signatures.collect::<Vec<_>>().join(" ");
        let value = HeaderValue::from_str(&value).expect("base64 is visible ASCII");
        (!self.is_empty()).then_some(value)
    }

    /// Checks a request that came at `now`, the signatures in constant time.
    ///
    /// # Errors
    ///
    /// - `missing`: a header is absent or empty;
    /// - `stale`: it was signed more than five minutes from `now`;
    /// - `wrong`: all else, repeated headers included.
    pub(crate) fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let id = only_header(headers, ID)?;
        let timestamp = only_header(headers, TIMESTAMP)?;
        let signatures = only_header(headers, SIGNATURE)?;
        if id.len() > MOST_ID_CHARS {
            return Err(wrong("the `webhook-id` header is too long"));
        }
        let secs = decimal(timestamp)
            .ok_or_else(|| wrong("the `webhook-timestamp` header is not a number of seconds"))?;
        refuse_stale(
            Timestamp::from_millis(secs.saturating_mul(1000)),
            now,
            WINDOW,
        )?;
        let mut given = Vec::new();
        for signature in signatures.split(' ') {
            if given.len() == MOST_SIGNATURES {
                return Err(wrong(
                    "the `webhook-signature` header holds too many signatures",
                ));
            }
            // Those of another version are for others.
            let signature = signature.strip_prefix("v1,");
            given.push(signature.and_then(|signature| STANDARD.decode(signature).ok()));
        }
        // All are tried with all secrets, each in constant time: how long it takes does not tell
        // which fits.
        let mut fits = false;
        for key in &self.keyed {
            let expected = mac(key, id, timestamp, body);
            for signature in given.iter().flatten() {
                fits |= expected.clone().verify_slice(signature).is_ok();
            }
        }
        match fits {
            true => Ok(()),
            false => Err(wrong(
                "no signature matches; is it made with one of `secrets`?",
            )),
        }
    }
}

/// The bytes of the key that a secret stands for.
pub(crate) fn key(secret: &Secret) -> Result<Vec<u8>, UnusableSecret> {
    let text = secret.expose();
    if ASYMMETRIC.iter().any(|prefix| text.starts_with(prefix)) {
        return Err(UnusableSecret(
            "is a key of asymmetric signatures (`v1a`), which are not supported",
        ));
    }
    let key = match text.strip_prefix(PREFIX) {
        None => text.as_bytes().to_vec(),
        Some(coded) => LENIENT
            .decode(coded)
            .map_err(|_| UnusableSecret("begins with `whsec_`, and what follows is not base64"))?,
    };
    match key.is_empty() {
        true => Err(UnusableSecret("is empty")),
        false => Ok(key),
    }
}

fn mac(key: &Hmac<Sha256>, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

fn wrong(detail: impl Into<String>) -> Refusal {
    Refusal::new("wrong", detail)
}

#[cfg(test)]
mod tests;
