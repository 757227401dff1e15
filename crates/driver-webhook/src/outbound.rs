//! One send: to the receiver at `url`, then into the mailbox.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bridge_core::capability::{Capabilities, Features, Inbound};
use bridge_core::driver::Outgoing;
use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::Ports;
use bridge_core::secret::{Secret, Secrets};
use bridge_core::time::{Timestamp, format_duration};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use url::Url;

use crate::errors::{OPERATION, classify};
use crate::payload;
use crate::settings::Settings;
use crate::signature::{self, SigningKeys};

/// The largest text of one send, in bytes. With the frame of JSON and its escapes it stays well below
/// the 1 MiB that servers take without being told to.
const TEXT_LIMIT: usize = 256 * 1024;

/// How long a receiver that answered 410 is not asked again.
const GONE_FOR: Duration = Duration::from_secs(5 * 60);

pub(crate) fn capabilities(settings: &Settings) -> Capabilities {
    let mut capabilities = Capabilities::text(TEXT_LIMIT);
    if settings.listen().is_some() {
        capabilities.inbound = Inbound::Listener;
        capabilities.hears = Features::ALL;
    }
    capabilities.shows = Features::ALL;
    capabilities.idempotent_send = true;
    capabilities
}

/// The sending half of an instance.
#[derive(Debug)]
pub(crate) struct Outbound {
    ports: Ports,
    receiver: Option<Receiver>,
    /// Whether readers come for what is sent.
    keeps: bool,
}

/// Who is sent to.
#[derive(Debug)]
struct Receiver {
    url: Secret,
    method: Method,
    headers: HeaderMap,
    keys: SigningKeys,
    /// What errors must not repeat: the URL, its path, values of headers, secrets.
    private: Vec<Secret>,
    /// Until when it is not asked, since it wants no more messages.
    gone_until: Mutex<Timestamp>,
}

impl Outbound {
    pub(crate) fn new(settings: &Settings, keys: SigningKeys, ports: Ports) -> Self {
        let receiver = settings.url.as_ref();
        Self {
            ports,
            receiver: receiver.map(|url| Receiver::new(url, settings, keys)),
            keeps: settings.listen().is_some(),
        }
    }

    /// Sends one part. The receiver comes first: what it refuses is not kept for readers, so that an
    /// error which says that nothing was delivered is true for both.
    pub(crate) async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let now = self.ports.clock.now();
        let json = payload::json(outgoing, now)
            .map_err(|problem| SendError::rejected(OPERATION, problem))?;
        if let Some(receiver) = &self.receiver {
            receiver.send(outgoing, &json, &self.ports).await?;
        }
        if self.keeps {
            self.keep(outgoing, json).await?;
        }
        Ok(Sent {
            platform_ids: vec![outgoing.key.clone()],
        })
    }

    async fn keep(&self, outgoing: &Outgoing, json: String) -> Result<(), SendError> {
        const OPERATION: &str = "mailbox";
        let put = self.ports.mailbox.put(outgoing.key.clone(), json).await;
        put.map_err(|error| {
            let advice = RetryAdvice::Backoff(Scope::Instance);
            let kind = ErrorKind::Unavailable;
            match self.receiver {
                // The receiver has it already.
                Some(_) => SendError {
                    advice,
                    ..SendError::uncertain(kind, OPERATION, error.detail)
                },
                None => SendError::temporary(kind, advice, OPERATION, error.detail),
            }
        })
    }
}

impl Receiver {
    fn new(url: &Secret, settings: &Settings, keys: SigningKeys) -> Self {
        let headers = settings.headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.expose()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let parsed = Url::parse(url.expose()).ok();
        let path = parsed.map(|url| Secret::new(&url[url::Position::BeforePath..]));
        let token = settings.read_token.iter();
        let signed_with = settings.secrets.iter().flat_map(Secrets::iter);
        let values = settings.headers.values();
        let private = values.chain(token).chain(signed_with).chain([url]).cloned();
        Self {
            url: url.clone(),
            method: settings.method.into(),
            headers: headers.collect(),
            keys,
            private: private.chain(path).collect(),
            gone_until: Mutex::new(Timestamp::EPOCH),
        }
    }

    async fn send(&self, outgoing: &Outgoing, json: &str, ports: &Ports) -> Result<(), SendError> {
        let now = ports.clock.now();
        self.refuse_if_gone(now)?;
        let request = self.request(&outgoing.key, json, now)?;
        let signature = request.headers().get(signature::SIGNATURE).cloned();
        let answer = ports.http.exchange(request).await;
        let answer = answer.map_err(|error| SendError {
            operation: OPERATION,
            ..error.into()
        })?;
        if answer.status().is_success() {
            return Ok(());
        }
        let now = ports.clock.now();
        if answer.status() == StatusCode::GONE {
            let mut gone_until = self
                .gone_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *gone_until = now.plus(GONE_FOR);
        }
        let signature = signature.as_ref().and_then(|value| value.to_str().ok());
        let signatures = signature.into_iter().flat_map(|value| value.split(' '));
        let texts = payload::private_texts(outgoing);
        let secrets = self.private.iter().flat_map(|secret| {
            let shown = secret.expose();
            [shown, shown.strip_prefix("Bearer ").unwrap_or(shown)]
        });
        let mut private: Vec<&str> = secrets.chain(signatures).collect();
        private.extend(texts.iter().map(String::as_str));
        // What holds another one must be blotted out first.
        private.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
        Err(classify(&answer, now, &private))
    }

    fn refuse_if_gone(&self, now: Timestamp) -> Result<(), SendError> {
        let gone_until = *self
            .gone_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if now >= gone_until {
            return Ok(());
        }
        let left = format_duration(Duration::from_secs(gone_until.since(now).as_secs().max(1)));
        let detail = format!(
            "not asked, as the receiver answered 410: it wants no more messages; check `url`, or remove the rule; asked again in {left}, or at once when the settings change"
        );
        Err(SendError::rejected(OPERATION, detail))
    }

    fn request(&self, id: &str, json: &str, now: Timestamp) -> Result<Request<Bytes>, SendError> {
        let timestamp = now.as_millis().div_euclid(1000).to_string();
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.url.expose())
            .header(header::CONTENT_TYPE, "application/json")
            .header(signature::ID, id)
            .header(signature::TIMESTAMP, &timestamp);
        if let Some(signature) = self.keys.sign(id, &timestamp, json.as_bytes()) {
            request = request.header(signature::SIGNATURE, signature);
        }
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.headers.clone());
        }
        // The reason may quote the URL.
        request
            .body(Bytes::from(json.to_owned()))
            .map_err(|_| SendError::rejected(OPERATION, "no request can be made to `url`"))
    }
}
