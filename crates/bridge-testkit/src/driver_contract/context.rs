//! The subject, its settings, and what may be seen by the driver and its platform only.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bridge_core::capability::Capabilities;
use bridge_core::driver::{Driver, RunError};
use bridge_core::ports::Ports;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::bench::{Bench, Setup};
use super::platform::{Api, WayIn, WayOut};
use super::{ApiError, Brings, Meaning, Stop, Subject};
use crate::fake_http::Answer;

/// A text that occurs nowhere else, so that it is recognised wherever it turns up.
pub(super) const TEXT: &str = "canary text 4c1f: 你好 \"<b>&*_` \\ 👋";

/// The beginning of [`TEXT`].
pub(super) const CANARY: &str = "canary text 4c1f";

/// Shorter texts turn up anywhere by chance.
const SHORTEST_PRIVATE_CHARS: usize = 4;

/// Headers whose values are no secrets.
const PLAIN_HEADERS: [&str; 5] = [
    "accept",
    "content-type",
    "content-length",
    "host",
    "user-agent",
];

/// The subject, and what was seen of its driver.
pub(super) struct Context<S> {
    pub(super) subject: Arc<S>,
    /// What drivers have shown to the platform so far: tokens, and secrets of their settings.
    pub(super) shown: Arc<Shown>,
    /// How the work of drivers has ended so far.
    pub(super) run_errors: Arc<Mutex<Vec<RunError>>>,
    /// What everything that is chosen by chance follows from.
    seed: u64,
}

/// Credentials that only the driver and its platform may see.
#[derive(Default)]
pub(super) struct Shown(Mutex<BTreeSet<String>>);

impl Shown {
    pub(super) fn list(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().cloned().collect()
    }

    pub(super) fn add(&self, credentials: impl IntoIterator<Item = String>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(credentials);
    }
}

impl<S: Subject> Context<S> {
    pub(super) fn new(subject: S, seed: u64) -> Self {
        Self {
            subject: Arc::new(subject),
            shown: Arc::default(),
            run_errors: Arc::default(),
            seed,
        }
    }

