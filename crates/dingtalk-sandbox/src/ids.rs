//! Makes ids that look like DingTalk's: same prefixes, lengths and alphabets.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A fresh `msgId`.
pub(crate) fn message_id() -> String {
    format!("msg{}", STANDARD.encode(random::<16>()))
}

/// A fresh `processQueryKey`.
pub(crate) fn process_query_key() -> String {
    STANDARD.encode(random::<32>())
}

/// A fresh access token.
pub(crate) fn access_token() -> String {
    hex(&random::<16>())
}

/// A fresh session of a `sessionWebhook`.
pub(crate) fn session() -> String {
    hex(&random::<16>())
}

/// A fresh `requestid`: an upper-case UUID.
pub(crate) fn request_id() -> String {
    let digits = hex(&random::<16>()).to_uppercase();
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// The corporation that all robots and members of the sandbox belong to.
pub(crate) const CORP_ID: &str = "ding0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// The opaque id of a person or robot: the same for the same `seed`, in every group.
pub(crate) fn opaque_id(seed: &str) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    format!("$:LWCP_v1:${}", STANDARD.encode(&digest[..24]))
}

/// The union id of a person: the same for the same `seed`.
pub(crate) fn union_id(seed: &str) -> String {
    hex(&Sha256::digest(seed.as_bytes())[..10])
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fastrand::fill(&mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}
