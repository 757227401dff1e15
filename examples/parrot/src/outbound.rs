//! Sends text to a perch: one request for each part.

use std::time::Duration;

use bridge_core::capability::{Capabilities, Inbound};
use bridge_core::driver::Outgoing;
use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::Ports;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Request, Response};
use serde::Deserialize;
use serde_json::json;

use crate::ADDRESS_KEY;
use crate::settings::Settings;

const SEND: &str = "squawks";

/// The largest text of one send, in characters.
const TEXT_LIMIT: usize = 500;

/// What the platform can show. It takes a `nonce`, and shows a repeated send once.
pub(crate) fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::text(TEXT_LIMIT);
    capabilities.inbound = Inbound::Listener;
    capabilities.text_size = |text| text.chars().count();
    capabilities.idempotent_send = true;
    capabilities
}

/// The sending half of an instance.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) settings: Settings,
    ports: Ports,
}

#[derive(Deserialize)]
struct Squawked {
    id: String,
}

impl Outbound {
    pub(crate) fn new(settings: Settings, ports: Ports) -> Self {
        Self { settings, ports }
    }

    pub(crate) async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let perch = outgoing.address.get(ADDRESS_KEY).ok_or_else(|| {
            let detail = format!("the target has no `{ADDRESS_KEY}`; correct the rule");
            SendError::rejected(SEND, detail)
        })?;
        let body = json!({ "perch": perch, "text": outgoing.text, "nonce": outgoing.key });
        let request = self.request(body.to_string().into())?;
        outgoing.sending();
        let answer = self.ports.http.exchange(request).await;
        let answer = answer.map_err(|error| SendError {
            operation: SEND,
            ..error.into()
        })?;
        let squawked: Option<Squawked> = match answer.status().is_success() {
            true => serde_json::from_slice(answer.body()).ok(),
            false => None,
        };
        match squawked {
            Some(squawked) => Ok(Sent {
                platform_ids: vec![squawked.id],
            }),
            None => Err(classify(&answer)),
        }
    }

    fn request(&self, body: Bytes) -> Result<Request<Bytes>, SendError> {
        let token = format!("Bearer {}", self.settings.token.expose());
        let mut token = HeaderValue::try_from(token).map_err(|_| {
            SendError::rejected(SEND, "`token` holds characters that no header takes")
        })?;
        // Shown by no `Debug`.
        token.set_sensitive(true);
        Request::post(format!(
            "{}/{SEND}",
            self.settings.api_base.trim_end_matches('/')
        ))
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, token)
        .body(body)
        .map_err(|error| SendError::rejected(SEND, format!("`api_base` is wrong: {error}")))
    }
}

/// The error of an answer that did not bring what was asked for.
///
/// | status | kind | tried again | delivered |
/// |---|---|---|---|
/// | 2xx without an id | protocol | after a pause | perhaps |
/// | 401, 403 | unauthorized | after a pause of the instance | no |
/// | 429 | throttled | after what `Retry-After` says, of the instance | no |
/// | 5xx | unavailable | after a pause | perhaps |
/// | others | rejected | never | no |
fn classify(answer: &Response<Bytes>) -> SendError {
    let status = answer.status().as_u16();
    // The platform's own words are left out: they may repeat the text or the token.
    let detail = format!("status {status}");
    let instance = RetryAdvice::Backoff(Scope::Instance);
    let known = |kind, advice, detail| SendError::temporary(kind, advice, SEND, detail);
    match status {
        200..=299 => SendError::uncertain(ErrorKind::Protocol, SEND, detail),
        401 | 403 => known(
            ErrorKind::Unauthorized,
            instance,
            detail + "; check `token`",
        ),
        429 => known(ErrorKind::Throttled, pause(answer), detail),
        500..=599 => SendError::uncertain(ErrorKind::Unavailable, SEND, detail),
        _ => SendError::rejected(SEND, detail),
    }
}

fn pause(answer: &Response<Bytes>) -> RetryAdvice {
    let header = answer.headers().get(RETRY_AFTER);
    match header.and_then(|value| value.to_str().ok()?.parse::<u64>().ok()) {
        // A pause of nothing would be a tight loop.
        Some(secs) => RetryAdvice::After(Duration::from_secs(secs.max(1)), Scope::Instance),
        None => RetryAdvice::Backoff(Scope::Instance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::outcome::Certainty;

    #[test]
    fn statuses_are_judged() {
        let rows = [
            (200, ErrorKind::Protocol, Certainty::Unknown),
            (400, ErrorKind::Rejected, Certainty::NotDelivered),
            (403, ErrorKind::Unauthorized, Certainty::NotDelivered),
            (429, ErrorKind::Throttled, Certainty::NotDelivered),
            (502, ErrorKind::Unavailable, Certainty::Unknown),
        ];
        for (status, kind, certainty) in rows {
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
            let error = classify(&answer);
            assert_eq!((error.kind, error.certainty), (kind, certainty), "{status}");
        }
    }
}
