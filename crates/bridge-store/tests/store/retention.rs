//! What is removed when its time has come, and what stays.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::ports::Clock;
use bridge_core::store::{Admitted, Death, DeliveryId, Progress, Step, Store};
use bridge_core::time::Timestamp;
use bridge_store::{SqliteStore, StoreOptions};
use bridge_testkit::FakeClock;
use bridge_testkit::store_contract::fixtures::{
    RECEIVED_AT, admit, message, queued, settle, texts,
};

use crate::{inspector, meddle};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Long enough for the writer's first round.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn open_at(dir: &std::path::Path, now: Timestamp) -> SqliteStore {
    let clock = FakeClock::default();
    clock.set(now);
    SqliteStore::open(dir, StoreOptions::default(), Arc::new(clock)).unwrap()
}

/// Opens the store so much later, and waits until `is_done` says so of its tables.
pub(crate) async fn later(dir: &std::path::Path, age: Duration, is_done: &str) -> SqliteStore {
    let store = open_at(dir, RECEIVED_AT.plus(age));
    let done = async {
        loop {
            let count: i64 = meddle(dir)
                .query_row(is_done, [], |row| row.get(0))
                .unwrap();
            if count == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, done)
        .await
        .unwrap_or_else(|_| panic!("still there: {is_done}"));
    store
}

fn delivered() -> Step {
    Step::Delivered {
        platform_ids: vec!["p".to_owned()],
    }
}

fn dead() -> Step {
    Step::Dead(Death {
        reason: "no such group".to_owned(),
        may_have_been_delivered: false,
        blocks: false,
        progress: Progress::START,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_go_first_then_ids_and_what_is_queued_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), RECEIVED_AT);
    for id in ["delivered", "dead", "queued"] {
        admit(&store, message(id, &["a"])).await;
    }
    let ids: Vec<DeliveryId> = queued(&store, "a").await.iter().map(|d| d.id).collect();
    settle(&store, ids[0], delivered()).await;
    settle(&store, ids[1], dead()).await;
    store.close().await.unwrap();

    let body = |of: &str| format!("SELECT count(*) FROM body WHERE content LIKE '%{of}%'");
    let count = |sql: &str| -> i64 {
        meddle(dir.path())
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    let store = later(dir.path(), 8 * DAY, &body("delivered")).await;
    assert_eq!(count(&body("dead")), 1, "a dead letter keeps its text");
    assert_eq!(count(&body("queued")), 1);
    let again = admit(&store, message("delivered", &["a"])).await;
    assert_eq!(again, Admitted::Duplicate, "the id is known for longer");
    let trace = inspector(dir.path()).trace("delivered").unwrap();
    assert_eq!(trace.messages[0].deliveries[0].text, None);
    assert_eq!(trace.messages[0].deliveries[0].state, "delivered");
    store.close().await.unwrap();

    let gone = "SELECT count(*) FROM message WHERE message_id <> 'queued'";
    let store = later(dir.path(), 15 * DAY, gone).await;
    assert_eq!(count("SELECT count(*) FROM settled"), 0);
    assert_eq!(count("SELECT count(*) FROM dead_letter"), 0);
    assert_eq!(
        texts(&queued(&store, "a").await),
        ["queued"],
        "whatever its age"
    );
    let totals = inspector(dir.path()).totals().unwrap();
    assert_eq!(
        (totals.planned, totals.delivered, totals.dead, totals.queued),
        (3, 1, 1, 1)
    );
    assert_eq!(totals.accounted(), 3, "what was removed is still counted");
    let again = admit(&store, message("delivered", &["a"])).await;
    assert_eq!(again, Admitted::New { overflowed: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_blocks_its_lane_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), RECEIVED_AT);
    for (id, room, blocks) in [("m1", "a", true), ("m2", "b", false)] {
        admit(&store, message(id, &[room])).await;
        let delivery = queued(&store, room).await[0].id;
        let death = Death {
            reason: "no such group".to_owned(),
            may_have_been_delivered: false,
            blocks,
            progress: Progress::START,
        };
        settle(&store, delivery, Step::Dead(death)).await;
    }
    store.close().await.unwrap();
    let gone = "SELECT count(*) FROM dead_letter WHERE blocks = 0";
    let _store = later(dir.path(), 15 * DAY, gone).await;
    assert_eq!(inspector(dir.path()).totals().unwrap().dead, 2);
    let letters = inspector(dir.path())
        .dead_letters(&bridge_store::LetterFilter::latest(9))
        .unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].blocks);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_does_not_grow_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for week in 0..6_u32 {
        let age = week * 15 * DAY;
        let store = later(dir.path(), age, "SELECT count(*) FROM message").await;
        let now = RECEIVED_AT.plus(age);
        for number in 0..300 {
            let mut admission = message(&format!("{week}-{number} {}", "x".repeat(500)), &["a"]);
            admission.received_at = now;
            admit(&store, admission).await;
        }
        for delivery in queued(&store, "a").await {
            let at = now;
            let settlement = bridge_core::store::Settlement {
                delivery: delivery.id,
                at,
                step: delivered(),
            };
            store.settle(settlement).await.unwrap();
        }
        store.close().await.unwrap();
        sizes.push(dir.path().join("store.db").metadata().unwrap().len());
    }
    assert!(sizes[5] <= sizes[1] * 11 / 10, "{sizes:?}");
    let totals = inspector(dir.path()).totals().unwrap();
    assert_eq!((totals.planned, totals.delivered), (1800, 1800));
}

#[tokio::test]
async fn the_log_does_not_grow_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), RECEIVED_AT);
    let log = dir.path().join("store.db-wal");
    let mut written = 0;
    for number in 0..600 {
        let id = format!("{number} {}", "x".repeat(10_000));
        written += id.len() as u64;
        admit(&store, message(&id, &["a"])).await;
    }
    let size = log.metadata().unwrap().len();
    // The log holds at least the texts, and more than a thousand pages before it begins anew.
    assert!(size < written, "{size} bytes of log for {written} of text");
    store.close().await.unwrap();
    assert!(!log.exists(), "a store that was closed has none");
}

#[test]
fn the_clock_of_these_tests_can_be_set() {
    let clock = FakeClock::default();
    clock.set(RECEIVED_AT);
    assert_eq!(clock.now(), RECEIVED_AT);
}
