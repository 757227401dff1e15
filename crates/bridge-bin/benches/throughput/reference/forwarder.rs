//! The least that deserves the name of a durable forwarder: verify the signature, append the body
//! to a file, sync it together with what else waits, answer, forward from a queue in memory.
//!
//! What it lacks is what the bridge has to pay for: order, retries, deduplication, rules, limits,
//! and deliveries that survive a restart.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::sender::Sender;
use crate::Result;
use crate::bed::SECRET;

/// A body that waits for the disk, and who waits for it.
type Unsynced = (Bytes, oneshot::Sender<()>);

pub(super) async fn run(api_base: &str, journal: &str, senders: usize) -> Result<()> {
    let file = File::create(journal)?;
    let sender = Sender::new(api_base)?;
    let forwards = Arc::new(Line::default());
    for _ in 0..senders {
        let (sender, forwards) = (sender.clone(), Arc::clone(&forwards));
        std::thread::spawn(move || {
            loop {
                or_exit(sender.forward(&forwards.take_one()));
            }
        });
    }
    let bodies = Arc::new(Line::default());
    let journal = Arc::clone(&bodies);
    std::thread::spawn(move || or_exit(write(file, &journal, &forwards)));

    let listener = super::listen().await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let bodies = Arc::clone(&bodies);
        let service = service_fn(move |request| answer(Arc::clone(&bodies), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A connection ends when the load generator closes it.
        tokio::spawn(async move { connection.await.ok() });
    }
}

async fn answer(
    bodies: Arc<Line<Unsynced>>,
    request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let timestamp = header("timestamp").unwrap_or_default();
    let expected = driver_dingtalk::sign(SECRET, timestamp);
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    if header("sign") != Some(&expected) {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(response);
    }
    let (synced, wait) = oneshot::channel();
    bodies.add([(body, synced)]);
    if wait.await.is_err() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

/// Appends what waits, syncs it, lets it be answered, hands it on.
fn write(mut file: File, bodies: &Line<Unsynced>, forwards: &Line<Bytes>) -> Result<()> {
    let mut page = Vec::new();
    loop {
        let batch = bodies.take_all();
        page.clear();
        for (body, _) in &batch {
            page.extend_from_slice(body);
            page.push(b'\n');
        }
        file.write_all(&page)?;
        file.sync_data()?;
        let (batch, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        for synced in waiting {
            // Who asked may be gone.
            synced.send(()).ok();
        }
        forwards.add(batch);
    }
}

/// Nothing is retried here: a failure would make the figures worthless.
fn or_exit(result: Result<()>) {
    if let Err(error) = result {
        drop(writeln!(
            std::io::stderr(),
            "the minimal forwarder failed: {error}"
        ));
        std::process::exit(1);
    }
}

/// A queue between threads. Adding wakes one of those that wait, which wakes the next one if it
/// leaves something.
struct Line<T> {
    items: Mutex<VecDeque<T>>,
    ready: Condvar,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            items: Mutex::default(),
            ready: Condvar::new(),
        }
    }
}

impl<T> Line<T> {
    fn add(&self, items: impl IntoIterator<Item = T>) {
        let mut line = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        line.extend(items);
        drop(line);
        self.ready.notify_one();
    }

    fn take_one(&self) -> T {
        self.take(|line| line.pop_front())
    }

    fn take_all(&self) -> VecDeque<T> {
        self.take(|line| (!line.is_empty()).then(|| std::mem::take(line)))
    }

    fn take<U>(&self, mut take: impl FnMut(&mut VecDeque<T>) -> Option<U>) -> U {
        let mut line = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(taken) = take(&mut line) {
                if !line.is_empty() {
                    self.ready.notify_one();
                }
                return taken;
            }
            line = self
                .ready
                .wait(line)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
