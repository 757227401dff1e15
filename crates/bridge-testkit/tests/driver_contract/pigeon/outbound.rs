//! Sends of the pigeon driver: a token, then one request with an idempotency key.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::driver::Outgoing;
use bridge_core::id::Address;
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::Ports;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use serde_json::{Value, json};

use super::settings::Settings;
use super::{acts, markup};
use crate::fault::Fault;

const SEND: &str = "messages";
const TOKEN: &str = "token";

pub(crate) struct Outbound {
    settings: Settings,
    ports: Ports,
    token: Mutex<Option<String>>,
    /// What the faults remember.
    behind: Mutex<Option<Outgoing>>,
    last: Mutex<Option<Address>>,
    is_busy: AtomicBool,
    has_failed: AtomicBool,
    tries: AtomicU64,
}

impl Outbound {
    pub(crate) fn new(settings: Settings, ports: Ports) -> Self {
        Self {
            settings,
            ports,
            token: Mutex::default(),
            behind: Mutex::default(),
            last: Mutex::default(),
            is_busy: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            tries: AtomicU64::new(0),
        }
    }

    pub(crate) async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        if Fault::WaitsOutsideThePorts.is_present() {
            std::future::pending::<()>().await;
        }
        let is_locked =
            Fault::StaysLockedWhenDropped.is_present() || Fault::StaysLockedWhenFailed.is_present();
        if is_locked && self.is_busy.swap(true, Ordering::Relaxed) {
            let advice = RetryAdvice::Backoff(Scope::Instance);
            return Err(SendError::temporary(
                ErrorKind::Unavailable,
                advice,
                SEND,
                "busy",
            ));
        }
        let keeps_one = Fault::SendsOneBehind.is_present() || Fault::KeepsOneForLater.is_present();
        let number = self.tries.fetch_add(1, Ordering::Relaxed);
        let loses_this = Fault::LosesEveryTenth.is_present() && number % 10 == 9
            || Fault::LosesTheNextAfterAFailure.is_present()
                && self.has_failed.swap(false, Ordering::Relaxed);
        if loses_this {
            return Ok(Sent::default());
        }
        let due = match keeps_one {
            true => lock(&self.behind).replace(outgoing.clone()),
            false => Some(outgoing.clone()),
        };
        let result = match due {
            Some(due) => acts::misjudged(&due.act, self.renewing(&due).await),
            None => Ok(Sent::default()),
        };
        if result.is_ok() || !Fault::StaysLockedWhenFailed.is_present() {
            self.is_busy.store(false, Ordering::Relaxed);
        }
        self.has_failed.store(result.is_err(), Ordering::Relaxed);
        result.map_err(|error| self.misjudged(error))
    }

    fn misjudged(&self, error: SendError) -> SendError {
        let advice = match error.kind {
            ErrorKind::Rejected
                if Fault::RetriesLaterRefusals.is_present()
                    && self.tries.load(Ordering::Relaxed) > 3 =>
            {
                RetryAdvice::Backoff(Scope::Message)
            }
            ErrorKind::Throttled if Fault::TakesThrottlingForRefusal.is_present() => {
                RetryAdvice::Never
            }
            _ => error.advice,
        };
        SendError { advice, ..error }
    }

    pub(crate) async fn probe(&self) -> Result<(), SendError> {
        if Fault::ProbeSends.is_present() {
            let hello = Outgoing::new(Address::new([("loft", "1")]), "hello", "probe");
            return self.send(&hello).await.map(drop);
        }
        if !Fault::ProbeRemembers.is_present() {
            *lock(&self.token) = None;
        }
        self.token().await.map(drop).map_err(|error| SendError {
            kind: match Fault::ProbeBlamesSettings.is_present() {
                true => ErrorKind::Unauthorized,
                false => error.kind,
            },
            ..error
        })
    }

    /// Asks without waiting for the answer.
    pub(crate) fn ask_for_nothing(&self) {
        let request = Request::get("http://127.0.0.1:9/hello").body(Bytes::new());
        let asked = self.ports.http.exchange(request.expect("a URL"));
        drop(futures_util::FutureExt::now_or_never(asked));
    }

    /// Sends, with a new token once more if the platform refuses the first.
    async fn renewing(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let loft = outgoing.address.get("loft").unwrap_or_default().to_owned();
        if loft.is_empty() && !Fault::SendsAnywhere.is_present() {
            return Err(SendError::rejected(SEND, "the target has no `loft`"));
        }
        let before = lock(&self.last).replace(outgoing.address.clone());
        outgoing.preparing();
        let token = self.token().await?;
        let loft = match before.as_ref().and_then(|before| before.get("loft")) {
            Some(before)
                if Fault::MixesManyAtOnce.is_present()
                    && self.tries.load(Ordering::Relaxed) % 3 == 2 =>
            {
                before.to_owned()
            }
            _ => loft,
        };
        let loft = match lock(&self.last).as_ref().and_then(|last| last.get("loft")) {
            Some(last) if Fault::MixesChannels.is_present() => last.to_owned(),
            _ => loft,
        };
        let mut result = self.once(&token, &loft, outgoing).await;
        let retries = Fault::Retries.is_present()
            || Fault::EditRetries.is_present() && acts::is_edit(&outgoing.act);
        if retries && result.is_err() {
            result = self.once(&token, &loft, outgoing).await;
        }
        let is_refused = |result: &Result<Sent, SendError>| matches!(result, Err(error) if error.detail.starts_with("401"));
        if !is_refused(&result) || Fault::KeepsExpiredToken.is_present() {
            return result;
        }
        if Fault::RefusesWhatExpires.is_present() {
            return Err(SendError::rejected(SEND, "the token has expired"));
        }
        outgoing.preparing();
        *lock(&self.token) = None;
        let token = self.token().await?;
        let result = self.once(&token, &loft, outgoing).await;
        if is_refused(&result) {
            *lock(&self.token) = None;
        }
        result
    }

    async fn token(&self) -> Result<String, SendError> {
        if let Some(token) = lock(&self.token).clone() {
            return Ok(token);
        }
        let body = json!({ "api_key": self.settings.api_key.expose() });
        let fetched = self.exchange(TOKEN, None, None, &body).await;
        let token = fetched.and_then(|answer| {
            let token = field(&answer, "token");
            token.ok_or_else(|| failure(TOKEN, &answer, ""))
        });
        let token = token.map_err(|error| SendError {
            advice: match error.advice {
                RetryAdvice::Never => RetryAdvice::Backoff(Scope::Instance),
                advice => advice,
            },
            certainty: match Fault::UncertainWithoutToken.is_present() {
                true => error.certainty,
                false => Certainty::NotDelivered,
            },
            ..error
        })?;
        if Fault::LogsToken.is_present() {
            tracing::trace!(%token, "fetched");
        }
        *lock(&self.token) = Some(token.clone());
        Ok(token)
    }

    async fn once(&self, token: &str, loft: &str, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let is_edit = acts::is_edit(&outgoing.act);
        let trims = Fault::TrimsText.is_present() || Fault::EditTrimsText.is_present() && is_edit;
        let text = match trims {
            true => outgoing.text.trim(),
            false => &outgoing.text,
        };
        let text = match Fault::EditEscapesNothing.is_present() && is_edit {
            true => text.to_owned(),
            false => markup::escape(text),
        };
        let (act, ids) = acts::named(&outgoing.act);
        if act == "recall" && Fault::RecallsNothing.is_present() {
            return Ok(Sent::default());
        }
        let key = match () {
            () if Fault::NoKey.is_present() => None,
            () if Fault::NewKeyForEachTry.is_present() => {
                Some(self.tries.fetch_add(1, Ordering::Relaxed).to_string())
            }
            () => Some(outgoing.key.clone()),
        };
        let files = match Fault::DropsFiles.is_present() {
            true => &[][..],
            false => &outgoing.attachments,
        };
        let files = files.iter().map(|file| json!([file.name, file.url]));
        let files: Vec<_> = files.collect();
        let loft = acts::loft(outgoing, loft);
        let body = json!({ "loft": loft, "text": text, "act": act, "ids": ids, "files": files });
        if !Fault::PreparesForever.is_present() {
            outgoing.sending();
        }
        let answer = self.exchange(SEND, Some(token), key, &body).await?;
        if Fault::DeliveredOnHalfAnAnswer.is_present() && answer.body().starts_with(b"{\"id")
            || Fault::DeliveredOn500.is_present() && answer.status() == 500
            || Fault::DeliveredOnGarbage.is_present() && answer.status() == 200
        {
            return Ok(Sent::default());
        }
        let is_taken = answer.status() == 200 && is_ok(&answer);
        match field(&answer, "id").filter(|_| is_taken) {
            Some(_) if Fault::TellsNoIdOfReplies.is_present() && act == "reply" => {
                Ok(Sent::default())
            }
            Some(id) => Ok(Sent {
                platform_ids: vec![match Fault::TellsAnotherId.is_present() {
                    true => id + "0",
                    false => id,
                }],
            }),
            None => Err(failure(SEND, &answer, &outgoing.text)),
        }
    }

    async fn exchange(
        &self,
        operation: &'static str,
        token: Option<&str>,
        key: Option<String>,
        body: &Value,
    ) -> Result<Response<Bytes>, SendError> {
        let mut request = Request::post(format!("{}/{operation}", self.settings.api_base));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Bytes::from(body.to_string()));
        let request = request.map_err(|error| SendError::rejected(operation, error.to_string()))?;
        self.ports.http.exchange(request).await.map_err(|error| {
            let mut error = SendError {
                operation,
                ..error.into()
            };
            if Fault::CertainAfterTimeout.is_present() {
                error.certainty = Certainty::NotDelivered;
            }
            if Fault::UncertainBeforeWriting.is_present() {
                error.certainty = Certainty::Unknown;
            }
            error
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn field(answer: &Response<Bytes>, name: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    Some(body.get(name)?.as_str()?.to_owned())
}

/// Whether the body says so.
fn is_ok(answer: &Response<Bytes>) -> bool {
    let error = field(answer, "error").unwrap_or_default();
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    Fault::DeliveredOnAnyId.is_present()
        || Fault::KnowsOnlyListedErrors.is_present() && error == "no"
        || body.is_some_and(|body| body["ok"] == true)
}

fn failure(operation: &'static str, answer: &Response<Bytes>, text: &str) -> SendError {
    let status = answer.status().as_u16();
    let mut detail = format!("{status}");
    if Fault::LongDetails.is_present() {
        detail += &String::from_utf8_lossy(answer.body());
    }
    if Fault::TextInDetail.is_present() {
        detail = format!("{status} for {text}");
    }
    let again = RetryAdvice::Backoff(Scope::Message);
    if let Some(error) = field(answer, "error").filter(|_| status == 200) {
        return named(&error, operation);
    }
    match status {
        403 if Fault::BlamesTheTokenForARoom.is_present() => {
            let advice = RetryAdvice::Backoff(Scope::Instance);
            SendError::temporary(ErrorKind::Unauthorized, advice, operation, detail)
        }
        401 => {
            let kind = match Fault::HidesBadCredentials.is_present() {
                true => ErrorKind::Unavailable,
                false => ErrorKind::Unauthorized,
            };
            SendError::temporary(
                kind,
                RetryAdvice::Backoff(Scope::Instance),
                operation,
                detail,
            )
        }
        429 => SendError::temporary(ErrorKind::Throttled, pause(answer), operation, detail),
        400..=499 if Fault::RetriesRefusals.is_present() => {
            SendError::temporary(ErrorKind::Rejected, again, operation, detail)
        }
        300..=499 => SendError::rejected(operation, detail),
        502 if Fault::CertainOfGateways.is_present() => {
            SendError::temporary(ErrorKind::Unavailable, again, operation, detail)
        }
        _ => SendError {
            advice: match Fault::GivesUpOnGateway.is_present() {
                true => RetryAdvice::Never,
                false => again,
            },
            ..SendError::uncertain(ErrorKind::Unavailable, operation, detail)
        },
    }
}

/// An error that stands in an answer of success.
fn named(error: &str, operation: &'static str) -> SendError {
    let known = |kind| {
        let advice = RetryAdvice::Backoff(Scope::Instance);
        SendError::temporary(kind, advice, operation, "200 with an error")
    };
    match error {
        "slow_down" if !Fault::TakesSlowDownForRefusal.is_present() => known(ErrorKind::Throttled),
        "revoked" if !Fault::TakesRevokedForRefusal.is_present() => known(ErrorKind::Unauthorized),
        "busy" if !Fault::TakesBusyForRefusal.is_present() => known(ErrorKind::Unavailable),
        _ => SendError::rejected(operation, "200 with an error"),
    }
}

/// This platform has the pause in the body, and knows nothing of the header.
fn pause(answer: &Response<Bytes>) -> RetryAdvice {
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let millis = body.and_then(|body| body.get("wait_ms")?.as_u64());
    match millis {
        Some(0) if Fault::NoPauseAtAll.is_present() => {
            RetryAdvice::After(Duration::ZERO, Scope::Channel)
        }
        Some(millis) if !Fault::IgnoresPauseInBody.is_present() => {
            RetryAdvice::After(Duration::from_millis(millis.max(1000)), Scope::Channel)
        }
        _ => RetryAdvice::Backoff(Scope::Channel),
    }
}
