//! The clauses about digests and rate budgets.

use std::sync::Arc;

use bridge_core::store::{DeliveryId, Merge, Step};
use bridge_core::time::Timestamp;

use super::fixtures::{RECEIVED_AT, admit, message, queued, room, settle, text, texts};
use super::{Clause, Ended, How, StoreUnderTest};

const YOUNGEST: Timestamp = Timestamp::from_millis(RECEIVED_AT.as_millis() + 5);

pub(super) async fn deliveries_are_merged_all_or_none<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    for id in ["m1", "m2", "m3", "m4"] {
        admit(&*store, message(id, &["a"])).await;
    }
    let ids: Vec<_> = queued(&*store, "a").await.iter().map(|d| d.id).collect();
    let merge = |merged: &[DeliveryId]| Merge {
        into: ids[0],
        content: Arc::new(text("m1 m2 m3")),
        queued_at: YOUNGEST,
        merged: merged.to_vec(),
        at: RECEIVED_AT,
    };
    let clause = Clause("what can't be merged whole is not merged at all");
    let unknown = store.merge(merge(&[ids[1], DeliveryId(99)])).await;
    clause.holds_if(unknown.is_err());
    clause.holds_if_equal(queued(&*store, "a").await.len(), 4);

    let clause = Clause("a merge makes one delivery of several");
    clause.holds_if_equal(store.merge(merge(&ids[1..3])).await, Ok(()));
    drop(store);
    for _ in 0..2 {
        let lane = queued(&*subject.store(), "a").await;
        clause.holds_if_equal(texts(&lane), vec!["m1 m2 m3", "m4"]);
        clause.holds_if_equal(lane[0].id, ids[0]);
        clause.holds_if_equal(lane[0].queued_at, YOUNGEST);
        let mut ended = subject.ended();
        ended.sort_by_key(|ended| ended.delivery);
        let expected = ids[1..3].iter().map(|id| Ended {
            delivery: *id,
            how: How::Merged(ids[0]),
        });
        clause.holds_if_equal(ended, expected.collect());
        if !subject.crash().await {
            break;
        }
    }
    let store = subject.store();
    let platform_ids = Vec::new();
    settle(&*store, ids[0], Step::Delivered { platform_ids }).await;
    clause.holds_if_equal(texts(&queued(&*store, "a").await), vec!["m4"]);
}

pub(super) async fn used_permissions_survive_the_process<S: StoreUnderTest>(mut subject: S) {
    let clause = Clause("used permissions are known for a minute, whatever happens");
    let second = |second: i64| Timestamp::from_millis(RECEIVED_AT.as_millis() + second * 1000);
    for at in [0, 10, 20] {
        let spent = subject.store().spend(&room("a"), second(at)).await;
        clause.holds_if_equal(spent, Ok(()));
    }
    let other = subject.store().spend(&room("b"), second(15)).await;
    clause.holds_if_equal(other, Ok(()));
    for _ in 0..2 {
        let store = subject.store();
        let since = |at: i64| store.spent(&room("a"), second(at));
        clause.holds_if_equal(since(-1).await, Ok(vec![second(0), second(10), second(20)]));
        clause.holds_if_equal(since(0).await, Ok(vec![second(10), second(20)]));
        clause.holds_if_equal(since(20).await, Ok(Vec::new()));
        drop(store);
        if !subject.crash().await {
            break;
        }
    }
}
