use super::*;

const ID_1: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIME_1: &str = "1614265330";
const BODY_1: &[u8] = br#"{"test": 2432232314}"#;
/// The example of the standard's reference libraries.
const SECRET_1: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SIGNATURE_1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

type Headers<'a> = [(&'static str, &'a str)];

fn keys(secrets: &[&str]) -> SigningKeys {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    SigningKeys::new(&secrets).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_614_265_330_000)
}

fn headers(rows: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in rows {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

#[test]
fn the_standards_example_is_signed_as_it_says() {
    let signed = keys(&[SECRET_1]).sign(ID_1, TIME_1, BODY_1).unwrap();
    assert_eq!(signed, SIGNATURE_1);
    let unpadded = keys(&["whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ"]);
    let padded = keys(&["whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ=="]);
    let raw = keys(&["aaaaaaaaaaaaaaaaaaaaaaaaa"]);
    let signed = unpadded.sign(ID_1, TIME_1, BODY_1);
    assert_eq!(signed, padded.sign(ID_1, TIME_1, BODY_1));
    assert_eq!(signed, raw.sign(ID_1, TIME_1, BODY_1));
    assert_eq!(keys(&[]).sign(ID_1, TIME_1, BODY_1), None);
}

#[test]
fn several_secrets_are_good_at_once_both_ways() {
    let both = keys(&["another secret", SECRET_1]);
    let signed = both.sign(ID_1, TIME_1, BODY_1).unwrap();
    let signed = signed.to_str().unwrap();
    assert_eq!(signed.split(' ').count(), 2);
    let signed = headers(&[(ID, ID_1), (TIMESTAMP, TIME_1), (SIGNATURE, signed)]);
    for one in ["another secret", SECRET_1] {
        keys(&[one]).verify(&signed, BODY_1, now()).unwrap();
        keys(&["third", one])
            .verify(&signed, BODY_1, now())
            .unwrap();
    }
    assert_eq!(
        keys(&["third"])
            .verify(&signed, BODY_1, now())
            .unwrap_err()
            .reason,
        "wrong"
    );
}

#[test]
fn what_is_missing_repeated_stale_or_changed_is_refused() {
    let many = format!("{} {SIGNATURE_1}", ["v1,AAAA"; MOST_SIGNATURES].join(" "));
    let some = format!("v1a,AAAA v2,x {SIGNATURE_1} v1,AAAA");
    let long = "x".repeat(MOST_ID_CHARS + 1);
    let rows: [(&Headers<'_>, Option<&str>); 14] = [
        (
            &[(ID, ID_1), (TIMESTAMP, TIME_1), (SIGNATURE, SIGNATURE_1)],
            None,
        ),
        (&[(ID, ID_1), (TIMESTAMP, TIME_1), (SIGNATURE, &some)], None),
        (
            &[(ID, ID_1), (TIMESTAMP, TIME_1), (SIGNATURE, &many)],
            Some("wrong"),
        ),
        (
            &[(TIMESTAMP, TIME_1), (SIGNATURE, SIGNATURE_1)],
            Some("missing"),
        ),
        (
            &[(ID, ""), (TIMESTAMP, TIME_1), (SIGNATURE, SIGNATURE_1)],
            Some("missing"),
        ),
        (&[(ID, ID_1), (SIGNATURE, SIGNATURE_1)], Some("missing")),
        (&[(ID, ID_1), (TIMESTAMP, TIME_1)], Some("missing")),
        (
            &[
                (ID, ID_1),
                (ID, ID_1),
                (TIMESTAMP, TIME_1),
                (SIGNATURE, SIGNATURE_1),
            ],
            Some("wrong"),
        ),
        (
            &[
                (ID, ID_1),
                (TIMESTAMP, TIME_1),
                (SIGNATURE, SIGNATURE_1),
                (SIGNATURE, SIGNATURE_1),
            ],
            Some("wrong"),
        ),
        (
            &[(ID, &long), (TIMESTAMP, TIME_1), (SIGNATURE, SIGNATURE_1)],
            Some("wrong"),
        ),
        (
            &[
                (ID, ID_1),
                (TIMESTAMP, "+1614265330"),
                (SIGNATURE, SIGNATURE_1),
            ],
            Some("wrong"),
        ),
        (
            &[
                (ID, ID_1),
                (TIMESTAMP, "99999999999999999999"),
                (SIGNATURE, SIGNATURE_1),
            ],
            Some("wrong"),
        ),
        (
            &[
                (ID, ID_1),
                (TIMESTAMP, "9223372036854775807"),
                (SIGNATURE, SIGNATURE_1),
            ],
            Some("stale"),
        ),
        (
            &[
                (ID, ID_1),
                (TIMESTAMP, "1614265331"),
                (SIGNATURE, SIGNATURE_1),
            ],
            Some("wrong"),
        ),
    ];
    let keys = keys(&[SECRET_1]);
    for (given, expected) in rows {
        let refused = keys.verify(&headers(given), BODY_1, now()).err();
        assert_eq!(
            refused.as_ref().map(|refusal| refusal.reason),
            expected,
            "{given:?}"
        );
    }
    let signed = headers(rows[0].0);
    assert!(
        keys.verify(&signed, br#"{"test": 2432232315}"#, now())
            .is_err()
    );
    for (skew_ms, is_fine) in [
        (300_000, true),
        (-300_000, true),
        (300_001, false),
        (-300_001, false),
    ] {
        let later = Timestamp::from_millis(now().as_millis() + skew_ms);
        assert_eq!(
            keys.verify(&signed, BODY_1, later).is_ok(),
            is_fine,
            "{skew_ms}"
        );
    }
}

#[test]
fn a_secret_that_is_none_is_told_without_showing_it() {
    for secret in ["whsec_canary!", "whsec_", "whsk_canary", "whpk_canary", ""] {
        let error = SigningKeys::new(&[Secret::new(secret)]).unwrap_err();
        assert!(!error.0.contains("canary"), "{error:?}");
    }
    assert!(!format!("{:?}", keys(&["canary"])).contains("canary"));
}
