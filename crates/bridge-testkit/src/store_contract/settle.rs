//! The clauses about what became of deliveries.

use bridge_core::id::InstanceId;
use bridge_core::store::{Death, DeliveryId, Progress, Record, Step, Store};
use bridge_core::time::Timestamp;

use super::fixtures::{RECEIVED_AT, admit, flush, message, queued, settle, source, texts};
use super::{Clause, Ended, How, StoreUnderTest};

const LATER: Progress = Progress {
    attempts: 3,
    uncertain: 1,
    parts_sent: 2,
    not_before: Timestamp::from_millis(1_772_366_460_001),
};

fn delivered() -> Step {
    Step::Delivered {
        platform_ids: vec!["p1".to_owned(), "p2".to_owned()],
    }
}

fn postponed(attempts: u32) -> Step {
    Step::Postponed {
        progress: Progress { attempts, ..LATER },
        reason: "throttled".to_owned(),
        uncertain: false,
    }
}

fn part_sent() -> Step {
    Step::PartSent {
        platform_ids: vec!["p0".to_owned()],
        progress: LATER,
    }
}

fn expired() -> Step {
    Step::Expired {
        reason: "older than expires_after, 1h".to_owned(),
    }
}

fn death() -> Death {
    Death {
        reason: "groupMessages/send: rejected: 机器人不存在".to_owned(),
        may_have_been_delivered: true,
        blocks: false,
        progress: Progress {
            not_before: Timestamp::EPOCH,
            ..LATER
        },
    }
}

/// Queues `m1` … for room `a`; their ids.
async fn queue_messages(store: &dyn Store, count: usize) -> Vec<DeliveryId> {
    for number in 1..=count {
        admit(store, message(&format!("m{number}"), &["a"])).await;
    }
    let queued = queued(store, "a").await;
    queued.iter().map(|delivery| delivery.id).collect()
}

pub(super) async fn each_step_does_what_it_says<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let ids = queue_messages(&*store, 6).await;
    settle(&*store, ids[0], part_sent()).await;
    settle(&*store, ids[1], postponed(7)).await;
    settle(&*store, ids[2], delivered()).await;
    settle(&*store, ids[3], Step::Dead(death())).await;
    settle(&*store, ids[5], expired()).await;

    let left = queued(&*store, "a").await;
    Clause("what was delivered or is dead leaves the queue, the rest stays")
        .holds_if_equal(texts(&left), vec!["m1", "m2", "m5"]);
    Clause("a sent part changes the progress").holds_if_equal(left[0].progress, LATER);
    Clause("a postponement changes the progress").holds_if_equal(
        left[1].progress,
        Progress {
            attempts: 7,
            ..LATER
        },
    );
    Clause("a settlement changes its own delivery only")
        .holds_if_equal(left[2].progress, Progress::START);
    let mut ended = subject.ended();
    ended.sort_by_key(|ended| ended.delivery);
    let expected = vec![
        Ended {
            delivery: ids[2],
            how: How::Delivered,
        },
        Ended {
            delivery: ids[3],
            how: How::Dead(death()),
        },
        Ended {
            delivery: ids[5],
            how: How::Expired,
        },
    ];
    Clause("a delivery ends as delivered, as expired, or as a dead letter with its reason")
        .holds_if_equal(ended, expected);
}

pub(super) async fn what_is_settled_survives_the_process<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    let ids = queue_messages(&*store, 5).await;
    settle(&*store, ids[0], part_sent()).await;
    settle(&*store, ids[1], delivered()).await;
    settle(&*store, ids[2], Step::Dead(death())).await;
    settle(&*store, ids[4], expired()).await;
    drop(store);
    if subject.crash().await {
        let clause = Clause("a settlement answered with Ok outlives the process");
        let left = queued(&*subject.store(), "a").await;
        clause.holds_if_equal(texts(&left), vec!["m1", "m4"]);
        clause.holds_if_equal(left[0].progress, LATER);
        clause.holds_if_equal(subject.ended().len(), 3);
    }
}

pub(super) async fn settlements_take_effect_in_order<S: StoreUnderTest>(subject: S) {
    let clause = Clause("settlements take effect in the order in which they were handed over");
    let store = subject.store();
    let ids = queue_messages(&*store, 2).await;
    for attempts in 1..=300 {
        settle(&*store, ids[0], postponed(attempts)).await;
    }
    settle(&*store, ids[1], postponed(1)).await;
    settle(&*store, ids[1], delivered()).await;
    settle(&*store, ids[1], Step::Dead(death())).await;
    flush(&*store).await;
    let left = queued(&*store, "a").await;
    clause.holds_if_equal(texts(&left), vec!["m1"]);
    clause.holds_if_equal(left[0].progress.attempts, 300);
    let expected = Ended {
        delivery: ids[1],
        how: How::Delivered,
    };
    clause.holds_if_equal(subject.ended(), vec![expected]);
}

pub(super) async fn settling_what_is_not_queued_changes_nothing<S: StoreUnderTest>(subject: S) {
    let clause = Clause("settling a delivery that is not queued changes nothing");
    let store = subject.store();
    let ids = queue_messages(&*store, 2).await;
    settle(&*store, ids[0], delivered()).await;
    flush(&*store).await;
    let unknown = DeliveryId(ids[1].0 + 1000);
    for delivery in [ids[0], unknown] {
        for step in [
            part_sent(),
            postponed(1),
            delivered(),
            expired(),
            Step::Dead(death()),
        ] {
            settle(&*store, delivery, step).await;
        }
    }
    flush(&*store).await;
    let left = queued(&*store, "a").await;
    clause.holds_if_equal(texts(&left), vec!["m2"]);
    clause.holds_if_equal(left[0].progress, Progress::START);
    let expected = Ended {
        delivery: ids[0],
        how: How::Delivered,
    };
    clause.holds_if_equal(subject.ended(), vec![expected]);
}

pub(super) async fn records_are_taken<S: StoreUnderTest>(subject: S) {
    let clause = Clause("a record is taken and queues nothing");
    let store = subject.store();
    let records = [
        Record::NotForwarded {
            instance: InstanceId::new("from"),
            address: None,
            message_id: None,
            at: RECEIVED_AT,
            reason: "no_rule",
        },
        Record::ChannelSeen {
            channel: source(),
            title: "值班".to_owned(),
            at: RECEIVED_AT,
        },
    ];
    for record in records {
        clause.holds_if_equal(store.record(record).await, Ok(()));
    }
    flush(&*store).await;
    clause.holds_if_equal(store.lanes().await, Ok(Vec::new()));
}
