//! Mailboxes on a disk: damage, a full disk, what retention removes.

use bridge_core::id::InstanceId;
use bridge_core::store::{Entry, EntryNumber, Mail, NewEntry, Store, StoreError};
use bridge_store::{SqliteStore, StoreOptions};
use bridge_testkit::store_contract::fixtures::{RECEIVED_AT, flush};

use crate::retention::{DAY, later, open_at};
use crate::{inspector, meddle, open_store, open_with};

pub(crate) fn bot() -> InstanceId {
    InstanceId::new("bot")
}

pub(crate) async fn try_post(store: &SqliteStore, key: &str) -> Result<EntryNumber, StoreError> {
    let entry = NewEntry {
        key: key.to_owned(),
        body: format!("body of {key}"),
        at: RECEIVED_AT,
    };
    store.post(&bot(), entry).await
}

pub(crate) async fn post(store: &SqliteStore, key: &str) -> EntryNumber {
    try_post(store, key).await.unwrap()
}

pub(crate) async fn mail(store: &SqliteStore) -> Mail {
    let mail = store.mail(&bot(), EntryNumber::ZERO, usize::MAX).await;
    mail.unwrap()
}

pub(crate) fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.key).collect()
}

fn faults(dir: &std::path::Path) -> Vec<String> {
    let faults = inspector(dir).check().unwrap();
    faults.iter().map(ToString::to_string).collect()
}

/// Posts `e1`, `e2`, `e3`, damages `e2` with `sql`, and expects that the others are read, that the
/// reader can see that something is missing, and that an operator can.
async fn check_damage(sql: &str) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for key in ["e1", "e2", "e3"] {
        post(&store, key).await;
    }
    let connection = meddle(dir.path());
    assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");
    let said = faults(dir.path());
    assert!(
        said[0].contains("entry 2 of a mailbox is damaged"),
        "{sql}: {said:?}"
    );

    // Even a window of one is not empty because of it.
    let window = store.mail(&bot(), EntryNumber(1), 1).await.unwrap();
    assert_eq!(keys(&window.entries), ["e3"], "{sql}");
    assert_eq!(window.expired, EntryNumber(2), "{sql}");
    flush(&store).await;
    assert_eq!(faults(dir.path()), [""; 0], "{sql}: it is dropped");
    let read = mail(&store).await;
    assert_eq!(keys(&read.entries), ["e1", "e3"], "{sql}");
    assert_eq!(read.expired, EntryNumber(2), "{sql}");
    post(&store, "e4").await;
    assert_eq!(keys(&mail(&store).await.entries), ["e1", "e3", "e4"]);
}

#[tokio::test]
async fn a_damaged_entry_is_dropped_and_holds_nothing_up() {
    for sql in [
        "UPDATE entry SET body = replace(body, 'e2', 'eX') WHERE number = 2",
        "UPDATE entry SET body = CAST(x'ff' AS TEXT) WHERE number = 2",
        "UPDATE entry SET body = '' WHERE number = 2",
        "UPDATE entry SET key = 'eX' WHERE number = 2",
        "UPDATE entry SET key = CAST(x'ff' AS TEXT) WHERE number = 2",
        "UPDATE entry SET at = at + 1 WHERE number = 2",
        "UPDATE entry SET checksum = checksum + 1 WHERE number = 2",
    ] {
        check_damage(sql).await;
    }
}

#[tokio::test]
async fn an_entry_under_another_number_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for key in ["e1", "e2"] {
        post(&store, key).await;
    }
    let connection = meddle(dir.path());
    let sql = "UPDATE entry SET number = 7 WHERE number = 1";
    connection.execute(sql, []).unwrap();
    assert_eq!(keys(&mail(&store).await.entries), ["e2"]);
}

