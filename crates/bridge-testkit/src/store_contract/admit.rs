//! The clauses about taking messages in.

use std::sync::Arc;

use bridge_core::id::{Address, Channel};
use bridge_core::store::{Admission, Admitted, NewDelivery, Progress, QueuedDelivery, Step, Turn};

use super::fixtures::{self, FeedLog, admit, message, queued, settle, source, texts};
use super::{Clause, How, StoreUnderTest};

const NEW: Admitted = Admitted::New { overflowed: 0 };
const RACERS: usize = 8;
const PRODUCERS: usize = 8;
const MESSAGES_EACH: usize = 25;

pub(super) async fn what_is_answered_survives_a_crash<S: StoreUnderTest>(mut subject: S) {
    let clause = Clause("an admission answered with Ok is on disk");
    admit(&*subject.store(), message("m1", &["a", "b"])).await;
    admit(&*subject.store(), message("m2", &["a"])).await;
    let before = queued(&*subject.store(), "a").await;
    if subject.crash().await {
        let store = subject.store();
        clause.holds_if_equal(queued(&*store, "a").await, before.clone());
        clause.holds_if_equal(texts(&queued(&*store, "b").await), vec!["m1"]);
        let again = admit(&*store, message("m1", &["a", "b"])).await;
        Clause("a message is known as a duplicate after a crash")
            .holds_if_equal(again, Admitted::Duplicate);
        admit(&*store, message("m3", &["b"])).await;
        let ids: Vec<_> = queued(&*store, "b").await.iter().map(|d| d.id).collect();
        Clause("ids given after a crash are greater than those before")
            .holds_if(ids[1] > before[1].id);
    }
}

pub(super) async fn nothing_of_an_admission_is_changed<S: StoreUnderTest>(mut subject: S) {
    let clause = Clause("a queued delivery holds exactly what was taken in");
    let channel = Channel::new(
        "实例 1".into(),
        Address::new([("b", "\"'\\ %"), ("a", ""), ("", "\u{1F4BB}")]),
    );
    let from = Channel::new("".into(), Address::new([("", ""); 0]));
    let mut expected = Vec::new();
    for message_id in [None, Some(""), Some("a\u{0}'b")] {
        let message_id = message_id.map(str::to_owned);
        let new = NewDelivery {
            channel: channel.clone(),
            rule: "规则 '1'".into(),
            content: Arc::new(fixtures::rich_content()),
        };
        let admission = Admission {
            source: from.clone(),
            message_id: message_id.clone(),
            received_at: fixtures::RECEIVED_AT,
            deliveries: vec![new.clone()],
        };
        admit(&*subject.store(), admission).await;
        expected.push((message_id, new));
    }
    for _ in 0..2 {
        let store = subject.store();
        let found = store.queued(&channel, Turn::ZERO, 9).await;
        let found = found.expect("a store in order can be read").deliveries;
        clause.holds_if_equal(found.len(), expected.len());
        for (found, (message_id, new)) in found.into_iter().zip(&expected) {
            let expected = QueuedDelivery {
                id: found.id,
                turn: found.turn,
                queued_at: fixtures::RECEIVED_AT,
                source: from.clone(),
                message_id: message_id.clone(),
                received_at: fixtures::RECEIVED_AT,
                channel: new.channel.clone(),
                rule: new.rule.clone(),
                content: new.content.clone(),
                progress: Progress::START,
            };
            clause.holds_if_equal(found, expected);
        }
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn a_message_is_taken_in_once<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let feed = FeedLog::of(&*store);
    let first = admit(&*store, message("m1", &["a"])).await;
    Clause("a message that was not there before is New").holds_if_equal(first, NEW);
    // Even if the rules have changed meanwhile and choose other targets.
    let second = admit(&*store, message("m1", &["a", "b"])).await;
    Clause("a message that was there before is a Duplicate")
        .holds_if_equal(second, Admitted::Duplicate);
    let clause = Clause("a duplicate changes nothing");
    clause.holds_if_equal(queued(&*store, "a").await.len(), 1);
    clause.holds_if_equal(queued(&*store, "b").await.len(), 0);
    clause.holds_if_equal(feed.heard().len(), 1);
}

pub(super) async fn the_same_id_elsewhere_is_another_message<S: StoreUnderTest>(subject: S) {
    let clause = Clause("messages are told apart by instance, address and id");
    let store = subject.store();
    let address = Address::new([("room", "other")]);
    let sources = [
        source(),
        Channel::new(source().instance, address),
        Channel::new("other".into(), source().address),
    ];
    for source in sources {
        let admission = Admission {
            source,
            ..message("m1", &["a"])
        };
        clause.holds_if_equal(admit(&*store, admission).await, NEW);
    }
    clause.holds_if_equal(queued(&*store, "a").await.len(), 3);
}

pub(super) async fn a_message_without_id_is_never_a_duplicate<S: StoreUnderTest>(subject: S) {
    let clause = Clause("a message without an id is never a duplicate");
    let store = subject.store();
    for _ in 0..3 {
        let admission = Admission {
            message_id: None,
            ..message("m1", &["a"])
        };
        clause.holds_if_equal(admit(&*store, admission).await, NEW);
    }
    clause.holds_if_equal(queued(&*store, "a").await.len(), 3);
}

pub(super) async fn of_racing_duplicates_one_is_new<S: StoreUnderTest>(subject: S) {
    for round in 0..10 {
        let id = format!("m{round}");
        let racers = (0..RACERS).map(|_| {
            let (store, admission) = (subject.store(), message(&id, &["a"]));
            tokio::spawn(async move {
                let admitted = admit(&*store, admission.clone()).await;
                let seen = queued(&*store, "a").await;
                let is_there = seen.iter().any(|d| d.message_id == admission.message_id);
                (admitted, is_there)
            })
        });
        let mut new = 0;
        for racer in racers.collect::<Vec<_>>() {
            let (admitted, is_there) = racer.await.expect("a racer does not panic");
            new += usize::from(admitted == NEW);
            Clause("a duplicate is answered only after the commit of the first").holds_if(is_there);
        }
        Clause("of racing duplicates exactly one is New").holds_if_equal(new, 1);
    }
    Clause("racing duplicates are queued once each")
        .holds_if_equal(queued(&*subject.store(), "a").await.len(), 10);
}

pub(super) async fn ids_grow_and_the_feed_hears_them_in_order<S: StoreUnderTest>(subject: S) {
    let feed = FeedLog::of(&*subject.store());
    let producers = (0..PRODUCERS).map(|producer| {
        let store = subject.store();
        tokio::spawn(async move {
            for number in 0..MESSAGES_EACH {
                let id = format!("{producer}-{number}");
                admit(&*store, message(&id, &["a", "b"])).await;
            }
        })
    });
    for producer in producers.collect::<Vec<_>>() {
        producer.await.expect("a producer does not panic");
    }
    let heard = feed.heard();
    Clause("the feed hears every delivery once")
        .holds_if_equal(heard.len(), PRODUCERS * MESSAGES_EACH * 2);
    Clause("the feed hears deliveries in the order of their ids")
        .holds_if(heard.is_sorted_by(|a, b| a.id < b.id));
    for producer in 0..PRODUCERS {
        let of_producer = format!("{producer}-");
        let own = heard.iter().filter(|delivery| {
            delivery.channel == fixtures::room("a")
                && delivery.content.text.starts_with(&of_producer)
        });
        let own: Vec<_> = own.map(|delivery| delivery.content.text.clone()).collect();
        let expected: Vec<_> = (0..MESSAGES_EACH)
            .map(|number| format!("{of_producer}{number}"))
            .collect();
        Clause("ids grow in the order of commits").holds_if_equal(own, expected);
    }
    let in_lane: Vec<_> = heard
        .into_iter()
        .filter(|delivery| delivery.channel == fixtures::room("a"))
        .collect();
    Clause("what the feed hears is what is queued")
        .holds_if_equal(queued(&*subject.store(), "a").await, in_lane);
}

pub(super) async fn the_feed_hears_before_the_answer<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let feed = FeedLog::of(&*store);
    for number in 1..=10 {
        admit(&*store, message(&format!("m{number}"), &["a"])).await;
        Clause("the feed hears of a delivery before its admission is answered")
            .holds_if_equal(feed.heard().len(), number);
    }
}

