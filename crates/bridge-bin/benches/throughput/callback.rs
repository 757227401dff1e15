//! The requests of the load generator: one signed callback, made once; only its number changes.

use serde_json::Value;

use crate::Result;
use crate::bed::SECRET;

/// A recorded callback of about 1 KB.
const RECORDED: &str = include_str!("../../../driver-dingtalk/tests/fixtures/text-group-at.json");

/// Stands where the number will be, and is as long.
const PLACE: &str = "############";

/// A signed callback as it goes over the wire. Its message id and its text hold a number.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Callback {
    /// A callback signed for the millisecond `timestamp`. The signature does not cover the body, so
    /// it holds for every number.
    pub(crate) fn new(timestamp: &str) -> Result<Self> {
        let mut body: Value = serde_json::from_str(RECORDED)?;
        body["msgId"] = format!("msg{PLACE}==").into();
        body["text"]["content"] = format!(" {PLACE} 你好，帮我查一下今天的值班表 ").into();
        let body = body.to_string();
        let sign = driver_dingtalk::sign(SECRET, timestamp);
        let request = format!(
            "POST /dingtalk/event HTTP/1.1\r\nhost: 127.0.0.1\r\n\
             content-type: application/json; charset=utf-8\r\n\
             timestamp: {timestamp}\r\nsign: {sign}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let places = request.match_indices(PLACE).map(|(place, _)| place);
        Ok(Self {
            places: places.collect(),
            bytes: request.into_bytes(),
        })
    }

    /// The request with `number` in it.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = format!("{number:0width$}", width = PLACE.len());
        for place in &self.places {
            self.bytes[*place..*place + PLACE.len()].copy_from_slice(digits.as_bytes());
        }
        &self.bytes
    }
}

/// The number in a text that was forwarded.
pub(crate) fn number_in(text: &str) -> Option<u64> {
    text.split(' ')
        .find(|word| word.len() == PLACE.len() && word.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|word| word.parse().ok())
}
