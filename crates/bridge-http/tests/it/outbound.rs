//! The bounds of an instance's sends.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice, Scope};
use bridge_http::{Attempt, Outbound, OutboundOptions, stack};

use crate::support::{FakeDriver, ManualClock, outgoing, soon};

fn attempt(text: &str) -> Attempt {
    Attempt {
        outgoing: outgoing(text),
        timeout: Duration::from_millis(100),
    }
}

fn send(
    outbound: &Outbound,
    text: &str,
) -> tokio::task::JoinHandle<Result<bridge_core::outcome::Sent, bridge_core::outcome::SendError>> {
    let (outbound, attempt) = (outbound.clone(), attempt(text));
    tokio::spawn(async move { outbound.send(attempt).await })
}

fn outbound(driver: &Arc<FakeDriver>, clock: &Arc<ManualClock>, options: (usize, u32)) -> Outbound {
    let options = OutboundOptions {
        max_in_flight: options.0,
        rate_per_second: options.1,
        follows_earlier_run: false,
    };
    stack(driver.clone(), options, clock.clone())
}

#[tokio::test]
async fn sends_at_once_up_to_the_bound() {
    let (driver, mut sent) = FakeDriver::new(0);
    let outbound = outbound(&driver, &ManualClock::new(), (2, 0));
    let sends: Vec<_> = ["a", "b", "c"].map(|text| send(&outbound, text)).into();
    assert_eq!(soon(sent.recv()).await.as_deref(), Some("a"));
    assert_eq!(soon(sent.recv()).await.as_deref(), Some("b"));
    // On one thread, whatever could run has run when this comes back.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(sent.try_recv().is_err(), "the third waits");
    driver.gate.add_permits(1);
    assert_eq!(soon(sent.recv()).await.as_deref(), Some("c"));
    driver.gate.add_permits(2);
    for send in sends {
        soon(send).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_send_that_hangs_is_uncertain() {
    let (driver, mut sent) = FakeDriver::new(0);
    let clock = ManualClock::new();
    let outbound = outbound(&driver, &clock, (1, 0));
    let hanging = send(&outbound, "hangs");
    soon(sent.recv()).await;
    clock.advance(Duration::from_millis(100));
    let error = soon(hanging).await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert_eq!(error.certainty, Certainty::Unknown);
    assert_eq!(error.advice, RetryAdvice::Backoff(Scope::Message));
    assert_eq!(error.detail, "the attempt did not end within 100ms");

    driver.gate.add_permits(1);
    soon(outbound.send(attempt("next")))
        .await
        .expect("its slot is free again");
}

#[tokio::test]
async fn waiting_for_the_budget_is_not_part_of_the_timeout() {
    let (driver, mut sent) = FakeDriver::new(2);
    let clock = ManualClock::new();
    let outbound = outbound(&driver, &clock, (8, 1));
    soon(outbound.send(attempt("first"))).await.unwrap();
    soon(sent.recv()).await;

    let second = send(&outbound, "second");
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(sent.try_recv().is_err(), "one a second");
    clock.advance(Duration::from_millis(1_001));
    assert_eq!(soon(sent.recv()).await.as_deref(), Some("second"));
    soon(second)
        .await
        .unwrap()
        .expect("its own time had not begun");
}

#[tokio::test]
async fn a_successor_counts_in_the_same_budget_and_sends_by_its_own_driver() {
    let (old, mut by_old) = FakeDriver::new(1);
    let (new, mut by_new) = FakeDriver::new(1);
    let clock = ManualClock::new();
    let first = outbound(&old, &clock, (8, 1));
    soon(first.send(attempt("first"))).await.unwrap();
    assert_eq!(soon(by_old.recv()).await.as_deref(), Some("first"));

    let options = OutboundOptions {
        max_in_flight: 8,
        rate_per_second: 1,
        follows_earlier_run: false,
    };
    let second = first.succeeded_by(new.clone(), options, clock.clone());
    let sending = send(&second, "second");
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(by_new.try_recv().is_err(), "one a second, of both together");
    clock.advance(Duration::from_millis(1_001));
    assert_eq!(soon(by_new.recv()).await.as_deref(), Some("second"));
    soon(sending).await.unwrap().unwrap();
}
