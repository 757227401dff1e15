//! Questions at the pigeon driver's listener: which letters there are.

use bridge_core::driver::Refusal;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};

use super::settings::Settings;
use crate::fault::Fault;

pub(super) fn answer(
    settings: &Settings,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>, Refusal> {
    if Fault::LooksAtQueriesFirst.is_present() && after(request).is_none() {
        return Ok(with_status(400));
    }
    if !shows_credential(settings, request) {
        return Err(Refusal::new("wrong", ""));
    }
    Ok(match after(request) {
        Some(_) => with_status(200),
        None if Fault::FailsOnOddQueries.is_present() => with_status(500),
        None => with_status(400),
    })
}

fn shows_credential(settings: &Settings, request: &Request<Bytes>) -> bool {
    let mut shown = request.headers().get_all(AUTHORIZATION).iter();
    let first = shown.next().and_then(|value| value.to_str().ok());
    let is_only = shown.next().is_none() || Fault::TakesTwoCredentials.is_present();
    let secret = first.and_then(|value| value.strip_prefix("Bearer "));
    let right = settings.read_key.expose();
    match secret {
        Some(secret) if Fault::ComparesBeginnings.is_present() => right.starts_with(secret),
        Some(_) if Fault::RefusesEverybody.is_present() => false,
        Some(secret) => is_only && secret == right,
        None => Fault::TakesStrangers.is_present(),
    }
}

/// The number of the letter from which on is asked.
fn after(request: &Request<Bytes>) -> Option<u64> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let after = pairs.find(|(key, _)| *key == "after");
    let text = after.map_or("0", |(_, value)| value);
    if Fault::PanicsOnOddQueries.is_present() {
        return Some(text.parse().expect("a number"));
    }
    text.parse().ok()
}

fn with_status(status: u16) -> Response<Bytes> {
    let answer = Response::builder().status(status);
    answer
        .body(Bytes::from_static(b"{}"))
        .expect("a valid status")
}
