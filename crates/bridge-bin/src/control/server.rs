//! The running bridge's side of the control socket.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::socket::SocketPath;
use super::{Office, Question, Reply};

/// Questions at work at once; further ones wait.
const MOST_AT_ONCE: usize = 8;
/// The longest question: a replay names its letters.
const MOST_BYTES: usize = 1024 * 1024;
/// How long a caller may take to ask.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take; a check of a large store takes its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);
/// The pause after a failed accept.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Answers questions, as a service to whoever may connect.
#[derive(Clone)]
pub(crate) struct Desk {
    office: Office,
}

impl Desk {
    pub(crate) fn new(office: Office) -> Self {
        Self { office }
    }

    async fn serve(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::POST {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "only POST is answered");
        }
        let body = Limited::new(request.into_body(), MOST_BYTES)
            .collect()
            .await;
        let question = body
            .map_err(|error| error.to_string())
            .and_then(|body| serde_json::from_slice(&body.to_bytes()).map_err(|e| e.to_string()));
        let question: Question = match question {
            Ok(question) => question,
            Err(error) => {
                let reason = format!("this bridge does not understand the question: {error}");
                return refused(StatusCode::BAD_REQUEST, &reason);
            }
        };
        if question.changes_something() {
            info!(?question, "asked by the control socket");
        }
        match question.answer_from(&self.office).await {
            Ok(reply) => answer(StatusCode::OK, &reply),
            Err(error) => refused(StatusCode::OK, &error.to_string()),
        }
    }
}

fn refused(status: StatusCode, reason: &str) -> Response<Full<Bytes>> {
    let reason = reason.to_owned();
    answer(status, &Reply::Refused { reason })
}

fn answer(status: StatusCode, reply: &Reply) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(reply).unwrap_or_default();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A listening control socket. Dropping it ends what is under way and removes the socket.
#[derive(Debug)]
pub(crate) struct ControlServer {
    task: JoinHandle<()>,
    path: PathBuf,
}

impl ControlServer {
    /// Listens in `data_dir`, whose lock this process holds: a socket that is there is a dead
    /// bridge's.
    ///
    /// # Errors
    ///
    /// If the socket can't be made.
    pub(crate) fn start(data_dir: &Path, desk: Desk) -> io::Result<Self> {
        let owner = data_dir.metadata()?.uid();
        let socket = SocketPath::of(data_dir)?;
        match std::fs::remove_file(&socket.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&socket.path)?;
        std::fs::set_permissions(&socket.path, Permissions::from_mode(0o600))?;
        let path = data_dir.join(socket.path.file_name().unwrap_or_default());
        let task = tokio::spawn(accept(listener, desk, owner));
        Ok(Self { task, path })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.task.abort();
        // One that stays behind is removed by the next bridge.
        std::fs::remove_file(&self.path).ok();
    }
}

async fn accept(listener: UnixListener, desk: Desk, owner: u32) {
    let permits = Arc::new(Semaphore::new(MOST_AT_ONCE));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "can't accept on the control socket; trying again");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        if !may_ask(&stream, owner) {
            warn!("refused somebody else's user at the control socket");
            continue;
        }
        let desk = desk.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let desk = desk.clone();
                async move { Ok::<_, std::convert::Infallible>(desk.serve(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            match tokio::time::timeout(ANSWER_TIMEOUT, connection).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%error, "a connection of the control socket failed"),
                Err(_) => warn!("a question at the control socket took too long"),
            }
            drop(permit);
        });
    }
}

/// The mode of the socket keeps others out; between its making and its mode, this does.
fn may_ask(stream: &UnixStream, owner: u32) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0)
}
