//! Taking a send back.

use bridge_core::driver::{Act, Driver, Outgoing};
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope};
use serde_json::{Value, json};

use crate::bench::{Bench, SENT_KEY, outgoing};

const OTHER_KEY: &str = "Dn//Ch/QYOUWsspueOXVZThIFBC2LRtbQ9fnRFFIZ0w=";
const PARTIAL: &str = include_str!("../fixtures/api/group-recall-200-partial.json");

fn recall(key: &str) -> Outgoing {
    let mut outgoing = outgoing("");
    let of = vec![key.to_owned()];
    outgoing.act = Act::Recall { of };
    outgoing
}

#[tokio::test]
async fn a_recall_is_asked_as_documented() {
    let bench = Bench::with_token("a").await;
    bench.http.push_json(200, PARTIAL);
    let sent = bench.driver.send(&recall(SENT_KEY)).await.unwrap();
    assert!(sent.platform_ids.is_empty());
    let asked = bench.http.requests().pop().unwrap();
    assert_eq!(
        asked.uri(),
        "http://127.0.0.1:9/prefix/v1.0/robot/groupMessages/recall"
    );
    assert_eq!(asked.headers()["x-acs-dingtalk-access-token"], "a");
    let body: Value = serde_json::from_slice(asked.body()).unwrap();
    let expected = json!({
        "robotCode": "robot-1", "openConversationId": "cid/+==", "processQueryKeys": [SENT_KEY]
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_success_that_lists_a_failure_is_none() {
    let failed =
        |reason: &str| json!({ "successResult": [], "failedResult": { SENT_KEY: reason } });
    let again = RetryAdvice::Backoff(Scope::Message);
    let (no, unknown) = (Certainty::NotDelivered, Certainty::Unknown);
    let rows = [
        (
            failed("EXPIRED"),
            ErrorKind::Rejected,
            RetryAdvice::Never,
            no,
        ),
        (
            failed("SYSTEM_ERROR"),
            ErrorKind::Unavailable,
            again,
            unknown,
        ),
        // Nothing is said of what was asked for.
        (
            json!({ "successResult": [OTHER_KEY] }),
            ErrorKind::Protocol,
            again,
            unknown,
        ),
        (json!({}), ErrorKind::Protocol, again, unknown),
    ];
    for (answer, kind, advice, certainty) in rows {
        let bench = Bench::with_token("a").await;
        bench.http.push_json(200, &answer);
        let error = bench.driver.send(&recall(SENT_KEY)).await.unwrap_err();
        assert_eq!(error.operation, "groupMessages/recall", "{answer}");
        assert_eq!(
            (error.kind, error.advice, error.certainty),
            (kind, advice, certainty),
            "{answer}"
        );
    }
}
