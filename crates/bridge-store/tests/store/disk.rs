//! A disk that can't take what must be written, and a line that is too long.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bridge_core::store::{
    Admission, Admitted, Death, DeliveryId, Progress, Settlement, Step, Store, StoreError,
};
use bridge_store::{LetterFilter, StoreOptions};
use bridge_testkit::store_contract::fixtures::{
    FeedLog, RECEIVED_AT, admit, message, queued, text, texts,
};

use crate::{inspector, meddle, open_store, open_with};

/// Far longer than the store's longest pause between tries.
const PATIENCE: Duration = Duration::from_secs(60);

const NEW: Admitted = Admitted::New { overflowed: 0 };

fn settlement(delivery: DeliveryId, step: Step) -> Settlement {
    let at = RECEIVED_AT;
    Settlement { delivery, at, step }
}

fn large(id: &str) -> Admission {
    let mut admission = message(id, &["a"]);
    admission.deliveries[0].content = Arc::new(text(&id.repeat(20_000)));
    admission
}

#[tokio::test]
async fn a_full_disk_refuses_messages_and_keeps_settlements_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    open_store(dir.path()).close().await.unwrap();
    let ballast = "CREATE TABLE ballast (x); INSERT INTO ballast VALUES (zeroblob(1000000))";
    meddle(dir.path()).execute_batch(ballast).unwrap();
    let size = dir.path().join("store.db").metadata().unwrap().len();
    let mut options = StoreOptions::default();
    options.max_size_bytes = Some(size + 65_536);
    let store = open_with(dir.path(), options);
    let feed = FeedLog::of(&store);

    admit(&store, message("m1", &["a"])).await;
    let first = queued(&store, "a").await[0].id;
    let mut refused = None;
    // Each is larger than a page; the disk has room for sixteen.
    for _ in 0..100 {
        let id = format!("x{}", feed.heard().len());
        if let Err(error) = store.admit(large(&id)).await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("the disk is full");
    let StoreError::Unavailable(reason) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("full"), "{reason}");
    // Nothing of the refused message is there, and it is no duplicate of itself.
    assert_eq!(queued(&store, "a").await, feed.heard());
    let taken = feed.heard().len();

    // A settlement that needs more room than there is.
    let death = Death {
        reason: "refused ".repeat(20_000),
        may_have_been_delivered: false,
        blocks: false,
        progress: Progress::START,
    };
    let settled = store.settle(settlement(first, Step::Dead(death.clone())));
    let flushed = store.flush().await;
    assert!(matches!(flushed, Err(StoreError::Unavailable(_))));
    assert_eq!(inspector(dir.path()).totals().unwrap().dead, 0);

    let connection = meddle(dir.path());
    connection.execute_batch("DROP TABLE ballast").unwrap();
    let id = format!("x{taken}");
    assert_eq!(store.admit(large(&id)).await, Ok(NEW));
    settled.await.expect("what was kept is written first");
    let filter = LetterFilter::latest(9);
    let letters = inspector(dir.path()).dead_letters(&filter).unwrap();
    assert_eq!(letters[0].id, first.0);
    assert_eq!(letters[0].reason, death.reason);
    assert_eq!(queued(&store, "a").await.len(), taken);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_somebody_locks_refuses_messages_and_keeps_settlements() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    admit(&store, message("m1", &["a"])).await;
    let id = queued(&store, "a").await[0].id;
    let connection = meddle(dir.path());
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let platform_ids = Vec::new();
    let settled = store.settle(settlement(id, Step::Delivered { platform_ids }));
    let refused = store.admit(message("m2", &["a"])).await;
    let Err(StoreError::Unavailable(reason)) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("locked"), "{reason}");
    assert_eq!(texts(&queued(&store, "a").await), ["m1"], "it can be read");
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(store.admit(message("m2", &["a"])).await, Ok(NEW));
    settled.await.expect("what was kept is written first");
    assert_eq!(texts(&queued(&store, "a").await), ["m2"]);
    assert_eq!(inspector(dir.path()).totals().unwrap().delivered, 1);
}