/// Posts `e1` … `e4`, confirms the first, damages what `sql` says of the closed store, and opens it
/// again: what is unread is read, and numbers go on.
async fn check_recovery(sql: &str, expected: &[&str], is_missed: bool) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for key in ["e1", "e2", "e3", "e4"] {
        post(&store, key).await;
    }
    store.confirm(&bot(), EntryNumber(1)).await.unwrap();
    store.close().await.unwrap();
    meddle(dir.path()).execute_batch(sql).unwrap();
    assert_ne!(faults(dir.path()), [""; 0], "{sql}: a check finds it");

    let store = open_store(dir.path());
    let read = mail(&store).await;
    assert_eq!(keys(&read.entries), expected, "{sql}");
    assert_eq!(read.expired > EntryNumber::ZERO, is_missed, "{sql}");
    let before = read.entries.last().map(|entry| entry.number);
    assert!(read.confirmed >= EntryNumber(1), "{sql}: {read:?}");
    assert!(
        read.entries
            .iter()
            .all(|entry| entry.number > read.confirmed),
        "{sql}: {read:?}"
    );
    assert!(Some(post(&store, "e5").await) > before, "{sql}");
    assert!(post(&store, "e5").await > EntryNumber(4), "{sql}");
    assert_eq!(
        mail(&store).await.entries.len(),
        expected.len() + 1,
        "{sql}"
    );
    let numbers_agree = !sql.contains("DELETE FROM entry") && !sql.contains("sqlite_sequence");
    if numbers_agree {
        assert_eq!(faults(dir.path()), [""; 0], "{sql}");
    }
}

#[tokio::test]
async fn a_damaged_mailbox_is_made_anew_from_its_entries() {
    let all = &["e2", "e3", "e4"][..];
    for (sql, expected, is_missed) in [
        ("UPDATE mailbox SET unread = 1", all, true),
        ("UPDATE mailbox SET confirmed = 3", all, true),
        ("UPDATE mailbox SET last = 1", all, true),
        ("UPDATE mailbox SET expired = expired + 1", all, true),
        ("UPDATE mailbox SET checksum = checksum + 1", all, true),
        ("UPDATE mailbox SET instance = 'bat'", all, true),
        (
            "UPDATE mailbox SET instance = CAST(x'ff' AS TEXT)",
            all,
            true,
        ),
        ("DELETE FROM mailbox", all, true),
        (
            "UPDATE entry SET body = NULL WHERE number = 3",
            &["e2", "e4"],
            true,
        ),
        ("DELETE FROM entry WHERE number = 3", &["e2", "e4"], true),
        (
            "UPDATE entry SET instance = 'bat' WHERE number = 3",
            &["e2", "e4"],
            true,
        ),
        (
            "UPDATE entry SET instance = CAST(x'ff' AS TEXT) WHERE number = 3",
            &["e2", "e4"],
            true,
        ),
        (
            "DELETE FROM sqlite_sequence WHERE name = 'entry'",
            all,
            false,
        ),
        (
            "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'entry'",
            all,
            false,
        ),
        (
            "UPDATE sqlite_sequence SET seq = 'x' WHERE name = 'entry'",
            all,
            false,
        ),
    ] {
        check_recovery(sql, expected, is_missed).await;
    }
}

#[tokio::test]
async fn a_mailbox_that_is_damaged_while_it_is_used_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for key in ["e1", "e2", "e3"] {
        post(&store, key).await;
    }
    let sql = "UPDATE mailbox SET unread = 7, confirmed = 3";
    meddle(dir.path()).execute(sql, []).unwrap();
    assert_eq!(keys(&mail(&store).await.entries), ["e1", "e2", "e3"]);
    store.confirm(&bot(), EntryNumber(1)).await.unwrap();
    let read = mail(&store).await;
    assert_eq!(keys(&read.entries), ["e2", "e3"]);
    assert_eq!(read.confirmed, EntryNumber(1));
    assert_eq!(faults(dir.path()), [""; 0]);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_refuses_posts_and_confirmations() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    let first = post(&store, "e1").await;
    let connection = meddle(dir.path());
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = [
        try_post(&store, "e2").await.map(drop),
        store.confirm(&bot(), first).await,
    ];
    for refused in refused {
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
    assert_eq!(keys(&mail(&store).await.entries), ["e1"], "it can be read");
    connection.execute_batch("COMMIT").unwrap();
    post(&store, "e2").await;
    store.confirm(&bot(), first).await.unwrap();
    assert_eq!(keys(&mail(&store).await.entries), ["e2"]);
}

