//! The clauses about what operators do with dead letters.

use bridge_core::store::{Death, DeliveryId, Discarded, Progress, Replayed, Step, Store};
use bridge_core::time::Timestamp;

use super::fixtures::{FeedLog, RECEIVED_AT, admit, message, queued, room, settle, texts};
use super::{Clause, Ended, How, StoreUnderTest};

const LATER: Timestamp = Timestamp::from_millis(RECEIVED_AT.as_millis() + 3_600_000);

/// Queues `m1` … `m3` for room `a` and buries the first; its id.
pub(super) async fn bury_first(store: &dyn Store, blocks: bool) -> DeliveryId {
    for id in ["m1", "m2", "m3"] {
        admit(store, message(id, &["a"])).await;
    }
    let first = queued(store, "a").await[0].id;
    let death = Death {
        reason: "no such group".to_owned(),
        may_have_been_delivered: false,
        blocks,
        progress: Progress {
            attempts: 7,
            uncertain: 1,
            parts_sent: 2,
            not_before: Timestamp::from_millis(5),
        },
    };
    settle(store, first, Step::Dead(death)).await;
    first
}

pub(super) async fn replay(store: &dyn Store, id: DeliveryId) -> Replayed {
    let replayed = store.replay(vec![id], LATER).await;
    replayed.expect("a store in order replays")[0]
}

async fn discard(store: &dyn Store, id: DeliveryId) -> Discarded {
    let discarded = store.discard(vec![id], LATER).await;
    discarded.expect("a store in order discards")[0]
}

pub(super) async fn a_letter_is_replayed_once_and_last<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    let first = bury_first(&*store, false).await;
    let feed = FeedLog::of(&*store);
    Clause("a dead letter is queued again by a replay")
        .holds_if_equal(replay(&*store, first).await, Replayed::Queued);
    Clause("the feed hears that a lane was reordered")
        .holds_if_equal(feed.take_reordered(), vec![room("a")]);
    Clause("what is queued is not replayed again")
        .holds_if_equal(replay(&*store, first).await, Replayed::AlreadyQueued);
    Clause("what never existed is not replayed")
        .holds_if_equal(replay(&*store, DeliveryId(99)).await, Replayed::Unknown);
    drop(store);
    for _ in 0..2 {
        let lane = queued(&*subject.store(), "a").await;
        Clause("a replayed letter comes last").holds_if_equal(texts(&lane), vec!["m2", "m3", "m1"]);
        let clause = Clause("a replay keeps the id and what was taken, and begins anew otherwise");
        clause.holds_if_equal(lane[2].id, first);
        clause.holds_if_equal(lane[2].message_id.as_deref(), Some("m1"));
        clause.holds_if_equal(
            (lane[2].received_at, lane[2].queued_at),
            (RECEIVED_AT, LATER),
        );
        let progress = Progress {
            parts_sent: 2,
            ..Progress::START
        };
        clause.holds_if_equal(lane[2].progress, progress);
        Clause("a replayed letter is none any more").holds_if_equal(subject.ended(), Vec::new());
        if !subject.crash().await {
            break;
        }
    }
    let store = subject.store();
    admit(&*store, message("m4", &["a"])).await;
    let lane = queued(&*store, "a").await;
    Clause("what is admitted after a replay comes after it")
        .holds_if_equal(texts(&lane), vec!["m2", "m3", "m1", "m4"]);
    let platform_ids = Vec::new();
    settle(&*store, first, Step::Delivered { platform_ids }).await;
    Clause("what was delivered is not replayed")
        .holds_if_equal(replay(&*store, first).await, Replayed::Unknown);
}

pub(super) async fn a_blocking_letter_comes_back_to_its_place<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let first = bury_first(&*store, true).await;
    Clause("a letter that blocks its lane is replayed")
        .holds_if_equal(replay(&*store, first).await, Replayed::Queued);
    Clause("a letter that blocks its lane comes back to its place")
        .holds_if_equal(texts(&queued(&*store, "a").await), vec!["m1", "m2", "m3"]);
}

pub(super) async fn a_full_lane_takes_no_letter_back<S: StoreUnderTest>() {
    let Some(subject) = S::limited(3).await else {
        return;
    };
    let store = subject.store();
    let first = bury_first(&*store, false).await;
    admit(&*store, message("m4", &["a"])).await;
    Clause("a full lane takes no dead letter back")
        .holds_if_equal(replay(&*store, first).await, Replayed::Full);
    let clause = Clause("what found no room stays a dead letter");
    clause.holds_if_equal(texts(&queued(&*store, "a").await), vec!["m2", "m3", "m4"]);
    clause.holds_if_equal(subject.ended().len(), 1);
    let second = queued(&*store, "a").await[0].id;
    let platform_ids = Vec::new();
    settle(&*store, second, Step::Delivered { platform_ids }).await;
    clause.holds_if_equal(replay(&*store, first).await, Replayed::Queued);

    let subject = S::limited(3).await.expect("as before");
    let store = subject.store();
    let first = bury_first(&*store, true).await;
    admit(&*store, message("m4", &["a"])).await;
    Clause("a letter that blocks a full lane is taken back, or it would stay blocked")
        .holds_if_equal(replay(&*store, first).await, Replayed::Queued);
}

pub(super) async fn a_discarded_letter_is_gone_and_unblocks<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let first = bury_first(&*store, true).await;
    let feed = FeedLog::of(&*store);
    Clause("a dead letter can be discarded")
        .holds_if_equal(discard(&*store, first).await, Discarded::Discarded);
    Clause("the feed hears that a lane was unblocked")
        .holds_if_equal(feed.take_reordered(), vec![room("a")]);
    Clause("a discarded letter is gone")
        .holds_if_equal(discard(&*store, first).await, Discarded::Unknown);
    Clause("a discarded letter is not replayed")
        .holds_if_equal(replay(&*store, first).await, Replayed::Unknown);
    Clause("a lane goes on without what was discarded")
        .holds_if_equal(texts(&queued(&*store, "a").await), vec!["m2", "m3"]);
    let expected = Ended {
        delivery: first,
        how: How::Discarded,
    };
    Clause("what was discarded has ended so").holds_if_equal(subject.ended(), vec![expected]);
}
