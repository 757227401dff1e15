//! Vectors, borders, and everything that must be refused.

use http::HeaderValue;

use super::*;

const VECTORS: &str = include_str!("../../tests/fixtures/http-headers.json");

/// Its name and value.
type Header<'a> = (&'static str, &'a [u8]);

fn vectors() -> Vec<(String, String, String)> {
    let file: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    vectors
        .map(|vector| {
            let headers = &vector["headers"];
            let secret = text(&vector["appSecret"]);
            (secret, text(&headers["timestamp"]), text(&headers["sign"]))
        })
        .collect()
}

fn headers(pairs: &[Header<'_>]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn reason(secret: &str, pairs: &[Header<'_>], now_ms: i64) -> Option<&'static str> {
    let verifier = Verifier::new([&Secret::new(secret)]);
    let now = Timestamp::from_millis(now_ms);
    let refusal = verifier.verify(&headers(pairs), now).err()?;
    assert!(!refusal.detail.contains(secret), "{}", refusal.detail);
    Some(refusal.reason)
}

/// The reason for a well-formed pair of headers.
fn judge(secret: &str, timestamp: &str, sign: &str, now_ms: i64) -> Option<&'static str> {
    let pairs = [
        ("timestamp", timestamp.as_bytes()),
        ("sign", sign.as_bytes()),
    ];
    reason(secret, &pairs, now_ms)
}

#[test]
fn each_of_several_secrets_is_good_and_no_other() {
    let secrets = ["new-secret", "old-secret", "oldest-secret"].map(Secret::new);
    let verifier = Verifier::new(&secrets);
    let now = Timestamp::from_millis(1_700_000_000_000);
    let judge = |secret: &str| {
        let sign = sign(secret, "1700000000000");
        let pairs = [
            ("timestamp", &b"1700000000000"[..]),
            ("sign", sign.as_bytes()),
        ];
        verifier.verify(&headers(&pairs), now)
    };
    for secret in &secrets {
        assert_eq!(judge(secret.expose()), Ok(()));
    }
    let refusal = judge("retired-secret").unwrap_err();
    assert_eq!(refusal.reason, "wrong");
    assert!(!refusal.detail.contains("secret-"), "{}", refusal.detail);
    assert!(Verifier::new([]).verify(&HeaderMap::new(), now).is_err());
}

#[test]
fn recorded_vectors_are_made_and_accepted() {
    assert_eq!(vectors().len(), 4);
    for (secret, timestamp, expected) in vectors() {
        assert_eq!(sign(&secret, &timestamp), expected);
        let now = timestamp.parse().unwrap();
        assert_eq!(judge(&secret, &timestamp, &expected, now), None);
    }
}

#[test]
fn every_changed_bit_and_byte_of_a_signature_is_refused() {
    for (secret, timestamp, sign) in vectors() {
        let now = timestamp.parse().unwrap();
        for position in 0..sign.len() {
            for byte in (0..=255_u8).filter(|byte| *byte != sign.as_bytes()[position]) {
                let mut changed = sign.clone().into_bytes();
                changed[position] = byte;
                // A header can't carry the other control characters.
                if HeaderValue::from_bytes(&changed).is_err() {
                    continue;
                }
                let pairs = [("timestamp", timestamp.as_bytes()), ("sign", &changed[..])];
                assert_eq!(
                    reason(&secret, &pairs, now),
                    Some("wrong"),
                    "{position} {byte}"
                );
            }
        }
    }
}