#[tokio::test]
async fn a_full_disk_refuses_posts_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    open_store(dir.path()).close().await.unwrap();
    let ballast = "CREATE TABLE ballast (x); INSERT INTO ballast VALUES (zeroblob(1000000))";
    meddle(dir.path()).execute_batch(ballast).unwrap();
    let size = dir.path().join("store.db").metadata().unwrap().len();
    let mut options = StoreOptions::default();
    options.max_size_bytes = Some(size + 65_536);
    let store = open_with(dir.path(), options);
    let long = |number: usize| format!("{number} {}", "x".repeat(5000));
    let mut taken = 0;
    let refused = loop {
        match try_post(&store, &long(taken)).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100, "the disk is full");
    };
    let StoreError::Unavailable(reason) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("full"), "{reason}");
    assert_eq!(mail(&store).await.entries.len(), taken);
    meddle(dir.path())
        .execute_batch("DROP TABLE ballast")
        .unwrap();
    post(&store, &long(taken)).await;
    assert_eq!(mail(&store).await.entries.len(), taken + 1);
    store.close().await.unwrap();
    assert_eq!(faults(dir.path()), [""; 0]);
}

#[tokio::test]
async fn a_closed_store_takes_and_gives_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    post(&store, "e1").await;
    store.close().await.unwrap();
    assert_eq!(try_post(&store, "e2").await, Err(StoreError::Closed));
    let confirmed = store.confirm(&bot(), EntryNumber(1)).await;
    assert_eq!(confirmed, Err(StoreError::Closed));
    let read = store.mail(&bot(), EntryNumber::ZERO, 1).await;
    assert_eq!(read, Err(StoreError::Closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_expire_then_their_keys_are_forgotten_and_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_at(dir.path(), RECEIVED_AT);
    for number in 0..1200 {
        post(&store, &format!("e{number}")).await;
    }
    store.confirm(&bot(), EntryNumber(10)).await.unwrap();
    store.close().await.unwrap();

    // More than one step of a round.
    let unread = "SELECT count(*) FROM entry WHERE body IS NOT NULL";
    let store = later(dir.path(), 8 * DAY, unread).await;
    let read = mail(&store).await;
    assert_eq!((read.entries.len(), read.expired), (0, EntryNumber(1200)));
    assert_eq!(read.confirmed, EntryNumber(10));
    assert_eq!(post(&store, "e3").await, EntryNumber(4), "its key is known");
    assert_eq!(faults(dir.path()), [""; 0]);
    store.close().await.unwrap();

    let store = later(dir.path(), 15 * DAY, "SELECT count(*) FROM entry").await;
    assert_eq!(faults(dir.path()), [""; 0], "what was removed is counted");
    let again = NewEntry {
        key: "e3".to_owned(),
        body: "again".to_owned(),
        at: RECEIVED_AT.plus(15 * DAY),
    };
    let again = store.post(&bot(), again).await.unwrap();
    assert_eq!(again, EntryNumber(1201), "numbers are not given again");
    let read = mail(&store).await;
    assert_eq!(keys(&read.entries), ["e3"]);
    assert_eq!(
        read.expired,
        EntryNumber(1200),
        "what was missed is still said"
    );
    let totals = inspector(dir.path()).totals().unwrap();
    assert_eq!(
        (totals.planned, totals.accounted()),
        (0, 0),
        "entries are no deliveries"
    );
}

#[tokio::test]
async fn a_copy_holds_the_mail_and_is_another_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    post(&store, "e1").await;
    let other = tempfile::tempdir().unwrap();
    let copy = other.path().join("store.db");
    inspector(dir.path()).backup(&copy).unwrap();
    assert_eq!(faults(other.path()), [""; 0]);
    let copied = open_store(other.path());
    assert_eq!(mail(&copied).await, mail(&store).await);
    let identity = copied.identity();
    assert_ne!(identity, store.identity());
    copied.close().await.unwrap();
    assert_eq!(open_store(other.path()).identity(), identity, "it keeps it");
    let before = store.identity();
    store.close().await.unwrap();
    assert_eq!(
        open_store(dir.path()).identity(),
        before,
        "a backup changes nothing"
    );
}

#[tokio::test]
async fn a_damaged_identity_is_made_anew() {
    for sql in [
        "UPDATE identity SET text = 'cafe'",
        "UPDATE identity SET text = 'XYZ'",
        "UPDATE identity SET checksum = checksum + 1",
        "DELETE FROM identity",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(dir.path());
        let before = store.identity();
        store.close().await.unwrap();
        meddle(dir.path()).execute(sql, []).unwrap();
        let store = open_store(dir.path());
        let after = store.identity();
        assert_eq!(after.as_str().len(), 16, "{sql}");
        assert_ne!(after, before, "{sql}");
        store.close().await.unwrap();
        assert_eq!(
            open_store(dir.path()).identity(),
            after,
            "{sql}: it is kept"
        );
    }
}
