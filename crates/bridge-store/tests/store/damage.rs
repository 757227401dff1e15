//! Rows that are not what was written.

use bridge_core::store::{DeliveryId, Store};
use bridge_store::LetterFilter;
use bridge_testkit::store_contract::fixtures::{admit, flush, message, queued, room, texts};

use crate::{inspector, meddle, open_store};

/// Queues `m1`, `m2`, `m3`, damages the row of `m2` with `sql`, and expects that the lane goes on
/// without it and that a person can see it.
async fn check(sql: &str) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for id in ["m1", "m2", "m3"] {
        admit(&store, message(id, &["a"])).await;
    }
    let lane = queued(&store, "a").await;
    let ids: Vec<_> = lane.iter().map(|d| d.id).collect();
    let connection = meddle(dir.path());
    assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");

    // Even a window of one is not empty because of it.
    let window = store.queued(&room("a"), lane[0].turn, 1).await.unwrap();
    assert_eq!(texts(&window.deliveries), ["m3"], "{sql}");
    flush(&store).await;
    assert_eq!(texts(&queued(&store, "a").await), ["m1", "m3"], "{sql}");
    let totals = inspector(dir.path()).totals().unwrap();
    assert_eq!((totals.queued, totals.dead), (2, 1), "{sql}");
    let letters = inspector(dir.path())
        .dead_letters(&LetterFilter::latest(9))
        .unwrap();
    assert_eq!(letters[0].id, ids[1].0, "{sql}");
    assert_eq!(letters[0].text, None, "{sql}");
    assert!(letters[0].reason.contains("damaged"), "{sql}");
}

#[tokio::test]
async fn a_damaged_delivery_becomes_a_dead_letter() {
    let rows = [
        "UPDATE body SET content = replace(content, 'm2', 'mX') WHERE id = 2",
        "UPDATE body SET content = CAST(x'ff' AS TEXT) WHERE id = 2",
        "DELETE FROM body WHERE id = 2",
        "UPDATE delivery SET body = 3 WHERE id = 2",
        "UPDATE delivery SET attempts = attempts + 1 WHERE id = 2",
        "UPDATE delivery SET not_before = not_before + 1 WHERE id = 2",
        "UPDATE delivery SET queued_at = queued_at + 1 WHERE id = 2",
        "UPDATE delivery SET parts_sent = 1 WHERE id = 2",
        "UPDATE delivery SET rule = 'another' WHERE id = 2",
        "UPDATE delivery SET checksum = checksum + 1 WHERE id = 2",
        "UPDATE delivery SET parts_sent = -1 WHERE id = 2",
        "UPDATE message SET received_at = received_at + 1 WHERE message_id = 'm2'",
        "UPDATE message SET message_id = NULL WHERE message_id = 'm2'",
        "UPDATE message SET source = 1000 WHERE message_id = 'm2'",
        "DELETE FROM message WHERE message_id = 'm2'",
    ];
    for sql in rows {
        check(sql).await;
    }
}

#[tokio::test]
async fn a_delivery_that_changed_its_lane_is_damaged_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    admit(&store, message("m1", &["a", "b"])).await;
    let connection = meddle(dir.path());
    let sql = "UPDATE delivery SET lane = (SELECT lane FROM delivery WHERE id = 2) WHERE id = 1";
    connection.execute(sql, []).unwrap();
    assert_eq!(queued(&store, "a").await, []);
    let lane = queued(&store, "b").await;
    assert_eq!(lane.len(), 1);
    assert_eq!(lane[0].id, DeliveryId(2));
}

#[tokio::test]
async fn a_check_reports_damaged_pages_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for id in ["m1", "m2"] {
        admit(&store, message(id, &["a"])).await;
    }
    store.close().await.unwrap();
    let body = "UPDATE body SET content = replace(content, 'm2', 'mX') WHERE id = 2";
    let connection = meddle(dir.path());
    connection.execute(body, []).unwrap();
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'settled'";
    let page: u32 = connection.query_row(page, [], |row| row.get(0)).unwrap();
    drop(connection);
    let path = dir.path().join("store.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = usize::try_from(page - 1).unwrap() * 4096;
    bytes[at..at + 100].fill(0x55);
    std::fs::write(&path, bytes).unwrap();

    let faults = inspector(dir.path()).check().unwrap();
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let has = |text: &str| faults.iter().any(|fault| fault.contains(text));
    assert!(has(&format!("Tree {page} page {page}")), "{faults:?}");
    assert!(has("the delivery 2 is damaged"), "{faults:?}");
    assert!(has("malformed"), "the accounts can't be made: {faults:?}");
}
