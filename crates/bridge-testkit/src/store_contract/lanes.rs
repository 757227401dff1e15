//! The clauses about reading the queue.

use bridge_core::id::Channel;
use bridge_core::store::{Admission, DeliveryId, Step};

use super::fixtures::{admit, flush, message, queued, room, settle, texts};
use super::{Clause, StoreUnderTest};

pub(super) async fn lanes_are_the_channels_with_queued_deliveries<S: StoreUnderTest>(subject: S) {
    let clause = Clause("lanes are the channels with queued deliveries, whatever their instance");
    let store = subject.store();
    clause.holds_if_equal(store.lanes().await, Ok(Vec::new()));
    let elsewhere = Channel::new("gone".into(), room("a").address);
    let mut admission: Admission = message("m1", &["a", "b"]);
    admission.deliveries[1].channel = elsewhere.clone();
    admit(&*store, admission).await;
    admit(&*store, message("m2", &["a"])).await;
    let mut lanes = store.lanes().await.expect("a store in order can be read");
    lanes.sort();
    let mut expected = vec![room("a"), elsewhere.clone()];
    expected.sort();
    clause.holds_if_equal(lanes, expected);

    for delivery in queued(&*store, "a").await {
        let platform_ids = Vec::new();
        settle(&*store, delivery.id, Step::Delivered { platform_ids }).await;
    }
    flush(&*store).await;
    clause.holds_if_equal(store.lanes().await, Ok(vec![elsewhere]));
}

pub(super) async fn queued_gives_a_window_of_one_lane<S: StoreUnderTest>(subject: S) {
    let clause = Clause("queued gives at most `limit` of one lane after an id, in order");
    let store = subject.store();
    for number in 1..=6 {
        admit(&*store, message(&format!("m{number}"), &["b", "a"])).await;
    }
    let all = queued(&*store, "a").await;
    let second = all[1].id;
    let last = all[5].id;
    let rows: [(DeliveryId, usize, &[&str]); 6] = [
        (DeliveryId::ZERO, 9, &["m1", "m2", "m3", "m4", "m5", "m6"]),
        (DeliveryId::ZERO, 2, &["m1", "m2"]),
        (second, 3, &["m3", "m4", "m5"]),
        (second, usize::MAX, &["m3", "m4", "m5", "m6"]),
        (last, 3, &[]),
        (DeliveryId::ZERO, 0, &[]),
    ];
    for (after, limit, expected) in rows {
        let found = store.queued(&room("a"), after, limit).await;
        let found = found.expect("a store in order can be read");
        clause.holds_if(found.iter().all(|delivery| delivery.channel == room("a")));
        clause.holds_if_equal(texts(&found), expected.to_vec());
    }
    let unknown = store.queued(&room("nobody"), DeliveryId::ZERO, 9).await;
    clause.holds_if_equal(unknown, Ok(Vec::new()));
}
