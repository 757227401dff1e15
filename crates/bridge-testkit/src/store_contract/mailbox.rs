//! The clauses about mailboxes, and about the identity of a store.

use bridge_core::id::InstanceId;
use bridge_core::store::{
    Entry, EntryNumber, Mail, NewEntry, Step, Store, StoreError, StoreIdentity,
};

use super::fixtures::{RECEIVED_AT, admit, message, queued, settle};
use super::{Clause, StoreUnderTest};

const ALL: usize = usize::MAX;

fn bot() -> InstanceId {
    InstanceId::new("bot")
}

fn entry(key: &str) -> NewEntry {
    NewEntry {
        key: key.to_owned(),
        body: format!("body of {key}"),
        at: RECEIVED_AT,
    }
}

async fn post(store: &dyn Store, key: &str) -> EntryNumber {
    let posted = store.post(&bot(), entry(key)).await;
    posted.expect("a store in order takes an entry")
}

/// Posts `e1` … `e3`; their numbers.
async fn post_three(store: &dyn Store) -> [EntryNumber; 3] {
    [
        post(store, "e1").await,
        post(store, "e2").await,
        post(store, "e3").await,
    ]
}

async fn mail_of(store: &dyn Store, instance: &InstanceId) -> Mail {
    let mail = store.mail(instance, EntryNumber::ZERO, ALL).await;
    mail.expect("a store in order can be read")
}

async fn mail(store: &dyn Store) -> Mail {
    mail_of(store, &bot()).await
}

async fn confirm(store: &dyn Store, up_to: EntryNumber) {
    let confirmed = store.confirm(&bot(), up_to).await;
    confirmed.expect("a store in order takes a confirmation");
}

fn keys(mail: &Mail) -> Vec<&str> {
    mail.entries.iter().map(|entry| &*entry.key).collect()
}

