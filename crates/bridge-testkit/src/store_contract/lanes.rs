//! The clauses about reading the queue.

use bridge_core::id::Channel;
use bridge_core::store::{Admission, Death, LaneWindow, Progress, Step, Turn};

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
    let clause = Clause("queued gives at most `limit` of one lane after a turn, in order");
    let store = subject.store();
    for number in 1..=6 {
        admit(&*store, message(&format!("m{number}"), &["b", "a"])).await;
    }
    let all = queued(&*store, "a").await;
    let second = all[1].turn;
    let last = all[5].turn;
    let rows: [(Turn, usize, &[&str]); 6] = [
        (Turn::ZERO, 9, &["m1", "m2", "m3", "m4", "m5", "m6"]),
        (Turn::ZERO, 2, &["m1", "m2"]),
        (second, 3, &["m3", "m4", "m5"]),
        (second, usize::MAX, &["m3", "m4", "m5", "m6"]),
        (last, 3, &[]),
        (Turn::ZERO, 0, &[]),
    ];
    for (after, limit, expected) in rows {
        let found = store.queued(&room("a"), after, limit).await;
        let found = found.expect("a store in order can be read").deliveries;
        clause.holds_if(found.iter().all(|delivery| delivery.channel == room("a")));
        clause.holds_if_equal(texts(&found), expected.to_vec());
    }
    let unknown = store.queued(&room("nobody"), Turn::ZERO, 9).await;
    clause.holds_if_equal(unknown, Ok(LaneWindow::default()));
}

pub(super) async fn a_lane_is_blocked_by_a_letter_that_says_so<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    for id in ["m1", "m2"] {
        admit(&*store, message(id, &["a", "b"])).await;
    }
    let first = queued(&*store, "a").await[0].id;
    let death = Death {
        reason: "no such group".to_owned(),
        may_have_been_delivered: false,
        blocks: true,
        progress: Progress::START,
    };
    settle(&*store, first, Step::Dead(death)).await;
    let blocked = LaneWindow {
        deliveries: Vec::new(),
        blocked_by: Some(first),
    };
    let read = async |subject: &S| {
        let window = subject.store().queued(&room("a"), Turn::ZERO, 9).await;
        window.expect("a store in order can be read")
    };
    let clause = Clause("a blocked lane gives the letter that blocks it, and no delivery");
    clause.holds_if_equal(read(&subject).await, blocked.clone());
    let clause = Clause("a blocked lane blocks no other");
    clause.holds_if_equal(texts(&queued(&*store, "b").await), vec!["m1", "m2"]);
    drop(store);
    if subject.crash().await {
        Clause("a blocked lane is blocked after a crash")
            .holds_if_equal(read(&subject).await, blocked);
        let lanes = subject.store().lanes().await;
        Clause("a blocked lane is a lane").holds_if_equal(lanes.map(|lanes| lanes.len()), Ok(2));
    }
}
