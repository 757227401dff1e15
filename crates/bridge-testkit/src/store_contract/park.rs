//! The clauses about an instance whose deliveries are given up.

use bridge_core::id::{Address, Channel, InstanceId};
use bridge_core::store::{Death, DeliveryId, Progress, Replayed, Step, Store};
use bridge_core::time::Timestamp;

use super::fixtures::{RECEIVED_AT, admit, message, queued, room, settle, texts};
use super::letters::{bury_first, replay};
use super::{Clause, Ended, How, StoreUnderTest};

const LATER: Timestamp = Timestamp::from_millis(RECEIVED_AT.as_millis() + 60_000);
const REASON: &str = "its instance is gone";

async fn park(store: &dyn Store, limit: usize) -> usize {
    let instance = InstanceId::new("to");
    let parked = store.park(&instance, REASON, limit, LATER).await;
    parked.expect("a store in order parks")
}

fn parked(delivery: DeliveryId, progress: Progress) -> Ended {
    let may_have_been_delivered = progress.uncertain > 0 || progress.parts_sent > 0;
    let how = How::Dead(Death {
        reason: REASON.to_owned(),
        may_have_been_delivered,
        blocks: false,
        progress,
    });
    Ended { delivery, how }
}

pub(super) async fn what_is_queued_for_an_instance_is_parked_in_order<S: StoreUnderTest>(
    mut subject: S,
) {
    let store = subject.store();
    for id in ["m1", "m2"] {
        admit(&*store, message(id, &["a", "b"])).await;
    }
    let mut elsewhere = message("m3", &["a"]);
    let other = Channel::new("to2".into(), Address::new([("room", "a")]));
    elsewhere.deliveries[0].channel = other.clone();
    admit(&*store, elsewhere).await;
    let (a, b) = (queued(&*store, "a").await, queued(&*store, "b").await);
    let progress = Progress {
        attempts: 3,
        uncertain: 1,
        parts_sent: 0,
        not_before: Timestamp::from_millis(7),
    };
    let postponed = Step::Postponed {
        progress,
        reason: "busy".to_owned(),
        uncertain: true,
    };
    settle(&*store, a[0].id, postponed).await;

    Clause("no more than the limit is parked").holds_if_equal(park(&*store, 3).await, 3);
    Clause("what comes first in a lane is parked first")
        .holds_if_equal(texts(&queued(&*store, "b").await), vec!["m2"]);
    Clause("the rest is parked when asked for again").holds_if_equal(park(&*store, 3).await, 1);
    Clause("nothing more is parked then").holds_if_equal(park(&*store, 3).await, 0);
    drop(store);
    for _ in 0..2 {
        let mut ended = subject.ended();
        ended.sort_by_key(|one| one.delivery);
        let expected = [
            parked(a[0].id, progress),
            parked(b[0].id, Progress::START),
            parked(a[1].id, Progress::START),
            parked(b[1].id, Progress::START),
        ];
        Clause("what is parked is a dead letter as far as it had come")
            .holds_if_equal(ended, expected.to_vec());
        let lanes = subject.store().lanes().await.expect("a store in order");
        Clause("other instances keep what they have").holds_if_equal(lanes, vec![other.clone()]);
        if !subject.crash().await {
            break;
        }
    }
    let store = subject.store();
    Clause("a parked delivery is replayed as any letter")
        .holds_if_equal(replay(&*store, a[1].id).await, Replayed::Queued);
    Clause("and waits in its lane again")
        .holds_if_equal(texts(&queued(&*store, "a").await), vec!["m2"]);
}

pub(super) async fn a_blocked_lane_is_parked_as_well<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let first = bury_first(&*store, true).await;
    Clause("what waits behind a letter that blocks is parked")
        .holds_if_equal(park(&*store, 10).await, 2);
    let lanes = store.lanes().await.expect("a store in order");
    Clause("the letter still blocks").holds_if_equal(lanes, vec![room("a")]);
    Clause("and comes back by a replay")
        .holds_if_equal(replay(&*store, first).await, Replayed::Queued);
    Clause("alone").holds_if_equal(texts(&queued(&*store, "a").await), vec!["m1"]);
}
