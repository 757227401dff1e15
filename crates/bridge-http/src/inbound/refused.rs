//! Errors to status codes, in one place.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bridge_core::driver::{Busy, Refusal};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use tower::BoxError;
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

use super::Intake;

/// When a caller that met a full endpoint should come again.
const SHED_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request ended without being taken in.
#[derive(Debug)]
pub(super) enum Refused {
    /// Not the path of the instance.
    UnknownPath,
    /// Not the one method that is answered.
    WrongMethod(Method),
    /// The body is larger than the limit.
    TooLarge,
    /// Too many large bodies are being read already.
    Crowded,
    /// The body could not be read to its end, for the given reason.
    Broken(String),
    /// The driver says: not authentic.
    Unauthorized(Refusal),
    /// The driver says: not of the platform's form.
    Malformed(Refusal),
    /// The intake can't take it now.
    Busy(Busy),
    /// The driver has no answer in time.
    Unanswered,
    /// The driver has no answer yet, and the bridge stops.
    Stopping,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was refused")
    }
}

impl std::error::Error for Refused {}

/// The response to what came out of the stack; tells the intake of a refusal that was not its own.
pub(super) fn answered(
    result: Result<Response<Full<Bytes>>, BoxError>,
    intake: &dyn Intake,
) -> Response<Full<Bytes>> {
    let error = match result {
        Ok(response) => return response,
        Err(error) => error,
    };
    let mut response = Response::new(Full::default());
    let (status, refusal) = verdict(error, response.headers_mut());
    *response.status_mut() = status;
    if let Some(refusal) = refusal {
        intake.refused(status, &refusal);
    }
    response
}

/// The status that answers `error`, with its headers set, and what to say about it at home.
fn verdict(error: BoxError, headers: &mut HeaderMap) -> (StatusCode, Option<Refusal>) {
    let (status, refusal) = match error.downcast::<Refused>() {
        Ok(refused) => match *refused {
            Refused::UnknownPath => (StatusCode::NOT_FOUND, refusal("unknown_path", "")),
            Refused::WrongMethod(allowed) => {
                let detail = format!("only {allowed} is answered");
                if let Ok(allowed) = HeaderValue::from_str(allowed.as_str()) {
                    headers.insert(header::ALLOW, allowed);
                }
                let status = StatusCode::METHOD_NOT_ALLOWED;
                (status, refusal("wrong_method", detail))
            }
            Refused::TooLarge => {
                close(headers);
                (StatusCode::PAYLOAD_TOO_LARGE, refusal("too_large", ""))
            }
            Refused::Crowded => {
                close(headers);
                retry_after(headers, SHED_RETRY_AFTER);
                let refusal = refusal("overloaded", "too many large bodies at once");
                (StatusCode::SERVICE_UNAVAILABLE, refusal)
            }
            Refused::Broken(detail) => {
                close(headers);
                (StatusCode::BAD_REQUEST, refusal("broken_body", detail))
            }
            Refused::Unauthorized(refusal) => (StatusCode::UNAUTHORIZED, refusal),
            Refused::Malformed(refusal) => (StatusCode::BAD_REQUEST, refusal),
            Refused::Unanswered => {
                retry_after(headers, SHED_RETRY_AFTER);
                (StatusCode::SERVICE_UNAVAILABLE, refusal("unanswered", ""))
            }
            Refused::Stopping => {
                close(headers);
                retry_after(headers, SHED_RETRY_AFTER);
                return (StatusCode::SERVICE_UNAVAILABLE, None);
            }
            Refused::Busy(busy) => {
                retry_after(headers, busy.retry_after);
                // The intake said so itself and has counted it.
                return (StatusCode::SERVICE_UNAVAILABLE, None);
            }
        },
        Err(error) if error.is::<Elapsed>() => {
            close(headers);
            (StatusCode::REQUEST_TIMEOUT, refusal("too_slow", ""))
        }
        Err(error) if error.is::<Overloaded>() => {
            retry_after(headers, SHED_RETRY_AFTER);
            (StatusCode::SERVICE_UNAVAILABLE, refusal("overloaded", ""))
        }
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            refusal("internal", error.to_string()),
        ),
    };
    (status, Some(refusal))
}

/// The response of a listener that nothing answers at any more: whoever asked may ask elsewhere, or
/// here once it is something else's.
pub(super) fn closing() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    close(response.headers_mut());
    retry_after(response.headers_mut(), SHED_RETRY_AFTER);
    response
}

fn refusal(reason: &'static str, detail: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal {
        reason,
        detail: detail.into().into_owned(),
    }
}

/// Says that the connection ends here: the rest of the body is on its way and nobody will read it.
fn close(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// Rounded up to whole seconds, at least one: a caller that comes at once meets the same crowd.
fn retry_after(headers: &mut HeaderMap, after: Duration) {
    let round_up = u64::from(after.subsec_nanos() > 0);
    let seconds = after.as_secs().saturating_add(round_up).max(1);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}