#[test]
fn signatures_of_another_length_encoding_or_secret_are_refused() {
    let (secret, timestamp, sign) = vectors().remove(0);
    let now = timestamp.parse().unwrap();
    let unpadded = sign.trim_end_matches('=').to_owned();
    let hex: String = STANDARD
        .decode(&sign)
        .unwrap()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let url_encoded = sign.replace('=', "%3D");
    let half = STANDARD.encode(&STANDARD.decode(&sign).unwrap()[..16]);
    let longer = sign.clone() + "AAAA";
    let spaced = format!(" {sign}");
    for changed in [
        unpadded,
        hex,
        url_encoded,
        half,
        longer,
        spaced,
        "=".into(),
        "AA==".into(),
    ] {
        assert_eq!(
            judge(&secret, &timestamp, &changed, now),
            Some("wrong"),
            "{changed}"
        );
    }
    assert_eq!(
        judge("another secret", &timestamp, &sign, now),
        Some("wrong")
    );
    assert_eq!(
        judge("this is a secret ", &timestamp, &sign, now),
        Some("wrong")
    );
}

#[test]
fn the_window_is_an_hour_either_way_border_included() {
    const NOW: i64 = 1_772_376_934_909;
    const HOUR: i64 = 3_600_000;
    let rows = [
        (0, None),
        (HOUR, None),
        (-HOUR, None),
        (HOUR + 1, Some("stale")),
        (-HOUR - 1, Some("stale")),
        (-61 * 60_000, Some("stale")),
        (-NOW, Some("stale")),
        (i64::MAX - NOW, Some("stale")),
    ];
    for (offset, expected) in rows {
        let timestamp = (NOW + offset).to_string();
        let sign = sign("key", &timestamp);
        assert_eq!(judge("key", &timestamp, &sign, NOW), expected, "{offset}");
    }
}

#[test]
fn a_stale_refusal_tells_the_skew_and_its_side() {
    let verifier = Verifier::new([&Secret::new("k")]);
    let now = Timestamp::from_millis(10_000_000_000);
    for (timestamp, expected) in [
        (9_996_340_000_i64, "1h 1m behind"),
        (10_007_200_000, "2h ahead"),
    ] {
        let text = timestamp.to_string();
        let pairs = [("timestamp", text.as_bytes()), ("sign", b"AA==")];
        let refusal = verifier.verify(&headers(&pairs), now).unwrap_err();
        assert!(refusal.detail.contains(expected), "{}", refusal.detail);
    }
}

#[test]
fn a_timestamp_that_is_no_decimal_number_is_wrong_however_it_is_signed() {
    for timestamp in [
        "now",
        "1.5",
        "-1",
        "+1577262236757",
        "0x1",
        "1577262236757 ",
        "9223372036854775808",
    ] {
        let sign = sign("k", timestamp);
        assert_eq!(
            judge("k", timestamp, &sign, 1_577_262_236_757),
            Some("wrong"),
            "{timestamp}"
        );
    }
}

#[test]
fn the_exact_text_of_the_timestamp_is_signed() {
    let sign = sign("k", "01577262236757");
    assert_eq!(judge("k", "01577262236757", &sign, 1_577_262_236_757), None);
    assert_eq!(
        judge("k", "1577262236757", &sign, 1_577_262_236_757),
        Some("wrong")
    );
}

#[test]
fn absent_empty_repeated_and_unreadable_headers_are_refused() {
    let sign = sign("k", "5");
    let sign = sign.as_bytes();
    let rows: [(&[Header<'_>], &str); 9] = [
        (&[], "missing"),
        (&[("timestamp", b"5")], "missing"),
        (&[("sign", sign)], "missing"),
        (&[("token", b"plain")], "missing"),
        (&[("timestamp", b""), ("sign", sign)], "missing"),
        (&[("timestamp", b"5"), ("sign", b"")], "missing"),
        (
            &[("timestamp", b"5"), ("sign", sign), ("sign", sign)],
            "wrong",
        ),
        (
            &[("timestamp", b"5"), ("timestamp", b"5"), ("sign", sign)],
            "wrong",
        ),
        (&[("timestamp", b"5"), ("sign", b"\xff\xfe")], "wrong"),
    ];
    for (pairs, expected) in rows {
        assert_eq!(reason("k", pairs, 5), Some(expected), "{pairs:?}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let verifier = Verifier::new([&Secret::new("canary-7f3a")]);
    assert!(!format!("{verifier:?}").contains("canary"));
}
