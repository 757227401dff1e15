//! The command's side of the control socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::socket::SocketPath;
use super::{Question, Reply};

/// How long a running bridge may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a running bridge gave no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// No bridge listens.
    NobodyThere,
    /// One listens, and it did not work.
    Failed(String),
}

/// Asks the bridge that runs on `data_dir`.
pub(crate) async fn ask_running(data_dir: &Path, question: &Question) -> Result<Reply, AskError> {
    let socket = SocketPath::of(data_dir).map_err(|_| AskError::NobodyThere)?;
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, UnixStream::connect(&socket.path));
    let stream = match connected.await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NobodyThere,
                _ => AskError::Failed(error.to_string()),
            });
        }
        Err(_) => return Err(AskError::Failed("it does not accept".to_owned())),
    };
    exchange(stream, question).await.map_err(AskError::Failed)
}

async fn exchange(stream: UnixStream, question: &Question) -> Result<Reply, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let body = serde_json::to_vec(question).map_err(|error| text(&error))?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| text(&error))?;
    let driving = tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/ask")
        .header(header::HOST, "bridge")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::<Bytes>::from(body))
        .map_err(|error| text(&error))?;
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| text(&error))?;
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| text(&error))?.to_bytes();
    driving.abort();
    serde_json::from_slice(&body).map_err(|error| {
        format!("its answer is not understood ({error}); is it of another version?")
    })
}
