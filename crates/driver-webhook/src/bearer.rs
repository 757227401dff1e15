//! Whether a caller shows the `read_token`: `Authorization: Bearer TOKEN`.

use std::fmt;

use bridge_core::driver::Refusal;
use bridge_core::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::Sha256;

/// The token that opens the listener.
pub(crate) struct Bearer {
    /// Of the token, under itself: two texts are compared by these, in constant time.
    expected: Vec<u8>,
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").finish_non_exhaustive()
    }
}

impl Bearer {
    pub(crate) fn new(token: &Secret) -> Self {
        let token = token.expose().as_bytes();
        let keyed = Hmac::new_from_slice(token).expect("HMAC takes keys of any length");
        let expected = mac(&keyed, token).finalize().into_bytes().to_vec();
        Self { expected, keyed }
    }

    /// Checks the `Authorization` header.
    ///
    /// # Errors
    ///
    /// - `missing`: there is none;
    /// - `wrong`: all else, a repeated header included.
    pub(crate) fn verify(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Err(Refusal::new(
                "missing",
                "there is no `Authorization: Bearer` header with the `read_token`",
            ));
        };
        if values.next().is_some() {
            return Err(wrong("there are several `Authorization` headers"));
        }
        let shown = value.as_bytes();
        let (scheme, token) = shown
            .split_at_checked("Bearer ".len())
            .unwrap_or((shown, b""));
        if !scheme.eq_ignore_ascii_case(b"Bearer ") {
            return Err(wrong(
                "the `Authorization` header is not of the form `Bearer TOKEN`",
            ));
        }
        let fits = mac(&self.keyed, token).verify_slice(&self.expected);
        fits.map_err(|_| wrong("the token of the `Authorization` header is not the `read_token`"))
    }
}

fn mac(keyed: &Hmac<Sha256>, text: &[u8]) -> Hmac<Sha256> {
    let mut mac = keyed.clone();
    mac.update(text);
    mac
}

fn wrong(detail: &str) -> Refusal {
    Refusal::new("wrong", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_opens() {
        let bearer = Bearer::new(&Secret::new("token-canary"));
        let rows: [(&[&str], Option<&str>); 9] = [
            (&["Bearer token-canary"], None),
            (&["bearer token-canary"], None),
            (&["Bearer token-canarY"], Some("wrong")),
            (&["Bearer token-canary "], Some("wrong")),
            (&["Bearer token-canar"], Some("wrong")),
            (&["Bearer "], Some("wrong")),
            (&["token-canary"], Some("wrong")),
            (&[], Some("missing")),
            (
                &["Bearer token-canary", "Bearer token-canary"],
                Some("wrong"),
            ),
        ];
        for (values, expected) in rows {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            let found = bearer.verify(&headers).err();
            assert_eq!(
                found.as_ref().map(|refusal| refusal.reason),
                expected,
                "{values:?}"
            );
            assert!(
                !format!("{found:?} {bearer:?}").contains("canar"),
                "{found:?}"
            );
        }
    }
}
