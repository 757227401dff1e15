//! One HTTP exchange: which endpoint it means, which fault it meets, how its end is counted.

mod recall;
mod send;
mod template;
mod token;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::json;

use crate::faults::{Fault, Faults};
use crate::ids;
use crate::refusal::Refusal;
use crate::state::State;

/// No request of the API is longer; a guard of the sandbox, not a rule of DingTalk.
const MAX_BODY_BYTES: usize = 1024 * 1024;

type Answer = Response<Full<Bytes>>;

/// The connection is closed without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was closed on purpose")
    }
}

impl std::error::Error for Dropped {}

/// Why an exchange ends otherwise than with success.
enum Failure {
    Refused(Refusal),
    HtmlPage(StatusCode),
    Dropped,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Token,
    Send,
    Recall,
}

impl Endpoint {
    fn of(head: &Parts) -> Option<Self> {
        match (&head.method, head.uri.path()) {
            (&Method::POST, "/v1.0/oauth2/accessToken") => Some(Self::Token),
            (&Method::POST, "/v1.0/robot/groupMessages/send") => Some(Self::Send),
            (&Method::POST, "/v1.0/robot/groupMessages/recall") => Some(Self::Recall),
            _ => None,
        }
    }

    fn faults(self, state: &State) -> &Faults {
        match self {
            Self::Token => &state.token_faults,
            Self::Send | Self::Recall => &state.send_faults,
        }
    }
}

/// Answers a request, or closes its connection.
pub(crate) async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Answer, Dropped> {
    state.tally.exchanges.add();
    if !state.is_armed.get() {
        return exchange(&state, request).await;
    }
    // In a task of its own, so that a caller who gives up does not undo what it has sent.
    let exchange = tokio::spawn(async move { exchange(&state, request).await });
    exchange.await.unwrap_or(Err(Dropped))
}

async fn exchange(state: &State, request: Request<Incoming>) -> Result<Answer, Dropped> {
    let (head, body) = request.into_parts();
    let Some(endpoint) = Endpoint::of(&head) else {
        return Ok(refusal(&Refusal::new(
            StatusCode::NOT_FOUND,
            "InvalidAction.NotFound",
            "Specified api is not found, please check your url and method.",
        )));
    };
    let failure = match handle(state, endpoint, &head, body).await {
        Ok(answer) => return Ok(answer),
        Err(failure) => failure,
    };
    match failure {
        Failure::Refused(reason) => {
            count_refusal(state, endpoint, &reason.code);
            Ok(refusal(&reason))
        }
        Failure::HtmlPage(status) => {
            count_refusal(state, endpoint, "html");
            Ok(html_page(status))
        }
        Failure::Dropped => {
            state.tally.dropped.add();
            Err(Dropped)
        }
    }
}

async fn handle(
    state: &State,
    endpoint: Endpoint,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Failure> {
    if endpoint == Endpoint::Token {
        state.tally.token_requests.add();
    }
    let fault = endpoint.faults(state).draw();
    if fault == Some(Fault::DropUnread) {
        return Err(Failure::Dropped);
    }
    let body = read(body).await?;
    before(state, fault.as_ref()).await?;
    let answer = match endpoint {
        Endpoint::Token => token::grant(state, head, &body)?,
        Endpoint::Send => send::take(state, head, &body).await?,
        Endpoint::Recall => recall::take_back(state, head, &body)?,
    };
    after(state, fault.as_ref()).await?;
    Ok(answer)
}

async fn read(body: Incoming) -> Result<Bytes, Failure> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestBodyTooLarge",
            "request body is larger than the sandbox reads",
        )
        .into()),
        // The caller went away in the middle of it.
        Err(_) => Err(Failure::Dropped),
    }
}

/// What a fault does before the request is handled.
async fn before(state: &State, fault: Option<&Fault>) -> Result<(), Failure> {
    match fault {
        Some(Fault::Refuse(refusal)) => Err(refusal.clone().into()),
        Some(Fault::HtmlPage(status)) => Err(Failure::HtmlPage(*status)),
        Some(Fault::RevokeTokens) => {
            state.tokens.revoke_all();
            Err(Refusal::invalid_token().into())
        }
        Some(Fault::DropUnread | Fault::DropUntaken) => Err(Failure::Dropped),
        Some(Fault::Delay(duration)) => pause(state, *duration).await,
        Some(Fault::DelayAnswer(_) | Fault::DropTaken | Fault::FailTaken) | None => Ok(()),
    }
}

/// What a fault does once the request is handled and nothing remains but to answer.
async fn after(state: &State, fault: Option<&Fault>) -> Result<(), Failure> {
    match fault {
        Some(Fault::DelayAnswer(duration)) => pause(state, *duration).await,
        Some(Fault::DropTaken) => Err(Failure::Dropped),
        Some(Fault::FailTaken) => Err(Refusal::system_error().into()),
        _ => Ok(()),
    }
}

async fn pause(state: &State, duration: std::time::Duration) -> Result<(), Failure> {
    if state.pause(duration).await {
        Ok(())
    } else {
        Err(Failure::Dropped)
    }
}

fn count_refusal(state: &State, endpoint: Endpoint, code: &str) {
    if endpoint == Endpoint::Send {
        state.tally.refuse(code);
    }
}

/// Whether the head announces a JSON body; what is announced otherwise counts as no body at all.
fn is_json(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE);
    content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn success(body: String) -> Answer {
    with_type(StatusCode::OK, "application/json;charset=utf-8", body)
}

fn refusal(refusal: &Refusal) -> Answer {
    let request_id = ids::request_id();
    let body = json!({
        "code": refusal.code,
        "requestid": request_id,
        "message": refusal.message,
    });
    let mut answer = with_type(
        refusal.status,
        "application/json;charset=utf-8",
        body.to_string(),
    );
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        answer.headers_mut().insert("x-acs-request-id", value);
    }
    if let Some(retry_after) = refusal.retry_after {
        let secs = retry_after.as_millis().div_ceil(1000);
        if let Ok(value) = HeaderValue::from_str(&secs.to_string()) {
            answer.headers_mut().insert(RETRY_AFTER, value);
        }
    }
    answer
}

fn html_page(status: StatusCode) -> Answer {
    let body = "<!DOCTYPE html><html><body><h1>Access denied</h1></body></html>";
    with_type(status, "text/html; charset=utf-8", body.to_owned())
}

fn with_type(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
