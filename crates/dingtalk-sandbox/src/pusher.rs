//! Posts callbacks and waits for their answers.

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::callback::{Callback, CallbackAnswer, CallbackError};

/// No answer of a webhook is longer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The outbound half of the sandbox: one pool of kept-alive connections.
pub(crate) struct Pusher {
    client: Client<HttpConnector, Full<Bytes>>,
    patience: Duration,
}

impl Pusher {
    pub(crate) fn new(patience: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            patience,
        }
    }

    pub(crate) async fn post(&self, callback: &Callback) -> Result<CallbackAnswer, CallbackError> {
        tokio::time::timeout(self.patience, self.exchange(callback))
            .await
            .unwrap_or(Err(CallbackError::Timeout(self.patience)))
    }

    async fn exchange(&self, callback: &Callback) -> Result<CallbackAnswer, CallbackError> {
        let started = Instant::now();
        let response = self
            .client
            .request(callback.request()?)
            .await
            .map_err(|error| CallbackError::Exchange(whole_story(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| CallbackError::Exchange(whole_story(error.as_ref())))?;
        Ok(CallbackAnswer {
            status,
            body: body.to_bytes(),
            elapsed: started.elapsed(),
        })
    }
}

/// The error and its sources: hyper's own sentence alone says only "client error".
fn whole_story(error: &dyn Error) -> String {
    let mut story = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        story.push_str(": ");
        story.push_str(&cause.to_string());
        source = cause.source();
    }
    story
}
