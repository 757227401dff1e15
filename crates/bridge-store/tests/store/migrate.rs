//! A store that an older bridge wrote.

use std::path::Path;

use bridge_core::store::{Admitted, DeliveryId, Progress, Replayed, Store};
use bridge_core::time::Timestamp;
use bridge_store::{Inspector, LetterFilter};
use bridge_testkit::store_contract::fixtures::{admit, message, queued, texts};
use rusqlite::Connection;

use crate::{inspector, open_store};

/// The store of version 1 that the fixture describes.
fn old_store(dir: &Path) {
    let connection = Connection::open(dir.join("store.db")).unwrap();
    let sql = include_str!("version-1.sql");
    connection.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn everything_that_was_in_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    old_store(dir.path());
    let refused = Inspector::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("start this bridge once"), "{refused}");

    let store = open_store(dir.path());
    assert!(!store.is_new());
    let lane = queued(&store, "a").await;
    assert_eq!(texts(&lane), ["m3", "m4"]);
    let progress = Progress {
        attempts: 2,
        uncertain: 0,
        parts_sent: 1,
        not_before: Timestamp::from_millis(77),
    };
    assert_eq!(lane[0].progress, progress);
    assert_eq!(texts(&queued(&store, "b").await), ["m1", "m2", "m3", "m4"]);
    let again = admit(&store, message("m1", &["a"])).await;
    assert_eq!(again, Admitted::Duplicate);

    let inspector = inspector(dir.path());
    let letters = inspector.dead_letters(&LetterFilter::latest(9)).unwrap();
    assert_eq!(letters[0].reason, "no such group");
    assert_eq!(letters[0].text.as_deref(), Some("m2"));
    assert_eq!(letters[0].attempts, 3);
    let totals = inspector.totals().unwrap();
    assert_eq!((totals.planned, totals.accounted()), (8, 8));
    assert_eq!(inspector.check().unwrap(), []);
    assert_eq!(inspector.channels().unwrap()[0].title, "值班");
    let trace = inspector.trace("m1").unwrap();
    let parts: Vec<_> = trace.messages[0].deliveries[0].parts.iter().collect();
    assert_eq!(parts[0].platform_ids, ["p1"]);
    assert_eq!(parts[1].platform_ids, ["p2", "p3"]);
    assert_eq!(inspector.trace("i1").unwrap().records[0].reason, "no_rule");

    let id = DeliveryId(letters[0].id);
    let replayed = store.replay(vec![id], Timestamp::EPOCH).await.unwrap();
    assert_eq!(replayed, [Replayed::Queued]);
    admit(&store, message("m5", &["a"])).await;
    assert_eq!(texts(&queued(&store, "a").await), ["m3", "m4", "m2", "m5"]);
}

#[tokio::test]
async fn a_copy_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    old_store(dir.path());
    drop(open_store(dir.path()));
    let copy = Connection::open(dir.path().join("store.db.version-1")).unwrap();
    let version: i32 = copy
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1);
    let count = "SELECT count(*) FROM delivery";
    let deliveries: i64 = copy.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(deliveries, 6);
}