    /// Chance, the same for each check.
    pub(super) fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }

    /// The platform's API; without one, what `what` says is not claimed.
    pub(super) fn api(&self) -> Result<&dyn Api, Stop> {
        match self.subject.way_out() {
            WayOut::Requests(api) => Ok(api),
            WayOut::Connection => Err(Stop::NotClaimed("sends are no HTTP requests")),
        }
    }

    /// The errors of this meaning that the platform lists; none where sends are no requests.
    pub(super) fn listed(&self, meaning: Meaning) -> Vec<ApiError> {
        let WayOut::Requests(api) = self.subject.way_out() else {
            return Vec::new();
        };
        let mut errors = api.errors();
        errors.retain(|error| error.meaning == meaning);
        errors
    }

    /// A driver whose platform takes everything; where sends go over a connection, it is there.
    pub(super) fn bench(&self) -> Result<Bench<S>, Stop> {
        let bench = self.open(Setup::default())?;
        bench.connect()?;
        Ok(bench)
    }

    /// A driver whose platform takes everything, and that does nothing yet.
    pub(super) fn open(&self, setup: Setup) -> Result<Bench<S>, Stop> {
        Bench::open(self, setup)
    }

    /// A driver whose platform answers sends with `answer`, and all else as while all is well.
    pub(super) fn sends_answered(
        &self,
        answer: impl Fn(&dyn Api, &Request<Bytes>) -> Answer + Send + Sync + 'static,
    ) -> Result<Bench<S>, Stop> {
        self.answering(move |api, request| match api.asked(request) {
            Some(_) => answer(api, request),
            None => Ok(api.accepted(request)),
        })
    }

    /// A driver whose platform answers everything with `answer`.
    pub(super) fn answering(
        &self,
        answer: impl Fn(&dyn Api, &Request<Bytes>) -> Answer + Send + Sync + 'static,
    ) -> Result<Bench<S>, Stop> {
        self.api()?;
        self.open(Setup {
            answer: Some(Box::new(answer)),
            ..Setup::default()
        })
    }

    /// The driver with the subject's settings.
    pub(super) fn driver(&self, ports: Ports) -> Result<S::Driver, Stop> {
        Ok(S::Driver::open(self.settings()?, ports))
    }

    /// The settings that the subject says work.
    pub(super) fn settings(&self) -> Result<<S::Driver as Driver>::Settings, Stop> {
        let settings = serde_json::from_value(self.subject.settings());
        settings.map_err(|error| Stop::Broken(format!("the subject's settings: {error}")))
    }

    pub(super) fn capabilities(&self) -> Result<Capabilities, Stop> {
        Ok(S::Driver::capabilities(&self.settings()?))
    }

    /// The values of the subject's secrets.
    pub(super) fn secrets(&self) -> Vec<String> {
        let settings = self.subject.settings();
        let of_key = |key: &&str| match settings.get(*key) {
            Some(Value::Array(list)) => list.clone(),
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        let values = self.subject.secret_keys().iter().flat_map(of_key);
        values
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    }

    /// All that only the driver and its platform may see.
    pub(super) fn credentials(&self) -> Vec<String> {
        let mut all = self.secrets();
        all.extend(self.shown.list());
        all
    }

    /// The texts that pass through the driver: its log must not hold them.
    pub(super) fn texts(&self) -> Vec<String> {
        let recorded = self.subject.recorded().into_iter();
        let heard =
            recorded
                .flat_map(|recorded| recorded.brings)
                .filter_map(|brings| match brings {
                    Brings::Message(message) => Some(message.text),
                    Brings::Changed(_) | Brings::Ignored(_) => None,
                });
        heard
            .filter(|text| text.chars().count() >= SHORTEST_PRIVATE_CHARS)
            .chain([CANARY.to_owned()])
            .collect()
    }

    /// How the work of drivers has ended so far.
    pub(super) fn errors_of_the_work(&self) -> Vec<RunError> {
        let errors = self.run_errors.lock();
        errors.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The text as people see it: without what the platform can't show.
    pub(super) fn as_seen(&self, text: &str) -> String {
        let is_shown = self.subject.shows_control_characters();
        text.chars()
            .filter(|c| is_shown || !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
            .collect()
    }

    /// Whether people see of `text` what they should, when they see `seen`.
    pub(super) fn is_seen_as(&self, text: &str, seen: &str) -> bool {
        let expected = self.as_seen(text);
        if self.subject.shows_control_characters() {
            return seen == expected;
        }
        // A tab may be shown as a space.
        let as_space = |c| if c == '\t' { ' ' } else { c };
        seen.chars()
            .map(as_space)
            .eq(expected.chars().map(as_space))
    }

    /// Ends a check of what comes in by itself, unless the subject's way in is of a kind that does.
    pub(super) fn works_by_itself(&self) -> Result<(), Stop> {
        match self.subject.way_in() {
            WayIn::Connection(_) | WayIn::Polling(_) => Ok(()),
            WayIn::Nothing | WayIn::Callbacks(_) => Err(Stop::NotClaimed(
                "it neither keeps a connection nor asks the platform",
            )),
        }
    }

    /// Ends a check of connections, unless the driver keeps one.
    pub(super) fn keeps_a_connection(&self) -> Result<(), Stop> {
        match self.subject.way_in() {
            WayIn::Connection(_) => Ok(()),
            _ => Err(Stop::NotClaimed("it keeps no connection")),
        }
    }
}

/// The credentials that `request` shows: the secrets in it, and the values of headers that are neither
/// usual nor the send's idempotency key.
pub(super) fn credentials_in(
    api: &dyn Api,
    secrets: &[String],
    request: &Request<Bytes>,
) -> Vec<String> {
    const SHORTEST: usize = 12;
    let key = api.asked(request).and_then(|asked| asked.key);
    let body = String::from_utf8_lossy(request.body());
    let in_body = secrets.iter().filter(|secret| body.contains(*secret));
    let headers = request.headers().iter();
    let in_headers = headers
        .filter(|(name, _)| !PLAIN_HEADERS.contains(&name.as_str()))
        .filter_map(|(_, value)| value.to_str().ok())
        .map(|value| value.strip_prefix("Bearer ").unwrap_or(value).to_owned())
        .filter(|value| value.len() >= SHORTEST && Some(value) != key.as_ref());
    in_headers.chain(in_body.cloned()).collect()
}

/// The words of what was written to a connection that are secrets in base64.
pub(super) fn credentials_written(secrets: &[String], written: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(written);
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let words = text.split(|c| !is_of_word(c));
    let hides_secret = |word: &&str| {
        let decoded = STANDARD.decode(word).unwrap_or_default();
        let decoded = String::from_utf8_lossy(&decoded).into_owned();
        secrets.iter().any(|secret| decoded.contains(&**secret))
    };
    words.filter(hides_secret).map(str::to_owned).collect()
}
