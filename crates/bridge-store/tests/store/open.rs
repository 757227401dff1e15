//! Taking possession of a directory, and giving it free.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bridge_core::store::{DeliveryId, Progress, Step, Store, StoreError};
use bridge_core::time::Timestamp;
use bridge_store::{OpenError, SqliteStore, StoreOptions};
use bridge_testkit::FakeClock;
use bridge_testkit::store_contract::fixtures::{admit, message, queued, room, settle, texts};

use crate::{meddle, open_store};

fn refusal(dir: &Path) -> OpenError {
    let clock = Arc::new(FakeClock::default());
    SqliteStore::open(dir, StoreOptions::default(), clock).unwrap_err()
}

/// The refusal's sentence, which must be one line and name the directory.
fn sentence(dir: &Path) -> String {
    let sentence = refusal(dir).to_string();
    assert!(!sentence.contains('\n'), "{sentence}");
    assert!(sentence.contains(dir.to_str().unwrap()), "{sentence}");
    sentence
}

#[tokio::test]
async fn a_closed_store_opens_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for number in 1..=5 {
        admit(&store, message(&format!("m{number}"), &["a", "b"])).await;
    }
    let ids: Vec<_> = queued(&store, "a").await.iter().map(|d| d.id).collect();
    let progress = Progress {
        attempts: 4,
        uncertain: 2,
        parts_sent: 1,
        not_before: Timestamp::from_millis(77),
    };
    let postponed = Step::Postponed {
        progress,
        reason: "throttled".to_owned(),
        uncertain: false,
    };
    settle(&store, ids[0], postponed).await;
    let platform_ids = Vec::new();
    settle(&store, ids[2], Step::Delivered { platform_ids }).await;
    store.close().await.unwrap();
    assert!(!dir.path().join("store.db-wal").exists());

    let store = open_store(dir.path());
    let lane = queued(&store, "a").await;
    assert_eq!(texts(&lane), ["m1", "m2", "m4", "m5"]);
    assert_eq!(lane[0].progress, progress);
    assert_eq!(queued(&store, "b").await.len(), 5);
    assert_eq!(store.lanes().await.unwrap(), [room("a"), room("b")]);
}

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = DeliveryId(0);
    for round in 0..3 {
        let store = open_store(dir.path());
        admit(&store, message(&format!("m{round}"), &["a"])).await;
        let id = queued(&store, "a").await[0].id;
        assert!(id > last);
        last = id;
        let platform_ids = Vec::new();
        settle(&store, id, Step::Delivered { platform_ids }).await;
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_store_does_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    admit(&store, message("m1", &["a"])).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    let admitted = store.admit(message("m2", &["a"])).await;
    assert_eq!(admitted, Err(StoreError::Closed));
    assert_eq!(store.flush().await, Err(StoreError::Closed));
    assert_eq!(store.lanes().await, Err(StoreError::Closed));
}

#[tokio::test]
async fn a_dropped_store_has_written_what_was_handed_over_and_frees_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    admit(&store, message("m1", &["a"])).await;
    let id = queued(&store, "a").await[0].id;
    let platform_ids = Vec::new();
    settle(&store, id, Step::Delivered { platform_ids }).await;
    drop(store);
    let store = open_store(dir.path());
    assert_eq!(queued(&store, "a").await, []);
}

#[tokio::test]
async fn a_second_bridge_on_the_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    assert!(matches!(refusal(dir.path()), OpenError::InUse { .. }));
    assert!(sentence(dir.path()).contains("in use by another bridge; stop that one"));
    // The refused one leaves the first at work.
    admit(&store, message("m1", &["a"])).await;
    store.close().await.unwrap();
    open_store(dir.path());
}

#[test]
fn only_the_owner_can_read_what_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new/data");
    let store = open_store(&data);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut names = Vec::new();
    for entry in data.read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["lock", "store.db", "store.db-shm", "store.db-wal"]);
    drop(store);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data = file.join("data");
    assert!(sentence(&data).starts_with("can't create"));
    assert!(sentence(&data).ends_with("set `data_dir` to a directory that the bridge can write"));
}

#[test]
fn a_newer_bridges_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_store(dir.path()));
    let connection = meddle(dir.path());
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = std::fs::read(dir.path().join("store.db")).unwrap();
    assert!(sentence(dir.path()).contains("a newer bridge (version 99 of its tables"));
    let after = std::fs::read(dir.path().join("store.db")).unwrap();
    assert!(before == after);
}

#[test]
fn another_programs_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let connection = meddle(dir.path());
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(connection);
    assert!(sentence(dir.path()).contains("is not a bridge's store"));
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("store.db"), "x".repeat(5000)).unwrap();
    assert!(sentence(dir.path()).contains("file is not a database; restore it from a copy"));
}
