//! The access token: kept while it is good, fetched by one request however many sends wait for it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::outcome::{Certainty, RetryAdvice, Scope, SendError};
use bridge_core::ports::Ports;
use bridge_core::secret::Secret;
use bridge_core::time::Timestamp;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use http::{HeaderValue, Response};
use serde::Serialize;

use crate::api::{TOKEN, success_text};
use crate::errors::classify;
use crate::wire::TokenAnswer;

/// A token is given up this long before it expires…
const REFRESH_BEFORE: Duration = Duration::from_secs(60);

/// …or at half its life if that is shorter than this.
const SHORT_LIFE: Duration = Duration::from_secs(120);

/// What DingTalk documents; counts for an answer that names no life. Should it be too long, the
/// first refused send mends it.
const USUAL_LIFE_SECS: i64 = 7200;

/// At most one request a second; and a millisecond more, as points in time are whole ones.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(1001);

/// A token, and which of all that were fetched it is: DingTalk may answer the same text again.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// Marked as sensitive, so that it shows in no `Debug`.
    pub(crate) value: HeaderValue,
    number: u64,
}

impl Token {
    /// The token's text, to be blotted out of what people see.
    pub(crate) fn expose(&self) -> &str {
        self.value.to_str().unwrap_or_default()
    }
}

/// Where sends get the app's token from. Clones share it.
#[derive(Clone)]
pub(crate) struct TokenSource {
    shared: Arc<Source>,
}

struct Source {
    ports: Ports,
    api_root: String,
    app_key: String,
    app_secret: Secret,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The request under way, as long as somebody waits for it: the waiting futures alone hold it,
    /// so that it ends with the last of them and the loss of the first does not hurt the others.
    fetch: Option<WeakShared<Fetch>>,
    last_request: Option<Timestamp>,
    fetched: u64,
}

struct Kept {
    token: Token,
    good_until: Timestamp,
}

type Fetch = BoxFuture<'static, Result<Token, SendError>>;

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenRequest<'a> {
    app_key: &'a str,
    app_secret: &'a str,
}

impl TokenSource {
    pub(crate) fn new(ports: Ports, api_root: String, app_key: String, app_secret: Secret) -> Self {
        Self {
            shared: Arc::new(Source {
                ports,
                api_root,
                app_key,
                app_secret,
                state: Mutex::default(),
            }),
        }
    }

    /// The token to send with: the kept one while it is good, else a new one.
    ///
    /// # Errors
    ///
    /// That of the one request all waiting callers share. Nothing was delivered then, and the
    /// advice holds for the whole instance.
    pub(crate) async fn get(&self) -> Result<Token, SendError> {
        match self.kept_or_fetch() {
            Ok(token) => Ok(token),
            Err(fetch) => fetch.await,
        }
    }

    /// Gives up `token`, which DingTalk does not accept. A newer one stays.
    pub(crate) fn give_up(&self, token: &Token) {
        let mut state = self.shared.state();
        if state
            .kept
            .as_ref()
            .is_some_and(|kept| kept.token.number == token.number)
        {
            state.kept = None;
        }
    }

    fn kept_or_fetch(&self) -> Result<Token, Shared<Fetch>> {
        let now = self.shared.ports.clock.now();
        let mut state = self.shared.state();
        if let Some(kept) = state.kept.as_ref().filter(|kept| now < kept.good_until) {
            return Ok(kept.token.clone());
        }
        if let Some(fetch) = state.fetch.as_ref().and_then(WeakShared::upgrade) {
            return Err(fetch);
        }
        let fetch = Arc::clone(&self.shared).fetch().boxed().shared();
        state.fetch = fetch.downgrade();
        Err(fetch)
    }
}

impl Source {
    async fn fetch(self: Arc<Self>) -> Result<Token, SendError> {
        let fetched = self.request().await;
        let mut state = self.state();
        // Whoever comes from here on asks anew; only those who wait share this outcome.
        state.fetch = None;
        let (value, good_until) = fetched?;
        state.fetched += 1;
        let token = Token {
            value,
            number: state.fetched,
        };
        state.kept = Some(Kept {
            token: token.clone(),
            good_until,
        });
        Ok(token)
    }

    /// Asks once for a token; the time is that until which it is good.
    async fn request(&self) -> Result<(HeaderValue, Timestamp), SendError> {
        let clock = &self.ports.clock;
        let pause = self.pause(clock.now());
        if !pause.is_zero() {
            clock.sleep(pause).await;
        }
        // The token's life counts from before the request: it begins somewhere within it.
        let asked_at = clock.now();
        self.state().last_request = Some(asked_at);
        let body = TokenRequest {
            app_key: &self.app_key,
            app_secret: self.app_secret.expose(),
        };
        let request = TOKEN.request(&self.api_root, None, &body)?;
        let answer = self.ports.http.exchange(request).await.map_err(|error| {
            nothing_sent(SendError {
                operation: TOKEN.operation,
                ..error.into()
            })
        })?;
        read(&answer, asked_at).ok_or_else(|| {
            let private = [self.app_secret.expose()];
            nothing_sent(classify(TOKEN.operation, &answer, clock.now(), private).error)
        })
    }

    /// What is left of the time between two requests.
    fn pause(&self, now: Timestamp) -> Duration {
        match self.state().last_request {
            // A clock that was set back must not stretch the pause.
            Some(last) if last <= now => BETWEEN_REQUESTS.saturating_sub(now.since(last)),
            Some(_) => BETWEEN_REQUESTS,
            None => Duration::ZERO,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(answer: &Response<Bytes>, asked_at: Timestamp) -> Option<(HeaderValue, Timestamp)> {
    let answer = TokenAnswer::parse(success_text(answer)?)?;
    let mut value = HeaderValue::from_str(&answer.access_token?).ok()?;
    value.set_sensitive(true);
    let life = answer.expire_in.unwrap_or(USUAL_LIFE_SECS);
    let life = Duration::from_secs(u64::try_from(life).unwrap_or(0));
    let good_for = if life < SHORT_LIFE {
        life / 2
    } else {
        life - REFRESH_BEFORE
    };
    Some((value, asked_at.plus(good_for)))
}

/// A failure to get a token as the failure of the send that wanted it: it concerns every channel,
/// nothing was delivered, and as an operator can mend it, the message waits.
fn nothing_sent(error: SendError) -> SendError {
    let advice = match error.advice {
        RetryAdvice::After(pause, _) => RetryAdvice::After(pause, Scope::Instance),
        RetryAdvice::Never | RetryAdvice::Backoff(_) => RetryAdvice::Backoff(Scope::Instance),
    };
    SendError {
        advice,
        certainty: Certainty::NotDelivered,
        ..error
    }
}
