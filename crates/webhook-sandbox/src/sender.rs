//! Posts what people say to the bridge, signed.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::signature::{self, now_secs, sign};

/// How long it is waited for an answer; generous, so that a busy machine fails no demo.
const PATIENCE: Duration = Duration::from_secs(10);

/// One pool of kept-alive connections. A cheap handle.
#[derive(Clone)]
pub(crate) struct Sender(Client<HttpConnector, Full<Bytes>>);

/// A request that can be posted more than once.
pub(crate) struct Letter {
    url: String,
    id: String,
    timestamp: String,
    signature: String,
    body: Bytes,
}

impl Letter {
    /// A message under `id` to `url`, signed now with `secret`.
    pub(crate) fn signed(url: &str, secret: &str, id: &str, body: String) -> Self {
        let timestamp = now_secs().to_string();
        Self {
            url: url.to_owned(),
            id: id.to_owned(),
            signature: sign(secret.as_bytes(), id, &timestamp, body.as_bytes()),
            timestamp,
            body: body.into(),
        }
    }
}

impl Sender {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// The status of the bridge's answer, or why there is none.
    pub(crate) async fn post(&self, letter: &Letter) -> Result<StatusCode, String> {
        let request = Request::post(&letter.url)
            .header(CONTENT_TYPE, "application/json")
            .header(signature::ID, &letter.id)
            .header(signature::TIMESTAMP, &letter.timestamp)
            .header(signature::SIGNATURE, &letter.signature)
            .body(Full::new(letter.body.clone()))
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(PATIENCE, self.0.request(request)).await {
            Ok(Ok(response)) => Ok(response.status()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("nothing came within {PATIENCE:?}")),
        }
    }
}