pub(super) async fn nothing_of_an_entry_is_changed<S: StoreUnderTest>(mut subject: S) {
    let clause = Clause("an unconfirmed entry holds exactly what was posted, whatever happens");
    let texts = ["", "a\u{0}'b\r\n", "键 \u{1F4BB} {\"text\":1} ?1 %"];
    let instance = InstanceId::new("实例 'x'");
    let mut expected = Vec::new();
    for (key, body) in texts.into_iter().zip(texts.into_iter().rev()) {
        let entry = NewEntry {
            key: key.to_owned(),
            body: body.to_owned(),
            at: RECEIVED_AT,
        };
        let posted = subject.store().post(&instance, entry).await;
        expected.push(Entry {
            number: posted.expect("a store in order takes an entry"),
            key: key.to_owned(),
            body: body.to_owned(),
            at: RECEIVED_AT,
        });
    }
    for _ in 0..2 {
        let mail = mail_of(&*subject.store(), &instance).await;
        clause.holds_if_equal(mail.entries, expected.clone());
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn entries_are_read_by_number<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    Clause("a mailbox that nobody has posted to is empty")
        .holds_if_equal(mail(&*store).await, Mail::default());
    let numbers = post_three(&*store).await;
    let other = InstanceId::new("other");
    let elsewhere = store.post(&other, entry("x")).await;
    let read = async |after, limit| {
        let mail = store.mail(&bot(), after, limit).await;
        let mail = mail.expect("a store in order can be read");
        mail.entries.iter().map(|entry| entry.number).collect()
    };
    Clause("a mailbox gives its own unconfirmed entries, by number")
        .holds_if_equal(read(EntryNumber::ZERO, ALL).await, numbers.to_vec());
    Clause("no more than the limit").holds_if_equal(
        read(EntryNumber::ZERO, 2).await,
        vec![numbers[0], numbers[1]],
    );
    Clause("none of them up to `after`")
        .holds_if_equal(read(numbers[0], 1).await, vec![numbers[1]]);
    Clause("and nothing behind the last").holds_if_equal(read(numbers[2], ALL).await, vec![]);
    let mail = mail_of(&*store, &other).await;
    Clause("each instance has its own mailbox").holds_if_equal(keys(&mail), vec!["x"]);
    Clause("numbers grow over all mailboxes, from above zero").holds_if(
        EntryNumber::ZERO < numbers[0]
            && numbers.is_sorted_by(|a, b| a < b)
            && elsewhere.is_ok_and(|number| number > numbers[2]),
    );
}

pub(super) async fn reading_changes_nothing<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    let numbers = post_three(&*store).await;
    confirm(&*store, numbers[0]).await;
    let before = mail(&*store).await;
    for after in [EntryNumber::ZERO, numbers[2], EntryNumber(i64::MAX)] {
        let read = store.mail(&bot(), after, ALL).await;
        read.expect("a store in order can be read");
    }
    drop(store);
    for _ in 0..2 {
        Clause("reading changes nothing")
            .holds_if_equal(mail(&*subject.store()).await, before.clone());
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn what_is_posted_survives_the_process<S: StoreUnderTest>(mut subject: S) {
    admit(&*subject.store(), message("m1", &["a"])).await;
    let delivery = queued(&*subject.store(), "a").await[0].id;
    let number = post(&*subject.store(), "e1").await;
    let platform_ids = vec![number.to_string()];
    settle(
        &*subject.store(),
        delivery,
        Step::Delivered { platform_ids },
    )
    .await;
    if subject.crash().await {
        let clause = Clause("a post answered with Ok outlives the process");
        clause.holds_if_equal(keys(&mail(&*subject.store()).await), vec!["e1"]);
        Clause("and so does the settlement behind it")
            .holds_if_equal(queued(&*subject.store(), "a").await, vec![]);
    }
}

pub(super) async fn a_key_is_posted_once<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    let numbers = post_three(&*store).await;
    let again = NewEntry {
        body: "another body".to_owned(),
        ..entry("e2")
    };
    let posted = store.post(&bot(), again).await;
    Clause("a known key gets the number of the first").holds_if_equal(posted, Ok(numbers[1]));
    let clause = Clause("a known key changes nothing");
    let read = mail(&*store).await;
    clause.holds_if_equal(keys(&read), vec!["e1", "e2", "e3"]);
    clause.holds_if_equal(&*read.entries[1].body, "body of e2");
    let other = InstanceId::new("other");
    let elsewhere = store.post(&other, entry("e2")).await;
    Clause("the same key at another instance is another entry")
        .holds_if(elsewhere.is_ok_and(|number| number > numbers[2]));
    drop(store);
    confirm(&*subject.store(), numbers[1]).await;
    for _ in 0..2 {
        let store = subject.store();
        Clause("a key is known after it was confirmed")
            .holds_if_equal(post(&*store, "e2").await, numbers[1]);
        Clause("and is not read again").holds_if_equal(keys(&mail(&*store).await), vec!["e3"]);
        drop(store);
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn a_number_is_never_given_again<S: StoreUnderTest>(mut subject: S) {
    let mut last = EntryNumber::ZERO;
    for key in ["e1", "e2", "e3"] {
        let number = post(&*subject.store(), key).await;
        Clause("a number is never given again").holds_if(number > last);
        last = number;
        confirm(&*subject.store(), last).await;
        subject.crash().await;
    }
}

pub(super) async fn what_is_confirmed_is_gone<S: StoreUnderTest>(mut subject: S) {
    let numbers = post_three(&*subject.store()).await;
    let other = InstanceId::new("other");
    let elsewhere = subject.store().post(&other, entry("x")).await;
    elsewhere.expect("a store in order takes an entry");
    confirm(&*subject.store(), numbers[1]).await;
    for _ in 0..2 {
        let read = mail(&*subject.store()).await;
        Clause("what is confirmed is gone, the rest stays").holds_if_equal(keys(&read), vec!["e3"]);
        Clause("the mailbox says how far it is confirmed")
            .holds_if_equal(read.confirmed, numbers[1]);
        Clause("what was confirmed was not missed").holds_if_equal(read.expired, EntryNumber::ZERO);
        let others = mail_of(&*subject.store(), &other).await;
        Clause("other mailboxes stay as they are").holds_if_equal(keys(&others), vec!["x"]);
        Clause("also in what they say").holds_if_equal(others.confirmed, EntryNumber::ZERO);
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn confirming_less_or_again_changes_nothing<S: StoreUnderTest>(subject: S) {
    let store = subject.store();
    let numbers = post_three(&*store).await;
    confirm(&*store, numbers[1]).await;
    let before = mail(&*store).await;
    for up_to in [numbers[1], numbers[0], EntryNumber::ZERO, EntryNumber(-1)] {
        confirm(&*store, up_to).await;
        Clause("confirming again, or less than before, changes nothing")
            .holds_if_equal(mail(&*store).await, before.clone());
    }
    let nobody = InstanceId::new("nobody");
    let confirmed = store.confirm(&nobody, numbers[2]).await;
    Clause("confirming in a mailbox that nobody has posted to is no error")
        .holds_if_equal(confirmed, Ok(()));
    Clause("and changes nothing").holds_if_equal(mail_of(&*store, &nobody).await, Mail::default());
}

pub(super) async fn what_is_not_given_yet_is_not_confirmed<S: StoreUnderTest>(mut subject: S) {
    let store = subject.store();
    let numbers = post_three(&*store).await;
    // A number of another mailbox is not given to this one either.
    let other = InstanceId::new("other");
    let elsewhere = store.post(&other, entry("x")).await;
    elsewhere.expect("a store in order takes an entry");
    confirm(&*store, EntryNumber(i64::MAX)).await;
    let read = mail(&*store).await;
    Clause("a number beyond the last confirms up to the last")
        .holds_if_equal((read.entries, read.confirmed), (Vec::new(), numbers[2]));
    post(&*store, "e4").await;
    drop(store);
    for _ in 0..2 {
        let read = mail(&*subject.store()).await;
        Clause("what is posted later is unconfirmed").holds_if_equal(keys(&read), vec!["e4"]);
        if !subject.crash().await {
            break;
        }
    }
}

pub(super) async fn a_full_mailbox_takes_no_more<S: StoreUnderTest>() {
    let Some(subject) = S::limited(3).await else {
        return;
    };
    let store = subject.store();
    let numbers = post_three(&*store).await;
    let refused = store.post(&bot(), entry("e4")).await;
    Clause("a full mailbox refuses, and says which limit it is").holds_if(
        matches!(&refused, Err(StoreError::Full(reason)) if reason.contains("lane_backlog")),
    );
    Clause("what is refused is not there")
        .holds_if_equal(keys(&mail(&*store).await), vec!["e1", "e2", "e3"]);
    let known = store.post(&bot(), entry("e1")).await;
    Clause("a key that a full mailbox knows is answered").holds_if_equal(known, Ok(numbers[0]));
    let elsewhere = store.post(&InstanceId::new("other"), entry("e4")).await;
    Clause("another mailbox has its own room").holds_if(elsewhere.is_ok());
    admit(&*store, message("m1", &["a"])).await;
    Clause("a full mailbox takes no room from lanes")
        .holds_if_equal(queued(&*store, "a").await.len(), 1);
    confirm(&*store, numbers[0]).await;
    let retried = store.post(&bot(), entry("e4")).await;
    Clause("what is confirmed makes room").holds_if(retried.is_ok());
    Clause("and no more than its own").holds_if(store.post(&bot(), entry("e5")).await.is_err());
}

pub(super) async fn what_expires_unread_is_said<S: StoreUnderTest>(mut subject: S) {
    let numbers = post_three(&*subject.store()).await;
    let later = NewEntry {
        at: S::after_retention(),
        ..entry("e4")
    };
    let last = subject.store().post(&bot(), later).await;
    confirm(&*subject.store(), numbers[0]).await;
    if !subject.outlast_retention().await {
        return;
    }
    let store = subject.store();
    let read = mail(&*store).await;
    Clause("entries whose retention has run out are dropped, younger ones stay")
        .holds_if_equal(keys(&read), vec!["e4"]);
    Clause("the highest that was dropped unread is said").holds_if_equal(read.expired, numbers[2]);
    Clause("what expired is not confirmed").holds_if_equal(read.confirmed, numbers[0]);
    Clause("the key of what expired is known")
        .holds_if_equal(post(&*store, "e3").await, numbers[2]);
    confirm(&*store, last.expect("a store in order takes an entry")).await;
    Clause("what expired is said for good").holds_if_equal(mail(&*store).await.expired, numbers[2]);
}

pub(super) async fn a_store_knows_itself<S: StoreUnderTest>(mut subject: S, other: S) {
    let identity = subject.store().identity();
    Clause("two stores have two identities").holds_if(identity != other.store().identity());
    Clause("an identity is 1 to 16 lower-case hexadecimal digits").holds_if_equal(
        StoreIdentity::new(identity.as_str()),
        Some(identity.clone()),
    );
    Clause("an identity stays as it is")
        .holds_if_equal(subject.store().identity(), identity.clone());
    if subject.crash().await {
        Clause("an identity outlives the process")
            .holds_if_equal(subject.store().identity(), identity);
    }
}
