//! What a program makes of a request of the bridge.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bridge_core::sandbox::Screen;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::signature;

/// All receivers of a sandbox, by the path of their URL.
#[derive(Default)]
pub(crate) struct Receivers(Mutex<HashMap<String, Receiver>>);

struct Receiver {
    secret: String,
    screen: Screen,
    /// The ids of what it has taken: the same one again is the same message.
    taken: HashSet<String>,
}

impl Receivers {
    /// A receiver at `path`, which takes what is signed with `secret`.
    pub(crate) fn add(&self, path: &str, secret: &str, screen: Screen) {
        let receiver = Receiver {
            secret: secret.to_owned(),
            screen,
            taken: HashSet::new(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.to_owned(), receiver);
    }

    /// Takes a request, shows it if it is new, and says with which status it is answered.
    pub(crate) fn take(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> StatusCode {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(receiver) = all.get_mut(path) else {
            return StatusCode::NOT_FOUND;
        };
        let Some(id) = signature::verify(receiver.secret.as_bytes(), headers, body) else {
            return StatusCode::UNAUTHORIZED;
        };
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(text) = message["text"].as_str() else {
            return StatusCode::BAD_REQUEST;
        };
        if receiver.taken.insert(id.to_owned()) {
            receiver.screen.show(text, Instant::now());
        }
        StatusCode::OK
    }
}