pub(super) async fn a_later_feed_replaces_an_earlier_one<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let earlier = FeedLog::of(&*store);
    admit(&*store, message("m1", &["a"])).await;
    let later = FeedLog::of(&*store);
    admit(&*store, message("m2", &["a"])).await;
    let clause = Clause("a later feed replaces an earlier one");
    clause.holds_if_equal(texts(&earlier.heard()), vec!["m1"]);
    clause.holds_if_equal(texts(&later.heard()), vec!["m2"]);
}

pub(super) async fn a_full_lane_costs_only_its_own_deliveries<S: StoreUnderTest>() {
    let Some(subject) = S::limited(2).await else {
        return;
    };
    let store = subject.store();
    let feed = FeedLog::of(&*store);
    for id in ["m1", "m2"] {
        admit(&*store, message(id, &["a"])).await;
    }
    let admitted = admit(&*store, message("m3", &["a", "b"])).await;
    Clause("an admission says how many deliveries found their lanes full")
        .holds_if_equal(admitted, Admitted::New { overflowed: 1 });
    let clause = Clause("a delivery to a full lane is a dead letter, the others are queued");
    clause.holds_if_equal(texts(&queued(&*store, "a").await), vec!["m1", "m2"]);
    clause.holds_if_equal(texts(&queued(&*store, "b").await), vec!["m3"]);
    clause.holds_if_equal(feed.heard().len(), 3);
    let ended = subject.ended();
    clause.holds_if_equal(ended.len(), 1);
    let How::Dead(death) = &ended[0].how else {
        panic!("the store breaks its contract: {clause:?}: {ended:?}");
    };
    clause.holds_if(death.reason.contains("lane_backlog") && !death.may_have_been_delivered);

    // What leaves the queue makes room.
    let first = queued(&*store, "a").await[0].id;
    let platform_ids = Vec::new();
    settle(&*store, first, Step::Delivered { platform_ids }).await;
    let admitted = admit(&*store, message("m4", &["a"])).await;
    Clause("what leaves a lane makes room in it").holds_if_equal(admitted, NEW);
}
