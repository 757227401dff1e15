//! Each single call of a script fails once, one after the other.

use bridge_core::store::{Admitted, Death, Merge, Progress, Replayed, Settlement, Step};
use bridge_testkit::FakeClock;
use bridge_testkit::store_contract::fixtures::{RECEIVED_AT, message, queued, room, text, texts};

use super::*;
use crate::Inspector;

const NEW: Result<Admitted, StoreError> = Ok(Admitted::New { overflowed: 0 });

fn settlement(delivery: DeliveryId, step: Step) -> Settlement {
    Settlement {
        delivery,
        at: RECEIVED_AT,
        step,
    }
}

async fn post(store: &SqliteStore, key: &str) -> Result<EntryNumber, StoreError> {
    let entry = NewEntry {
        key: key.to_owned(),
        body: String::new(),
        at: RECEIVED_AT,
    };
    store.post(&"bot".into(), entry).await
}

async fn keys(store: &SqliteStore) -> Vec<String> {
    let mail = store.mail(&"bot".into(), EntryNumber::ZERO, 9).await;
    let entries = mail.expect("a store in order can be read").entries;
    entries.into_iter().map(|entry| entry.key).collect()
}

/// Takes messages in, settles, merges, buries, replays, posts to a mailbox and confirms. Errors are what the test is about: whoever
/// gets one comes again, as a platform or a lane does, and must then succeed.
async fn script(store: &SqliteStore) {
    for id in ["m1", "m2", "m3", "m4", "m5"] {
        let first = store.admit(message(id, &["a"])).await;
        if first.is_err() {
            let lane = queued(store, "a").await;
            assert!(!texts(&lane).contains(&id), "{id} was refused and is there");
            assert_eq!(store.admit(message(id, &["a"])).await, NEW, "{id} again");
        }
    }
    let ids: Vec<_> = queued(store, "a").await.iter().map(|d| d.id).collect();
    // A settlement is kept through a failure and written by itself.
    let platform_ids = vec!["p".to_owned()];
    let delivered = settlement(ids[0], Step::Delivered { platform_ids });
    store
        .settle(delivered)
        .await
        .expect("it waits as long as it takes");
    let death = Death {
        reason: "no such group".to_owned(),
        may_have_been_delivered: false,
        blocks: false,
        progress: Progress::START,
    };
    let died = store.settle(settlement(ids[1], Step::Dead(death))).await;
    died.expect("it waits as long as it takes");
    let merge = || Merge {
        into: ids[2],
        content: Arc::new(text("m3 m4")),
        queued_at: RECEIVED_AT,
        merged: vec![ids[3]],
        at: RECEIVED_AT,
    };
    if store.merge(merge()).await.is_err() {
        assert_eq!(texts(&queued(store, "a").await), ["m3", "m4", "m5"]);
        assert_eq!(store.merge(merge()).await, Ok(()));
    }
    if store.spend(&room("a"), RECEIVED_AT).await.is_err() {
        assert_eq!(store.spend(&room("a"), RECEIVED_AT).await, Ok(()));
    }
    let replay = || store.replay(vec![ids[1]], RECEIVED_AT);
    if replay().await.is_err() {
        assert_eq!(replay().await, Ok(vec![Replayed::Queued]));
    }
    for key in ["e1", "e2", "e3"] {
        if post(store, key).await.is_err() {
            assert!(
                !keys(store).await.contains(&key.to_owned()),
                "{key} was refused and is there"
            );
            post(store, key).await.expect("the disk is well again");
        }
    }
    let first = post(store, "e1").await;
    let first = match first {
        Ok(first) => first,
        Err(_) => post(store, "e1").await.expect("the disk is well again"),
    };
    if store.confirm(&"bot".into(), first).await.is_err() {
        assert_eq!(keys(store).await, ["e1", "e2", "e3"]);
        assert_eq!(store.confirm(&"bot".into(), first).await, Ok(()));
    }
    if store.flush().await.is_err() {
        store.flush().await.expect("the disk is well again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_call_fails_nothing_is_lost_and_the_store_goes_on() {
    for number in 1.. {
        let dir = tempfile::tempdir().expect("a folder");
        let options = StoreOptions::default();
        let fault = options.fault.clone();
        let clock = Arc::new(FakeClock::default());
        let store = SqliteStore::open(dir.path(), options, clock).expect("a store");
        fault.at(number);
        script(&store).await;
        let was_last = fault.is_ahead();
        fault.at(0);
        assert_eq!(
            texts(&queued(&store, "a").await),
            ["m3 m4", "m5", "m2"],
            "call {number}"
        );
        assert_eq!(keys(&store).await, ["e2", "e3"], "call {number}");
        let inspector = Inspector::open(dir.path())
            .expect("a store")
            .expect("a store");
        let totals = inspector.totals().expect("totals");
        assert_eq!(
            (
                totals.planned,
                totals.delivered,
                totals.merged,
                totals.queued
            ),
            (5, 1, 1, 3),
            "call {number}"
        );
        assert_eq!(inspector.check().expect("a check"), [], "call {number}");
        store.close().await.expect("closed");
        if was_last {
            println!("{} calls, each of which failed once", number - 1);
            assert!(number > 20, "the script makes calls");
            return;
        }
    }
}
