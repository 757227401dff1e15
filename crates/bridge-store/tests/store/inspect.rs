//! Looking into a store that runs, that was closed, that was killed, that is not there.

use std::collections::BTreeMap;
use std::path::Path;

use bridge_core::store::{Death, Progress, Record, Step, Store};
use bridge_core::time::Timestamp;
use bridge_store::{Inspector, LetterFilter, SqliteStore, Totals};
use bridge_testkit::store_contract::fixtures::{
    RECEIVED_AT, admit, flush, message, queued, settle, source,
};

use crate::{copy_as_killed, inspector, meddle, open_store};

/// A store with one of everything.
async fn fill(dir: &Path) -> SqliteStore {
    let store = open_store(dir);
    for id in ["m1", "m2", "m3"] {
        admit(&store, message(id, &["a"])).await;
    }
    let lane = queued(&store, "a").await;
    let platform_ids = vec!["p".to_owned()];
    settle(&store, lane[0].id, Step::Delivered { platform_ids }).await;
    let death = Death {
        reason: "rejected".to_owned(),
        may_have_been_delivered: true,
        blocks: false,
        progress: Progress::START,
    };
    settle(&store, lane[1].id, Step::Dead(death)).await;
    for (seconds, title) in [(1, "值班"), (2, "")] {
        let seen = Record::ChannelSeen {
            channel: source(),
            title: title.to_owned(),
            at: Timestamp::from_millis(seconds * 1000),
        };
        store.record(seen).await.unwrap();
    }
    for message_id in [None, Some("i2".to_owned())] {
        let record = Record::NotForwarded {
            instance: "from".into(),
            address: message_id.as_ref().map(|_| source().address),
            message_id,
            at: RECEIVED_AT,
            reason: "no_rule",
        };
        store.record(record).await.unwrap();
    }
    flush(&store).await;
    store
}

fn check(dir: &Path) {
    let inspector = inspector(dir);
    let expected = Totals {
        planned: 3,
        queued: 1,
        delivered: 1,
        dead: 1,
        ..Totals::default()
    };
    assert_eq!(inspector.totals().unwrap(), expected);

    let channels = inspector.channels().unwrap();
    assert_eq!(channels.len(), 1);
    assert_eq!(channels[0].channel, source());
    assert_eq!(channels[0].title, "值班");
    assert_eq!(channels[0].first_seen, Timestamp::from_millis(1000));
    assert_eq!(channels[0].last_seen, Timestamp::from_millis(2000));

    let letters = inspector.dead_letters(&LetterFilter::latest(9)).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "rejected");
    assert!(letters[0].may_have_been_delivered);
    assert_eq!(letters[0].text.as_deref(), Some("m2"));
    assert_eq!(letters[0].message_id.as_deref(), Some("m2"));
    assert_eq!(
        inspector.dead_letter(letters[0].id).unwrap().as_ref(),
        Some(&letters[0])
    );
    assert_eq!(inspector.dead_letter(99).unwrap(), None);
    assert_eq!(inspector.check().unwrap(), []);

    let records = inspector.records(9).unwrap();
    let ids: Vec<_> = records.iter().map(|r| r.message_id.as_deref()).collect();
    assert_eq!(ids, [Some("i2"), None]);
    assert_eq!(records[0].address, Some(source().address));
    assert_eq!(records[0].reason, "no_rule");
    assert_eq!(inspector.records(1).unwrap(), records[..1]);
}

/// All files of `dir` with what is in them.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = dir.read_dir().unwrap().map(|entry| entry.unwrap());
    let files = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    });
    files.collect()
}

#[tokio::test]
async fn beside_a_running_bridge() {
    let dir = tempfile::tempdir().unwrap();
    let store = fill(dir.path()).await;
    check(dir.path());
    // It sees what comes later, and the bridge goes on.
    let inspector = inspector(dir.path());
    admit(&store, message("m4", &["a"])).await;
    assert_eq!(inspector.totals().unwrap().planned, 4);
    store.close().await.unwrap();
    assert_eq!(inspector.totals().unwrap().planned, 4);
}

