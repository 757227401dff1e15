//! A digest takes up what waits, wherever it waits.

mod support;

use dingtalk_sandbox::{Fault, StatusCode};
use support::{Bed, DEV, OPS, PATIENCE};

/// More than a lane reads from the store at once.
const MESSAGES: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_store_is_merged_too() {
    let mut bed = Bed::new().await;
    bed.rules["rules"][0] = serde_json::json!({
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": { "open_conversation_id": DEV, "digest": true } } });
    let busy = Fault::refuse(StatusCode::BAD_REQUEST, "send.too.fast");
    bed.dev.faults().until_cleared(busy);
    let first = bed.start();
    for number in 0..MESSAGES {
        bed.ops
            .say(&bed.zhang, &format!("m{number}"))
            .await
            .unwrap();
    }
    first.kill();
    bed.dev.faults().clear();
    let second = bed.start();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    let expected: Vec<_> = (0..MESSAGES)
        .map(|number| format!("• 张三: m{number}"))
        .collect();
    assert_eq!(transcript.sent_texts(), [expected.join("\n")]);
    let (status, log) = second.stop();
    assert!(status.success(), "{log}");
}