#[tokio::test]
async fn a_full_store_refuses_messages_until_something_has_left_it() {
    let dir = tempfile::tempdir().unwrap();
    let limited = || {
        let mut options = StoreOptions::default();
        options.max_backlog = 3;
        open_with(dir.path(), options)
    };
    let mut store = limited();
    admit(&store, message("m1", &["a", "b"])).await;
    for _ in 0..2 {
        let refused = store.admit(message("m2", &["a", "b"])).await;
        let Err(StoreError::Full(reason)) = refused else {
            panic!("{refused:?}");
        };
        assert!(reason.contains("max_backlog"), "{reason}");
        let again = store.admit(message("m1", &["a", "b"])).await;
        assert_eq!(again, Ok(Admitted::Duplicate), "it is there");
        assert_eq!(inspector(dir.path()).totals().unwrap().planned, 2);
        // It counts what is there when it is opened.
        store.close().await.unwrap();
        store = limited();
    }
    let lane = queued(&store, "a").await;
    let platform_ids = Vec::new();
    let settled = store.settle(settlement(lane[0].id, Step::Delivered { platform_ids }));
    settled.await.unwrap();
    let taken = store.admit(message("m2", &["a", "b"])).await;
    assert_eq!(taken, Ok(NEW), "what was refused is no duplicate of itself");
}

#[tokio::test]
async fn kept_settlements_are_tried_again_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    admit(&store, message("m1", &["a"])).await;
    let id = queued(&store, "a").await[0].id;
    // Any error that is not about the row stands for a failing disk.
    let connection = meddle(dir.path());
    connection
        .execute_batch("ALTER TABLE settled RENAME TO away")
        .unwrap();
    let platform_ids = Vec::new();
    let settled = store.settle(settlement(id, Step::Delivered { platform_ids }));
    assert!(store.flush().await.is_err());
    connection
        .execute_batch("ALTER TABLE away RENAME TO settled")
        .unwrap();
    let written = tokio::time::timeout(PATIENCE, settled).await;
    written
        .expect("in time")
        .expect("a kept settlement is written once it can be");
    assert_eq!(queued(&store, "a").await, []);
    assert_eq!(inspector(dir.path()).totals().unwrap().delivered, 1);
}

#[tokio::test]
async fn settlements_that_cannot_be_written_before_the_end_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    admit(&store, message("m1", &["a"])).await;
    let id = queued(&store, "a").await[0].id;
    let connection = meddle(dir.path());
    connection.execute_batch("DROP TABLE settled").unwrap();
    let platform_ids = Vec::new();
    let settled = store.settle(settlement(id, Step::Delivered { platform_ids }));
    let closed = store.close().await.unwrap_err().to_string();
    assert!(closed.contains("1 settlements unwritten"), "{closed}");
    assert_eq!(settled.await, Err(StoreError::Closed));
}

#[tokio::test]
async fn a_message_that_cannot_be_written_does_not_take_others_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    let feed = FeedLog::of(&store);
    let connection = meddle(dir.path());
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON message WHEN new.message_id = 'poison'
                   BEGIN SELECT RAISE(ABORT, 'poison'); END";
    connection.execute_batch(trigger).unwrap();
    // While somebody else writes, all of them come to wait for one commit.
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (first, poison, second, ()) = tokio::join!(
        store.admit(message("m1", &["a"])),
        store.admit(message("poison", &["a"])),
        store.admit(message("m2", &["a"])),
        async { connection.execute_batch("COMMIT").unwrap() },
    );
    assert_eq!((first, second), (Ok(NEW), Ok(NEW)));
    assert!(matches!(poison, Err(StoreError::Unavailable(_))));
    assert_eq!(texts(&feed.heard()), ["m1", "m2"]);
    assert_eq!(queued(&store, "a").await, feed.heard());
}

#[tokio::test]
async fn a_full_line_refuses_at_once_and_loses_nothing_of_what_it_took() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    let connection = meddle(dir.path());
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = Vec::new();
    let mut refused = None;
    for number in 0..10_000 {
        let mut admission = store.admit(message(&format!("m{number}"), &["a"]));
        match admission.as_mut().poll(&mut context) {
            Poll::Pending => waiting.push(admission),
            Poll::Ready(result) => {
                refused = Some(result);
                break;
            }
        }
    }
    let refused = refused.expect("the line is bounded");
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    connection.execute_batch("COMMIT").unwrap();
    let taken = waiting.len();
    for admission in waiting {
        assert_eq!(admission.await, Ok(NEW));
    }
    assert_eq!(queued(&store, "a").await.len(), taken);
}