#[tokio::test]
async fn in_a_closed_store_without_leaving_a_trace() {
    let parent = tempfile::tempdir().unwrap();
    // A path with what means something in a URI.
    let dir = parent.path().join("a?b#c%20d e");
    fill(&dir).await.close().await.unwrap();
    let before = files(&dir);
    check(&dir);
    assert!(files(&dir) == before);
}

#[tokio::test]
async fn in_a_killed_store_without_touching_what_must_be_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let store = fill(dir.path()).await;
    let killed = tempfile::tempdir().unwrap();
    copy_as_killed(dir.path(), killed.path());
    let before = files(killed.path());
    check(killed.path());
    let mut after = files(killed.path());
    // The index of the log, which any reader may make anew.
    after.remove("store.db-shm");
    assert!(after == before);
    drop(store);
}

#[test]
fn where_there_is_none() {
    let parent = tempfile::tempdir().unwrap();
    for dir in [parent.path().to_owned(), parent.path().join("missing")] {
        assert!(Inspector::open(&dir).unwrap().is_none());
    }
    assert_eq!(files(parent.path()), BTreeMap::new());
}

#[test]
fn in_what_this_binary_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_store(dir.path()));
    let rows = [
        ("user_version", 99, "a newer bridge (version 99"),
        ("application_id", 1, "is not a bridge's store"),
    ];
    for (pragma, value, expected) in rows {
        meddle(dir.path())
            .pragma_update(None, pragma, value)
            .unwrap();
        let sentence = Inspector::open(dir.path()).unwrap_err().to_string();
        assert!(sentence.contains(expected), "{sentence}");
    }
}

#[tokio::test]
async fn a_trace_shows_the_tries_that_were_made_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(dir.path());
    for id in ["rejected at last", "never tried again"] {
        admit(&store, message(id, &["a"])).await;
    }
    let tried = Progress {
        attempts: 1,
        uncertain: 1,
        ..Progress::START
    };
    let rejected = Progress {
        attempts: 2,
        ..tried
    };
    let death = |reason: &str, progress| {
        Step::Dead(Death {
            reason: reason.to_owned(),
            may_have_been_delivered: true,
            blocks: false,
            progress,
        })
    };
    let lane = queued(&store, "a").await;
    for (delivery, death) in lane.iter().zip([
        death("no such group", rejected),
        death("older than max_age, 1d", tried),
    ]) {
        let postponed = Step::Postponed {
            progress: tried,
            reason: "no answer".to_owned(),
            uncertain: true,
        };
        settle(&store, delivery.id, postponed).await;
        settle(&store, delivery.id, death).await;
    }
    let tries = |id: &str| -> Vec<(String, bool)> {
        let trace = inspector(dir.path()).trace(id).unwrap();
        let attempts = trace.messages[0].deliveries[0].attempts.iter();
        attempts
            .map(|attempt| (attempt.answer.clone(), attempt.uncertain))
            .collect()
    };
    let first = ("no answer".to_owned(), true);
    let second = ("no such group".to_owned(), false);
    assert_eq!(tries("rejected at last"), [first.clone(), second]);
    assert_eq!(tries("never tried again"), [first]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_totals_agree_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open_store(dir.path()));
    admit(&*store, message("first", &["a"])).await;
    let inspector = inspector(dir.path());
    let working = {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..300 {
                admit(&*store, message(&format!("m{number}"), &["a", "b"])).await;
                for room in ["a", "b"] {
                    let oldest = queued(&*store, room).await.swap_remove(0);
                    let platform_ids = Vec::new();
                    settle(&*store, oldest.id, Step::Delivered { platform_ids }).await;
                }
            }
        })
    };
    let mut looks = 0;
    while !working.is_finished() {
        let totals = inspector.totals().unwrap();
        assert_eq!(totals.planned, totals.accounted(), "{totals:?}");
        looks += 1;
        tokio::task::yield_now().await;
    }
    working.await.unwrap();
    println!("{looks} looks");
    let totals = inspector.totals().unwrap();
    assert_eq!((totals.planned, totals.queued), (601, 1));
}
