//! One connection, from its place to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt};

use super::options::{MAX_BUFFER_BYTES, MAX_HEAD_BYTES, ServerOptions};
use super::places::Seat;
use super::screened::Screened;

/// How hyper is set up. Its own timeout on heads is not used: `Activity` bounds every phase.
pub(super) fn builder() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.header_read_timeout(None)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES);
    http
}

/// Serves `stream` until its client or one of its bounds ends it. After `stop` has changed, or when
/// the seat is wanted for another, a running request is finished and answered, and that is all.
pub(super) async fn run<S>(
    stream: TcpStream,
    seat: Seat,
    http: http1::Builder,
    service: S,
    options: Arc<ServerOptions>,
    mut stop: watch::Receiver<()>,
) where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let activity = &**seat.activity();
    let (max_age, bounds) = (options.max_age, options.bounds());
    let each = service_fn(move |request: Request<Incoming>| {
        activity.begin();
        // A chunked body ends its connection; see `Screened`.
        let is_last = request.body().size_hint().exact().is_none();
        let answer = service.clone().oneshot(request);
        async move {
            let mut answer = answer.await;
            if let Ok(answer) = &mut answer
                && (is_last || activity.age() >= max_age)
            {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            activity.end();
            answer
        }
    });
    let stream = Screened::new(stream, Arc::clone(seat.activity()), options.stream_bounds());
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), each));
    let mut check = pin!(sleep(activity.check(&bounds).unwrap_or_default()));
    let mut is_leaving = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection failed");
                }
                return;
            }
            // An error means that the server is gone, which is a reason to stop as well.
            _ = stop.changed(), if !is_leaving => {
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            () = seat.asked_to_leave(), if !is_leaving => {
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            // Not set anew for each request, but only looked at when it is over.
            () = &mut check => match activity.check(&bounds) {
                Ok(next) => check.as_mut().reset(Instant::now() + next),
                Err(overdue) => {
                    tracing::debug!(?overdue, "connection was closed by time");
                    return;
                }
            },
        }
    }
}
