//! A store that an older bridge wrote.

use std::path::Path;

use bridge_core::carriage::Counterpart;
use bridge_core::store::{
    Admitted, DeliveryId, EntryNumber, Mail, Progress, Replayed, Store, Turn, Whereabouts,
};
use bridge_core::time::Timestamp;
use bridge_store::{Inspector, LetterFilter};
use bridge_testkit::store_contract::fixtures::{admit, message, queued, room, source, texts};
use rusqlite::Connection;

use crate::mailbox::{keys, mail, post};
use crate::{inspector, open_store};

const VERSION_1: &str = include_str!("version-1.sql");
const VERSION_2: &str = include_str!("version-2.sql");

/// The store that a fixture describes.
fn old_store(dir: &Path, fixture: &str) {
    let connection = Connection::open(dir.join("store.db")).unwrap();
    connection.execute_batch(fixture).unwrap();
}

#[tokio::test]
async fn everything_that_was_in_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    old_store(dir.path(), VERSION_1);
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
    for (version, fixture, expected) in [(1, VERSION_1, 6), (2, VERSION_2, 4)] {
        let dir = tempfile::tempdir().unwrap();
        old_store(dir.path(), fixture);
        drop(open_store(dir.path()));
        let copy = format!("store.db.version-{version}");
        let copy = Connection::open(dir.path().join(copy)).unwrap();
        let found: i32 = copy
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(found, version);
        let count = "SELECT count(*) FROM delivery";
        let deliveries: i64 = copy.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(deliveries, expected, "of version {version}");
    }
}

#[tokio::test]
async fn a_store_without_mailboxes_gets_them() {
    let dir = tempfile::tempdir().unwrap();
    old_store(dir.path(), VERSION_2);
    let refused = Inspector::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("start this bridge once"), "{refused}");

    let store = open_store(dir.path());
    assert!(!store.is_new());
    assert_eq!(mail(&store).await, Mail::default());
    assert_eq!(post(&store, "e1").await, EntryNumber(1));
    let identity = store.identity();
    let lane = queued(&store, "a").await;
    assert_eq!(texts(&lane), ["m3"]);
    assert_eq!((lane[0].progress.attempts, lane[0].turn), (2, Turn(5)));
    assert_eq!(texts(&queued(&store, "b").await), ["m1", "m2", "m3"]);
    let again = admit(&store, message("m1", &["a"])).await;
    assert_eq!(again, Admitted::Duplicate);
    let spent = store.spent(&room("a"), Timestamp::EPOCH).await.unwrap();
    assert_eq!(spent.len(), 1);

    let inspector = inspector(dir.path());
    let letters = inspector.dead_letters(&LetterFilter::latest(9)).unwrap();
    assert_eq!(letters[0].reason, "no such group");
    let totals = inspector.totals().unwrap();
    assert_eq!((totals.planned, totals.accounted()), (6, 6));
    assert_eq!(inspector.check().unwrap(), []);
    let trace = inspector.trace("m1").unwrap();
    assert_eq!(
        trace.messages[0].deliveries[0].parts[0].platform_ids,
        ["p1"]
    );
    store.close().await.unwrap();

    let store = open_store(dir.path());
    assert_eq!(store.identity(), identity);
    assert_eq!(keys(&mail(&store).await.entries), ["e1"]);
}

#[tokio::test]
async fn what_an_older_bridge_has_sent_can_be_answered_and_changed() {
    let dir = tempfile::tempdir().unwrap();
    old_store(dir.path(), VERSION_2);
    let store = open_store(dir.path());
    let known = store.deliveries_of(&source(), "m1").await.unwrap();
    let shown = Counterpart {
        parts: vec![vec!["p1".to_owned()]],
        ..Counterpart::default()
    };
    assert_eq!(known[0].whereabouts, Whereabouts::Shown(shown));
    let origin = store.origin_of(&known[0].channel, "p1").await.unwrap();
    assert_eq!(origin.unwrap().message_id, "m1");
}
