//! Sends that fail half way, that nobody knows the end of, or that come too fast.

mod support;

use std::time::Duration;

use bridge_store::LetterFilter;
use dingtalk_sandbox::{Fault, StatusCode, Transcript};
use support::{Bed, PATIENCE};

/// Three parts: each paragraph is more than half of what one send takes.
fn long_text() -> String {
    ["a", "b", "c"]
        .map(|letter| letter.repeat(10_000))
        .join("\n\n")
}

/// The first letter of each message that was taken, without the sender's name.
fn initials(transcript: &Transcript) -> String {
    let texts = transcript.sent_texts().into_iter();
    let first = |text: &str| {
        text.trim_start_matches("张三: ")
            .chars()
            .next()
            .unwrap_or('?')
    };
    texts.map(first).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_goes_on_with_the_first_part_that_was_not_taken() {
    let bed = Bed::new().await;
    let process = bed.start();
    // The first part passes, the second one is refused once, and the bridge is killed before it
    // tries again.
    bed.dev.faults().next(1, Fault::Delay(Duration::ZERO));
    bed.dev.faults().until_cleared(Fault::throttle());
    bed.ops.say(&bed.zhang, &long_text()).await.unwrap();
    bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    let mut process = process;
    process.wait_for_line("a send failed and will be tried again");
    let (status, log) = process.stop();
    assert!(status.success(), "{log}");
    bed.dev.faults().clear();
    let _process = bed.start();
    bed.ops.say(&bed.zhang, "z").await.unwrap();
    let transcript = bed.dev.wait_for_sent(4, PATIENCE).await.unwrap();
    assert_eq!(initials(&transcript), "abcz");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_send_is_sent_again_by_default() {
    let bed = Bed::new().await;
    let _process = bed.start();
    bed.dev.faults().next(1, Fault::DropTaken);
    for text in ["a", "b"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    let transcript = bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    assert_eq!(
        initials(&transcript),
        "aab",
        "taken unanswered, sent again, and then the next"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_send_is_parked_if_the_rule_says_so() {
    let mut bed = Bed::new().await;
    bed.rules["rules"][0]["channels"]["dt_main"][1]["on_uncertain"] = "park".into();
    let mut process = bed.start();
    bed.dev.faults().next(1, Fault::DropTaken);
    for text in ["a", "b"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    let transcript = bed.dev.wait_for_sent(2, PATIENCE).await.unwrap();
    assert_eq!(initials(&transcript), "ab");
    let line = process.wait_for_line("a delivery failed for good");
    assert_eq!(line["may_have_been_delivered"], true, "{line}");
    process.stop();
    let dead = bed
        .inspector()
        .dead_letters(&LetterFilter::latest(10))
        .unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].may_have_been_delivered && dead[0].reason.contains("on_uncertain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_room_delays_only_itself() {
    let mut bed = Bed::new().await;
    let slow = bed.sandbox.add_group("cidSlow==", "慢");
    slow.add_robot(&bed.robot);
    bed.rules = serde_json::json!({ "rules": [{
        "from": { "dt_main": { "open_conversation_id": support::OPS } },
        "to": { "dt_main": [
            { "open_conversation_id": "cidSlow==" }, { "open_conversation_id": support::DEV } ] } }] });
    let _process = bed.start();
    slow.faults()
        .until_cleared(Fault::refuse(StatusCode::BAD_REQUEST, "send.too.fast"));
    for text in ["a", "b", "c"] {
        bed.ops.say(&bed.zhang, text).await.unwrap();
    }
    let transcript = bed.dev.wait_for_sent(3, PATIENCE).await.unwrap();
    assert_eq!(initials(&transcript), "abc");
    assert!(slow.transcript().sent_texts().is_empty());
    slow.faults().clear();
    let transcript = slow.wait_for_sent(3, PATIENCE).await.unwrap();
    assert_eq!(initials(&transcript), "abc");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_holds_in_every_second() {
    let mut bed = Bed::new().await;
    bed.config["dingtalk"]["dt_main"]["rate_per_second"] = 4.into();
    let _process = bed.start();
    for number in 0..10 {
        bed.ops.say(&bed.zhang, &number.to_string()).await.unwrap();
    }
    let transcript = bed.dev.wait_for_sent(10, PATIENCE).await.unwrap();
    assert_eq!(initials(&transcript), "0123456789");
    let times: Vec<_> = transcript.sent().map(|entry| entry.at).collect();
    for five in times.windows(5) {
        // Arrival is later than departure by a little that varies; the budget counts departures.
        let span = five[4].duration_since(five[0]);
        assert!(
            span > Duration::from_millis(900),
            "five sends within {span:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_hangs_costs_time_but_no_certainty() {
    let mut bed = Bed::new().await;
    bed.config["dingtalk"]["dt_main"]["attempt_timeout"] = "200ms".into();
    bed.config["dingtalk"]["dt_main"]["backoff_max"] = "50ms".into();
    bed.sandbox
        .token_faults()
        .until_cleared(Fault::Delay(Duration::from_secs(5)));
    let mut process = bed.start();
    bed.ops.say(&bed.zhang, "a").await.unwrap();
    let mut line = process.wait_for_line("a send failed again");
    while line["attempts"].as_u64() < Some(5) {
        assert_eq!(line["uncertain"], false, "{line}");
        line = process.wait_for_next_line("a send failed again");
    }
    bed.sandbox.token_faults().clear();
    let transcript = bed.dev.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(initials(&transcript), "a");
}
