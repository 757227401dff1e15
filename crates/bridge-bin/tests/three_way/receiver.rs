//! The receiver of webhooks: checks signatures, remembers ids, and fails in the ways of a plan.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::signature::verify;

/// How one request fails. *Taken* means that the receiver keeps the message all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Unavailable,
    UnavailableFor,
    Throttle,
    BadGateway,
    FailTaken,
    CloseUntaken,
    CloseTaken,
    HangUntaken,
    HangTaken,
}

impl Fault {
    pub(crate) const ALL: [Self; 9] = [
        Self::Unavailable,
        Self::UnavailableFor,
        Self::Throttle,
        Self::BadGateway,
        Self::FailTaken,
        Self::CloseUntaken,
        Self::CloseTaken,
        Self::HangUntaken,
        Self::HangTaken,
    ];

    fn takes(self) -> bool {
        matches!(self, Self::FailTaken | Self::CloseTaken | Self::HangTaken)
    }
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// What the receiver has seen.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Every request that was taken, repeated ones included, in order.
    pub(crate) taken: Vec<Taken>,
    /// What no request of a bridge may be.
    pub(crate) wrong: Vec<String>,
    seen: HashSet<String>,
    /// Faults to come, each with the number of new ids before it.
    plan: VecDeque<(usize, Fault)>,
    random: fastrand::Rng,
}

/// A running receiver.
#[derive(Clone)]
pub(crate) struct Receiver {
    book: Arc<Mutex<Book>>,
    address: SocketAddr,
}

impl Receiver {
    pub(crate) async fn start(plan: VecDeque<(usize, Fault)>, random: fastrand::Rng) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let book = Book {
            plan,
            random,
            ..Book::default()
        };
        let receiver = Self {
            book: Arc::new(Mutex::new(book)),
            address: listener.local_addr().unwrap(),
        };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = serving.clone();
                let service = service_fn(move |request| {
                    let receiver = receiver.clone();
                    async move { receiver.answer(request).await }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { connection.await.ok() });
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Faults that have not happened yet.
    pub(crate) fn faults_left(&self) -> usize {
        self.with(|book| book.plan.len())
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, &'static str> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Err("the request broke off");
        };
        let fault = {
            let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
            book.note(&head.headers, &body.to_bytes())
        };
        let status = |status, retry_after: Option<&'static str>| {
            let mut response = Response::new(Full::default());
            *response.status_mut() = status;
            if let Some(value) = retry_after {
                let value = hyper::header::HeaderValue::from_static(value);
                response.headers_mut().insert("retry-after", value);
            }
            Ok(response)
        };
        match fault {
            None => status(StatusCode::NO_CONTENT, None),
            Some(Fault::Unavailable) => status(StatusCode::SERVICE_UNAVAILABLE, None),
            Some(Fault::UnavailableFor) => status(StatusCode::SERVICE_UNAVAILABLE, Some("1")),
            Some(Fault::Throttle) => status(StatusCode::TOO_MANY_REQUESTS, Some("1")),
            Some(Fault::BadGateway) => status(StatusCode::BAD_GATEWAY, None),
            Some(Fault::FailTaken) => status(StatusCode::INTERNAL_SERVER_ERROR, None),
            Some(Fault::CloseUntaken | Fault::CloseTaken) => Err("closed without an answer"),
            Some(Fault::HangUntaken | Fault::HangTaken) => {
                let never: Infallible = std::future::pending().await;
                match never {}
            }
        }
    }
}

impl Book {
    /// Takes a request, or not; how it is to fail.
    fn note(&mut self, headers: &hyper::HeaderMap, body: &[u8]) -> Option<Fault> {
        let id = match verify(headers, body) {
            Ok(id) => id,
            Err(problem) => {
                self.wrong.push(problem);
                return None;
            }
        };
        let fault = self.draw(&id);
        if fault.is_none_or(Fault::takes) {
            let json: Value = serde_json::from_slice(body).unwrap_or_default();
            if json["id"] != *id {
                self.wrong
                    .push(format!("{} in the body of {id}", json["id"]));
            }
            let text = json["text"].as_str().unwrap_or_default().to_owned();
            self.taken.push(Taken { id, text });
        }
        fault
    }

    /// Ids that come anew are counted; a repeated try fails by chance with what is next.
    fn draw(&mut self, id: &str) -> Option<Fault> {
        let is_new = self.seen.insert(id.to_owned());
        let (wait, fault) = self.plan.front_mut()?;
        let fails = match is_new {
            true => *wait == 0,
            false => self.random.u8(..4) == 0,
        };
        if !fails {
            *wait = wait.saturating_sub(usize::from(is_new));
            return None;
        }
        let fault = *fault;
        self.plan.pop_front();
        Some(fault)
    }

    /// What a receiver keeps that remembers ids.
    pub(crate) fn once(&self) -> Vec<Taken> {
        let mut known = HashSet::new();
        let new = self.taken.iter().filter(|taken| known.insert(&taken.id));
        new.cloned().collect()
    }
}
