//! Access tokens: given out, renewed, expired, revoked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::ids;

/// The tokens that are out.
pub(crate) struct Tokens {
    lifetime: Duration,
    issued: Mutex<HashMap<String, Issued>>,
}

struct Issued {
    app_key: Arc<str>,
    expires_at: Instant,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            issued: Mutex::default(),
        }
    }

    /// The app's token: the one that is out, renewed, while it is valid; else a new one. With it,
    /// how long it lives from now.
    pub(crate) fn issue(&self, app_key: &Arc<str>) -> (String, Duration) {
        let now = Instant::now();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.retain(|_, token| now < token.expires_at);
        let current = issued
            .iter()
            .find(|(_, token)| token.app_key == *app_key)
            .map(|(text, _)| text.clone());
        let text = current.unwrap_or_else(ids::access_token);
        issued.insert(
            text.clone(),
            Issued {
                app_key: Arc::clone(app_key),
                expires_at: now + self.lifetime,
            },
        );
        (text, self.lifetime)
    }

    /// The key of the app that the token was given to, if it is valid.
    pub(crate) fn app_key(&self, text: &str) -> Option<Arc<str>> {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued
            .get(text)
            .filter(|token| Instant::now() < token.expires_at)
            .map(|token| Arc::clone(&token.app_key))
    }

    /// Makes every token that is out invalid.
    pub(crate) fn revoke_all(&self) {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.clear();
    }
}
