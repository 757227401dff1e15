//! The clauses about what is known of earlier messages, for answers and changes.

use std::sync::Arc;

use bridge_core::carriage::Counterpart;
use bridge_core::id::{Address, Channel};
use bridge_core::message::Content;
use bridge_core::purpose::Purpose;
use bridge_core::store::{
    Admission, Death, DeliveryId, Identification, Merge, Origin, Progress, Step, Store, Whereabouts,
};

use super::fixtures::{self, RECEIVED_AT, admit, message, queued, room, settle, source};
use super::{Clause, Ended, How, StoreUnderTest};

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn delivered(platform_ids: &[&str]) -> Step {
    Step::Delivered {
        platform_ids: ids(platform_ids),
    }
}

fn part_sent(platform_ids: &[&str]) -> Step {
    Step::PartSent {
        platform_ids: ids(platform_ids),
        progress: Progress {
            parts_sent: 1,
            ..Progress::START
        },
    }
}

fn dead() -> Step {
    Step::Dead(Death {
        reason: "refused".to_owned(),
        may_have_been_delivered: false,
        blocks: false,
        progress: Progress::START,
    })
}

fn shown(parts: &[&[&str]]) -> Whereabouts {
    Whereabouts::Shown(Counterpart {
        parts: parts.iter().map(|part| ids(part)).collect(),
        ..Counterpart::default()
    })
}

fn edit(id: &str, of: &str, rooms: &[&str]) -> Admission {
    let mut admission = message(id, rooms);
    for delivery in &mut admission.deliveries {
        delivery.content = Arc::new(Content {
            purpose: Purpose::Edit { of: of.to_owned() },
            ..fixtures::text(id)
        });
    }
    admission
}

/// The number of the only delivery that is queued for the room.
async fn only(store: &dyn Store, name: &str) -> DeliveryId {
    let queued = queued(store, name).await;
    assert_eq!(queued.len(), 1, "the check queues one delivery for {name}");
    queued[0].id
}

async fn known(store: &dyn Store, id: &str) -> Vec<(Channel, Whereabouts)> {
    let known = store.deliveries_of(&source(), id).await;
    let known = known.expect("a store in order can be read").into_iter();
    known.map(|one| (one.channel, one.whereabouts)).collect()
}

async fn origin(store: &dyn Store, name: &str, platform_id: &str) -> Option<String> {
    let origin = store.origin_of(&room(name), platform_id).await;
    let origin = origin.expect("a store in order can be read");
    origin.map(|Origin { source, message_id }| {
        assert_eq!(source, fixtures::source(), "of {platform_id}");
        message_id
    })
}

async fn identify(store: &dyn Store, delivery: DeliveryId, part: u32, to: &[&str]) -> bool {
    let identified = store.identify(Identification {
        instance: room("a").instance,
        delivery,
        part,
        platform_ids: ids(to),
    });
    identified.await.expect("a store in order can write")
}

pub(super) async fn the_deliveries_of_a_message_are_known<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    admit(&*store, message("m1", &["a", "b", "c", "d", "e"])).await;
    let (a, b, c, e) = (
        only(&*store, "a").await,
        only(&*store, "b").await,
        only(&*store, "c").await,
        only(&*store, "e").await,
    );
    settle(&*store, a, part_sent(&["p1"])).await;
    settle(&*store, a, delivered(&["p2", "p3"])).await;
    settle(&*store, b, delivered(&[])).await;
    settle(&*store, c, dead()).await;
    let reason = "on purpose".to_owned();
    settle(&*store, e, Step::NotShown { reason }).await;
    admit(&*store, edit("m2", "m1", &["a"])).await;
    // What is not synced by itself is by this.
    fixtures::flush(&*store).await;
    drop(store);
    for _ in 0..2 {
        let store = subject.store();
        Clause("the deliveries of a message are known in their order, each where it is")
            .holds_if_equal(
                known(&*store, "m1").await,
                vec![
                    (room("a"), shown(&[&["p1"], &["p2", "p3"]])),
                    (room("b"), shown(&[&[]])),
                    (room("c"), Whereabouts::NotShown),
                    (room("d"), Whereabouts::Queued),
                    (room("e"), Whereabouts::NotShown),
                ],
            );
        Clause("a change is not known as a message")
            .holds_if_equal(known(&*store, "m2").await, Vec::new());
        let clause = Clause("what is not known has no deliveries");
        clause.holds_if_equal(known(&*store, "m3").await, Vec::new());
        let elsewhere = Channel::new(source().instance, Address::new([("room", "x")]));
        clause.holds_if_equal(store.deliveries_of(&elsewhere, "m1").await, Ok(Vec::new()));
        let ended = subject.ended().into_iter();
        let mut not_shown = ended.filter(|one| matches!(one.how, How::NotShown(_)));
        Clause("what is not shown ends as that, with the reason").holds_if_equal(
            not_shown.next(),
            Some(Ended {
                delivery: e,
                how: How::NotShown("on purpose".to_owned()),
            }),
        );
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn a_send_is_known_by_its_ids<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    let quoted = "p\"1\\";
    admit(&*store, message("m1", &["a", "b"])).await;
    let (a, b) = (only(&*store, "a").await, only(&*store, "b").await);
    settle(&*store, a, part_sent(&["p0"])).await;
    settle(&*store, a, delivered(&[quoted, "p2"])).await;
    settle(&*store, b, delivered(&["p0"])).await;
    admit(&*store, edit("m2", "m1", &["a"])).await;
    let a = only(&*store, "a").await;
    settle(&*store, a, delivered(&["p4"])).await;
    let mut nameless = message("", &["a"]);
    nameless.message_id = None;
    admit(&*store, nameless).await;
    let a = only(&*store, "a").await;
    settle(&*store, a, delivered(&["p5"])).await;
    fixtures::flush(&*store).await;
    drop(store);
    for _ in 0..2 {
        let store = subject.store();
        let clause = Clause("a send is known by the ids of each part");
        for (name, id, message) in [
            ("a", "p0", Some("m1")),
            ("a", quoted, Some("m1")),
            ("b", "p0", Some("m1")),
            ("a", "p2", Some("m1")),
            ("b", quoted, None),
            ("a", "1\\", None),
            ("a", "p", None),
            ("a", "", None),
            // Of an edit that was said anew, it is the edited message.
            ("a", "p4", Some("m1")),
            ("a", "p5", None),
        ] {
            let found = origin(&*store, name, id).await;
            clause.holds_if_equal((name, id, found.as_deref()), (name, id, message));
        }
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn ids_may_come_before_and_after_the_settlement<S: StoreUnderTest>(
    mut subject: S,
) {
    let store = subject.store();
    admit(&*store, message("m1", &["a", "b"])).await;
    let (a, b) = (only(&*store, "a").await, only(&*store, "b").await);
    let clause = Clause("only the sends of the instance are identified");
    clause.holds_if(!identify(&*store, DeliveryId(99), 0, &["p9"]).await);
    let other = Identification {
        instance: "other".into(),
        delivery: a,
        part: 0,
        platform_ids: ids(&["p9"]),
    };
    clause.holds_if_equal(store.identify(other).await, Ok(false));

    let clause = Clause("ids count instead of those of the settlement, whenever they come");
    clause.holds_if(identify(&*store, a, 1, &["p2"]).await);
    settle(&*store, a, part_sent(&[])).await;
    settle(&*store, a, delivered(&[])).await;
    settle(&*store, b, delivered(&["p3"])).await;
    clause.holds_if(identify(&*store, a, 0, &["p1"]).await);
    clause.holds_if(identify(&*store, b, 0, &["p3", "p4"]).await);
    fixtures::flush(&*store).await;
    drop(store);
    for _ in 0..2 {
        let store = subject.store();
        clause.holds_if_equal(
            known(&*store, "m1").await,
            vec![
                (room("a"), shown(&[&["p1"], &["p2"]])),
                (room("b"), shown(&[&["p3", "p4"]])),
            ],
        );
        for (name, id) in [("a", "p1"), ("a", "p2"), ("b", "p3")] {
            clause.holds_if_equal(origin(&*store, name, id).await.as_deref(), Some("m1"));
        }
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn what_was_sent_for_edits_is_known_with_the_message<S: StoreUnderTest>(
    subject: S,
) {
    let store = subject.store();
    admit(&*store, message("m1", &["a", "b"])).await;
    let (a, b) = (only(&*store, "a").await, only(&*store, "b").await);
    settle(&*store, a, delivered(&["p1"])).await;
    settle(&*store, b, delivered(&["p1"])).await;
    for (id, shown) in [("m2", "p2"), ("m3", "p3")] {
        admit(&*store, edit(id, "m1", &["a"])).await;
        let a = only(&*store, "a").await;
        settle(&*store, a, delivered(&[shown])).await;
    }
    let mut sign = edit("m4", "m1", &["a"]);
    sign.deliveries[0].content = Arc::new(Content {
        purpose: Purpose::React {
            to: "m1".to_owned(),
        },
        ..fixtures::text("x")
    });
    admit(&*store, sign).await;
    let a = only(&*store, "a").await;
    settle(&*store, a, delivered(&["p4"])).await;
    // It waits, so nothing of it is shown.
    admit(&*store, edit("m5", "m1", &["a"])).await;
    let edited = Whereabouts::Shown(Counterpart {
        parts: vec![ids(&["p1"])],
        edits: vec![ids(&["p2"]), ids(&["p3"])],
        is_shared: false,
    });
    Clause("what was sent for edits of a message is known with it, by channel").holds_if_equal(
        known(&*store, "m1").await,
        vec![(room("a"), edited), (room("b"), shown(&[&["p1"]]))],
    );
}

pub(super) async fn what_a_digest_shows_is_shared<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    for id in ["m1", "m2", "m3"] {
        admit(&*store, message(id, &["a"])).await;
    }
    let waiting: Vec<_> = queued(&*store, "a").await.iter().map(|d| d.id).collect();
    // A digest within a digest.
    for (into, merged) in [(1, 2), (0, 1)] {
        let merge = Merge {
            into: waiting[into],
            content: Arc::new(fixtures::text("both")),
            queued_at: RECEIVED_AT,
            merged: vec![waiting[merged]],
            at: RECEIVED_AT,
        };
        assert_eq!(store.merge(merge).await, Ok(()));
    }
    let clause = Clause("a message in a digest is where the digest is");
    clause.holds_if_equal(
        known(&*store, "m3").await,
        vec![(room("a"), Whereabouts::Queued)],
    );
    settle(&*store, waiting[0], delivered(&["p1"])).await;
    let shared = Whereabouts::Shown(Counterpart {
        parts: vec![ids(&["p1"])],
        is_shared: true,
        ..Counterpart::default()
    });
    for id in ["m1", "m2", "m3"] {
        clause.holds_if_equal(known(&*store, id).await, vec![(room("a"), shared.clone())]);
    }
    Clause("a send that shows several messages came from none of them")
        .holds_if_equal(origin(&*store, "a", "p1").await, None);
}
